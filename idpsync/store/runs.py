"""Runs, headroom samples, the slots of scheduled jobs, and plans that the guard stopped."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, insert, select, text, update

from idpsync.core.records import Cause, HeadroomSample, HeldPlan, HoldState, RunRecord, RunState
from idpsync.store.database import Database
from idpsync.store.journal_tables import headroom, held_plan, run
from idpsync.store.ledger import Scribe
from idpsync.store.types import Instant

_OVER = {HoldState.USED, HoldState.SUPERSEDED}
_CLAIM_SLOT = text(
    "INSERT INTO job_slot (organization, job, slot) VALUES (:organization, :job, :slot)"
    " ON CONFLICT DO NOTHING"
).bindparams(bindparam("slot", type_=Instant))


class SqlRunBook:
    """`RunBook` on one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, run: RunRecord) -> None:
        with self._database.writing() as connection:
            self._put(connection, run)

    def finish(self, run: RunRecord, sample: Sequence[HeadroomSample]) -> None:
        with self._database.writing() as connection:
            self._put(connection, run)
            if sample:
                rows = [{"organization": self._database.organization, **_sampled(s)} for s in sample]
                connection.execute(insert(headroom), rows)

    def _put(self, connection: Connection, record: RunRecord) -> None:
        mine = (run.c.organization == self._database.organization, run.c.id == record.id)
        connection.execute(delete(run).where(*mine))
        connection.execute(
            insert(run).values(
                organization=self._database.organization,
                id=record.id,
                started_at=record.started_at,
                state=record.state.value,
                trigger=record.trigger,
                ended_at=record.ended_at,
                digest=record.digest,
                counts=record.counts,
                error=record.error,
                problems=list(record.problems),
            )
        )

    def claim_slot(self, job: str, slot: datetime) -> bool:
        values = {"organization": self._database.organization, "job": job, "slot": slot}
        with self._database.writing() as connection:
            return connection.execute(_CLAIM_SLOT, values).rowcount == 1

    def runs(self, limit: int = 20) -> tuple[RunRecord, ...]:
        query = (
            select(run)
            .where(run.c.organization == self._database.organization)
            .order_by(run.c.started_at.desc(), run.c.id.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return tuple(_run(row) for row in connection.execute(query))

    def samples(self, since: datetime | None = None) -> tuple[HeadroomSample, ...]:
        query = select(headroom).where(headroom.c.organization == self._database.organization)
        if since is not None:
            query = query.where(headroom.c.at >= since)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(headroom.c.at, headroom.c.seq)).all()
        return tuple(
            HeadroomSample(
                at=row.at,
                tier=row.tier,
                purchased=row.purchased,
                assigned=row.assigned,
                held=row.held,
                free=row.free,
                waiting=row.waiting,
            )
            for row in rows
        )

    def hold_plan(self, held: HeldPlan, cause: Cause) -> HeldPlan:
        with self._database.writing(cause) as connection:
            scribe = Scribe(self._database, connection, cause)
            self._supersede(connection, scribe, keep=held.digest)
            old = self._held(connection, held.digest)
            kept = old if old and old.stands_for(held) else None
            if kept is None:
                self._hold(connection, held)
                facts = {"digest": held.digest, "tripped": list(held.tripped)}
                scribe.note("plan.held", detail=facts)
            scribe.write()
        return kept or held

    def _hold(self, connection: Connection, held: HeldPlan) -> None:
        connection.execute(delete(held_plan).where(*self._at(held.digest)))
        connection.execute(
            insert(held_plan).values(
                organization=self._database.organization,
                digest=held.digest,
                held_at=held.held_at,
                state=held.state.value,
                tripped=list(held.tripped),
                plan=held.plan,
                limits=sorted(held.limits),
            )
        )

    def held_plans(self) -> tuple[HeldPlan, ...]:
        query = (
            select(held_plan)
            .where(held_plan.c.organization == self._database.organization)
            .order_by(held_plan.c.held_at.desc(), held_plan.c.digest.desc())
        )
        with self._database.reading() as connection:
            return tuple(_held(row) for row in connection.execute(query))

    def decide(self, digest: str, state: HoldState, cause: Cause) -> HeldPlan:
        with self._database.writing(cause) as connection:
            old = self._held(connection, digest)
            if old is None or old.state in _OVER:
                raise KeyError(digest)
            now = self._database.clock.now()
            decision = {"state": state.value, "decided_by": cause.actor, "decided_at": now}
            connection.execute(update(held_plan).where(*self._at(digest)).values(decision))
            self._note(connection, cause, f"plan.{state.value}", digest)
            new = self._held(connection, digest)
        if new is None:
            raise KeyError(digest)
        return new

    def take_approval(self, held: HeldPlan, valid_since: datetime, cause: Cause) -> bool:
        with self._database.writing(cause) as connection:
            old = self._held(connection, held.digest)
            if old is None or not old.lets_pass(held, valid_since):
                return False
            change = update(held_plan).where(*self._at(held.digest))
            connection.execute(change.values(state=HoldState.USED.value))
            self._note(connection, cause, "plan.used", held.digest)
        return True

    def supersede(self, cause: Cause) -> None:
        with self._database.writing(cause) as connection:
            scribe = Scribe(self._database, connection, cause)
            self._supersede(connection, scribe, keep="")
            scribe.write()

    def _supersede(self, connection: Connection, scribe: Scribe, keep: str) -> None:
        open_ones = select(held_plan.c.digest).where(
            held_plan.c.organization == self._database.organization,
            held_plan.c.state == HoldState.HELD.value,
            held_plan.c.digest != keep,
        )
        for digest in connection.execute(open_ones).scalars().all():
            change = update(held_plan).where(*self._at(digest))
            connection.execute(change.values(state=HoldState.SUPERSEDED.value))
            scribe.note("plan.superseded", detail={"digest": digest})

    def _held(self, connection: Connection, digest: str) -> HeldPlan | None:
        query = select(held_plan).where(*self._at(digest)).with_for_update()
        row = connection.execute(query).first()
        return _held(row) if row else None

    def _note(self, connection: Connection, cause: Cause, event: str, digest: str) -> None:
        scribe = Scribe(self._database, connection, cause)
        scribe.note(event, detail={"digest": digest})
        scribe.write()

    def _at(self, digest: str) -> tuple[ColumnElement[bool], ...]:
        return (
            held_plan.c.organization == self._database.organization,
            held_plan.c.digest == digest,
        )


def _run(row: Row[Any]) -> RunRecord:
    return RunRecord(
        id=row.id,
        started_at=row.started_at,
        state=RunState(row.state),
        trigger=row.trigger,
        ended_at=row.ended_at,
        digest=row.digest,
        counts=row.counts,
        error=row.error,
        problems=tuple(row.problems),
    )


def _sampled(sample: HeadroomSample) -> dict[str, object]:
    return {
        "at": sample.at,
        "tier": sample.tier,
        "purchased": sample.purchased,
        "assigned": sample.assigned,
        "held": sample.held,
        "free": sample.free,
        "waiting": sample.waiting,
    }


def _held(row: Row[Any]) -> HeldPlan:
    return HeldPlan(
        digest=row.digest,
        held_at=row.held_at,
        state=HoldState(row.state),
        tripped=tuple(row.tripped),
        plan=row.plan,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        limits=frozenset(row.limits or ()),
    )
