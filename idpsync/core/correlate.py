"""Correlation: which account is which person's?

Keys in the order of trust: link → external id → user name → verified e-mail. Nobody is guessed: two
candidates for one key, or one candidate for two people, is a conflict that a person decides.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat
from operator import attrgetter, is_not

from idpsync.core.errors import AmbiguousCorrelation
from idpsync.core.model import Account, DirectoryUser, Link, Standing, fold, fold_all
from idpsync.core.plan import Adoption, Conflict
from idpsync.core.roll import Roll


@dataclass(frozen=True, slots=True)
class Correlation:
    """The outcome. `accounts` are the linked and the adopted ones, in the order of `people`.

    `linked` are the linked ones alone, of those in a conflict too.
    """

    people: Sequence[DirectoryUser]
    names: Sequence[str]  # their folded user names
    accounts: Sequence[Account | None]
    linked: Sequence[Account | None]
    adoptions: tuple[Adoption, ...]
    conflicts: tuple[Conflict, ...]
    skipped: frozenset[str]  # external ids of people in a conflict: neither granted nor taken from
    orphans: tuple[str, ...]


_SOURCE, _ACCOUNT_ID = attrgetter("source"), attrgetter("account_id")
_EXTERNAL_ID, _EMAIL = attrgetter("external_id"), attrgetter("profile.email")
_USER_NAME, _ID = attrgetter("profile.user_name"), attrgetter("id")


class Owners:
    """Whose each linked account is, and the account of each person, by our links.

    `account_of` is source → external id → account, None where the linked account is gone. `disputed` are
    people with several links, by source and external id: somebody has to say which account is theirs.
    """

    def __init__(self, links: Iterable[Link], roll: Roll) -> None:
        self.links = tuple(links)
        self.account_of: dict[str, dict[str, Account | None]] = {}
        self.disputed: dict[tuple[str, str], Conflict] = {}
        sources = set(map(_SOURCE, self.links))
        for source in sources:
            alone = len(sources) == 1
            mine = self.links if alone else tuple(k for k in self.links if k.source == source)
            accounts = map(roll.accounts.get, map(_ACCOUNT_ID, mine))
            people = list(map(_EXTERNAL_ID, mine))
            self.account_of[source] = dict(zip(people, accounts, strict=True))
            if len(self.account_of[source]) < len(people):
                self._sort_out(mine, roll)

    def _sort_out(self, links: Iterable[Link], roll: Roll) -> None:
        """Where somebody has several links: the account that is there, and in use, is theirs."""
        found: dict[tuple[str, str], list[Account]] = defaultdict(list)
        for link in links:
            if account := roll.accounts.get(link.account_id):
                found[link.source, link.external_id].append(account)
        for (source, external_id), accounts in found.items():
            first, *others = rightful(accounts)
            self.account_of[source][external_id] = None if others else first
            if others:
                self.disputed[source, external_id] = linked_twice(external_id, accounts)

    def account(self, source: str, external_id: str) -> Account | None:
        """The linked account of one person."""
        return self.account_of.get(source, {}).get(external_id)

    @cached_property
    def person_of(self) -> Mapping[str, tuple[str, str]]:
        """Account id → (source, external id)."""
        return {link.account_id: (link.source, link.external_id) for link in self.links}


@dataclass(frozen=True, slots=True)
class Candidates:
    """Accounts under every key by which somebody without a link may be found."""

    by_external_id: Mapping[str, list[Account]]
    by_user_name: Mapping[str, list[Account]]
    by_email: Mapping[str, list[Account]]

    @classmethod
    def for_people(cls, people: Iterable[DirectoryUser], roll: Roll) -> "Candidates":
        """Those accounts that have a key of one of `people`."""
        ids, names, emails = set(), set(), set()
        for user in people:
            ids.add(user.external_id)
            names.add(fold(user.profile.user_name))
            emails.add(fold(user.profile.email or ""))
        by_id: dict[str, list[Account]] = defaultdict(list)
        by_name: dict[str, list[Account]] = defaultdict(list)
        by_email: dict[str, list[Account]] = defaultdict(list)
        for account, member in zip(roll.accounts.values(), roll.members, strict=True) if ids else ():
            if account.external_id in ids:
                by_id[account.external_id or ""].append(account)
            if member in names:
                by_name[member].append(account)
            # a mail address is re-used more readily than an id: only accounts nobody has marked qualify
            if account.external_id is None and (address := fold(account.profile.email or "")) in emails:
                by_email[address].append(account)
        return cls(by_id, by_name, by_email)

    def keys(self, user: DirectoryUser) -> Iterator[tuple[str, list[Account]]]:
        """Candidates for a person without a link, the most trusted key first."""
        yield "external_id", self.by_external_id.get(user.external_id, [])
        yield "user_name", self.by_user_name.get(fold(user.user_name), [])
        if email := user.profile.email:
            yield "email", self.by_email.get(fold(email), [])


def correlate(
    users: Iterable[DirectoryUser],
    roll: Roll,
    owners: Owners,
    *,
    verified: Callable[[str | None], bool],
) -> Correlation:
    """Match people to accounts. `verified` tells whether an e-mail address may serve as a key."""
    people = list(users)
    written = list(map(_USER_NAME, people))
    names = fold_all(written)
    shared = list(shared_keys(people, written, names))
    conflicts = [conflict for conflict, _ in shared]
    skipped = {external_id for _, ids in shared for external_id in ids}
    linked = accounts = _linked(people, owners)
    strangers = [user for user, found in zip(people, linked, strict=True) if found is None]
    strangers = [user for user in strangers if user.external_id not in skipped]
    adoptions, doubts = _found(strangers, roll, owners, verified)
    conflicts += [conflict for _, conflict in doubts]
    skipped.update(external_id for external_id, _ in doubts)
    twice = _adopted_twice(adoptions, roll)
    kept = tuple(a for a in adoptions if a.external_id not in twice)
    skipped |= twice.keys()
    if kept or skipped:
        adopted = {a.external_id: roll.accounts[a.account_id] for a in kept}
        accounts = [
            None if user.external_id in skipped else found or adopted.get(user.external_id)
            for user, found in zip(people, accounts, strict=True)
        ]
    return Correlation(
        people=people,
        names=names,
        accounts=accounts,
        linked=linked,
        adoptions=kept,
        conflicts=tuple(dict.fromkeys([*conflicts, *twice.values()])),
        skipped=frozenset(skipped),
        orphans=_orphans(roll, owners, kept),
    )


def _linked(people: list[DirectoryUser], owners: Owners) -> list[Account | None]:
    """The accounts of those who have a link to one that is there."""
    sources = {user.source for user in people}
    if len(sources) == 1:
        found = owners.account_of.get(sources.pop(), {})
        return list(map(found.get, map(_EXTERNAL_ID, people)))
    return [owners.account(user.source, user.external_id) for user in people]


def _found(
    strangers: list[DirectoryUser],
    roll: Roll,
    owners: Owners,
    verified: Callable[[str | None], bool],
) -> tuple[list[Adoption], list[tuple[str, Conflict]]]:
    """What people without a link may adopt, in the order of their ids, and whose account is in doubt."""
    candidates = Candidates.for_people(strangers, roll)
    adoptions: list[Adoption] = []
    doubts: list[tuple[str, Conflict]] = []
    for user in sorted(strangers, key=_EXTERNAL_ID):
        if dispute := owners.disputed.get((user.source, user.external_id)):
            doubts.append((user.external_id, dispute))
            continue
        try:
            adoption = match(user, candidates, owners.person_of, verified)
        except AmbiguousCorrelation as error:
            doubts.append((user.external_id, Conflict(error.keys, "ambiguous_correlation")))
            continue
        if adoption:
            adoptions.append(adoption)
    return adoptions, doubts


def match(
    user: DirectoryUser,
    candidates: Candidates,
    person_of: Mapping[str, tuple[str, str]],
    verified: Callable[[str | None], bool],
) -> Adoption | None:
    """The account that is somebody's by one of their keys; AmbiguousCorrelation if that is not sure."""
    for key, found in candidates.keys(user):
        if not found or (key == "email" and not verified(user.profile.email)):
            continue
        account = _only(user, key, found, person_of)
        return Adoption(
            account_id=account.id,
            user_name=account.user_name,
            source=user.source,
            external_id=user.external_id,
            matched_by=key,
        )
    return None


