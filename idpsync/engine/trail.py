"""The ledger rows that alert rules look at, read piece by piece."""

from collections.abc import Hashable
from datetime import datetime, timedelta

from idpsync.core.journals import Ledger
from idpsync.core.records import LedgerEntry
from idpsync.engine.watch import LOGIN_REFUSED, UNDONE

OVERLAP = timedelta(minutes=2)
"""A row may become visible so long after the time that stands in it: long writes, unequal clocks."""


class Trail:
    """Remembers what matters, so that a long ledger is read once and not every few seconds."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rows: dict[Hashable, LedgerEntry] = {}
        self._read_to: datetime | None = None

    def rows(self, since: datetime, now: datetime) -> tuple[LedgerEntry, ...]:
        """Refused logins and actions not carried out, from `since` on, in order of writing.

        `since` may move forward from call to call, not back.
        """
        start = since if self._read_to is None else max(since, self._read_to - OVERLAP)
        fresh = {_identity(row): row for row in self._ledger.entries(since=start) if _matters(row)}
        kept = {key: row for key, row in (self._rows | fresh).items() if row.at >= since}
        self._rows, self._read_to = kept, now
        return tuple(kept.values())


def _matters(row: LedgerEntry) -> bool:
    return row.event == LOGIN_REFUSED or row.outcome in UNDONE


def _identity(row: LedgerEntry) -> Hashable:
    return (row.seq, row.at, row.event, row.member)
