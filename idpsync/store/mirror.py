"""The seat rows as they should be, given what the target says. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import heapify, heappop, heappush

from idpsync.core.records import Seated
from idpsync.core.seats import Door, Tier
from idpsync.store.schema import BEYOND
from idpsync.store.seat_rows import SeatRow


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that was not as the target says, and has been put right."""

    member: str
    sentence: str


class Mirror:
    """All rows of one organisation on their way to agreement. `free` are seat numbers per tier."""

    def __init__(
        self, rows: Iterable[SeatRow], free: Mapping[Tier, Iterable[int]], now: datetime
    ) -> None:
        self.now = now
        self.differences: list[Difference] = []
        self._rows: dict[str, list[SeatRow]] = defaultdict(list)
        self._free = {tier: list(numbers) for tier, numbers in free.items()}
        self._beyond: dict[Tier, int] = defaultdict(lambda: BEYOND)
        self._unseated: list[tuple[Seated, Door]] = []
        for numbers in self._free.values():
            heapify(numbers)
        for row in rows:
            self._rows[row.member].append(row)
            if row.overdrawn:
                self._beyond[row.tier] = max(self._beyond[row.tier], row.seat_no)

    def agree(self, seated: Iterable[Seated], read_at: datetime | None) -> list[SeatRow]:
        """The rows afterwards. What is freed is free for those whom the target seats.

        Whoever's seats changed at `read_at` or later may only gain: the listing can confirm what they
        reserved, but it is too old to say that something is over.
        """
        told = {one.member: one for one in seated}
        for member in sorted({*told, *self._rows}):
            one = told.get(member)
            newer = [r for r in self._rows[member] if read_at is not None and r.changed_at >= read_at]
            if one and newer:
                self._arrive(one, newer)
            elif one:
                self._follow(one)
            elif not newer:
                self._unconfirmed(member)
        for one, door in self._unseated:
            self._rows[one.member].append(self._seat(one, door))
        return [row for rows in self._rows.values() for row in rows]

    def _unconfirmed(self, member: str) -> None:
        for row in list(self._rows[member]):
            if row.claimed:
                self._drop(row, f"{member}: the target does not know the {row.tier} seat; freed")
            elif row.expired(self.now):
                why = f"the {row.tier} reservation expired and the target knows no seat"
                self._drop(row, f"{member}: {why}; freed")
        left = self._rows[member]
        self._rows[member] = [replace(row, moving=False) for row in left]

    def _arrive(self, one: Seated, newer: Sequence[SeatRow]) -> None:
        """The reservation that the listing confirms is assigned; nothing newer is given up for it."""
        rows = self._rows[one.member]
        here = next((row for row in rows if row.tier == one.tier and not row.claimed), None)
        if here is None:
            return
        left = [row for row in rows if row is not here] if here.moving else []
        if any(row in newer for row in left):
            return  # a seat that is moved away from, but has just changed: the next listing settles it
        for row in left:
            self._drop(row, f"{one.member} has {one.tier} at the target, no longer {row.tier}")
        self._confirm(here, one)

    def _confirm(self, here: SeatRow, one: Seated) -> None:
        rows = self._rows[one.member]
        rows[rows.index(here)] = replace(
            here,
            account_id=one.account_id,
            expires_at=None,
            moving=False,
            ticket=None,
            changed_at=self.now,
        )
        self._say(one.member, f"{one.member}: the target confirms the {one.tier} seat")

    def _follow(self, one: Seated) -> None:
        rows = self._rows[one.member]
        door = rows[0].door if rows else Door.SYNC
        here = next((row for row in rows if row.tier == one.tier), None)
        for row in [row for row in rows if row is not here]:
            self._elsewhere(row, one, here)
        if here is None:
            self._unseated.append((one, door))
            self._say(one.member, f"{one.member} has a {one.tier} seat at the target, not in the book")
        elif here.account_id != one.account_id:
            self._confirm(here, one)

    def _elsewhere(self, row: SeatRow, one: Seated, here: SeatRow | None) -> None:
        """A row in another tier: what is under way there stays, what is over is freed."""
        rows = self._rows[one.member]
        arrived = here is not None and here.moving
        twice = not row.moving and any(other.moving for other in rows)
        if row.claimed or arrived or twice:
            self._drop(row, f"{one.member} has {one.tier} at the target, no longer {row.tier}")
        elif row.expired(self.now):
            self._drop(row, f"{one.member}: the {row.tier} reservation expired; still {one.tier}")
        elif not row.moving:
            rows[rows.index(row)] = replace(row, moving=True)

    def _drop(self, row: SeatRow, sentence: str) -> None:
        self._rows[row.member].remove(row)
        if not row.overdrawn:
            heappush(self._free.setdefault(row.tier, []), row.seat_no)
        self._say(row.member, sentence)

    def _seat(self, one: Seated, door: Door) -> SeatRow:
        numbers = self._free.get(one.tier)
        if numbers:
            seat_no = heappop(numbers)
        else:
            seat_no = self._beyond[one.tier] = self._beyond[one.tier] + 1
        return SeatRow(
            tier=one.tier,
            seat_no=seat_no,
            overdrawn=seat_no > BEYOND,
            member=one.member,
            door=door,
            since=self.now,
            changed_at=self.now,
            account_id=one.account_id,
        )

    def _say(self, member: str, sentence: str) -> None:
        self.differences.append(Difference(member, sentence))
