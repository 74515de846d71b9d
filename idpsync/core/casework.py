"""Casework: from people, accounts and links to one case per person, and to those who leave.

Of a hundred thousand people most are as they should be, and no plan says a word of them. They are told
apart in one pass over plain dictionaries; only the others become cases.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from itertools import filterfalse, repeat
from operator import attrgetter, is_not
from typing import TypeVar

from idpsync.core.correlate import Owners, correlate
from idpsync.core.grounds import Doubt, Grounds, not_assigned
from idpsync.core.leavers import Evidence, Leaver
from idpsync.core.model import Account, Coverage, DirectoryUser, Standing, fold, fold_all
from idpsync.core.over import over_tier
from idpsync.core.plan import Action, Conflict, Departure, DirectorySummary, Over, Refusal
from idpsync.core.policy import Policy
from idpsync.core.profile import Roles
from idpsync.core.roll import Roll
from idpsync.core.seats import Holding, SeatPool, WaitEntry
from idpsync.core.world import Case, Debt, World, has_seat, pool_of, summarise

T = TypeVar("T")
_EXTERNAL_ID = attrgetter("external_id")
_Person = tuple[DirectoryUser, Account | None, str]  # with the member whose seat is counted for them


class Casework:
    """Who is who, and what each may have; nothing is given or taken yet. The `Work` of a whole world.

    Cases are without those people of whom nothing has to be said.
    """

    def __init__(self, world: World, policy: Policy) -> None:
        self.world, self.now, self.kept_back = world, world.now, world.reserved
        self.ruled, self.unruled = policy.entitle_all(world.snapshot.groups), policy.entitle(frozenset())
        self.roles = Roles(policy.managed_roles)
        self.roll = Roll.of(world.accounts)
        self.owners = Owners(world.links, self.roll)
        self.reservations = [h for h in world.holdings if h.account_id is None or h.moving]
        self.wait_of = {entry.member: entry for entry in world.waiting}
        self.before = pool_of(world, policy.ladder, self.roll, self.reservations)
        self.correlation = correlate(
            world.snapshot.users, self.roll, self.owners, verified=policy.admits_domain
        )
        self.adoptions, self.orphans = self.correlation.adoptions, self.correlation.orphans
        addressed = {fold(invite.email): invite for invite in world.invites.values()}
        self.grounds = Grounds(
            policy=policy,
            evidence=Evidence.of(world.snapshot, {rule.group for rule in policy.rules}),
            now=world.now,
            holding_of={},
            wait_of=self.wait_of,
            assignments=world.assignments,
            invites=world.invites,
            invite_of={**addressed, **world.invites},
            adopted={adoption.account_id for adoption in self.adoptions},
            skipped=set(self.correlation.skipped),
            spare={tier: self.before.balance(tier) for tier in policy.ladder},
        )
        self.cases: list[Case] = []
        self.leavers: list[Leaver] = []
        self.refused: list[Refusal] = []
        self.departures: list[Departure] = []
        self.conflicts: list[Conflict] = [*self.correlation.conflicts]
        self.doubtful: set[str] = set()
        self._consider(self._unsettled())
        self._note_absentees()
        self.debts = list(self._unpaid())

    @property
    def waiting_cases(self) -> list[Case]:
        return self.cases

    # --- who needs a second look ------------------------------------------------------------------

    def _unsettled(self) -> list[_Person]:
        """Everybody who is not yet just as they should be, or of whom a book says something.

        This loop is walked for everybody: it is written for speed.
        """
        marked, in_step, active = self._marked(), self.roles.in_step, Standing.ACTIVE
        people, accounts = self.correlation.people, self.correlation.accounts
        entitlements = list(map(self.ruled.get, map(_EXTERNAL_ID, people), repeat(self.unruled)))
        self.all_assigned = sum(map(is_not, entitlements, repeat(self.unruled))) == len(self.ruled)
        found: list[tuple[DirectoryUser, Account | None]] = []
        for user, account, entitlement in zip(people, accounts, entitlements, strict=True):
            if account is not None and account.standing is active and user.active is True:
                given, kept, options = user.profile, account.profile, entitlement.options
                tier = account.tier
                if (
                    # the best tier they may have, or any where they are content with any, or none
                    (tier.rank == options[0].rank or entitlement.flexible if options else False)
                    if tier is not None
                    else not options and entitlement.admitted
                ) and (
                    given.user_name == kept.user_name
                    and given.email == kept.email
                    and given.family_name == kept.family_name
                    and given.given_name == kept.given_name
                    and given.display_name == kept.display_name
                    and (account.roles == entitlement.roles or in_step(account.roles, entitlement.roles))
                    and account.id not in marked
                ):
                    continue
            found.append((user, account))
        found.sort(key=lambda pair: pair[0].external_id)
        names = fold_all([(account or user).user_name for user, account in found])
        return [(user, account, name) for (user, account), name in zip(found, names, strict=True)]

    def _marked(self) -> AbstractSet[str]:
        """Accounts that a book says something of, or that are protected, or adopted in this plan."""
        policy = self.grounds.policy
        if policy.preempt:  # anybody's tier may be taken: everybody has a case
            return self.roll.accounts.keys()
        addressed = policy.protected | self.grounds.invite_of.keys()
        members = {h.member for h in self.reservations} | addressed
        members |= self.wait_of.keys() | self.world.assignments.keys()
        named = zip(self.roll.accounts, self.roll.members, strict=True)
        marked = {account_id for account_id, member in named if member in members}
        if addressed:
            accounts = self.roll.accounts.values()
            mailed = zip(fold_all([a.profile.email or "" for a in accounts]), accounts, strict=True)
            marked |= {account.id for address, account in mailed if address in addressed}
        return marked | self.grounds.adopted

    def _holdings_of(self, people: list[_Person]) -> dict[str, Holding]:
        """What the seat book says of them and of those who are owed a seat, by member."""
        members = {member for _, _, member in people}
        members |= {entry.member for entry in self.world.waiting if entry.owed}
        return {holding.member: holding for holding in self.world.holdings if holding.member in members}

    def _consider(self, people: list[_Person]) -> None:
        """Decide about each, in the order of their ids."""
        self.grounds.holding_of = self._holdings_of(people)
        for user, account, member in people:
            ruled = self.ruled.get(user.external_id, self.unruled)
            match self.grounds.decide(user, account, member, ruled):
                case Case() as case:
                    self.cases.append(case)
                case Leaver() as leaver:
                    self.leavers.append(leaver)
                case Refusal() as refusal:
                    self.refused.append(refusal)
                case Doubt() as doubt:
                    self._note_doubt(user, doubt)
                case None:
                    pass

    def _note_doubt(self, user: DirectoryUser, doubt: Doubt) -> None:
        self.doubtful |= doubt.members
        if doubt.conflict:
            self.conflicts.append(doubt.conflict)
        elif linked := self.owners.account(user.source, user.external_id):
            self.doubtful.add(linked.member)

    def _unpaid(self) -> Iterator[Debt]:
        """Debts to those whom this read decides nothing for: nobody in the directory, mostly."""
        owed = [entry for entry in self.world.waiting if entry.owed]
        if not owed:
            return
        decided, ladder = self.decided(), self.grounds.policy.ladder
        accounts = {a.member: a for a in self.world.accounts if a.standing is not Standing.DEACTIVATED}
        for entry in sorted(owed, key=lambda entry: entry.turn):
            account = accounts.get(entry.member)
            if account is None or account.tier or entry.member in decided:
                continue
            holding = self.grounds.holding_of.get(entry.member)
            kept = holding.tier if holding and not holding.settled else None
            # any seat rather than none: the one they gave up may sit somebody else by now
            tiers = (entry.wants, *entry.accepts, *ladder.from_(entry.wants), *ladder)
            yield Debt(account, entry, kept or self.grounds.spared(tiers), reserved=kept is not None)

    def decided(self) -> set[str]:
        """Members whom a case speaks for, or who leave."""
        leaving = {leaver.account.member for leaver in self.leavers}
        return {case.member for case in self.cases} | leaving

    # --- those who are nowhere --------------------------------------------------------------------

    def _note_absentees(self) -> None:
        """Those of whom links or groups speak, and the people that were read do not."""
        if self.grounds.evidence.absence_counts:
            self._note_absent(self._missing())
        if self.world.snapshot.users_coverage is Coverage.COMPLETE and not self.all_assigned:
            present = set(map(_EXTERNAL_ID, self.correlation.people)).__contains__
            self._note_unassigned(set(filterfalse(present, self.ruled)))

    def _missing(self) -> set[str]:
        """External ids that a link of this directory names, and nobody who was read bears.

        Whose account was found for somebody is there: that is known by the account itself, without
        comparing a hundred thousand ids once more. The few that are left are looked for.
        """
        linked = self.owners.account_of.get(self.world.snapshot.source, {})
        found = set(map(id, self.correlation.linked))
        rest = {who for who, account in linked.items() if account is None or id(account) not in found}
        return rest.difference(map(_EXTERNAL_ID, self.correlation.people)) if rest else rest

    def _note_absent(self, gone: set[str]) -> None:
        """Linked accounts whose person a complete read did not name."""
        source, accounts = self.world.snapshot.source, self.roll.accounts
        links = (link for link in self.owners.links if link.external_id in gone) if gone else ()
        for link in sorted(links, key=lambda k: k.account_id):
            account = accounts.get(link.account_id)
            if (
                account is None
                or link.source != source
                or self.grounds.protects(account, account.member)
            ):
                continue
            since = link.missing_since or self.world.now
            self.departures.append(Departure(account.id, since))
            because = ("is no longer in the directory",)
            self.leavers.append(Leaver(account, link.external_id, because, gone=True, since=since))

    def _note_unassigned(self, unknown: set[str]) -> None:
        """People in a ruled group whom a whole read does not name among those who may come in."""
        for linked in self.owners.account_of.values() if unknown else ():
            unknown = unknown - linked.keys()  # they leave, or have left
        groups_of: dict[str, list[str]] = defaultdict(list)
        ruled = (g for g in self.world.snapshot.groups if self.grounds.policy.speaks_of(g.name))
        for group in sorted(ruled, key=lambda g: g.name) if unknown else ():
            for external_id in unknown & (group.members or frozenset()):
                groups_of[external_id].append(group.name)
        self.refused += [not_assigned(who, names) for who, names in sorted(groups_of.items())]

    def later(self, make: Callable[[], Iterable[T]]) -> tuple[T, ...]:
        return tuple(make())

    # --- what a plan tells of the whole -----------------------------------------------------------

    @property
    def entries(self) -> Iterable[WaitEntry]:
        return self.world.waiting

    def names_among(self, asked: AbstractSet[str]) -> set[str]:
        """Those of these members whom directory or target know."""
        known = frozenset(asked).intersection
        return {*known(self.correlation.names), *known(self.roll.members)}

    def seated_among(self, members: AbstractSet[str]) -> set[str]:
        """Those of these members who have a seat at the target."""
        named = zip(self.roll.members, self.roll.accounts.values(), strict=True)
        return {member for member, account in named if member in members and has_seat(account)}

    def summary(self) -> DirectorySummary:
        return summarise(self.world.snapshot, self.world.directory_kind)

    def over(self, actions: Iterable[Action], after: SeatPool) -> tuple[Over, ...]:
        return over_tier(self.world, actions, after)

    def names_owner(self, owner: str) -> bool:
        """Whether somebody in the directory bears this folded name or address."""
        if owner in self.correlation.names:
            return True
        return any(owner == fold(u.profile.email or "") for u in self.world.snapshot.users)
