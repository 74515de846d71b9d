"""Alert state. A transition and the messages it causes are one transaction."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from idpsync.core.alerts import Alert, AlertState, Phase, Severity
from idpsync.core.records import Cause
from idpsync.store.database import Database
from idpsync.store.journal_tables import alert_state, outbox
from idpsync.store.ledger import Scribe
from idpsync.store.outbox import alert_record
from idpsync.store.types import instant_of, instant_text

KEEP_DELIVERED = timedelta(days=7)


class SqlAlertBook:
    """`AlertBook` on one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def states(self) -> Mapping[str, AlertState]:
        query = select(alert_state).where(alert_state.c.organization == self._database.organization)
        with self._database.reading() as connection:
            return {row.key: _state(row) for row in connection.execute(query)}

    def save(self, states: Iterable[AlertState], messages: Iterable[tuple[str, Alert]]) -> None:
        new = tuple(states)
        posts = [self._message(receiver, alert) for receiver, alert in messages]
        with self._database.writing() as connection:
            for state in new:
                self._put(connection, state)
            if posts:
                connection.execute(insert(outbox), posts)
            self._forget_delivered(connection)

    def acknowledge(self, key: str, cause: Cause) -> AlertState:
        return self._change(key, "alert.acknowledged", cause, {"acknowledged_by": cause.actor})

    def silence(self, key: str, until: datetime, cause: Cause) -> AlertState:
        return self._change(key, "alert.silenced", cause, {"silenced_until": until})

    def _change(self, key: str, event: str, cause: Cause, values: Mapping[str, object]) -> AlertState:
        with self._database.writing(cause) as connection:
            changed = connection.execute(
                update(alert_state).where(*self._at(key)).values(**values).returning(alert_state)
            ).first()
            if changed is None:
                raise KeyError(key)
            scribe = Scribe(self._database, connection, cause)
            scribe.note(event, detail={"key": key})
            scribe.write()
            return _state(changed)

    def _put(self, connection: Connection, state: AlertState) -> None:
        """What people said of the alert since the state was read is not overwritten."""
        query = select(alert_state).where(*self._at(state.key)).with_for_update()
        there = connection.execute(query).first()
        row = self._row(state)
        if there is None:
            connection.execute(insert(alert_state).values(row))
            return
        row["silenced_until"] = there.silenced_until
        if not _ends_acknowledgement(_state(there), state):
            row["acknowledged_by"] = there.acknowledged_by
        connection.execute(update(alert_state).where(*self._at(state.key)).values(row))

    def _forget_delivered(self, connection: Connection) -> None:
        before = self._database.clock.now() - KEEP_DELIVERED
        connection.execute(
            delete(outbox).where(
                outbox.c.organization == self._database.organization,
                outbox.c.state == "done",
                outbox.c.next_at < before,
            )
        )

    def _at(self, key: str) -> tuple[ColumnElement[bool], ...]:
        return (
            alert_state.c.organization == self._database.organization,
            alert_state.c.key == key,
        )

    def _message(self, receiver: str, alert: Alert) -> dict[str, object]:
        return {
            "organization": self._database.organization,
            "id": str(uuid.uuid4()),
            "receiver": receiver,
            "alert_key": alert.key,
            "alert": alert_record(alert),
            "state": "pending",
            "begun": 0,
            "next_at": alert.at,
        }

    def _row(self, state: AlertState) -> dict[str, object]:
        return {
            "organization": self._database.organization,
            "key": state.key,
            "phase": state.phase.value,
            "severity": state.severity.value if state.severity else None,
            "summary": state.summary,
            "facts": state.facts,
            "runbook": state.runbook,
            "pending_since": state.pending_since,
            "firing_since": state.firing_since,
            "last_sent_at": state.last_sent_at,
            "acknowledged_by": state.acknowledged_by,
            "silenced_until": state.silenced_until,
            "told": {severity.value: instant_text(at) for severity, at in state.told.items()},
        }


def _ends_acknowledgement(old: AlertState, new: AlertState) -> bool:
    """The trouble is over, or worse than anything that was told and acknowledged."""
    if new.acknowledged_by is not None:
        return False
    return new.phase is Phase.OK or _worst(new) > _worst(old) > 0


def _worst(state: AlertState) -> int:
    return max((severity.rank for severity in state.told), default=0)


def _state(row: Row[Any]) -> AlertState:
    return AlertState(
        key=row.key,
        phase=Phase(row.phase),
        severity=Severity(row.severity) if row.severity else None,
        summary=row.summary,
        facts=row.facts,
        runbook=row.runbook,
        pending_since=row.pending_since,
        firing_since=row.firing_since,
        last_sent_at=row.last_sent_at,
        acknowledged_by=row.acknowledged_by,
        silenced_until=row.silenced_until,
        told={Severity(severity): instant_of(at) for severity, at in row.told.items()},
    )