def _only(
    user: DirectoryUser, key: str, found: list[Account], person_of: Mapping[str, tuple[str, str]]
) -> Account:
    if len(found) > 1:
        names = [f"account {a.user_name} ({a.id})" for a in sorted(found, key=lambda a: a.id)]
        raise AmbiguousCorrelation((f"{key} of {user.user_name}", *names))
    account = found[0]
    foreign = account.external_id is not None and account.external_id != user.external_id
    owner = person_of.get(account.id, (user.source, user.external_id))
    if foreign or owner != (user.source, user.external_id):
        other = account.external_id if foreign else "/".join(owner)
        raise AmbiguousCorrelation(
            (f"{key} of {user.user_name}", f"account {account.user_name} belongs to {other}")
        )
    return account


def shared_keys(
    people: list[DirectoryUser], written: list[str], names: list[str]
) -> Iterator[tuple[Conflict, tuple[str, ...]]]:
    """People whom the directory itself does not tell apart, by user name or e-mail.

    `names` are the folded user names of those that are `written`.
    """
    unique = not (yield from _sharing("user name", people, names))
    if unique and list(map(_EMAIL, people)) == written:
        return  # mostly the one is the other
    mailed = [user for user in people if user.profile.email and user.active is not False]
    yield from _sharing("e-mail", mailed, fold_all([user.profile.email or "" for user in mailed]))


