"""Making the rows agree with the target."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from idpsync.core.records import Cause, Seated
from idpsync.core.seats import Tier
from idpsync.store.ledger import Scribe
from idpsync.store.mirror import Mirror
from idpsync.store.reshape import BULK, lock_capacities, quieten
from idpsync.store.schema import seat
from idpsync.store.seat_rows import SeatBooking, SeatRow, absorb, read, save, taken, tier_named


class Mirroring:
    """`mirror` of the seat book."""

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
            lock_capacities(self._database, connection, self._ladder)
            quieten(self._database, connection)
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
