"""The seat count in memory: `hold` is `seats.place` itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from idpsync.core.errors import Conflict
from idpsync.core.records import Cause, Seated
from idpsync.core.seats import Claim, Door, Holding, Ladder, Placement, SeatPool, Tier, WaitEntry, place
from tests.fakes.ledger import FakeLedger
from tests.fakes.membership import FakeAssignments, FakeInviteBook
from tests.fakes.wait_list import FakeWaitList


@dataclass
class _Row:
    seat: Holding
    changed_at: datetime
    ticket: int | None = None

    @property
    def claimed(self) -> bool:
        return self.seat.account_id is not None


class FakeSeatBook:
    def __init__(
        self,
        ladder: Ladder,
        reserved: Mapping[Tier, int],
        hold_ttl: timedelta,
        *,
        waiting: FakeWaitList,
        ledger: FakeLedger,
    ) -> None:
        self.ladder, self.reserved, self.hold_ttl = ladder, reserved, hold_ttl
        self.waiting, self.ledger, self.clock = waiting, ledger, ledger.clock
        self.capacity: dict[Tier, int] = dict.fromkeys(ladder, 0)
        self.rows: list[_Row] = []
        self.tickets = 0
        self.invites = FakeInviteBook(self, ledger)
        self.assignments = FakeAssignments(ledger)

    def pool(self) -> SeatPool:
        return SeatPool(
            ladder=self.ladder,
            purchased=dict(self.capacity),
            assigned={t: sum(r.claimed for r in self._of(t)) for t in self.ladder},
            held={t: sum(not r.claimed for r in self._of(t)) for t in self.ladder},
            reserved=dict(self.reserved),
            waiting=self.waiting.entries(),
        )

    def holdings(self) -> tuple[Holding, ...]:
        seats = (row.seat for row in self.rows)
        return tuple(sorted(seats, key=lambda seat: (seat.member, seat.moving)))

    def holding(self, member: str) -> Holding | None:
        mine = self._mine(member)
        return max((row.seat for row in mine), key=lambda seat: seat.moving, default=None)

    def hold(self, claim: Claim, cause: Cause) -> Placement:
        self.ledger.lease.fence(cause)
        own = self.holding(claim.member)
        if own:
            return self._own(claim, own)
        placement = place(self.pool(), claim)
        if placement.tier:
            self._reserve(claim.member, placement.tier, claim.door)
            self.tickets += 1
            self.rows[-1].ticket = self.tickets
        if placement.waits_for:
            self.waiting.keep_wish(claim, placement.tier, placement.because)
        else:
            self.waiting.rows.pop(claim.member, None)
        event, outcome = ("seat.held", "done") if placement.tier else ("seat.denied", "refused")
        tier = placement.tier.name if placement.tier else None
        self.ledger.record(
            event,
            cause,
            claim.member,
            outcome,
            because=placement.because,
            detail={"tier": tier, "door": claim.door.value},
        )
        return replace(placement, ticket=self.tickets) if placement.tier else placement

    def _own(self, claim: Claim, own: Holding) -> Placement:
        for row in self._mine(claim.member):
            if row.seat == own and not row.claimed:
                soon = self.clock.now() + self.hold_ttl
                row.seat = replace(own, expires_at=max(own.expires_at or soon, soon))
            row.ticket = None  # joined: no longer its maker's alone
        entry = self.waiting.rows.get(claim.member)
        because = (*claim.because, f"already holds {own.tier}")
        return Placement(own.tier, entry.wants if entry else None, because)

    def move(self, member: str, tier: Tier, cause: Cause) -> bool:
        self.ledger.lease.fence(cause)
        if any(row.seat.tier == tier for row in self._mine(member)):
            return True
        if self.pool().free(tier) == 0:
            return False
        before = [row for row in self._mine(member) if not row.seat.moving]
        self.rows = [r for r in self.rows if not (r.seat.member == member and r.seat.moving)]
        door = before[0].seat.door if before else Door.SYNC
        self._reserve(member, tier, door, moving=bool(before))
        self.ledger.record("seat.held", cause, member, detail={"tier": tier.name, "moving": True})
        return True

    def settle(self, member: str, account_id: str, cause: Cause, yield_to: str | None = None) -> None:
        self.ledger.lease.fence(cause)
        mine = self._mine(member)
        if not mine:
            self.ledger.record("seat.settled", cause, member, "failed", account_id=account_id)
            return
        taken = max(mine, key=lambda row: row.seat.moving)
        for row in mine:
            if row is not taken:
                self._leave(row, yield_to)
        taken.seat = replace(taken.seat, account_id=account_id, expires_at=None, moving=False)
        taken.changed_at = self.clock.now()
        self.waiting.seated(member, taken.seat.tier)
        self.ledger.record("seat.settled", cause, member, account_id=account_id)

    def release(self, member: str, cause: Cause, yield_to: str | None = None) -> None:
        self.ledger.lease.fence(cause)
        mine = sorted(self._mine(member), key=lambda row: row.seat.moving)
        if mine:
            self._give_back(mine, cause, yield_to)
        if yield_to is None and self.invites.pending(member):
            self.invites.withdraw(member, cause)

    def _give_back(self, mine: list[_Row], cause: Cause, yield_to: str | None) -> None:
        member, tier = mine[0].seat.member, mine[0].seat.tier
        self.waiting.unseated(member)
        if yield_to:
            now = self.clock.now()
            debt = WaitEntry(member, member, tier, now, because=cause.because, accepts=(tier,))
            self.waiting.put_owed(debt)
        for row in mine:
            self._leave(row, yield_to if row is mine[0] else None)
        self.ledger.record("seat.released", cause, member, detail={"yield_to": yield_to})

    def cancel(self, member: str, cause: Cause, ticket: int | None = None) -> None:
        self.ledger.lease.fence(cause)
        mine = [row for row in self._mine(member) if not row.claimed]
        moved = [row for row in mine if row.seat.moving and row.ticket is None]
        held = moved or [row for row in mine if ticket is not None and row.ticket == ticket]
        for row in held:
            self.rows.remove(row)
        if held:
            self.ledger.record("seat.cancelled", cause, member)

    def prolong(self, member: str, ticket: int, until: datetime) -> int | None:
        """The invite's own ticket, if the reservation was there under `ticket`."""
        held = [row for row in self._mine(member) if not row.claimed and row.ticket == ticket]
        for row in held:
            self.tickets += 1
            row.seat, row.ticket = replace(row.seat, expires_at=until), self.tickets
        return self.tickets if held else None

    def let_go(self, member: str, ticket: int, *, free: bool) -> bool:
        """Whether the reservation was freed; one that somebody joined only stops lasting."""
        soon = self.clock.now() + self.hold_ttl
        freed = False
        for row in self._mine(member):
            if row.claimed or row.ticket not in {ticket, None}:
                continue
            if free and row.ticket == ticket:
                self.rows.remove(row)
                freed = True
            else:
                ends = min(row.seat.expires_at or soon, soon)
                row.seat, row.ticket = replace(row.seat, expires_at=ends), None
                row.changed_at = self.clock.now()
        return freed

    def rename(self, member: str, to: str, cause: Cause) -> None:
        self.ledger.lease.fence(cause)
        mine = self._mine(member)
        if member == to:
            return
        if mine and self._mine(to):
            raise Conflict("store", "rename member", f"{to} has a seat already")
        wished = member in self.waiting.rows
        self.waiting.rename(member, to)
        invited = self.invites.rename(member, to, cause)
        given = self.assignments.rename(member, to)
        for row in mine:
            row.seat = replace(row.seat, member=to)
        if mine or wished or invited or given:
            self.ledger.record("member.renamed", cause, to, detail={"from": member})

    def mirror(
        self, seated: Iterable[Seated], cause: Cause, read_at: datetime | None = None
    ) -> tuple[str, ...]:
        self.ledger.lease.fence(cause)
        told = {one.member: one for one in seated}
        differs: list[tuple[str, str]] = []
        for member in sorted({*told, *(r.seat.member for r in self.rows)}):
            one = told.get(member)
            newer = [r for r in self._mine(member) if read_at and r.changed_at >= read_at]
            if one and newer and not self._arrives(one, newer):
                continue
            if one:
                differs += [(member, sentence) for sentence in self._agree(one)]
            elif not newer:
                differs += [(member, sentence) for sentence in self._unconfirmed(member)]
        for member, sentence in differs:
            self.ledger.record("seat.corrected", cause, member, because=(sentence,))
        return tuple(sentence for _, sentence in differs)

    def _arrives(self, one: Seated, newer: list[_Row]) -> bool:
        """Whether a listing older than `newer` confirms a reservation without freeing any of them."""
        mine = self._mine(one.member)
        here = next((r for r in mine if r.seat.tier == one.tier and not r.claimed), None)
        return here is not None and not (here.seat.moving and any(r is not here for r in newer))

    def _unconfirmed(self, member: str) -> list[str]:
        gone = [r for r in self._mine(member) if r.claimed or self._expired(r)]
        for row in gone:
            self.rows.remove(row)
        for row in self._mine(member):
            row.seat = replace(row.seat, moving=False)
        return [f"{member}: the target does not know the {r.seat.tier} seat; freed" for r in gone]

    def _agree(self, one: Seated) -> list[str]:
        """One seat assigned in the tier told; a live reservation in another tier stays, as moving."""
        mine = self._mine(one.member)
        here = next((r for r in mine if r.seat.tier == one.tier), None)
        settled = here is not None and here.seat.account_id == one.account_id and not here.seat.moving
        said = [] if settled else [f"{one.member} has a {one.tier} seat at the target"]
        for row in mine:
            stays = row is here or not (row.claimed or self._expired(row) or (here and here.seat.moving))
            if not stays:
                self.rows.remove(row)
                said += [f"{one.member}: the {row.seat.tier} seat is freed"] if settled else []
            elif row is not here:
                row.seat = replace(row.seat, moving=True)
        if here is None:
            self._reserve(one.member, one.tier, Door.SYNC)
            here = self.rows[-1]
        if not settled:
            here.changed_at = self.clock.now()
        here.seat = replace(here.seat, account_id=one.account_id, expires_at=None, moving=False)
        return said

    def _expired(self, row: _Row) -> bool:
        return row.seat.expires_at is not None and row.seat.expires_at <= self.clock.now()

    def _of(self, tier: Tier) -> list[_Row]:
        return [row for row in self.rows if row.seat.tier == tier]

    def _mine(self, member: str) -> list[_Row]:
        return [row for row in self.rows if row.seat.member == member]

    def _reserve(self, member: str, tier: Tier, door: Door, *, moving: bool = False) -> None:
        now = self.clock.now()
        seat = Holding(member, tier, door, now, expires_at=now + self.hold_ttl, moving=moving)
        self.rows.append(_Row(seat, now))

    def _leave(self, row: _Row, yield_to: str | None) -> None:
        """Free the row, or hand it over as a reservation."""
        self.rows.remove(row)
        if yield_to and not any(r.seat.moving for r in self._mine(yield_to)):
            self._reserve(yield_to, row.seat.tier, row.seat.door, moving=bool(self._mine(yield_to)))
