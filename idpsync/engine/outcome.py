"""What a reconciliation saw and did, and how the store remembers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from idpsync.core.adoption import FirstRun
from idpsync.core.changes import DirectoryChanges
from idpsync.core.drift import Drift, told_drift
from idpsync.core.errors import IdpSyncError
from idpsync.core.guard import GuardReport
from idpsync.core.model import Account, DirectorySnapshot, fold
from idpsync.core.plan import Plan, UpdateProfile
from idpsync.core.policy import Mode
from idpsync.core.records import HeadroomSample, LedgerEntry, RunRecord, RunState
from idpsync.core.seats import SeatPool, Tier, WaitEntry
from idpsync.core.world import World
from idpsync.engine.perform import STOPPING, Performed


@dataclass(frozen=True, slots=True)
class Findings:
    """What a listing shows beside the accounts: what others did, and whether we may work here.

    `foreign` are the accounts that somebody else made, until idpsync has been let work among them.
    """

    drift: tuple[Drift, ...] = ()
    foreign: tuple[Account, ...] = ()
    taken_over: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan with everything that was read for it; nothing has been written.

    `changes` are what the directory told where not everything was read: the target was not listed.
    """

    plan: Plan
    report: GuardReport
    world: World
    begun: datetime
    found: Findings = field(default_factory=Findings)
    first_run: FirstRun | None = None
    changes: DirectoryChanges | None = None

    @property
    def snapshot(self) -> DirectorySnapshot:
        return self.world.snapshot

    @property
    def problems(self) -> tuple[str, ...]:
        """What the run record says; of a read that is not whole, that alone: alerts quote it."""
        if not self.snapshot.complete:
            return self.snapshot.problems
        awaited = (str(self.first_run),) if self.first_run else ()
        stopped = (would_hold(self.report),) if self.would_be_held else ()
        return (*self.snapshot.problems, *awaited, *stopped, *told_drift(self.found.drift))

    @property
    def would_be_held(self) -> bool:
        """Over the guard's limits in mode observe: nothing is written either way, nothing to approve."""
        return self.report.held and self.plan.mode is Mode.OBSERVE

    def agreed(self) -> "Preview":
        """The same plan once somebody has let idpsync work among the people who are there."""
        if self.first_run is None:
            return self
        waits, done = str(self.first_run), self.first_run.done
        notes = tuple(done if note == waits else note for note in self.plan.notes)
        return replace(self, first_run=None, plan=replace(self.plan, notes=notes))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one reconciliation ended."""

    run: RunRecord
    preview: Preview | None = None
    performed: tuple[Performed, ...] = ()
    error: IdpSyncError | None = None

    @property
    def failed(self) -> tuple[Performed, ...]:
        return tuple(p for p in self.performed if not p.done)


def would_hold(report: GuardReport) -> str:
    return f"In mode full the guard would hold this plan: {'; '.join(report.sentences)}"


def state_of(preview: Preview, performed: tuple[Performed, ...]) -> RunState:
    if any(p.outcome == "skipped" and p.error == STOPPING for p in performed):
        return RunState.STOPPED
    if not preview.snapshot.complete:
        return RunState.INCOMPLETE
    return RunState.DONE if all(p.done for p in performed) else RunState.FAILED


def told(error: IdpSyncError | None, performed: tuple[Performed, ...]) -> str | None:
    if error:
        return str(error)
    failed = [p for p in performed if not p.done]
    if not failed:
        return None
    first = failed[0]
    if first.error == STOPPING:
        return f"{len(failed)} of {len(performed)} actions are left for the next run: {STOPPING}"
    return f"{len(failed)} of {len(performed)} actions failed, the first: {first.error}"


def missing_marks(preview: Preview) -> Mapping[str, datetime | None]:
    """Links whose grace starts now, and those whose person is back."""
    gone = {d.account_id: d.since for d in preview.plan.departures}
    marks: dict[str, datetime | None] = {}
    present = {user.external_id for user in preview.snapshot.users}
    for link in preview.world.links:
        if link.account_id in gone and link.missing_since is None:
            marks[link.account_id] = gone[link.account_id]
        elif link.missing_since and link.external_id in present:
            marks[link.account_id] = None
    return marks


def still_waiting(
    plan: Plan, performed: tuple[Performed, ...], gave_up: Mapping[str, Tier]
) -> tuple[WaitEntry, ...]:
    """The wait list after a run: as planned, and whoever was to get a seat and did not.

    `gave_up` are the tiers of those in an exchange that was not finished: they are owed them.
    """
    unmet = {p.member for p in performed if not p.done}
    kept = [entry for entry in plan.granted if entry.member in unmet]
    waiting = {entry.member: entry for entry in (*plan.waiting, *kept)}
    for member, tier in gave_up.items():
        if entry := next((e for e in plan.granted if e.member == member), waiting.get(member)):
            accepts = tuple(dict.fromkeys((*entry.accepts, tier)))
            waiting[member] = replace(entry, owed=True, holds=None, accepts=accepts)
    renamed = _renamed(performed)
    return tuple(
        replace(entry, member=fold(renamed[entry.member]), user_name=renamed[entry.member])
        if entry.member in renamed
        else entry
        for entry in waiting.values()
    )


def _renamed(performed: tuple[Performed, ...]) -> dict[str, str]:
    """Member before → user name now, of those who were renamed in this run."""
    renames = [p.action for p in performed if p.done and isinstance(p.action, UpdateProfile)]
    return {
        fold(a.previous_user_name): a.profile.user_name
        for a in renames
        if fold(a.previous_user_name) != fold(a.profile.user_name)
    }


def counts_of(preview: Preview | None, performed: tuple[Performed, ...]) -> Mapping[str, int]:
    if preview is None:
        return {}
    return {
        "people": len(preview.snapshot.users),
        "actions": len(preview.plan.actions),
        "done": sum(p.done for p in performed),
        "failed": sum(not p.done and p.outcome != "skipped" for p in performed),
        "skipped": sum(p.outcome == "skipped" for p in performed),
        "waiting": len(preview.plan.waiting),
        "refused": len(preview.plan.refused),
        "conflicts": len(preview.plan.conflicts),
        "drift": len(preview.found.drift),
    }


def samples_of(pool: SeatPool, at: datetime) -> tuple[HeadroomSample, ...]:
    return tuple(
        HeadroomSample(
            at=at,
            tier=tier.name,
            purchased=pool.purchased.get(tier, 0),
            assigned=pool.assigned.get(tier, 0),
            held=pool.held.get(tier, 0),
            free=pool.free(tier),
            waiting=sum(entry.wants == tier for entry in pool.waiting),
        )
        for tier in pool.ladder
    )


def ledger_entry(run: RunRecord) -> LedgerEntry:
    return LedgerEntry(
        at=run.ended_at or run.started_at,
        actor=run.trigger,
        event="run.ended",
        outcome="done" if run.state is RunState.DONE else run.state.value,
        because=(run.error,) if run.error else (),
        detail={"digest": run.digest, **run.counts},
        run_id=run.id,
    )
