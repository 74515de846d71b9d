"""Messages that must leave: leased for a minute, told in order, never finished by a late worker.

`begun` counts the deliveries begun and is the token of the present one: a worker whose minute ran out
answers with a number that is no longer there, and changes nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update

from idpsync.core.alerts import Alert, Severity
from idpsync.core.records import Delivery
from idpsync.store.database import Database
from idpsync.store.journal_tables import outbox
from idpsync.store.types import instant_of, instant_text

LEASE = timedelta(minutes=1)


class SqlOutbox:
    """`Outbox` on one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: datetime, limit: int = 20) -> tuple[Delivery, ...]:
        with self._database.writing() as connection:
            found = connection.execute(self._ready(now).limit(limit)).scalars().all()
            if not found:
                return ()
            rows = connection.execute(
                update(outbox)
                .where(outbox.c.seq.in_(found))
                .values(begun=outbox.c.begun + 1, leased_until=now + LEASE)
                .returning(outbox)
            ).all()
        in_order = sorted(rows, key=lambda row: row.seq)
        return tuple(
            Delivery(row.id, row.receiver, _alert(row.alert), row.begun - 1) for row in in_order
        )

    def _ready(self, now: datetime) -> Select[tuple[int]]:
        """Due, in nobody's hand, and nothing older about the same alert still to tell this receiver."""
        older = outbox.alias()
        earlier = exists().where(
            older.c.organization == outbox.c.organization,
            older.c.receiver == outbox.c.receiver,
            older.c.alert_key == outbox.c.alert_key,
            older.c.seq < outbox.c.seq,
            older.c.state == "pending",
        )
        return (
            select(outbox.c.seq)
            .where(
                outbox.c.organization == self._database.organization,
                outbox.c.state == "pending",
                outbox.c.next_at <= now,
                or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= now),
                ~earlier,
            )
            .order_by(outbox.c.seq)
            .with_for_update(skip_locked=True)
        )

    def pending(self) -> int:
        waiting = select(func.count()).where(
            outbox.c.organization == self._database.organization, outbox.c.state == "pending"
        )
        with self._database.reading() as connection:
            return connection.execute(waiting).scalar_one()

    def done(self, delivery: Delivery) -> None:
        with self._database.writing() as connection:
            change = update(outbox).where(self._mine(delivery))
            connection.execute(change.values(state="done", leased_until=None))

    def failed(self, delivery: Delivery, error: str, next_at: datetime | None) -> None:
        values: dict[str, object] = {"last_error": error, "leased_until": None}
        values |= {"next_at": next_at} if next_at else {"state": "dead"}
        with self._database.writing() as connection:
            connection.execute(update(outbox).where(self._mine(delivery)).values(**values))

    def _mine(self, delivery: Delivery) -> ColumnElement[bool]:
        return and_(
            outbox.c.organization == self._database.organization,
            outbox.c.id == delivery.id,
            outbox.c.state == "pending",
            outbox.c.begun == delivery.attempts + 1,
            outbox.c.leased_until.is_not(None),
        )


def alert_record(alert: Alert) -> dict[str, object]:
    """An alert as plain JSON values."""
    return {
        "key": alert.key,
        "severity": alert.severity.value,
        "firing": alert.firing,
        "summary": alert.summary,
        "facts": dict(alert.facts),
        "runbook": alert.runbook,
        "at": instant_text(alert.at),
    }


def _alert(record: dict[str, Any]) -> Alert:
    return Alert(
        key=record["key"],
        severity=Severity(record["severity"]),
        firing=record["firing"],
        summary=record["summary"],
        facts=record["facts"],
        runbook=record["runbook"],
        at=instant_of(record["at"]),
    )
