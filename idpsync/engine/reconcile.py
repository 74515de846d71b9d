"""One reconciliation: read everything, plan, guard, apply, record."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

import structlog

from idpsync.core.errors import (
    CredentialsRejected,
    DigestMismatch,
    DirectoryUnread,
    IdpSyncError,
    LeaseLost,
    RemoteError,
    Transient,
    UnsafePlan,
)
from idpsync.core.guard import Limits, guard
from idpsync.core.membership import under_present_names
from idpsync.core.model import Coverage, DirectorySnapshot, Link
from idpsync.core.planner import plan
from idpsync.core.policy import Mode, Policy
from idpsync.core.records import Cause, HeldPlan, HoldState, RunRecord, RunState, Seated
from idpsync.core.report import plan_json
from idpsync.core.suspicion import examine
from idpsync.core.world import World, has_seat
from idpsync.engine.acceptance import note_arrivals, pending_invites, stands
from idpsync.engine.outcome import (
    Outcome,
    Preview,
    counts_of,
    ledger_entry,
    missing_marks,
    samples_of,
    state_of,
    still_waiting,
    told,
)
from idpsync.engine.perform import Performed, Performer
from idpsync.engine.rooms import Rooms

log = structlog.get_logger()

LISTING_LAG = timedelta(minutes=5)
"""A target may list what it was told this long ago, and a replica's clock may be off: what changed in
the book within that time before the listing is newer than it."""

Progress = Callable[[int, int], None]
"""Called with (actions done, actions in all)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a reconciliation obeys: policy, guard limits, canaries, and how wide it may work."""

    policy: Policy
    limits: Limits = field(default_factory=Limits)
    canaries: frozenset[str] = frozenset()
    concurrency: int = 8
    approval_lasts: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who asks for a reconciliation, and what they insist on.

    `token` is the fencing token of the leader. `digest` is the plan that was reviewed: another plan is
    not applied. `stopping` is asked between two people.
    """

    actor: str
    trigger: str
    token: int | None = None
    digest: str | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    progress: Progress = lambda _done, _all: None


