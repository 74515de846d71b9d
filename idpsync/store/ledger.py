"""The audit trail: rows are only ever added; the seals over them stand in `seal`."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from idpsync.core.records import Cause, LedgerEntry, LedgerProof
from idpsync.store import seal
from idpsync.store.database import Database
from idpsync.store.journal_tables import ledger
from idpsync.store.types import json_text


class SqlLedger:
    """`Ledger` on one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, entries: Sequence[LedgerEntry], cause: Cause | None = None) -> None:
        with self._database.writing(cause) as connection:
            if entries:
                organization = self._database.organization
                connection.execute(insert(ledger), [_values(organization, entry) for entry in entries])

    def entries(
        self, member: str | None = None, since: datetime | None = None, limit: int | None = None
    ) -> tuple[LedgerEntry, ...]:
        query = select(ledger).where(ledger.c.organization == self._database.organization)
        if member is not None:
            query = query.where(ledger.c.member == member)
        if since is not None:
            query = query.where(ledger.c.at >= since)
        newest_first = query.order_by(ledger.c.seq.desc()).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(newest_first).all()
        return tuple(_entry(row) for row in reversed(rows))

    def seal(self) -> int:
        return seal.seal(self._database)

    def verify(self) -> LedgerProof:
        return seal.verify(self._database)


class Scribe:
    """Writes the ledger rows of one change inside the transaction that makes it."""

    def __init__(self, database: Database, connection: Connection, cause: Cause) -> None:
        self._database, self._connection, self._cause = database, connection, cause
        self._at = database.clock.now()
        self._rows: list[dict[str, object]] = []

    def note(
        self,
        event: str,
        member: str | None = None,
        *,
        account_id: str | None = None,
        outcome: str = "done",
        because: tuple[str, ...] | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """One row; the cause's own reasons unless `because` says others."""
        entry = LedgerEntry(
            at=self._at,
            actor=self._cause.actor,
            event=event,
            member=member,
            account_id=account_id,
            outcome=outcome,
            because=self._cause.because if because is None else because,
            detail=detail or {},
            run_id=self._cause.run_id,
        )
        self._rows.append(_values(self._database.organization, entry))

    def write(self) -> None:
        """Add what was noted; called once, at the end of the transaction."""
        if self._rows:
            self._connection.execute(insert(ledger), self._rows)


def _values(organization: str, entry: LedgerEntry) -> dict[str, object]:
    return {
        "organization": organization,
        "at": entry.at,
        "actor": entry.actor,
        "event": entry.event,
        "member": entry.member,
        "account_id": entry.account_id,
        "outcome": entry.outcome,
        "because": json_text(list(entry.because)),
        "detail": json_text(dict(entry.detail)),
        "run_id": entry.run_id,
    }


def _entry(row: Row[Any]) -> LedgerEntry:
    return LedgerEntry(
        at=row.at,
        actor=row.actor,
        event=row.event,
        member=row.member,
        account_id=row.account_id,
        outcome=row.outcome,
        because=tuple(json.loads(row.because)),
        detail=json.loads(row.detail),
        run_id=row.run_id,
        seq=row.seq,
    )
