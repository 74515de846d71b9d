"""The one count that every door shares, on rows. See `schema.seat`."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, func, select

from idpsync.core.records import Cause, Seated
from idpsync.core.seats import Claim, Holding, Placement, SeatPool, Tier
from idpsync.store import seat_changes
from idpsync.store.claim import ClaimDesk
from idpsync.store.claiming import Claiming
from idpsync.store.database import Database
from idpsync.store.mirroring import Mirroring
from idpsync.store.schema import capacity, seat
from idpsync.store.seat_rows import SeatBooking, holdings, read, taken, tier_named
from idpsync.store.wait_list import read_wishes


class SqlSeatBook:
    """`SeatBook` on one store."""

    def __init__(self, database: Database, desk: ClaimDesk) -> None:
        self._database, self._desk, self._ladder = database, desk, desk.ladder
        self._claiming = Claiming(database, desk)
        self._booking = SeatBooking(database, desk.ladder, desk.hold_ttl)
        self._mirroring = Mirroring(self._booking)

    def pool(self) -> SeatPool:
        counts = (
            select(seat.c.tier, seat.c.state, func.count())
            .where(seat.c.organization == self._database.organization, seat.c.state != "free")
            .group_by(seat.c.tier, seat.c.state)
        )
        with self._database.reading() as connection:
            purchased = self._purchased(connection)
            found = {(tier, state): int(n) for tier, state, n in connection.execute(counts)}
            waiting = read_wishes(self._database, connection, self._ladder)
        return SeatPool(
            ladder=self._ladder,
            purchased=purchased,
            assigned={t: found.get((t.name, "claimed"), 0) for t in self._ladder},
            held={t: found.get((t.name, "reserved"), 0) for t in self._ladder},
            reserved=dict(self._desk.reserved),
            waiting=waiting,
        )

    def _purchased(self, connection: Connection) -> dict[Tier, int]:
        rows = connection.execute(
            select(capacity.c.tier, capacity.c.seats).where(
                capacity.c.organization == self._database.organization
            )
        )
        found = {tier_named(self._ladder, name): int(seats) for name, seats in rows}
        return {tier: found.get(tier, 0) for tier in self._ladder}

    def holdings(self) -> tuple[Holding, ...]:
        with self._database.reading() as connection:
            return holdings(self._database, connection, self._ladder)

    def holding(self, member: str) -> Holding | None:
        query = taken(self._database).where(seat.c.member == member)
        with self._database.reading() as connection:
            rows = read(connection, query, self._ladder)
        return max((row.holding() for row in rows), key=lambda one: one.moving, default=None)

    def hold(self, claim: Claim, cause: Cause) -> Placement:
        return self._claiming.hold(claim, cause)

    def move(self, member: str, tier: Tier, cause: Cause) -> bool:
        return self._claiming.move(member, tier, cause)

    def settle(self, member: str, account_id: str, cause: Cause, yield_to: str | None = None) -> None:
        with self._booking.open(cause, member, yield_to) as page:
            seat_changes.settle(page, member, account_id, yield_to)

    def release(self, member: str, cause: Cause, yield_to: str | None = None) -> None:
        with self._booking.open(cause, member, yield_to) as page:
            seat_changes.release(page, member, yield_to, cause.because)

    def cancel(self, member: str, cause: Cause, ticket: int | None = None) -> None:
        with self._booking.open(cause, member) as page:
            seat_changes.cancel(page, member, ticket)

    def rename(self, member: str, to: str, cause: Cause) -> None:
        with self._booking.open(cause, member, to) as page:
            seat_changes.rename(page, member, to)

    def mirror(
        self, seated: Iterable[Seated], cause: Cause, read_at: datetime | None = None
    ) -> tuple[str, ...]:
        return self._mirroring.mirror(tuple(seated), cause, read_at)
