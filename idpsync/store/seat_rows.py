"""Seat rows as values: load some, change them, write what differs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select, update

from idpsync.core.errors import StoreError
from idpsync.core.records import Cause
from idpsync.core.seats import Door, Holding, Ladder, Tier
from idpsync.store.database import Database, driver_of
from idpsync.store.ledger import Scribe
from idpsync.store.membership_rows import AssignmentRows, InviteRows
from idpsync.store.schema import seat
from idpsync.store.types import instant_of
from idpsync.store.wait_list import Wishes


@dataclass(frozen=True, slots=True)
class SeatRow:
    """One seat that somebody has. `account_id` is there exactly when the seat is assigned."""

    tier: Tier
    seat_no: int
    overdrawn: bool
    member: str
    door: Door
    since: datetime
    changed_at: datetime
    account_id: str | None = None
    expires_at: datetime | None = None
    moving: bool = False
    ticket: int | None = None

    @property
    def place(self) -> tuple[str, int]:
        return (self.tier.name, self.seat_no)

    @property
    def claimed(self) -> bool:
        return self.account_id is not None

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def holding(self) -> Holding:
        return Holding(
            member=self.member,
            tier=self.tier,
            door=self.door,
            since=self.since,
            account_id=self.account_id,
            expires_at=self.expires_at,
            moving=self.moving,
        )


def taken(database: Database) -> Select[Any]:
    """All seats of the organisation that somebody has."""
    return (
        select(seat)
        .where(seat.c.organization == database.organization, seat.c.member.is_not(None))
        .order_by(seat.c.member, seat.c.role.desc())
    )


def read(connection: Connection, query: Select[Any], ladder: Ladder) -> list[SeatRow]:
    return [_row(row, ladder) for row in connection.execute(query)]


_HOLDINGS = """
SELECT member, tier, door, since, account_id, expires_at, role FROM seat
WHERE organization = :organization AND member IS NOT NULL ORDER BY member, role DESC
"""


def holdings(database: Database, connection: Connection, ladder: Ladder) -> tuple[Holding, ...]:
    """All seats that somebody has, by the driver itself: there is one for every person."""
    at = {"organization": database.organization}
    rows = driver_of(connection).execute(database.sql(_HOLDINGS), at).fetchall()
    tiers = {name: tier_named(ladder, name) for name in {row[1] for row in rows}}
    return tuple(_holding(row, tiers) for row in rows)


def _holding(row: tuple[Any, ...], tiers: Mapping[str, Tier]) -> Holding:
    member, tier, door, since, account_id, expires_at, role = row
    ends = instant_of(expires_at) if expires_at else None
    return Holding(
        member, tiers[tier], Door(door), instant_of(since), account_id, ends, moving=role == "moving"
    )


def tier_named(ladder: Ladder, name: str) -> Tier:
    """StoreError for a tier that the configuration does not name (any more)."""
    try:
        return ladder.named(name)
    except KeyError:
        raise StoreError(
            f"the store has seats of a tier {name!r} that the configuration does not name"
        ) from None


def _row(row: Row[Any], ladder: Ladder) -> SeatRow:
    return SeatRow(
        tier=tier_named(ladder, row.tier),
        seat_no=row.seat_no,
        overdrawn=row.overdrawn,
        member=row.member,
        door=Door(row.door),
        since=row.since,
        changed_at=row.changed_at,
        account_id=row.account_id,
        expires_at=row.expires_at,
        moving=row.role == "moving",
        ticket=row.ticket,
    )


def save(
    database: Database, connection: Connection, before: Iterable[SeatRow], after: Iterable[SeatRow]
) -> None:
    """Write what differs.

    In an order that never has two rows of one member in one role: what is given up, then what becomes
    the one moved to, then the rest, then new seats beyond the contract.
    """
    was, now = {row.place: row for row in before}, {row.place: row for row in after}
    freed = [row for place, row in was.items() if place not in now]
    _remove(database, connection, [row for row in freed if row.overdrawn])
    handed = [row for place, row in was.items() if place in now and now[place].member != row.member]
    _free(database, connection, [row for row in (*freed, *handed) if not row.overdrawn])
    changed = [row for place, row in now.items() if row != was.get(place)]
    added = [row for row in changed if row.overdrawn and row.place not in was]
    kept = [row for row in changed if not row.overdrawn or row.place in was]
    _fill(database, connection, sorted(kept, key=lambda row: not row.moving))
    if added:
        connection.execute(insert(seat), [_values(database, row) for row in added])


_AT = (
    seat.c.organization == bindparam("at_organization"),
    seat.c.tier == bindparam("at_tier"),
    seat.c.seat_no == bindparam("at_seat_no"),
)
_NOBODY = {
    "state": "free",
    "role": "primary",
    "member": None,
    "door": None,
    "account_id": None,
    "since": None,
    "expires_at": None,
    "changed_at": None,
    "ticket": None,
}
_FREE = update(seat).where(*_AT).values(_NOBODY)
_REMOVE = delete(seat).where(*_AT)
_FILL = update(seat).where(*_AT).values({name: bindparam(f"new_{name}") for name in _NOBODY})


def _free(database: Database, connection: Connection, rows: Sequence[SeatRow]) -> None:
    if rows:
        connection.execute(_FREE, [_where(database, row) for row in rows])


def _remove(database: Database, connection: Connection, rows: Sequence[SeatRow]) -> None:
    if rows:
        connection.execute(_REMOVE, [_where(database, row) for row in rows])


def _fill(database: Database, connection: Connection, rows: Sequence[SeatRow]) -> None:
    if rows:
        connection.execute(_FILL, [_filling(database, row) for row in rows])


def _where(database: Database, row: SeatRow) -> dict[str, object]:
    return {
        "at_organization": database.organization,
        "at_tier": row.tier.name,
        "at_seat_no": row.seat_no,
    }


def _filling(database: Database, row: SeatRow) -> dict[str, object]:
    occupant = {f"new_{name}": value for name, value in _occupant(row).items()}
    return {**_where(database, row), **occupant}


def _occupant(row: SeatRow) -> dict[str, object]:
    return {
        "state": "claimed" if row.claimed else "reserved",
        "role": "moving" if row.moving else "primary",
        "member": row.member,
        "door": row.door.value,
        "account_id": row.account_id,
        "since": row.since,
        "expires_at": row.expires_at,
        "changed_at": row.changed_at,
        "ticket": row.ticket,
    }


def _values(database: Database, row: SeatRow) -> dict[str, object]:
    return {
        "organization": database.organization,
        "tier": row.tier.name,
        "seat_no": row.seat_no,
        "overdrawn": row.overdrawn,
        **_occupant(row),
    }


@dataclass
class Page:
    """The seats of a few members while one change is made to them."""

    rows: list[SeatRow]
    now: datetime
    hold_ttl: timedelta
    scribe: Scribe
    wishes: Wishes
    invites: InviteRows
    assignments: AssignmentRows

    def of(self, member: str) -> list[SeatRow]:
        """The member's seats, the one moved to last."""
        return sorted((row for row in self.rows if row.member == member), key=lambda row: row.moving)

    def free(self, row: SeatRow) -> None:
        self.rows.remove(row)

    def change(self, row: SeatRow, new: SeatRow) -> None:
        self.rows[self.rows.index(row)] = replace(new, changed_at=self.now)