class Reconciler:
    """Level-triggered: each call reads the world again and acts on what it sees."""

    def __init__(self, rooms: Rooms, rule: Rule) -> None:
        self.rooms, self.rule = rooms, rule

    def preview(self) -> Preview:
        """Read and decide; write nothing.

        DirectoryUnread or RemoteError when a side could not be read at all.
        """
        rooms, begun = self.rooms, self.rooms.clock.now()
        known = rooms.cache.group_members()
        links = rooms.registry.links()
        snapshot = examine(
            self._read_directory(),
            known=known,
            canaries=self.rule.canaries,
            linked=sum(link.source == rooms.source.name for link in links),
        )
        # reservations are read before accounts: one that becomes an account meanwhile is seen as both,
        # and counted once; the other way round it would be seen as neither
        holdings, pool = rooms.seats.holdings(), rooms.seats.pool()
        listed = rooms.clock.now()
        # invites after accounts and before assignments: whoever came in on one is seen invited still, or
        # with the tier that it left them
        accounts, invites, given = (
            rooms.target.accounts(),
            pending_invites(rooms),
            rooms.assignments.all(),
        )
        over = {member for member, invite in invites.items() if not stands(invite, begun)}
        world = World(
            snapshot=snapshot,
            directory_kind=rooms.source.kind,
            accounts=accounts,
            links=links,
            # a run that writes ends these invites before it looks
            holdings=tuple(h for h in holdings if h.settled or h.member not in over),
            waiting=rooms.waiting.entries(),
            purchased=pool.purchased,
            reserved=pool.reserved,
            now=begun,
            assignments=under_present_names(given.values(), {a.id: a.member for a in accounts}),
            invites={member: invite for member, invite in invites.items() if member not in over},
        )
        made = plan(world, self.rule.policy)
        report = guard(made, self.rule.limits, accounts=world.accounts, snapshot=snapshot, known=known)
        log.info("plan.made", digest=made.digest, actions=len(made.actions), waiting=len(made.waiting))
        return Preview(made, report, world, listed)

    def _read_directory(self) -> DirectorySnapshot:
        """The snapshot. A directory that answers, but not with people, was read with nothing in it."""
        try:
            return self.rooms.source.read()
        except (Transient, CredentialsRejected) as error:
            raise DirectoryUnread(error) from error
        except RemoteError as error:
            log.warning("directory.unreadable", reason=str(error))
            return DirectorySnapshot(
                source=self.rooms.source.name,
                taken_at=self.rooms.clock.now(),
                users=(),
                groups=(),
                users_coverage=Coverage.FAILED,
                problems=(str(error),),
            )

    def reconcile(self, order: Order) -> Outcome:
        """One whole cycle. Never raises for what a remote system does: the outcome says it."""
        run = RunRecord(
            id=uuid4().hex[:12],
            started_at=self.rooms.clock.now(),
            state=RunState.RUNNING,
            trigger=order.trigger,
        )
        cause = Cause(order.actor, run_id=run.id, token=order.token)
        self.rooms.runs.begin(run)
        with structlog.contextvars.bound_contextvars(run_id=run.id):
            try:
                return self._cycle(run, order, cause)
            except LeaseLost as error:
                log.warning("lease.lost", reason=str(error))
                return self._end(run, RunState.FAILED, error=error)
            except IdpSyncError as error:
                log.error("run.failed", reason=str(error))
                return self._end(run, RunState.FAILED, error=error)

    def _cycle(self, run: RunRecord, order: Order, cause: Cause) -> Outcome:
        if self.rule.policy.mode is not Mode.OBSERVE:
            self._what_is_due(cause)
        preview = self.preview()
        run = replace(run, digest=preview.plan.digest, problems=preview.snapshot.problems)
        if order.digest and order.digest != preview.plan.digest:
            return self._end(
                run,
                RunState.STOPPED,
                preview=preview,
                error=DigestMismatch(order.digest, preview.plan.digest),
            )
        if preview.report.held and not self._approved(preview, cause):
            return self._hold(run, preview, cause)
        self.rooms.runs.supersede(cause)
        if self.rule.policy.mode is Mode.OBSERVE:
            return self._end(run, state_of(preview, ()), preview=preview)
        performed = self._write(preview, order, cause)
        return self._end(run, state_of(preview, performed), preview=preview, performed=performed)

    def _what_is_due(self, cause: Cause) -> None:
        """Purchases whose day has come make their seats, invites whose time is over give theirs back."""
        today = self.rooms.clock.now().date()
        for purchase in self.rooms.contracts.apply_due(
            today, replace(cause, because=("its day has come",))
        ):
            log.info("purchase.applied", invoice=purchase.invoice)
        for invite in self.rooms.invites.lapse(cause):
            log.info("invite.lapsed", member=invite.member, tier=str(invite.tier))

    # --- guard ------------------------------------------------------------------------------------

    def _approved(self, preview: Preview, cause: Cause) -> bool:
        since = self.rooms.clock.now() - self.rule.approval_lasts
        approved = self.rooms.runs.take_approval(preview.plan.digest, since, cause)
        if approved:
            log.info("plan.approved", digest=preview.plan.digest)
        return approved

    def _hold(self, run: RunRecord, preview: Preview, cause: Cause) -> Outcome:
        tripped = tuple(str(check) for check in preview.report.tripped)
        held = HeldPlan(
            digest=preview.plan.digest,
            held_at=self.rooms.clock.now(),
            state=HoldState.HELD,
            tripped=tripped,
            plan=plan_json(preview.plan, preview.report, self.rooms.organization),
        )
        self.rooms.runs.hold_plan(held, cause)
        log.error("plan.held", digest=held.digest, tripped=tripped)
        error = UnsafePlan(held.digest, tripped)
        return self._end(run, RunState.HELD, preview=preview, error=error)

    # --- write ------------------------------------------------------------------------------------

    def _write(self, preview: Preview, order: Order, cause: Cause) -> tuple[Performed, ...]:
        rooms, made = self.rooms, preview.plan
        seated = [
            Seated(a.member, a.id, a.tier) for a in preview.world.accounts if has_seat(a) and a.tier
        ]
        for drift in rooms.seats.mirror(seated, cause, read_at=preview.begun - LISTING_LAG):
            log.info("seats.mirrored", drift=drift)
        world = preview.world
        note_arrivals(rooms, world.invites, world.accounts, preview.begun, cause)
        rooms.assignments.follow({a.id: a.member for a in world.accounts}, cause)
        for adoption in made.adoptions:
            link = Link(adoption.account_id, adoption.source, adoption.external_id, rooms.clock.now())
            because = (f"matched by {adoption.matched_by}",)
            rooms.registry.link(link, replace(cause, because=because))
        if changed := missing_marks(preview):
            rooms.registry.mark_missing(changed, cause)
        rooms.waiting.replace((*made.waiting, *made.granted), cause, made_at=made.made_at)
        performer = Performer(
            rooms,
            cause,
            made.granted,
            concurrency=self.rule.concurrency,
            stopping=order.stopping,
            invites=preview.world.invites,
        )
        performed = performer.perform(made.actions, order.progress)
        waiting = still_waiting(made, performed, performer.gave_up)
        rooms.waiting.replace(waiting, cause, made_at=made.made_at)
        rooms.cache.save(preview.snapshot)
        return performed

    def _end(
        self,
        run: RunRecord,
        state: RunState,
        *,
        preview: Preview | None = None,
        performed: tuple[Performed, ...] = (),
        error: IdpSyncError | None = None,
    ) -> Outcome:
        rooms = self.rooms
        ended = replace(
            run,
            state=state,
            ended_at=rooms.clock.now(),
            counts=counts_of(preview, performed),
            error=told(error, performed),
        )
        rooms.runs.finish(ended, samples_of(rooms.seats.pool(), ended.started_at))
        rooms.ledger.append([ledger_entry(ended)])
        rooms.ledger.seal()
        log.info("run.ended", state=state.value, **ended.counts)
        return Outcome(ended, preview, performed, error)
