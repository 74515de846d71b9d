"""A world that stands: planned for again at the cost of what changed, not of everybody in it.

The same decisions about each person, the same table for the seats and the same planning as for a whole
world; only those are looked at again whom a change, a moved seat or a passed date concerns. What a plan
merely tells (who waits, who is refused) is made when somebody looks. Where one person's lot may hang on
everybody else's (somebody may be put down for another, a tier is over its number, an exchange broke off)
the whole world is planned anew.
"""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime
from heapq import heappop, heappush
from typing import TypeVar

from idpsync.core.changes import Changes
from idpsync.core.correlate import Candidates, claimed_twice, match, sharing
from idpsync.core.errors import AmbiguousCorrelation
from idpsync.core.grounds import Decision, Doubt, Grounds, not_assigned
from idpsync.core.later import Later
from idpsync.core.leavers import Evidence, Leaver, leave
from idpsync.core.model import Account, DirectoryUser, fold
from idpsync.core.over import over_tier
from idpsync.core.plan import (
    Action,
    Adoption,
    Conflict,
    Departure,
    DirectorySummary,
    GroupCount,
    Over,
    Plan,
    Refusal,
)
from idpsync.core.planner import Planning, plan
from idpsync.core.policy import Policy
from idpsync.core.profile import profile_actions
from idpsync.core.registers import Key, Registers, Touched
from idpsync.core.seats import Holding, SeatPool, Tier, WaitEntry
from idpsync.core.settle import Table
from idpsync.core.world import Case, Debt, World, has_seat

T = TypeVar("T")


