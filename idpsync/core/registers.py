"""A whole world in dictionaries that can be changed entry by entry, with indexes over its keys."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from idpsync.core.changes import Changes, MemberChanges
from idpsync.core.correlate import rightful
from idpsync.core.index import Index
from idpsync.core.membership import Assignment, Invite
from idpsync.core.model import (
    Account,
    DirectorySnapshot,
    DirectoryUser,
    Group,
    Link,
    Standing,
    fold,
    fold_all,
)
from idpsync.core.plan import GroupCount
from idpsync.core.policy import Policy
from idpsync.core.seats import Holding, SeatPool, WaitEntry
from idpsync.core.world import World, has_seat

T = TypeVar("T")
Key = tuple[str, str]  # label as conflicts name it, folded value


@dataclass(slots=True)
class Touched:
    """What has to be looked at again: people by external id, accounts by id, shared keys."""

    people: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)

    def __or__(self, other: "Touched") -> "Touched":
        return Touched(
            self.people | other.people, self.accounts | other.accounts, self.keys | other.keys
        )


class Registers:
    """Everything a world is made of, by key. `groups_of` is by external id."""

    def __init__(self, world: World, policy: Policy) -> None:
        self.policy = policy
        self.snapshot, self.directory_kind = world.snapshot, world.directory_kind
        self.purchased, self.kept_back = dict(world.purchased), dict(world.reserved)
        self._read_people(world.snapshot)
        self._read_accounts(world.accounts)
        self.links: dict[str, Link] = {}
        self.person_of: dict[str, tuple[str, str]] = {}  # account id → (source, external id)
        self.links_of = Index()
        for link in world.links:
            self._put_link(link.account_id, link)
        self.holdings: dict[str, Holding] = {}
        self.reservations: dict[str, Holding] = {}
        for holding in world.holdings:
            self._put_holding(holding.member, holding)
        self.wait_of: dict[str, WaitEntry] = {entry.member: entry for entry in world.waiting}
        self.owed = {entry.member for entry in world.waiting if entry.owed}
        self.assignments: dict[str, Assignment] = dict(world.assignments)
        self.invites: dict[str, Invite] = dict(world.invites)
        self.invite_of: dict[str, Invite] = {}
        self._index_invites()

    def _read_people(self, read: DirectorySnapshot) -> None:
        self.people: dict[str, DirectoryUser] = {user.external_id: user for user in read.users}
        names = fold_all([user.profile.user_name for user in self.people.values()])
        mails = fold_all([user.profile.email or "" for user in self.people.values()])
        self.named = Index(zip(names, self.people, strict=True))
        self.mailed = Index(zip(mails, self.people, strict=True))
        self.group_of: dict[str, Group] = {group.name: group for group in read.groups}
        self.members: dict[str, set[str]] = {g.name: set(g.members or ()) for g in read.groups}
        self.groups_of: dict[str, tuple[str, ...]] = {}
        for name, members in self.members.items():
            if self.policy.speaks_of(name):
                for external_id in members:
                    self.groups_of[external_id] = (*self.groups_of.get(external_id, ()), name)

    def _read_accounts(self, accounts: Iterable[Account]) -> None:
        self.accounts: dict[str, Account] = {}
        self.member_of: dict[str, str] = {}
        self.assigned: Counter[int] = Counter()  # by rank of the tier
        self.accounts_named, self.accounts_mailed, self.accounts_marked = Index(), Index(), Index()
        for account in accounts:
            self._put_account(account.id, account)

    # --- changes ------------------------------------------------------------------------------------

    def apply(self, changes: Changes) -> Touched:
        """Make the changes; what has to be looked at again, as it was before and as it is now."""
        touched = Touched()
        self._touch(changes, touched)
        for change in changes.groups.values():
            touched.people |= change.joined | change.left
        for external_id, user in changes.people.items():
            self._put_person(external_id, user)
        for name, change in changes.groups.items():
            self._put_members(name, change)
        for account_id, account in changes.accounts.items():
            self._put_account(account_id, account)
        for account_id, link in changes.links.items():
            self._put_link(account_id, link)
        for member, holding in changes.holdings.items():
            self._put_holding(member, holding)
        _put_all(self.wait_of, changes.waiting)
        for member, entry in changes.waiting.items():
            (self.owed.add if entry and entry.owed else self.owed.discard)(member)
        _put_all(self.assignments, changes.assignments)
        if changes.invites:
            _put_all(self.invites, changes.invites)
            self._index_invites()
        self.purchased = dict(changes.purchased or self.purchased)
        self.kept_back = dict(self.kept_back if changes.reserved is None else changes.reserved)
        self._touch(changes, touched)
        return touched

    def _touch(self, changes: Changes, touched: Touched) -> None:
        """Note whom the changes concern, as the registers stand."""
        for external_id in changes.people:
            touched.people.add(external_id)
            if user := self.people.get(external_id):
                for label, key in self.keys_of(user):
                    ids = self._sharers(label, key)
                    if len(ids) > 1:  # a key of one person is no conflict, and was none
                        touched.keys.add((label, key))
                        touched.people.update(ids)
        for account_id in (*changes.accounts, *changes.links):
            touched.accounts.add(account_id)
            touched.people.update(self._near(account_id))
        by_member = (changes.holdings, changes.waiting, changes.assignments, changes.invites)
        for member in (member for book in by_member for member in book):
            touched.people.update(self._near_member(member))
        for member in changes.invites:
            if invite := self.invites.get(member):
                touched.people.update(self._near_member(fold(invite.email)))

    def shared_keys(self) -> set[Key]:
        """Every key that more than one person bears."""
        named = {("user name", key) for key in self.named.several()}
        return named | {("e-mail", key) for key in self.mailed.several()}

    def keys_of(self, user: DirectoryUser) -> tuple[Key, ...]:
        """The keys that nobody else may bear."""
        name, email = ("user name", fold(user.user_name)), user.profile.email
        return (name, ("e-mail", fold(email))) if email else (name,)

    def sharers(self, key: Key) -> list[str]:
        """Those whom a key tells apart from others: not the disabled, where it is an address."""
        label, value = key
        ids = self._sharers(label, value)
        if label == "e-mail":
            ids = tuple(i for i in ids if self.people[i].active is not False)
        return list(ids)

    def _sharers(self, label: str, key: str) -> tuple[str, ...]:
        return (self.named if label == "user name" else self.mailed).of(key)

    def _near(self, account_id: str) -> Iterator[str]:
        """People whose account it may be."""
        if person := self.person_of.get(account_id):
            yield person[1]
        if account := self.accounts.get(account_id):
            if account.external_id:
                yield account.external_id
            yield from self.named.of(self.member_of[account_id])
            yield from self.mailed.of(fold(account.profile.email or ""))

    def _near_member(self, member: str) -> Iterator[str]:
        """People whose seat may be counted under this name."""
        yield from self.named.of(member)
        for account_id in (*self.accounts_named.of(member), *self.accounts_mailed.of(member)):
            yield from self._near(account_id)

    # --- one entry ----------------------------------------------------------------------------------

    def _put_person(self, external_id: str, user: DirectoryUser | None) -> None:
        old = self.people.get(external_id)
        if old and user and old.user_name == user.user_name and old.profile.email == user.profile.email:
            self.people[external_id] = user
            return
        if old:
            del self.people[external_id]
            self.named.remove(fold(old.user_name), external_id)
            self.mailed.remove(fold(old.profile.email or ""), external_id)
        if user:
            self.people[external_id] = user
            self.named.add(fold(user.user_name), external_id)
            self.mailed.add(fold(user.profile.email or ""), external_id)

    def _put_members(self, name: str, change: MemberChanges) -> None:
        members, groups_of = self.members[name], self.groups_of
        left, joined = change.left & members, change.joined - members
        members -= left
        members |= joined
        if not self.policy.speaks_of(name):
            return
        for external_id in left:
            names = groups_of[external_id]
            place = names.index(name)
            groups_of[external_id] = names[:place] + names[place + 1 :]
        for external_id in joined:
            groups_of[external_id] = (*groups_of.get(external_id, ()), name)

    def _put_account(self, account_id: str, account: Account | None) -> None:
        if old := self.accounts.pop(account_id, None):
            self._count(old, -1)
            self.accounts_named.remove(self.member_of.pop(account_id), account_id)
            self.accounts_mailed.remove(fold(old.profile.email or ""), account_id)
            self.accounts_marked.remove(old.external_id or "", account_id)
        if account:
            self.accounts[account_id] = account
            self.member_of[account_id] = account.member
            self._count(account, +1)
            self.accounts_named.add(self.member_of[account_id], account_id)
            self.accounts_mailed.add(fold(account.profile.email or ""), account_id)
            self.accounts_marked.add(account.external_id or "", account_id)

    def _count(self, account: Account, by: int) -> None:
        if account.tier and account.standing is not Standing.DEACTIVATED:
            self.assigned[account.tier.rank] += by

    def _put_link(self, account_id: str, link: Link | None) -> None:
        if old := self.links.pop(account_id, None):
            del self.person_of[account_id]
            self.links_of.remove(old.external_id, account_id)
        if link:
            self.links[account_id] = link
            self.person_of[account_id] = (link.source, link.external_id)
            self.links_of.add(link.external_id, account_id)

    def _put_holding(self, member: str, holding: Holding | None) -> None:
        self.reservations.pop(member, None)
        if holding is None:
            self.holdings.pop(member, None)
            return
        self.holdings[member] = holding
        if not holding.settled:
            self.reservations[member] = holding

    def _index_invites(self) -> None:
        addressed = {fold(invite.email): invite for invite in self.invites.values()}
        self.invite_of.clear()
        self.invite_of.update({**addressed, **self.invites})

    # --- who has what -------------------------------------------------------------------------------

    def linked_account(self, external_id: str) -> Account | None:
        """The account of one person of this directory, by our links; None where two may be."""
        found = rightful(self.linked_accounts(external_id))
        return found[0] if len(found) == 1 else None

    def linked_accounts(self, external_id: str) -> list[Account]:
        """Those that are there of the accounts linked to one person of this directory."""
        ids, source = self.links_of.of(external_id), self.snapshot.source
        return [self.accounts[i] for i in ids if i in self.accounts and self.links[i].source == source]

    def accounts_of(self, ids: Iterable[str]) -> list[Account]:
        return [self.accounts[account_id] for account_id in ids]

    def seated_among(self, members: AbstractSet[str]) -> set[str]:
        """Those of these members who have a seat at the target."""
        named = ((member, self.accounts_of(self.accounts_named.of(member))) for member in members)
        return {member for member, accounts in named if any(map(has_seat, accounts))}

    def pool(self) -> SeatPool:
        """The pool as the target and the open reservations make it: each seat counted once."""
        ladder = self.policy.ladder
        held = dict.fromkeys(ladder, 0)
        for member in self.reservations.keys() - self.seated_among(self.reservations.keys()):
            held[self.reservations[member].tier] += 1
        assigned = {tier: self.assigned[tier.rank] for tier in ladder}
        return SeatPool(ladder, self.purchased, assigned, held, self.kept_back)

    # --- the whole ----------------------------------------------------------------------------------

    def _group(self, group: Group) -> Group:
        """As it is now; one whose members could not be read is no empty group."""
        if group.members is None:
            return group
        return replace(group, members=frozenset(self.members[group.name]))

    def group_counts(self) -> Iterator[GroupCount]:
        """How many are in each group, None where that could not be read."""
        for name, group in sorted(self.group_of.items()):
            seen = None if group.members is None else len(self.members[name])
            yield GroupCount(name, seen, group.complete)

    def world(self, now: datetime) -> World:
        """The world as the registers stand."""
        groups = (self._group(group) for group in self.group_of.values())
        users = tuple(self.people.values())
        return World(
            snapshot=replace(self.snapshot, users=users, groups=tuple(groups)),
            directory_kind=self.directory_kind,
            accounts=tuple(self.accounts.values()),
            links=tuple(self.links.values()),
            holdings=tuple(self.holdings.values()),
            waiting=tuple(self.wait_of.values()),
            purchased=self.purchased,
            reserved=self.kept_back,
            now=now,
            assignments=dict(self.assignments),
            invites=dict(self.invites),
        )


def _put_all(book: dict[str, T], changes: Mapping[str, T | None]) -> None:
    for member, entry in changes.items():
        if entry is None:
            book.pop(member, None)
        else:
            book[member] = entry
