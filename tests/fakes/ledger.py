"""The audit trail in memory, with the same hash chain in small."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from idpsync.core.ports import Clock
from idpsync.core.records import Cause, LedgerEntry, LedgerProof
from tests.fakes.marks import FakeLease


class FakeLedger:
    def __init__(self, clock: Clock, lease: FakeLease) -> None:
        self.clock, self.lease = clock, lease
        self.rows: list[LedgerEntry] = []
        self.seals: list[tuple[int, str]] = []  # (last seq, chain head)

    def append(self, entries: Sequence[LedgerEntry], cause: Cause | None = None) -> None:
        self.lease.fence(cause)
        for entry in entries:
            self.rows.append(replace(entry, seq=len(self.rows) + 1))

    def record(
        self,
        event: str,
        cause: Cause,
        member: str | None = None,
        outcome: str = "done",
        *,
        account_id: str | None = None,
        because: tuple[str, ...] | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """What the other books write in their own transaction."""
        entry = LedgerEntry(
            at=self.clock.now(),
            actor=cause.actor,
            event=event,
            member=member,
            account_id=account_id,
            outcome=outcome,
            because=cause.because if because is None else because,
            detail=dict(detail or {}),
            run_id=cause.run_id,
        )
        self.append([entry])

    def entries(
        self, member: str | None = None, since: datetime | None = None, limit: int | None = None
    ) -> tuple[LedgerEntry, ...]:
        found = [
            row
            for row in self.rows
            if (member is None or row.member == member) and (since is None or row.at >= since)
        ]
        return tuple(found if limit is None else found[len(found) - min(limit, len(found)) :])

    def seal(self) -> int:
        last, head = self.seals[-1] if self.seals else (0, "")
        batch = self.rows[last:]
        if batch:
            self.seals.append((len(self.rows), _chained(head, batch)))
        return len(batch)

    def verify(self) -> LedgerProof:
        after, head = 0, ""
        for last, sha in self.seals:
            computed = _chained(head, self.rows[after:last])
            if computed != sha:
                return LedgerProof(False, after, 0, head, "a sealed row was changed", after + 1)
            after, head = last, sha
        return LedgerProof(ok=True, sealed=after, unsealed=len(self.rows) - after, head=head)


def _chained(head: str, batch: Sequence[LedgerEntry]) -> str:
    return hashlib.sha256((head + repr([asdict(row) for row in batch])).encode()).hexdigest()
