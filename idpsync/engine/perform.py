"""Carrying out a plan: seat first, then the target, then the books. One failing person stops nobody.

A seat is reserved before an account is made and given back only when the target surely has none: an
outcome that is not known keeps its reservation until the target has been asked again.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

import structlog

from idpsync.core.errors import (
    CredentialsRejected,
    NoSeatAvailable,
    RemoteError,
    SeatsExhausted,
    UnknownOutcome,
)
from idpsync.core.membership import Assignment, Invite, roles_of_invite
from idpsync.core.model import Account, Link, fold
from idpsync.core.plan import (
    Action,
    ChangeRoles,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    ReactivateAccount,
    UpdateProfile,
    action_json,
)
from idpsync.core.records import Cause, LedgerEntry
from idpsync.core.seats import Claim, Door, Placement, Tier, WaitEntry
from idpsync.core.world import NO_ASSIGNMENTS, NO_INVITES
from idpsync.engine.acceptance import came_in, stands
from idpsync.engine.given import Given
from idpsync.engine.rooms import Rooms

log = structlog.get_logger()

EVENT: dict[type[Action], str] = {
    CreateAccount: "account.created",
    ReactivateAccount: "account.reactivated",
    UpdateProfile: "account.updated",
    ChangeTier: "account.tier_changed",
    ChangeRoles: "account.roles_changed",
    DeactivateAccount: "account.deactivated",
    DeleteAccount: "account.deleted",
}

STOPPING = "the program is stopping"
PLANNED = 1_000_000  # the plan has settled the order already: in the book its claims come first


@dataclass(frozen=True, slots=True)
class Performed:
    """What became of one action. `denied` is the tier whose seat was gone meanwhile."""

    action: Action
    outcome: str  # done | refused | failed | unknown | skipped
    error: str = ""
    denied: Tier | None = None

    @property
    def done(self) -> bool:
        return self.outcome == "done"

    @property
    def member(self) -> str:
        return fold(self.action.profile.user_name)


class Performer:
    """Carries out the actions of one plan, in their order, as wide as `concurrency` allows.

    `invites` are accepted as each person has their seat, tiers `by_hand` put down before. `door` is the
    one that asks for the seats.
    """

    def __init__(
        self,
        rooms: Rooms,
        cause: Cause,
        granted: Iterable[WaitEntry],
        *,
        concurrency: int,
        stopping: threading.Event,
        door: Door = Door.SYNC,
        invites: Mapping[str, Invite] = NO_INVITES,
        by_hand: Mapping[str, Assignment] = NO_ASSIGNMENTS,
    ) -> None:
        self.rooms, self.cause, self.door = rooms, cause, door
        self.invites, self.given = invites, Given(rooms, by_hand)
        self.queue = {entry.member: entry for entry in granted}
        self.concurrency, self.stopping = concurrency, stopping
        self.exhausted: set[Tier] = set()
        self.locked_out: CredentialsRejected | None = None
        self.gave_up: dict[str, Tier] = {}

    def perform(
        self, actions: Iterable[Action], progress: Callable[[int, int], None]
    ) -> tuple[Performed, ...]:
        """Every action with its outcome; those after a stop or a lost credential are `skipped`."""
        actions = tuple(actions)
        performed: list[Performed] = []
        with ThreadPoolExecutor(max_workers=self.concurrency) as pool:
            for batch in _batches(actions):
                for result in pool.map(self._one, batch):
                    performed.append(result)
                    progress(len(performed), len(actions))
        return tuple(performed)

    def _one(self, action: Action) -> Performed:
        if self.stopping.is_set() and not self._amid_exchange(action):
            return Performed(action, "skipped", STOPPING)
        if self.locked_out:
            return Performed(action, "skipped", str(self.locked_out))
        try:
            action = self._carry_out(action)
            result = Performed(action, "done")
        except NoSeatAvailable as error:
            result = Performed(action, "refused", str(error), denied=getattr(action, "tier", None))
        except CredentialsRejected as error:
            self.locked_out = error
            result = Performed(action, "failed", str(error))
        except UnknownOutcome as error:
            result = Performed(action, "unknown", str(error))
        except RemoteError as error:
            result = Performed(action, "failed", str(error))
        self._record(result)
        return result

    def _carry_out(self, action: Action) -> Action:
        """The action as it was really carried out."""
        match action:
            case CreateAccount() | ReactivateAccount():
                return self._arrive(action)
            case ChangeTier(tier=None):
                self._give_up(action)
            case ChangeTier(previous_tier=None, tier=tier) if tier:
                return self._regain(action, tier)
            case ChangeTier(tier=tier) if tier:
                self._move(action, tier)
            case UpdateProfile():
                self._update(action)
            case ChangeRoles():
                self.rooms.target.apply(action)
            case DeactivateAccount() | DeleteAccount():
                self._remove(action)
            case _:
                raise AssertionError(action)
        return action

    def _amid_exchange(self, action: Action) -> bool:
        """Whether somebody has given up a seat for this step: then it is finished first."""
        return isinstance(action, ChangeTier) and bool(self.gave_up) and action.tier is not None

    # --- people -----------------------------------------------------------------------------------

    def _arrive(self, action: CreateAccount | ReactivateAccount) -> CreateAccount | ReactivateAccount:
        member, cause = fold(action.profile.user_name), self._because(action)
        held = self._hold(action, member, (action.tier,), cause) if action.tier else None
        invite = self.invites.get(member)
        if invite and not stands(self.rooms.invites.pending(member), self.rooms.clock.now()):
            action = replace(action, roles=action.roles - roles_of_invite(invite))
        account = self._at_target(action, member, cause, held)
        if action.tier:
            self.rooms.seats.settle(member, account.id, cause)
        if action.external_id:  # somebody whom the directory does not know has no link
            now, source = self.rooms.clock.now(), self.rooms.source.name
            self.rooms.registry.link(Link(account.id, source, action.external_id, now), cause)
        if invite:
            came_in(self.rooms, invite, account, cause)
        return action

    def _update(self, action: UpdateProfile) -> None:
        self.rooms.target.apply(action)
        before, after = fold(action.previous_user_name), fold(action.profile.user_name)
        if before != after:
            self.rooms.seats.rename(before, after, self._because(action))

    def _remove(self, action: DeactivateAccount | DeleteAccount) -> None:
        cause = self._because(action)
        self.rooms.target.apply(action)
        self.rooms.seats.release(fold(action.profile.user_name), cause)
        if isinstance(action, DeleteAccount):  # whoever comes anew comes without what was given by hand
            self.rooms.registry.unlink(action.account_id, cause)
            self.rooms.assignments.drop(fold(action.profile.user_name), cause)

    # --- tiers ------------------------------------------------------------------------------------

    def _give_up(self, action: ChangeTier) -> None:
        member, cause = fold(action.profile.user_name), self._because(action)
        if action.yields_to and action.previous_tier:
            # put down first: whatever happens from here on, the seat is theirs to have back
            self.rooms.waiting.owe(self._debt(action, member, action.previous_tier), cause)
            self.gave_up[member] = action.previous_tier
        self._apply(action, cause)
        self.rooms.seats.release(member, cause, yield_to=action.yields_to)

    def _debt(self, action: ChangeTier, member: str, tier: Tier) -> WaitEntry:
        return WaitEntry(
            member=member,
            user_name=action.profile.user_name,
            wants=tier,
            since=self._since(member),
            because=action.because,
            owed=True,
            accepts=(tier,),
        )

    def _regain(self, action: ChangeTier, tier: Tier) -> ChangeTier:
        """Take a seat anew. Somebody in an exchange that broke off gets back what they gave up."""
        member, cause = fold(action.profile.user_name), self._because(action)
        options = tuple(dict.fromkeys((tier, *self._owed_to(member))))
        # the reserve is for newcomers at login: it does not stand between somebody and their own seat
        held = self._hold(action, member, options, cause, door=Door.MANUAL)
        if held.tier != tier:
            because = (*action.because, f"the exchange could not be finished: back to {held.tier}")
            action = replace(action, tier=held.tier, because=because)
        account = self._at_target(action, member, cause, held)
        self.rooms.seats.settle(member, account.id, cause)
        self.gave_up.pop(member, None)
        return action

    def _owed_to(self, member: str) -> tuple[Tier, ...]:
        """What somebody may have back who gave up a seat, in this run or in one that was cut short."""
        if tier := self.gave_up.get(member):
            return (tier,)
        entry = self.queue.get(member)
        return entry.accepts if entry and entry.owed else ()

    def _move(self, action: ChangeTier, tier: Tier) -> None:
        member, cause = fold(action.profile.user_name), self._because(action)
        if tier in self.exhausted or not self.rooms.seats.move(member, tier, cause):
            raise NoSeatAvailable(member, (f"{tier} was taken meanwhile",))
        account = self._at_target(action, member, cause, None)
        self.rooms.seats.settle(member, account.id, cause, yield_to=action.yields_to)

    # --- seats and target -------------------------------------------------------------------------

    def _hold(
        self,
        action: Action,
        member: str,
        options: tuple[Tier, ...],
        cause: Cause,
        *,
        door: Door | None = None,
    ) -> Placement:
        """Reserve a seat in the book, the arbiter between this run and logins."""
        open_options = tuple(tier for tier in options if tier not in self.exhausted)
        claim = Claim(
            member=member,
            user_name=action.profile.user_name,
            options=open_options,
            priority=PLANNED,
            door=door or self.door,
            since=self._since(member),
            because=action.because,
            seated=bool(self._owed_to(member)),
        )
        placement = self.rooms.seats.hold(claim, cause) if open_options else None
        if placement is None or placement.tier not in open_options:
            because = placement.because if placement else ("the target says it has no seat left",)
            raise NoSeatAvailable(member, because)
        return placement

    def _since(self, member: str) -> datetime:
        """Since when the member waits for what they are given now."""
        entry = self.queue.get(member)
        return entry.since if entry else self.rooms.clock.now()

    def _at_target(self, action: Action, member: str, cause: Cause, held: Placement | None) -> Account:
        """Apply; on a sure failure give the reservation back, on an unknown one keep it."""
        ticket = held.ticket if held else None
        try:
            account = self._apply(action, cause)
        except UnknownOutcome:
            raise
        except SeatsExhausted as error:
            tier = getattr(action, "tier", None)
            if tier:
                self.exhausted.add(tier)
            log.error("target.seats_exhausted", tier=str(tier), reason=error.reason)
            self.rooms.seats.cancel(member, cause, ticket)
            raise
        except RemoteError:
            self.rooms.seats.cancel(member, cause, ticket)
            raise
        wanted = getattr(action, "tier", None)
        if account.tier != wanted:
            log.error("tier.mismatch", member=member, wanted=str(wanted), given=str(account.tier))
        return account

    def _apply(self, action: Action, cause: Cause) -> Account:
        """Tell the target. What is given by hand is put down before, and taken back if it refuses."""
        put = self.given.put_down(action, self.gave_up, cause)
        try:
            return self.rooms.target.apply(action)
        except UnknownOutcome:
            raise
        except RemoteError:
            self.given.take_back(put, cause)
            raise

    def _because(self, action: Action) -> Cause:
        return replace(self.cause, because=action.because)

    def _record(self, result: Performed) -> None:
        action = result.action
        entry = LedgerEntry(
            at=self.rooms.clock.now(),
            actor=self.cause.actor,
            event=EVENT[type(action)],
            member=result.member,
            account_id=getattr(action, "account_id", None),
            outcome=result.outcome,
            because=(*action.because, *((result.error,) if result.error else ())),
            detail=_detail(action),
            run_id=self.cause.run_id,
        )
        self.rooms.ledger.append([entry], self.cause)
        if not result.done:
            log.warning(
                "action.failed", event_name=entry.event, member=entry.member, reason=result.error
            )


def _detail(action: Action) -> dict[str, object]:
    return {k: v for k, v in action_json(action).items() if k not in {"because", "kind"}}


def _batches(actions: tuple[Action, ...]) -> Iterator[list[Action]]:
    """Runs of actions that may be carried out side by side: one kind, one action per person.

    Moves between tiers follow one another, each may need the seat that the one before left.
    """
    for _, run in groupby(enumerate(actions), key=_batch_key):
        yield [action for _, action in run]


def _batch_key(numbered: tuple[int, Action]) -> tuple[str, int]:
    number, action = numbered
    alone = isinstance(action, ChangeTier)
    return (type(action).__name__, number if alone else -1)
