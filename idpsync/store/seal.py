"""The hash chain over the ledger: batches sealed off the hot path, verified from the first row.

A seal covers every row of the organisation after the seal before it and up to `last_seq`:
`batch_sha` = SHA-256 over the rows' own hashes, `sha` = SHA-256(prev_sha ‖ n ‖ last_seq ‖ batch_sha).
`marks` keeps each row's number and the first half of its hash, so that a verification names the row.
A chain shows a change, not a truth: whoever owns the database can rewrite all of it. The head is
logged at each seal, so that a rewritten chain differs from the logs.
"""

import hashlib
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import structlog
from sqlalchemy import Connection, Row, func, insert, select, text

from idpsync.core.records import LedgerProof
from idpsync.store.database import Collision, Database
from idpsync.store.journal_tables import ledger, ledger_seal
from idpsync.store.types import instant_text, json_text

log = structlog.get_logger()

_MARK = struct.Struct(">q16s")
PATIENCE = 40  # looks at those who are still writing, 25 ms apart

_WRITERS = text(
    "SELECT DISTINCT virtualtransaction FROM pg_locks WHERE relation = 'ledger'::regclass"
    " AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class _Batch:
    marks: bytes
    rows: int
    last_seq: int
    sha: str


def seal(database: Database) -> int:
    """Seal every row up to the last one below which nothing can still appear; how many there were."""
    end = _settled_end(database)
    try:
        with database.writing() as connection:
            return _seal_up_to(database, connection, end)
    except Collision:
        return 0  # somebody else sealed the same rows just now


def _seal_up_to(database: Database, connection: Connection, end: int) -> int:
    before = connection.execute(
        select(ledger_seal.c.n, ledger_seal.c.last_seq, ledger_seal.c.sha)
        .where(ledger_seal.c.organization == database.organization)
        .order_by(ledger_seal.c.n.desc())
        .limit(1)
    ).first()
    n, after, prev = (before.n, before.last_seq, before.sha) if before else (0, None, "")
    batch = _batch(_rows(database, connection, after, end))
    if batch is None:
        return 0
    sha = _chained(prev, n + 1, batch)
    connection.execute(
        insert(ledger_seal).values(
            organization=database.organization,
            n=n + 1,
            last_seq=batch.last_seq,
            sealed=batch.rows,
            marks=batch.marks,
            batch_sha=batch.sha,
            prev_sha=prev,
            sha=sha,
            sealed_at=database.clock.now(),
        )
    )
    log.info("ledger.sealed", rows=batch.rows, last_seq=batch.last_seq, head=sha)
    return batch.rows


def _settled_end(database: Database) -> int:
    """The highest number below which no row can appear any more.

    SQLite writes in turn. On PostgreSQL a transaction takes its numbers before others see its rows:
    everybody who was writing when we looked must be done before the rows up to there are sealed.
    """
    with database.reading() as connection:
        end = connection.execute(select(func.coalesce(func.max(ledger.c.seq), 0))).scalar_one()
    if not database.postgresql:
        return int(end)
    with database.writing() as connection:
        writing = set(connection.execute(_WRITERS).scalars())
        for _ in range(PATIENCE):
            if not writing:
                return int(end)
            time.sleep(0.025)
            writing &= set(connection.execute(_WRITERS).scalars())
    log.info("ledger.seal_postponed", writers=len(writing))
    return 0


def verify(database: Database) -> LedgerProof:
    """Compute the whole chain again; the first row that was changed, removed or slipped in."""
    sealed, after, head = 0, None, ""
    with database.reading() as connection:
        seals = connection.execute(
            select(ledger_seal)
            .where(ledger_seal.c.organization == database.organization)
            .order_by(ledger_seal.c.n)
        ).all()
        for n, one in enumerate(seals, start=1):
            batch = _batch(_rows(database, connection, after, one.last_seq))
            problem, bad = _judge(one, batch, n, head)
            if problem:
                unsealed = _count(database, connection, after)
                return LedgerProof(
                    ok=False,
                    sealed=sealed,
                    unsealed=unsealed,
                    head=head,
                    problem=problem,
                    first_bad=bad,
                )
            sealed, after, head = sealed + one.sealed, one.last_seq, one.sha
        unsealed = _count(database, connection, after)
    return LedgerProof(ok=True, sealed=sealed, unsealed=unsealed, head=head)


def _judge(one: Row[Any], batch: _Batch | None, n: int, head: str) -> tuple[str, int | None]:
    found = batch.marks if batch else b""
    bad = _first_difference(_marks(one.marks), _marks(found))
    if bad:
        return bad
    if batch is None or batch.sha != one.batch_sha:
        return f"the rows of seal {n} were changed", _first(one.marks)
    if one.n != n or one.prev_sha != head or _chained(head, n, batch) != one.sha:
        return f"seal {n} does not follow from the one before it", _first(one.marks)
    return "", None


def _first_difference(
    sealed: Iterable[tuple[int, bytes]], found: Iterable[tuple[int, bytes]]
) -> tuple[str, int] | None:
    for was, is_now in zip_longest(sealed, found):
        if was == is_now:
            continue
        if was is None or (is_now is not None and is_now[0] < was[0]):
            return f"row {is_now[0]} was slipped in after sealing", is_now[0]
        if is_now is None or is_now[0] > was[0]:
            return f"row {was[0]} was removed", was[0]
        return f"row {was[0]} was changed", was[0]
    return None


def _rows(database: Database, connection: Connection, after: int | None, end: int) -> Iterator[Row[Any]]:
    query = select(ledger).where(ledger.c.organization == database.organization, ledger.c.seq <= end)
    if after is not None:
        query = query.where(ledger.c.seq > after)
    yield from connection.execute(query.order_by(ledger.c.seq).execution_options(yield_per=5000))


def _batch(rows: Iterable[Row[Any]]) -> _Batch | None:
    whole, marks, last_seq = hashlib.sha256(), bytearray(), 0
    for row in rows:
        sha = _row_sha(row)
        whole.update(sha)
        marks += _MARK.pack(row.seq, sha)
        last_seq = row.seq
    if not marks:
        return None
    return _Batch(bytes(marks), len(marks) // _MARK.size, last_seq, whole.hexdigest())


def _row_sha(row: Row[Any]) -> bytes:
    values = [instant_text(row.at) if name == "at" else getattr(row, name) for name in _COLUMNS]
    return hashlib.sha256(json_text(values).encode()).digest()


_COLUMNS: Sequence[str] = tuple(ledger.c.keys())


def _chained(prev: str, n: int, batch: _Batch) -> str:
    return hashlib.sha256(f"{prev}|{n}|{batch.last_seq}|{batch.sha}".encode()).hexdigest()


def _marks(marks: object) -> list[tuple[int, bytes]]:
    """Numbers and hashes; none where somebody put something else."""
    if not isinstance(marks, bytes):
        return []
    whole = len(marks) - len(marks) % _MARK.size
    return [(seq, sha) for seq, sha in _MARK.iter_unpack(marks[:whole])]


def _first(marks: object) -> int | None:
    return next((seq for seq, _ in _marks(marks)), None)


def _count(database: Database, connection: Connection, after: int | None) -> int:
    query = select(func.count()).where(ledger.c.organization == database.organization)
    return int(connection.execute(query.where(ledger.c.seq > (after or 0))).scalar_one())
