"""Unmet wishes in memory."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from idpsync.core.ports import Clock
from idpsync.core.records import Cause
from idpsync.core.seats import Claim, Tier, WaitEntry
from tests.fakes.ledger import FakeLedger


class FakeWaitList:
    def __init__(self, clock: Clock, ledger: FakeLedger) -> None:
        self.clock, self.ledger = clock, ledger
        self.rows: dict[str, WaitEntry] = {}

    def entries(self) -> tuple[WaitEntry, ...]:
        return tuple(sorted(self.rows.values(), key=lambda entry: entry.turn))

    def replace(
        self, entries: Iterable[WaitEntry], cause: Cause, made_at: datetime | None = None
    ) -> None:
        self.ledger.lease.fence(cause)
        wanted = {entry.member: entry for entry in entries}
        for member, row in list(self.rows.items()):
            newer = made_at is not None and row.since > made_at
            if member not in wanted and not newer:
                del self.rows[member]
                self.ledger.record("wish.dropped", cause, member)
        for member, entry in wanted.items():
            old = self.rows.get(member)
            self.rows[member] = replace(entry, since=old.since) if old else entry
            if old is None:
                self.ledger.record("wish.queued", cause, member, detail={"wants": entry.wants.name})

    def drop(self, member: str, cause: Cause) -> None:
        self.ledger.lease.fence(cause)
        if self.rows.pop(member, None):
            self.ledger.record("wish.dropped", cause, member)

    def keep_wish(self, claim: Claim, holds: Tier | None, because: tuple[str, ...]) -> None:
        """The claim goes on waiting for its wish; an older wish keeps its place."""
        if claim.wish is None:
            return
        liking = claim.options.index(holds) if holds else len(claim.options)
        asked, old = claim.since or self.clock.now(), self.rows.get(claim.member)
        self.rows[claim.member] = WaitEntry(
            member=claim.member,
            user_name=claim.user_name,
            wants=claim.wish,
            since=min(asked, old.since) if old else asked,
            holds=holds,
            priority=claim.priority,
            because=because,
            owed=old.owed if old else False,
            accepts=claim.options[:liking],
            door=old.door if old else claim.door,
        )

    def owe(self, entry: WaitEntry, cause: Cause) -> None:
        self.ledger.lease.fence(cause)
        if self.put_owed(entry):
            detail = {"wants": entry.wants.name}
            self.ledger.record("wish.owed", cause, entry.member, detail=detail)

    def put_owed(self, entry: WaitEntry) -> bool:
        """Whether that was not known yet."""
        old = self.rows.get(entry.member)
        kept = old or entry
        more = () if entry.wants in kept.accepts else (entry.wants,)
        self.rows[entry.member] = replace(kept, owed=True, accepts=(*kept.accepts, *more))
        return self.rows[entry.member] != old

    def seated(self, member: str, tier: Tier) -> None:
        """A confirmed seat: the wish or the debt is met, or the wish goes on and nothing is owed."""
        old = self.rows.get(member)
        if old and (old.wants == tier or (old.owed and tier in old.accepts)):
            del self.rows[member]
        elif old:
            self.rows[member] = replace(old, holds=tier, owed=False)

    def unseated(self, member: str) -> None:
        old = self.rows.get(member)
        if old:
            self.rows[member] = replace(old, holds=None)

    def rename(self, member: str, to: str) -> None:
        old, there = self.rows.pop(member, None), self.rows.get(to)
        if old:
            since = min(old.since, there.since) if there else old.since
            self.rows[to] = replace(old, member=to, since=since)
