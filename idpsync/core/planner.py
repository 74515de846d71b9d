"""`plan`: from what was read to what will be written. Pure, total, deterministic.

Releases come before grants. Nothing is taken on the word of a read that is not complete. Order among
wishes: see `settle`.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter

from idpsync.core.casework import Casework
from idpsync.core.leavers import leave
from idpsync.core.model import Account, fold
from idpsync.core.plan import (
    Action,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    Plan,
    ReactivateAccount,
)
from idpsync.core.policy import Mode, Policy
from idpsync.core.profile import profile_actions
from idpsync.core.seats import Claim, Door, SeatPool, Tier, WaitEntry, why_not
from idpsync.core.sequence import Move, sequence
from idpsync.core.settle import seat_all
from idpsync.core.table import Table
from idpsync.core.work import Work
from idpsync.core.world import Case, World

LOGIN_WISH_LASTS = timedelta(hours=24)


def plan(world: World, policy: Policy) -> Plan:
    """Decide everything. The same world gives the same plan, in whatever order it is listed."""
    return Planning(Casework(world, policy), policy).result()


class Planning:
    """One planning: what was derived from the casework, in the order it is derived.

    `table` may bring along who waits already; without one everybody who competes comes to a new one.
    """

    def __init__(self, work: Work, policy: Policy, table: Table | None = None) -> None:
        self.work, self.policy, self.grounds = work, policy, work.grounds
        self.mode = policy.mode
        self.cases = work.cases
        self.wait_of = work.wait_of
        self.before = work.before
        self.table = table or Table(dict.fromkeys(policy.ladder, 0))
        self.leave_actions = self._leave() if self.mode in (Mode.FULL, Mode.OBSERVE) else []
        self._settle(come=table is None)
        self.cases = work.cases  # those who were moved among them
        self.holds = self.table.holds
        self._closed: dict[Tier, str] = {}

    def _leave(self) -> list[ChangeTier | DeactivateAccount | DeleteAccount]:
        leaving = (leave(who, self.policy, self.work.now) for who in self.work.leavers)
        return [action for action in leaving if action]

    # --- who gets what --------------------------------------------------------------------------

    def _settle(self, *, come: bool) -> None:
        free = {tier: self.before.balance(tier) for tier in self.policy.ladder}
        for action in (*self.leave_actions, *self._give_ups()):
            if action.previous_tier:
                free[action.previous_tier] += 1
        self.free_after_releases = dict(free)
        for case in self.cases:
            if case.owed and case.current:
                free[case.current] -= 1
        for debt in self.work.debts:
            if debt.tier and not debt.reserved:
                free[debt.tier] -= 1
        open_to_sync = {t: n - self.work.kept_back.get(t, 0) for t, n in free.items()}
        too_many = any(balance < 0 for balance in free.values())
        room = sum(free.values()) if too_many else None
        self.table.open(open_to_sync, room, self.work.kept_back)
        for case in self.cases if come else ():
            if self.grounds.competes(case):
                self.table.put(self.grounds.wish(case))
        seat_all(self.table)

    def _give_ups(self) -> list[ChangeTier]:
        """People who stay without a seat: `tier: none`."""
        return [
            self._change(case, case.account, Move(case.member, case.actual, None))
            for case in self.cases
            if case.account and not case.arrives and not case.satisfied
            if case.actual and not case.entitlement.options
        ]

    def _final(self, case: Case) -> Tier | None:
        return self.holds.get(case.member, case.current if case.satisfied else None)

    # --- what is written ------------------------------------------------------------------------

    def result(self) -> Plan:
        actions = tuple(self._actions())
        if self.mode is Mode.CREATE_ONLY:
            actions = tuple(a for a in actions if isinstance(a, CreateAccount))
        after = self._pool_after(actions)
        work = self.work
        return Plan(
            actions=actions,
            adoptions=tuple(work.adoptions),
            waiting=work.later(lambda: sorted(self._waiting(after), key=_turn)),
            granted=tuple(sorted(self._granted(after), key=_turn)),
            refused=work.later(lambda: work.refused),
            conflicts=work.later(lambda: work.conflicts),
            orphans=work.later(lambda: work.orphans),
            departures=work.later(lambda: work.departures),
            pool_before=self.before,
            pool_after=after,
            directory=work.summary(),
            mode=self.mode,
            made_at=work.now,
            over=work.over(actions, after) if self._is_over(after) else (),
            notes=tuple(self._notes()),
        )

    def _is_over(self, pool: SeatPool) -> bool:
        return any(pool.balance(tier) < 0 for tier in self.policy.ladder)

    def _actions(self) -> Iterator[Action]:
        yield from self.leave_actions
        yield from self._give_ups()
        yield from self._moves()
        yield from (_paid(debt.account, debt.tier) for debt in self.work.debts if debt.tier)
        yield from self._profiles()
        arriving = sorted((c for c in self.cases if c.arrives), key=lambda c: self.grounds.wish(c).turn)
        yield from (a for c in arriving if c.account and (a := self._arrival(c)))
        yield from (a for c in arriving if not c.account and (a := self._arrival(c)))

    def _profiles(self) -> Iterator[Action]:
        managed, may_take = self.policy.managed_roles, self.grounds.may_lower(None)
        for case in self.cases:
            if case.account and not case.arrives:
                yield from profile_actions(
                    case.user,
                    case.account,
                    case.entitlement,
                    managed=managed,
                    may_take=may_take,
                    adopted=case.account.id in self.grounds.adopted,
                )

    def _moves(self) -> Iterator[Action]:
        staying: dict[str, tuple[Case, Account]] = {}
        moves: list[Move] = []
        grants: list[Move] = []
        for case in self.cases:
            final = self._final(case)
            if case.account and not case.arrives and final is not None and final != case.actual:
                staying[case.member] = case, case.account
                (moves if case.actual else grants).append(Move(case.member, case.actual, final))
        ordered = sequence(moves, self.free_after_releases)
        for move in (*ordered, *grants):
            yield self._change(*staying[move.member], move)

    def _change(self, case: Case, account: Account, move: Move) -> ChangeTier:
        because = case.entitlement.because
        if taker := self.table.displaced.get(case.member) if move.left and move.to else None:
            mine, theirs = case.entitlement.priority, self.table.wishes[taker].priority
            because = (*because, f"{move.left} goes to {taker}: priority {theirs} comes before {mine}")
        if move.yields_to:
            because = (*because, f"exchange of full tiers: the seat goes to {move.yields_to}")
        profile = case.user.profile
        if profile.user_name != account.user_name:  # the target knows the account by its present name
            profile = replace(profile, user_name=account.user_name)
        return ChangeTier(
            account_id=account.id,
            profile=profile,
            external_id=case.user.external_id,
            previous_tier=move.left,
            tier=move.to,
            because=because,
            yields_to=move.yields_to,
        )

    def _arrival(self, case: Case) -> Action | None:
        tier = self._final(case)
        if tier is None and case.entitlement.options:
            return None
        entitlement, user = case.entitlement, case.user
        if case.account:
            return ReactivateAccount(
                account_id=case.account.id,
                profile=user.profile,
                external_id=user.external_id,
                tier=tier,
                roles=entitlement.roles,
                because=entitlement.because,
            )
        return CreateAccount(
            profile=user.profile,
            external_id=user.external_id,
            source=user.source,
            tier=tier,
            roles=entitlement.roles,
            because=entitlement.because,
        )

    def _pool_after(self, actions: tuple[Action, ...]) -> SeatPool:
        assigned, held = dict(self.before.assigned), dict(self.before.held)
        reserved_for = {h.member: h.tier for h in self.work.reservations}
        for member in self.work.seated_among(reserved_for.keys()) if reserved_for else ():
            del reserved_for[member]
        member_of = {case.user.external_id: case.member for case in self.cases} if reserved_for else {}
        for action in actions:
            left: Tier | None = getattr(action, "previous_tier", None)
            taken: Tier | None = getattr(action, "tier", None)
            if left:
                assigned[left] -= 1
            if taken:
                assigned[taken] += 1
                if not reserved_for:
                    continue
                member = member_of.get(action.external_id) or fold(action.profile.user_name)
                if member in reserved_for:
                    held[reserved_for.pop(member)] -= 1  # the reservation becomes the assigned seat
        return replace(self.before, assigned=assigned, held=held)

    # --- who waits --------------------------------------------------------------------------------

    def _waiting(self, after: SeatPool) -> Iterator[WaitEntry]:
        for case in self.work.waiting_cases:
            entry = self._wish_left(case, after)
            known = self.wait_of.get(case.member)
            if (
                known
                and not self.grounds.evidence.groups_complete
                and self._wishes_more(known, entry, case)
            ):
                # the group that grants more may only have been out of sight
                entry = _held(known, self._final(case))
            if entry:
                yield entry
        yield from self._wishes_kept()

    def _wish_left(self, case: Case, after: SeatPool) -> WaitEntry | None:
        options, final = case.entitlement.options, self._final(case)
        if not options or not (case.pinned or case.member in self.holds):
            return None
        if final == options[0] or (case.entitlement.flexible and final is not None):
            return None
        return self._wait_entry(case, final, after)

    def _granted(self, after: SeatPool) -> Iterator[WaitEntry]:
        """Those who get a seat they did not have, as they would wait if it came to nothing."""
        for case in self.cases:
            final = self._final(case)
            if case.entitlement.options and final is not None and final != case.actual:
                yield self._wait_entry(case, case.actual, after)
        yield from (debt.entry for debt in self.work.debts if debt.tier)

    def _wishes_more(self, known: WaitEntry, entry: WaitEntry | None, case: Case) -> bool:
        if self._final(case) == known.wants:
            return False
        return entry is None or known.wants < entry.wants

    def _wishes_kept(self) -> Iterator[WaitEntry]:
        """Wishes of people for whom this read decides nothing.

        What was not read whole, or says two things, proves nothing: they stay. Otherwise only those
        refused at the login door whom nobody knows keep their place a while, in case they come back.
        """
        work, evidence = self.work, self.grounds.evidence
        yield from (debt.entry for debt in work.debts if not debt.tier)
        decided = work.decided() | {fold(refusal.user_name) for refusal in work.refused}
        decided |= {debt.account.member for debt in work.debts}
        undecided = [entry for entry in work.entries if entry.member not in decided]
        if not undecided:
            return
        sure = evidence.people_complete and evidence.groups_read
        named = work.names_among({entry.member for entry in undecided})
        for entry in undecided:
            fresh = entry.door is Door.JIT and work.now - entry.since < LOGIN_WISH_LASTS
            doubtful = not sure or entry.member in work.doubtful
            if doubtful or (entry.member not in named and fresh):
                yield entry

    def _wait_entry(self, case: Case, final: Tier | None, after: SeatPool) -> WaitEntry:
        options = case.entitlement.options
        entry = self.wait_of.get(case.member)
        accepts = options[: options.index(final)] if final in options else options
        owed = bool(entry and entry.owed and final is None)
        if entry and owed:  # the tier they gave up, which their options need not hold
            accepts = tuple(dict.fromkeys((*accepts, entry.wants, *entry.accepts)))
        return WaitEntry(
            member=case.member,
            user_name=case.user.user_name,
            wants=options[0],
            holds=final,
            since=entry.since if entry else self.work.now,
            priority=case.entitlement.priority,
            because=(*case.entitlement.because, *(self._why_not(t, after) for t in accepts)),
            owed=owed,
            accepts=accepts,
        )

    def _why_not(self, tier: Tier, after: SeatPool) -> str:
        """Why a newcomer does not get a seat of `tier`, once this plan is carried out."""
        if tier not in self._closed:
            self._closed[tier] = why_not(after, Claim("", "", (tier,)), tier)
        return self._closed[tier]

    def _notes(self) -> Iterator[str]:
        """What should be told of the whole, and no action tells."""
        owner = self.policy.primary_owner
        if owner and self.grounds.evidence.people_complete and not self.work.names_owner(owner):
            yield f"the primary owner {owner} is not in the directory: their account is left as it is"


_turn = attrgetter("turn")


def _held(entry: WaitEntry, tier: Tier | None) -> WaitEntry:
    """The same wish of somebody who holds `tier` now."""
    better = tuple(t for t in entry.accepts if tier is None or t < tier)
    return replace(entry, holds=tier, accepts=better)


def _paid(account: Account, tier: Tier) -> ChangeTier:
    return ChangeTier(
        account_id=account.id,
        profile=account.profile,
        external_id=account.external_id or "",
        previous_tier=None,
        tier=tier,
        because=(f"an exchange by hand was not finished: {tier} again",),
    )