def _sharing(
    label: str, people: list[DirectoryUser], keys: list[str]
) -> Generator[tuple[Conflict, tuple[str, ...]], None, bool]:
    """Those who share one of `keys`; whether there are any."""
    if len(set(keys)) == len(keys):
        return False
    counted = Counter(keys)
    ids_of: dict[str, list[str]] = defaultdict(list)
    for user, key in zip(people, keys, strict=True):
        if key and counted[key] > 1:
            ids_of[key].append(user.external_id)
    for key, ids in sorted(ids_of.items()):
        yield sharing(label, key, ids), tuple(ids)
    return True


def sharing(label: str, key: str, ids: Iterable[str]) -> Conflict:
    """The conflict of people who share one key."""
    reason = f"shared_{label.replace(' ', '_').replace('-', '')}"
    return Conflict((f"{label} {key}", *(f"person {who}" for who in sorted(ids))), reason)


def rightful(accounts: Iterable[Account]) -> list[Account]:
    """Of accounts that are linked to one person those that may be theirs: the ones in use, else one."""
    ordered = sorted(accounts, key=_ID)
    if len(ordered) < 2:
        return ordered
    return [a for a in ordered if a.standing is not Standing.DEACTIVATED] or ordered[:1]


def linked_twice(external_id: str, accounts: Iterable[Account]) -> Conflict:
    """The conflict of somebody who has two accounts in use, both linked."""
    names = (f"account {account.user_name} ({account.id})" for account in rightful(accounts))
    return Conflict((f"person {external_id}", *names), "linked_twice")


def claimed_twice(account: Account, ids: Iterable[str]) -> Conflict:
    """The conflict of people who would adopt one account."""
    keys = (f"account {account.user_name}", *(f"person {who}" for who in sorted(ids)))
    return Conflict(keys, "claimed_twice")


def _adopted_twice(adoptions: list[Adoption], roll: Roll) -> dict[str, Conflict]:
    claims: dict[str, list[Adoption]] = defaultdict(list)
    for adoption in adoptions:
        claims[adoption.account_id].append(adoption)
    twice = {}
    for account_id, several in claims.items():
        if len(several) > 1:
            conflict = claimed_twice(roll.accounts[account_id], [a.external_id for a in several])
            twice.update({a.external_id: conflict for a in several})
    return twice


def _orphans(roll: Roll, owners: Owners, adoptions: tuple[Adoption, ...]) -> tuple[str, ...]:
    known = chain.from_iterable(linked.values() for linked in owners.account_of.values())
    if sum(map(is_not, known, repeat(None))) + len(adoptions) == len(roll.accounts):
        return ()
    explained = {a.account_id for a in adoptions}
    explained.update([link.account_id for link in owners.links])
    if explained.issuperset(roll.accounts):
        return ()
    unexplained = roll.accounts.keys() - explained
    return tuple(sorted(roll.accounts[account_id].user_name for account_id in unexplained))
