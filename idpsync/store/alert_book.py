"""Alert state. A transition and the messages it causes are one transaction."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from idpsync.core.alerts import Alert, AlertState, Phase, Severity
from idpsync.core.records import Cause
from idpsync.store.database import Database
from idpsync.store.ledger import Scribe
from idpsync.store.outbox import alert_record
from idpsync.store.schema import alert_state, outbox
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
        rows = {state.key: self._row(state) for state in states}
        posts = [self._message(receiver, alert) for receiver, alert in messages]
        with self._database.writing() as connection:
            for key in rows:
                connection.execute(delete(alert_state).where(*self._at(key)))
            if rows:
                connection.execute(insert(alert_state), list(rows.values()))
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