class SeatBooking:
    """Opens pages of the seat book, each one a transaction."""

    def __init__(self, database: Database, ladder: Ladder, hold_ttl: timedelta) -> None:
        self.database, self.ladder, self.hold_ttl = database, ladder, hold_ttl

    @contextmanager
    def open(self, cause: Cause, *members: str | None) -> Iterator[Page]:
        """The seats of `members`, locked; what was changed on the page is written at the end."""
        with self.database.writing(cause) as connection:
            query = taken(self.database).where(seat.c.member.in_([m for m in members if m]))
            before = read(connection, query.with_for_update(), self.ladder)
            page = self._page(connection, cause, before)
            yield page
            save(self.database, connection, before, page.rows)
            if len(page.rows) < len(before):
                absorb(self.database, connection, self.ladder)
            page.scribe.write()

    def _page(self, connection: Connection, cause: Cause, rows: Sequence[SeatRow]) -> Page:
        beside = (self.database, connection, self.ladder)
        return Page(
            rows=list(rows),
            now=self.database.clock.now(),
            hold_ttl=self.hold_ttl,
            scribe=Scribe(self.database, connection, cause),
            wishes=Wishes(*beside),
            invites=InviteRows(*beside),
            assignments=AssignmentRows(*beside),
        )


def absorb(database: Database, connection: Connection, ladder: Ladder) -> None:
    """Give every seat beyond the contract a free ordinary row of its tier, as far as there are any."""
    beyond = read(connection, taken(database).where(seat.c.overdrawn).with_for_update(), ladder)
    for row in beyond:
        free = connection.execute(
            select(seat.c.seat_no)
            .where(
                seat.c.organization == database.organization,
                seat.c.tier == row.tier.name,
                seat.c.state == "free",
            )
            .order_by(seat.c.seat_no)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).scalar()
        if free is not None:
            _remove(database, connection, [row])
            _fill(database, connection, [replace(row, seat_no=free, overdrawn=False)])
