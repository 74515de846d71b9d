"""Making the rows agree with the target, and making new rows for purchased seats."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, text, update

from idpsync.core.records import Cause, Seated
from idpsync.core.seats import Tier
from idpsync.store.ledger import Scribe
from idpsync.store.mirror import Mirror
from idpsync.store.schema import capacity, seat
from idpsync.store.seat_rows import SeatBooking, SeatRow, absorb, read, save, taken, tier_named

BULK = 500  # from so many rows on the database's planner is told


class Mirroring:
    """`mirror` and `resize` of the seat book."""

    def __init__(self, booking: SeatBooking) -> None:
        self._booking, self._database = booking, booking.database
        self._ladder = booking.ladder

    def mirror(
        self, seated: Sequence[Seated], cause: Cause, read_at: datetime | None
    ) -> tuple[str, ...]:
        with self._database.reading() as connection:
            mirror, _, _ = self._agreed(connection, seated, read_at)
        with self._database.writing(cause) as connection:
            if not mirror.differences:
                return ()
            self._make_capacities(connection, set(self._ladder))
            if self._database.postgresql:
                # claims of the moment finish, new ones wait until the rows agree
                connection.execute(text("LOCK TABLE seat IN SHARE ROW EXCLUSIVE MODE"))
            mirror, before, after = self._agreed(connection, seated, read_at)
            save(self._database, connection, before, after)
            absorb(self._database, connection, self._ladder)
            scribe = Scribe(self._database, connection, cause)
            for one in mirror.differences:
                scribe.note("seat.corrected", one.member, because=(one.sentence,))
            scribe.write()
        if len(mirror.differences) >= BULK:
            self._database.analyze("seat")
        return tuple(one.sentence for one in mirror.differences)

    def _agreed(
        self, connection: Connection, seated: Sequence[Seated], read_at: datetime | None
    ) -> tuple[Mirror, list[SeatRow], list[SeatRow]]:
        before = read(connection, taken(self._database), self._ladder)
        mirror = Mirror(before, self._free(connection), self._database.clock.now())
        return mirror, before, mirror.agree(seated, read_at)

    def _free(self, connection: Connection) -> dict[Tier, list[int]]:
        rows = connection.execute(
            select(seat.c.tier, seat.c.seat_no).where(
                seat.c.organization == self._database.organization, seat.c.state == "free"
            )
        )
        free: dict[Tier, list[int]] = {tier: [] for tier in self._ladder}
        for name, seat_no in rows:
            free[tier_named(self._ladder, name)].append(seat_no)
        return free

    def _make_capacities(self, connection: Connection, tiers: set[Tier]) -> dict[str, int]:
        """Every tier has its row; seats per tier."""
        mine = capacity.c.organization == self._database.organization
        query = select(capacity.c.tier, capacity.c.seats).where(mine).order_by(capacity.c.tier)
        there = {name: int(seats) for name, seats in connection.execute(query.with_for_update())}
        for tier in sorted(tiers):
            if tier.name not in there:
                connection.execute(
                    insert(capacity).values(
                        organization=self._database.organization, tier=tier.name, seats=0
                    )
                )
                there[tier.name] = 0
        return there

    def resize(self, purchased: Mapping[Tier, int], cause: Cause) -> None:
        with self._database.writing(cause) as connection:
            there = self._make_capacities(connection, set(purchased))
            for tier, seats in purchased.items():
                if seats < there[tier.name]:
                    was = there[tier.name]
                    raise ValueError(f"{tier}: a contract never shrinks, {was} to {seats} seats")
            grown = {t: n for t, n in purchased.items() if n > there[t.name]}
            for tier, seats in grown.items():
                self._grow(connection, tier, there[tier.name], seats)
            absorb(self._database, connection, self._ladder)
            if grown:
                scribe = Scribe(self._database, connection, cause)
                facts = {tier.name: [there[tier.name], seats] for tier, seats in grown.items()}
                scribe.note("pool.resized", detail={"seats": facts})
                scribe.write()
        if sum(grown.values()) >= BULK:
            self._database.analyze("seat", "capacity")

    def _grow(self, connection: Connection, tier: Tier, was: int, seats: int) -> None:
        organization = self._database.organization
        connection.execute(
            update(capacity)
            .where(capacity.c.organization == organization, capacity.c.tier == tier.name)
            .values(seats=seats)
        )
        connection.execute(
            insert(seat).values(organization=organization, tier=tier.name, overdrawn=False),
            [{"seat_no": number} for number in range(was + 1, seats + 1)],
        )
