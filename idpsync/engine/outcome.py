"""What a reconciliation saw and did, and how the store remembers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from idpsync.core.errors import IdpSyncError
from idpsync.core.guard import GuardReport
from idpsync.core.model import DirectorySnapshot
from idpsync.core.plan import Plan
from idpsync.core.records import HeadroomSample, LedgerEntry, RunRecord, RunState
from idpsync.core.seats import SeatPool, WaitEntry
from idpsync.core.world import World
from idpsync.engine.perform import Performed


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan with everything that was read for it; nothing has been written."""

    plan: Plan
    report: GuardReport
    world: World
    begun: datetime

    @property
    def snapshot(self) -> DirectorySnapshot:
        return self.world.snapshot


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


def state_of(preview: Preview, performed: tuple[Performed, ...]) -> RunState:
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


def denied(performed: tuple[Performed, ...], preview: Preview) -> tuple[WaitEntry, ...]:
    """Those whom the plan gave a seat that was gone when it came to it."""
    return tuple(
        WaitEntry(
            member=p.member,
            user_name=p.action.profile.user_name,
            wants=p.denied,
            since=preview.world.now,
            because=("the seat was taken meanwhile",),
            accepts=(p.denied,),
        )
        for p in performed
        if p.denied is not None
    )


def counts_of(preview: Preview | None, performed: tuple[Performed, ...]) -> Mapping[str, int]:
    if preview is None:
        return {}
    return {
        "people": len(preview.snapshot.users),
        "actions": len(preview.plan.actions),
        "done": sum(p.done for p in performed),
        "failed": sum(not p.done for p in performed),
        "waiting": len(preview.plan.waiting),
        "refused": len(preview.plan.refused),
        "conflicts": len(preview.plan.conflicts),
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
