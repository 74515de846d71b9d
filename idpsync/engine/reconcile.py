"""One reconciliation: read everything, plan, guard, apply, record."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from uuid import uuid4

import structlog

from idpsync.core.errors import (
    DigestMismatch,
    IdpSyncError,
    LeaseLost,
    OthersToAdopt,
)
from idpsync.core.kinship import followed
from idpsync.core.model import Link
from idpsync.core.policy import Mode
from idpsync.core.records import Cause, RunRecord, RunState, Seated
from idpsync.core.world import has_seat
from idpsync.engine.acceptance import note_arrivals
from idpsync.engine.drifting import LISTING_LAG, note_drift
from idpsync.engine.holding import approved, hold
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
from idpsync.engine.reading import Reader
from idpsync.engine.rooms import Rooms, Rule
from idpsync.engine.succession import Succession, Turn

log = structlog.get_logger()

Progress = Callable[[int, int], None]
"""Called with (actions done, actions in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who asks for a reconciliation, and what they insist on.

    `token` is the fencing token of the leader. `digest` is the plan that was reviewed: another plan is
    not applied. With `adopt` somebody has let idpsync work among the accounts that are at the target
    before its first run; `agreed` are the ids of those that somebody was shown and said yes to, and no
    others are adopted. `stopping` is asked between two people. `from_changes`: read only what changed
    since the last run of this process, where that is certain, and remember for the next.
    """

    actor: str
    trigger: str
    token: int | None = None
    digest: str | None = None
    adopt: bool = False
    agreed: frozenset[str] | None = None
    from_changes: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)
    progress: Progress = lambda _done, _all: None


class Reconciler:
    """Level-triggered: each call reads the world, or what changed in it, and acts on what it sees."""

    def __init__(self, rooms: Rooms, rule: Rule) -> None:
        self.rooms, self.rule = rooms, rule
        self.succession = Succession(rooms)

    def preview(self) -> Preview:
        """Read and decide; write nothing.

        DirectoryUnread or RemoteError when a side could not be read at all.
        """
        return Reader(self.rooms, self.rule).preview()

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
            outcome = self._attempt(run, order, cause)
            if order.from_changes:
                self.succession.keep(outcome, self.rule, Turn(run.id, order.token))
            return outcome

    def _attempt(self, run: RunRecord, order: Order, cause: Cause) -> Outcome:
        try:
            return self._cycle(run, order, cause)
        except LeaseLost as error:
            log.warning("lease.lost", reason=str(error))
            return self._end(run, RunState.FAILED, error=error)
        except IdpSyncError as error:
            log.error("run.failed", reason=str(error))
            return self._end(run, RunState.FAILED, error=error)

    def _cycle(self, run: RunRecord, order: Order, cause: Cause) -> Outcome:
        observes = self.rule.policy.mode is Mode.OBSERVE
        if not observes:
            self._what_is_due(cause)
        preview = self._look(run, order)
        run = replace(run, digest=preview.plan.digest, problems=preview.problems)
        if order.digest and order.digest != preview.plan.digest:
            return self._end(
                run,
                RunState.STOPPED,
                preview=preview,
                error=DigestMismatch(order.digest, preview.plan.digest),
            )
        if observes:  # an approval is for a run that writes
            self.rooms.runs.supersede(cause)
            return self._look_on(run, preview, cause)
        if others := self._others(preview, order):
            return self._end(run, RunState.STOPPED, preview=preview, error=OthersToAdopt(others))
        consent = self._consent(preview, order)
        asked = preview.report.held or consent is None
        approval = asked and approved(self.rooms, self.rule, preview, cause)
        if consent is None and not approval:
            return self._look_on(run, preview, cause)
        if preview.report.held and not approval:
            error = hold(self.rooms, preview, cause)
            self._note(preview, cause)
            return self._end(run, RunState.HELD, preview=preview, error=error)
        self.rooms.runs.supersede(cause)
        self._take_over(preview, replace(cause, because=(consent or "the plan was approved",)))
        preview = preview.agreed()
        run = replace(run, problems=preview.problems)
        performed = self._write(preview, order, cause)
        return self._end(run, state_of(preview, performed), preview=preview, performed=performed)

    def _look(self, run: RunRecord, order: Order) -> Preview:
        """From what changed, where the order lets us and it is certain; else from everything."""
        if not order.from_changes:
            return self.preview()
        if preview := self.succession.preview(self.rule, Turn(run.id, order.token)):
            return preview
        preview = self.preview()
        self.succession.check(preview)
        return preview

    def _consent(self, preview: Preview, order: Order) -> str | None:
        """Why this run may work among the accounts that it finds; None: somebody has to say so first."""
        if preview.first_run is None:
            return "no account of somebody else's was there"
        if order.adopt:
            return "apply --adopt"
        return None if order.agreed is None else "these accounts were shown, and the answer was yes"

    def _others(self, preview: Preview, order: Order) -> tuple[str, ...]:
        """User names of whom a first run would adopt though they were not among those shown."""
        if preview.first_run is None or order.adopt or order.agreed is None:
            return ()
        found = (a for a in preview.plan.adoptions if a.account_id not in order.agreed)
        return tuple(adoption.user_name for adoption in found)

    def _look_on(self, run: RunRecord, preview: Preview, cause: Cause) -> Outcome:
        """Nothing is written but the count of the seats in use, which logins go by, and drift."""
        if preview.first_run:
            log.warning("adoption.awaited", said=str(preview.first_run))
        self._mirror(preview, cause)
        self._note(preview, cause)
        return self._end(run, state_of(preview, ()), preview=preview)

    def _take_over(self, preview: Preview, cause: Cause) -> None:
        """Put the consent down before the first link: a run that is cut short is gone on with.

        A target without anybody, in a run that makes nobody, is not worked at yet.
        """
        if not preview.found.taken_over and (preview.world.accounts or preview.plan.actions):
            self.rooms.known.take_over(cause)

    def _note(self, preview: Preview, cause: Cause) -> None:
        """Drift is told once, and not of accounts that are nobody's business of ours yet."""
        if preview.found.taken_over:
            note_drift(self.rooms, preview.world.accounts, preview.found.drift, cause, preview.begun)

    def _what_is_due(self, cause: Cause) -> None:
        """Purchases whose day has come make their seats, invites whose time is over give theirs back."""
        today = self.rooms.clock.now().date()
        for purchase in self.rooms.contracts.apply_due(
            today, replace(cause, because=("its day has come",))
        ):
            log.info("purchase.applied", invoice=purchase.invoice)
        for invite in self.rooms.invites.lapse(cause):
            log.info("invite.lapsed", member=invite.member, tier=str(invite.tier))

    # --- write ------------------------------------------------------------------------------------

    def _mirror(self, preview: Preview, cause: Cause) -> None:
        seated = [
            Seated(a.member, a.id, a.tier) for a in preview.world.accounts if has_seat(a) and a.tier
        ]
        for drift in self.rooms.seats.mirror(seated, cause, read_at=preview.begun - LISTING_LAG):
            log.info("seats.mirrored", drift=drift)

    def _write(self, preview: Preview, order: Order, cause: Cause) -> tuple[Performed, ...]:
        rooms, made, world = self.rooms, preview.plan, preview.world
        if preview.changes is None:
            note_drift(rooms, world.accounts, preview.found.drift, cause, preview.begun)
            self._mirror(preview, cause)
        note_arrivals(rooms, world.invites, world.accounts, preview.begun, cause)
        rooms.assignments.follow({a.id: a.member for a in world.accounts}, cause)
        if preview.snapshot.several:
            self._follow(world.links, cause)
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
        if preview.changes is None:
            rooms.cache.save(replace(preview.snapshot, scope=preview.report.scope))
        else:
            rooms.cache.update(preview.changes)
        return performed

    def _follow(self, links: Iterable[Link], cause: Cause) -> None:
        """Put down the links of people who go by the id of another directory now."""
        because = ("known under this id, too, in another of the directories",)
        for link in followed(self.rooms.registry.links(), links):
            self.rooms.registry.link(link, replace(cause, because=because))

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