class StandingWorld:
    """One world between plans. A plan is valid until the next change: read what it tells before."""

    def __init__(self, world: World, policy: Policy) -> None:
        self.policy, self.now = policy, world.now
        self.files = files = Registers(world, policy)
        self.grounds = Grounds(
            policy=policy,
            evidence=Evidence.of(world.snapshot, {rule.group for rule in policy.rules}),
            now=world.now,
            holding_of=files.holdings,
            wait_of=files.wait_of,
            assignments=files.assignments,
            invites=files.invites,
            invite_of=files.invite_of,
        )
        self._edition = 0
        self._whole = False
        self.table = Table(dict.fromkeys(policy.ladder, 0))
        if self._is_plain():
            self._begin()

    def _begin(self) -> None:
        """Look at everybody, as if nothing were known."""
        self.table = Table(dict.fromkeys(self.policy.ladder, 0))
        self._decided: dict[str, Decision] = {}  # external id → what a plan may have to say of them
        self._member_of: dict[str, str] = {}  # external id → the member who sits at the table
        self._who: dict[str, str] = {}  # the other way round
        self._acting: set[str] = set()
        self._leaving: set[str] = set()
        self._gone: dict[str, Leaver] = {}  # by account id
        self._going: set[str] = set()
        self._unassigned: dict[str, Refusal] = {}
        self._shared: dict[Key, Conflict] = {}
        self._ambiguous: dict[str, Conflict] = {}
        self._adoptions: dict[str, Adoption] = {}
        self._adopters: dict[str, set[str]] = {}
        self._orphans: set[str] = set()
        self._dates: list[tuple[datetime, str]] = []
        self._undated: set[str] = set()  # accounts whose person was never marked as missing
        self.grounds.skipped.clear()
        self.grounds.adopted.clear()
        files = self.files
        everybody = {*files.people, *files.groups_of, *files.linked}
        keys = {key for user in files.people.values() for key in files.keys_of(user)}
        self._look_again(Touched(everybody, set(files.accounts), keys))
        self._whole = True

    # --- the next plan ----------------------------------------------------------------------------

    def plan(self, changes: Changes) -> Plan:
        """The plan for the world after `changes`: equal to that of the whole world."""
        self._edition += 1
        self.now = self.grounds.now = changes.now
        touched = self.files.apply(changes)
        if not self._is_plain():
            self._whole = False  # what was decided is not kept up while this lasts
            return plan(self.world(), self.policy)
        if not self._whole:
            self._begin()
        else:
            self._look_again(self._due(touched))
        return Planning(self, self.policy, self.table).result()

    def _is_plain(self) -> bool:
        """Whether nobody's lot hangs on everybody else's."""
        evidence, pool = self.grounds.evidence, self.before
        known = evidence.absence_counts and evidence.groups_complete
        return (
            known
            and not self.policy.preempt
            and all(pool.balance(tier) >= 0 for tier in self.policy.ladder)
            and not self.files.owed
        )

    def _due(self, touched: Touched) -> Touched:
        """With those whom the last plan moved, and those for whom a date has passed since."""
        touched.people |= {self._who[member] for member in self.table.moved if member in self._who}
        self.table.moved.clear()
        while self._dates and self._dates[0][0] <= self.now:
            touched.people.add(heappop(self._dates)[1])
        touched.accounts |= self._undated
        return touched

    def _look_again(self, touched: Touched) -> None:
        for key in touched.keys:
            self._share(key)
        waiting, seen = set(touched.people), set()
        accounts = set(touched.accounts)
        while waiting:
            seen.add(external_id := waiting.pop())
            waiting |= self._correlate(external_id, accounts) - seen
        for external_id in seen:  # all of them first: a member's name may go from one to another
            self._put_away(external_id)
        for external_id in seen:
            self._decide(external_id)
            accounts.update(self.files.links_of.of(external_id))
        for account_id in accounts:
            self._look_at(account_id)

    # --- who is who -------------------------------------------------------------------------------

    def _share(self, key: Key) -> None:
        ids = self.files.sharers(key)
        if len(ids) > 1:
            self._shared[key] = sharing(*key, ids)
        else:
            self._shared.pop(key, None)

    def _correlate(self, external_id: str, accounts: set[str]) -> set[str]:
        """Find somebody's account anew; the others whom that concerns. `accounts` gains theirs."""
        others = self._forget(external_id, accounts)
        user = self.files.people.get(external_id)
        if user is None:
            return others
        if any(self._is_shared(key, user) for key in self.files.keys_of(user)):
            self.grounds.skipped.add(external_id)
        elif self._linked_account(external_id) is None:
            others |= self._adopt(user, accounts)
        return others

    def _is_shared(self, key: Key, user: DirectoryUser) -> bool:
        return key in self._shared and not (key[0] == "e-mail" and user.active is False)

    def _forget(self, external_id: str, accounts: set[str]) -> set[str]:
        self.grounds.skipped.discard(external_id)
        self._ambiguous.pop(external_id, None)
        adoption = self._adoptions.pop(external_id, None)
        if adoption is None:
            return set()
        accounts.add(adoption.account_id)
        others = self._adopters[adoption.account_id]
        others.discard(external_id)
        self._judge_adopters(adoption.account_id)
        return set(others)

    def _adopt(self, user: DirectoryUser, accounts: set[str]) -> set[str]:
        try:
            verified = self.policy.admits_domain
            adoption = match(user, self._candidates(user), self.files.person_of, verified)
        except AmbiguousCorrelation as error:
            self._ambiguous[user.external_id] = Conflict(error.keys, "ambiguous_correlation")
            self.grounds.skipped.add(user.external_id)
            return set()
        if adoption is None:
            return set()
        accounts.add(adoption.account_id)
        self._adoptions[user.external_id] = adoption
        rivals = self._adopters.setdefault(adoption.account_id, set())
        rivals.add(user.external_id)
        self._judge_adopters(adoption.account_id)
        return rivals - {user.external_id}

    def _judge_adopters(self, account_id: str) -> None:
        """One person may adopt an account; of several nobody does."""
        rivals, grounds = self._adopters[account_id], self.grounds
        if len(rivals) == 1:
            grounds.adopted.add(account_id)
            grounds.skipped -= rivals
        else:
            grounds.adopted.discard(account_id)
            grounds.skipped |= rivals

    def _candidates(self, user: DirectoryUser) -> Candidates:
        files, (name, email) = self.files, (fold(user.user_name), fold(user.profile.email or ""))
        mailed = self._accounts(files.accounts_mailed.of(email))
        return Candidates(
            {user.external_id: self._accounts(files.accounts_marked.of(user.external_id))},
            {name: self._accounts(files.accounts_named.of(name))},
            {email: [account for account in mailed if account.external_id is None]},
        )

    def _accounts(self, ids: Iterable[str]) -> list[Account]:
        return [self.files.accounts[account_id] for account_id in ids]

    def _linked_account(self, external_id: str) -> Account | None:
        return self.files.accounts.get(self.files.linked.get(external_id, ""))

    # --- what each one is -------------------------------------------------------------------------

    def _decide(self, external_id: str) -> None:
        """What a plan has to say of one person, from what is known now."""
        user, files = self.files.people.get(external_id), self.files
        if user is None:
            groups = files.groups_of.get(external_id)
            if groups and not files.links_of.of(external_id):
                self._unassigned[external_id] = not_assigned(external_id, sorted(groups))
            return
        account = self._linked_account(external_id)
        if external_id in self.grounds.skipped:
            names = {fold(user.user_name), *([account.member] if account else [])}
            self._decided[external_id] = Doubt(frozenset(names))
            return
        if account is None and external_id in self._adoptions:
            account = files.accounts[self._adoptions[external_id].account_id]
        member = files.member_of[account.id] if account else fold(user.user_name)
        ruled = self.policy.entitle(frozenset(files.groups_of.get(external_id, ())))
        self._file(external_id, self.grounds.decide(user, account, member, ruled))

    def _put_away(self, external_id: str) -> None:
        self._decided.pop(external_id, None)
        self._unassigned.pop(external_id, None)
        self._acting.discard(external_id)
        self._leaving.discard(external_id)
        if member := self._member_of.pop(external_id, None):
            if self._who.get(member) == external_id:
                del self._who[member]
            self.table.drop(member)

    def _file(self, external_id: str, decision: Decision) -> None:
        match decision:
            case Case() as case:
                self._file_case(external_id, case)
            case Leaver() as leaver:
                self._decided[external_id] = leaver
                if leave(leaver, self.policy, self.now):
                    self._leaving.add(external_id)
            case Refusal() | Doubt():
                self._decided[external_id] = decision
            case None:
                pass

    def _file_case(self, external_id: str, case: Case) -> None:
        acts = self._acts(case)
        if case.satisfied and (due := self._may_be_lowered_from(case)):
            heappush(self._dates, (due, external_id))
        if case.satisfied and not acts and case.member not in self.files.wait_of:
            return  # just as they should be
        self._decided[external_id] = case
        if acts:
            self._acting.add(external_id)
        self._member_of[external_id] = case.member
        self._who[case.member] = external_id
        if self.grounds.competes(case):
            self.table.put(self.grounds.wish(case))

    def _acts(self, case: Case) -> bool:
        """Whether something is to be written for them, whatever seats there are."""
        if case.pinned or case.owed:
            return True
        if case.arrives or case.account is None:
            return not case.entitlement.options
        if case.actual and not case.entitlement.options and not case.satisfied:
            return True
        adopted = case.account.id in self.grounds.adopted
        managed, may_take = self.policy.managed_roles, self.grounds.may_lower(None)
        wanted = profile_actions(
            case.user,
            case.account,
            case.entitlement,
            managed=managed,
            may_take=may_take,
            adopted=adopted,
        )
        return next(wanted, None) is not None

    def _may_be_lowered_from(self, case: Case) -> datetime | None:
        """When somebody keeps a tier above theirs only for a while: until then."""
        holding = self.files.holdings.get(case.member)
        if case.entitlement.flexible or holding is None or case.current is None:
            return None
        due = holding.since + self.policy.min_hold
        best = case.entitlement.options[:1]
        return due if due > self.now and best != (case.current,) else None

    def _look_at(self, account_id: str) -> None:
        """Whether an account is an orphan, and whether its person has gone."""
        files = self.files
        account, link = files.accounts.get(account_id), files.links.get(account_id)
        orphan = account and link is None and account_id not in self.grounds.adopted
        (self._orphans.add if orphan else self._orphans.discard)(account_id)
        for known in (self._going, self._undated):
            known.discard(account_id)
        self._gone.pop(account_id, None)
        if not account or not link or link.source != files.snapshot.source:
            return
        if link.external_id in files.people or self.grounds.protects(account, account.member):
            return
        since = link.missing_since or self.now
        because = ("is no longer in the directory",)
        leaver = Leaver(account, link.external_id, because, gone=True, since=since)
        self._gone[account_id] = leaver
        if link.missing_since is None:
            self._undated.add(account_id)
        if since + self.policy.leaver_grace > self.now:
            heappush(self._dates, (since + self.policy.leaver_grace, link.external_id))
        elif leave(leaver, self.policy, self.now):
            self._going.add(account_id)

    # --- the work that a planning is made from ----------------------------------------------------

    @property
    def cases(self) -> list[Case]:
        moved = {self._who[member] for member in self.table.moved}
        found = (self._decided[who] for who in sorted(self._acting | moved))
        return [case for case in found if isinstance(case, Case)]

    @property
    def waiting_cases(self) -> Iterator[Case]:
        return (case for case in self._decided.values() if isinstance(case, Case))

    @property
    def leavers(self) -> list[Leaver]:
        left = (self._decided[who] for who in sorted(self._leaving))
        gone = [self._gone[account_id] for account_id in sorted(self._going)]
        return [*(leaver for leaver in left if isinstance(leaver, Leaver)), *gone]

    @property
    def debts(self) -> tuple[Debt, ...]:
        return ()

    @property
    def refused(self) -> list[Refusal]:
        people = sorted(self._decided.items())
        unassigned = [refusal for _, refusal in sorted(self._unassigned.items())]
        return [*(d for _, d in people if isinstance(d, Refusal)), *unassigned]

    @property
    def conflicts(self) -> list[Conflict]:
        shared = sorted(self._shared, key=lambda key: (key[0] == "e-mail", key[1]))
        rivals = sorted((min(ids), key) for key, ids in self._adopters.items() if len(ids) > 1)
        accounts = self.files.accounts
        doubts = (d for _, d in sorted(self._decided.items()) if isinstance(d, Doubt))
        return [
            *(self._shared[key] for key in shared),
            *(conflict for _, conflict in sorted(self._ambiguous.items())),
            *(claimed_twice(accounts[key], self._adopters[key]) for _, key in rivals),
            *(doubt.conflict for doubt in doubts if doubt.conflict),
        ]

    @property
    def adoptions(self) -> list[Adoption]:
        adopted = self.grounds.adopted
        return [a for _, a in sorted(self._adoptions.items()) if a.account_id in adopted]

    @property
    def orphans(self) -> list[str]:
        return sorted(self.files.accounts[account_id].user_name for account_id in self._orphans)

    @property
    def departures(self) -> list[Departure]:
        gone = sorted(self._gone.items())
        return [Departure(key, leaver.since or self.now) for key, leaver in gone]

    @property
    def doubtful(self) -> set[str]:
        doubts = (d for d in self._decided.values() if isinstance(d, Doubt))
        return {member for doubt in doubts for member in doubt.members}

    @property
    def wait_of(self) -> dict[str, WaitEntry]:
        return self.files.wait_of

    @property
    def entries(self) -> Iterable[WaitEntry]:
        return self.files.wait_of.values()

    @property
    def reservations(self) -> list[Holding]:
        return list(self.files.reservations.values())

    @property
    def kept_back(self) -> dict[Tier, int]:
        return self.files.kept_back

    @property
    def before(self) -> SeatPool:
        files, ladder = self.files, self.policy.ladder
        held = dict.fromkeys(ladder, 0)
        for member in files.reservations.keys() - self.seated_among(files.reservations.keys()):
            held[files.reservations[member].tier] += 1
        assigned = {tier: files.assigned[tier.rank] for tier in ladder}
        return SeatPool(ladder, files.purchased, assigned, held, files.kept_back)

    def decided(self) -> set[str]:
        leavers = [d for d in self._decided.values() if isinstance(d, Leaver)]
        leaving = {leaver.account.member for leaver in (*leavers, *self._gone.values())}
        return {case.member for case in self.waiting_cases} | leaving

    def names_among(self, asked: AbstractSet[str]) -> set[str]:
        return {m for m in asked if self.files.named.of(m) or self.files.accounts_named.of(m)}

    def seated_among(self, members: AbstractSet[str]) -> set[str]:
        files = self.files
        return {
            member
            for member in members
            if any(has_seat(files.accounts[key]) for key in files.accounts_named.of(member))
        }

    def names_owner(self, owner: str) -> bool:
        return bool(self.files.named.of(owner) or self.files.mailed.of(owner))

    def summary(self) -> DirectorySummary:
        files = self.files
        return DirectorySummary(
            kind=files.directory_kind,
            complete=files.snapshot.complete,
            users=len(files.people),
            groups=self.later(self._group_counts),
            problems=files.snapshot.problems,
        )

    def _group_counts(self) -> list[GroupCount]:
        groups = sorted(self.files.group_of.items())
        return [GroupCount(name, len(self.files.members[name]), g.complete) for name, g in groups]

    def over(self, actions: Iterable[Action], after: SeatPool) -> tuple[Over, ...]:
        return over_tier(self.world(), actions, after)

    def later(self, make: Callable[[], Iterable[T]]) -> Later[T]:
        """Made when somebody looks; RuntimeError once the world has gone on."""
        edition = self._edition

        def made() -> Iterable[T]:
            if edition != self._edition:
                raise RuntimeError("the world has changed since this plan was made")
            return make()

        return Later(made)

    # --- the whole ----------------------------------------------------------------------------------

    def world(self) -> World:
        """The world as it stands now."""
        return self.files.world(self.now)
