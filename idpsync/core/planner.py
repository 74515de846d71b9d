"""`plan`: from what was read to what will be written. Pure, total, deterministic.

Releases come before grants. Nothing is taken on the word of a read that is not complete. Order among
wishes: see `settle`.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from idpsync.core.casework import Casework
from idpsync.core.leavers import leave
from idpsync.core.model import Account, Coverage, fold
from idpsync.core.over import over_tier
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
from idpsync.core.settle import Wish, settle
from idpsync.core.world import Case, World, has_seat, pool_of, summarise

LOGIN_WISH_LASTS = timedelta(hours=24)


def plan(world: World, policy: Policy) -> Plan:
    """Decide everything. The same world gives the same plan, in whatever order it is listed."""
    return _Planning(world, policy).result()


class _Planning:
    """One planning: what was derived from the world, in the order it is derived."""

    def __init__(self, world: World, policy: Policy) -> None:
        self.world, self.policy = world, policy
        self.mode = policy.mode
        self.work = Casework(world, policy)
        self.cases = self.work.cases
        self.wait_of = {entry.member: entry for entry in world.waiting}
        self.before = pool_of(world, policy.ladder)
        self.leave_actions = self._leave() if self.mode in (Mode.FULL, Mode.OBSERVE) else []
        self.holds = self._settle()

    def _leave(self) -> list[ChangeTier | DeactivateAccount | DeleteAccount]:
        leaving = (leave(who, self.policy, self.world.now) for who in self.work.leavers)
        return [action for action in leaving if action]

    # --- who gets what --------------------------------------------------------------------------

    def _settle(self) -> dict[str, Tier | None]:
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
        open_to_sync = {t: n - self.world.reserved.get(t, 0) for t, n in free.items()}
        wishes = [self._wish(case) for case in self.cases if self._competes(case)]
        too_many = any(balance < 0 for balance in free.values())
        return settle(wishes, open_to_sync, sum(free.values()) if too_many else None)

    def _competes(self, case: Case) -> bool:
        if not case.entitlement.options or case.satisfied:
            return False
        return case.account is None or self.mode is not Mode.CREATE_ONLY

    def _wish(self, case: Case) -> Wish:
        entry = self.wait_of.get(case.member)
        return Wish(
            member=case.member,
            current=case.current,
            options=case.entitlement.options,
            priority=case.entitlement.priority,
            since=entry.since if entry else None,
            owed=entry.owed if entry else False,
        )

    def _give_ups(self) -> list[ChangeTier]:
        """People who stay without a seat: `tier: none`."""
        return [
            _change(case, case.account, Move(case.member, case.actual, None))
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
        snapshot = self.world.snapshot
        return Plan(
            actions=actions,
            adoptions=self.work.correlation.adoptions,
            waiting=tuple(sorted(self._waiting(after), key=lambda entry: entry.turn)),
            granted=tuple(sorted(self._granted(after), key=lambda entry: entry.turn)),
            refused=tuple(self.work.refused),
            conflicts=self.work.correlation.conflicts,
            orphans=self.work.correlation.orphans,
            departures=tuple(self.work.departures),
            pool_before=self.before,
            pool_after=after,
            directory=summarise(snapshot, self.world.directory_kind),
            mode=self.mode,
            made_at=self.world.now,
            over=over_tier(self.world, actions, after),
        )

    def _actions(self) -> Iterator[Action]:
        yield from self.leave_actions
        yield from self._give_ups()
        yield from self._moves()
        yield from (_paid(debt.account, debt.tier) for debt in self.work.debts if debt.tier)
        yield from self._profiles()
        arriving = sorted((c for c in self.cases if c.arrives), key=lambda c: self._wish(c).turn)
        yield from (a for c in arriving if c.account and (a := self._arrival(c)))
        yield from (a for c in arriving if not c.account and (a := self._arrival(c)))

    def _profiles(self) -> Iterator[Action]:
        managed = self.policy.managed_roles
        adopted = {adoption.account_id for adoption in self.work.correlation.adoptions}
        for case in self.cases:
            if case.account and not case.arrives:
                yield from profile_actions(
                    case.user,
                    case.account,
                    case.entitlement,
                    managed=managed,
                    may_take=self.work.may_lower(None),
                    adopted=case.account.id in adopted,
                )

    def _moves(self) -> Iterator[Action]:
        staying = {c.member: (c, c.account) for c in self.cases if c.account and not c.arrives}
        moves: list[Move] = []
        grants: list[Move] = []
        for member, (case, _) in staying.items():
            final = self._final(case)
            if final is not None and final != case.actual:
                move = Move(member, case.actual, final)
                (moves if case.actual else grants).append(move)
        ordered = sequence(_first_down(moves), self.free_after_releases)
        for move in (*ordered, *grants):
            yield _change(*staying[move.member], move)

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
        pool = self.before
        held = dict(pool.held)
        reserved_for = {h.member: h.tier for h in self.world.holdings if not h.settled}
        seated = {a.member for a in self.world.accounts if has_seat(a)}
        for action in actions:
            pool = _apply_to(pool, action)
            member = fold(action.profile.user_name)
            seats = getattr(action, "tier", None) is not None
            if seats and member in reserved_for and member not in seated:
                held[reserved_for.pop(member)] -= 1  # the reservation becomes the assigned seat
        return replace(pool, held=held)

    def _waiting(self, after: SeatPool) -> Iterator[WaitEntry]:
        for case in self.cases:
            entry = self._wish_left(case, after)
            known = self.wait_of.get(case.member)
            if (
                known
                and not self.work.evidence.groups_complete
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
        snapshot, work = self.world.snapshot, self.work
        sure = snapshot.users_coverage is Coverage.COMPLETE and work.evidence.groups_read
        decided = {case.member for case in self.cases}
        decided |= {leaver.account.member for leaver in work.leavers}
        decided |= {fold(refusal.user_name) for refusal in work.refused}
        skipped = work.correlation.skipped
        named = {fold(u.user_name): u.active is None or u.external_id in skipped for u in snapshot.users}
        accounts = {account.member for account in self.world.accounts}
        yield from (debt.entry for debt in work.debts if not debt.tier)
        decided |= {debt.account.member for debt in work.debts}
        for entry in self.world.waiting:
            stranger = entry.member not in named and entry.member not in accounts
            fresh = entry.door is Door.JIT and self.world.now - entry.since < LOGIN_WISH_LASTS
            doubtful = not sure or named.get(entry.member, False)
            if entry.member not in decided and (doubtful or (stranger and fresh)):
                yield entry

    def _wait_entry(self, case: Case, final: Tier | None, after: SeatPool) -> WaitEntry:
        options = case.entitlement.options
        entry = self.wait_of.get(case.member)
        accepts = options[: options.index(final)] if final in options else options
        owed = bool(entry and entry.owed and final is None)
        if entry and owed:  # the tier they gave up, which their options need not hold
            accepts = tuple(dict.fromkeys((*accepts, entry.wants, *entry.accepts)))
        claim = Claim(
            case.member,
            case.user.user_name,
            options,
            priority=case.entitlement.priority,
            since=entry.since if entry else self.world.now,
        )
        return WaitEntry(
            member=case.member,
            user_name=case.user.user_name,
            wants=options[0],
            holds=final,
            since=entry.since if entry else self.world.now,
            priority=case.entitlement.priority,
            because=(*case.entitlement.because, *(why_not(after, claim, t) for t in accepts)),
            owed=owed,
            accepts=accepts,
        )


def _held(entry: WaitEntry, tier: Tier | None) -> WaitEntry:
    """The same wish of somebody who holds `tier` now."""
    better = tuple(t for t in entry.accepts if tier is None or t < tier)
    return replace(entry, holds=tier, accepts=better)


def _first_down(moves: list[Move]) -> list[Move]:
    """Moves down the ladder first: they make room."""
    return sorted(moves, key=lambda m: m.left is not None and m.to is not None and m.to < m.left)


def _change(case: Case, account: Account, move: Move) -> ChangeTier:
    because = case.entitlement.because
    if move.yields_to:
        because = (*because, f"exchange of full tiers: the seat goes to {move.yields_to}")
    return ChangeTier(
        account_id=account.id,
        profile=replace(case.user.profile, user_name=account.user_name),
        external_id=case.user.external_id,
        previous_tier=move.left,
        tier=move.to,
        because=because,
        yields_to=move.yields_to,
    )


def _paid(account: Account, tier: Tier) -> ChangeTier:
    return ChangeTier(
        account_id=account.id,
        profile=account.profile,
        external_id=account.external_id or "",
        previous_tier=None,
        tier=tier,
        because=(f"an exchange by hand was not finished: {tier} again",),
    )


def _apply_to(pool: SeatPool, action: Action) -> SeatPool:
    left = getattr(action, "previous_tier", None)
    taken = getattr(action, "tier", None)
    pool = pool.release(left) if left else pool
    return pool.take(taken) if taken else pool
