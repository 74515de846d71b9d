"""The seat rows after a purchase: more of what was bought, fewer of what was upgraded.

Nobody loses a seat by it. Where a tier has fewer seats than people sit in, the newest of them go on in
rows beyond the contract, which vanish when they are released.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, func, insert, select, text, update

from idpsync.core.contract import Purchase, reshaped
from idpsync.core.seats import Ladder, Tier
from idpsync.store.database import Database
from idpsync.store.schema import BEYOND, capacity, seat
from idpsync.store.seat_rows import SeatRow, absorb, read, save, taken, tier_named

BULK = 500  # from so many rows on the database's planner is told
_NEW_TIER = text(
    "INSERT INTO capacity (organization, tier, seats) VALUES (:organization, :tier, 0)"
    " ON CONFLICT DO NOTHING"
)


# --- what can be applied ------------------------------------------------------------------------------


def fitting(
    seats: Mapping[Tier, int], due: Sequence[Purchase], held: Mapping[Tier, int]
) -> list[Purchase]:
    """The purchases after which every tier still has a seat for each reservation (`held`).

    Where that is not so, the last that takes from the tier has to wait.
    """
    chosen = list(due)
    while tier := short_tier(shape_after(seats, chosen), held):
        chosen.remove(next(p for p in reversed(chosen) if shape_after({}, [p]).get(tier, 0) < 0))
    return chosen


def shape_after(seats: Mapping[Tier, int], purchases: Iterable[Purchase]) -> dict[Tier, int]:
    """The pool after all of them together, whatever their order."""
    return reshaped(seats, [item for purchase in purchases for item in purchase.items])


def short_tier(seats: Mapping[Tier, int], held: Mapping[Tier, int]) -> Tier | None:
    """The first tier that would have fewer seats than people on their way to one."""
    return next((tier for tier in sorted(seats) if seats[tier] < held.get(tier, 0)), None)


def why_short(seats: Mapping[Tier, int], held: Mapping[Tier, int]) -> str:
    """One sentence on what stands in the way of `seats`, and what to do about it."""
    tier = short_tier(seats, held)
    if tier is None:
        return ""
    return (
        f"{held.get(tier, 0)} {tier} seats are reserved for people on their way, more than the"
        f" {max(0, seats[tier])} that would be left: withdraw invites or wait"
    )


# --- rows ---------------------------------------------------------------------------------------------


def lock_capacities(database: Database, connection: Connection, ladder: Ladder) -> dict[Tier, int]:
    """Seats of every tier of the ladder; nobody else changes them until we are done."""
    mine = capacity.c.organization == database.organization
    names = set(connection.execute(select(capacity.c.tier).where(mine)).scalars())
    for tier in ladder:
        if tier.name not in names:
            values = {"organization": database.organization, "tier": tier.name}
            connection.execute(_NEW_TIER, values)
    query = select(capacity.c.tier, capacity.c.seats).where(mine).order_by(capacity.c.tier)
    rows = connection.execute(query.with_for_update())
    return {tier_named(ladder, name): int(seats) for name, seats in rows}


def quieten(database: Database, connection: Connection) -> None:
    """Claims of the moment finish, new ones wait until we are done. Capacities are locked before."""
    if database.postgresql:
        connection.execute(text("LOCK TABLE seat IN EXCLUSIVE MODE"))


def reservations(database: Database, connection: Connection, ladder: Ladder) -> dict[Tier, int]:
    """Ordinary seats per tier that somebody is on their way to."""
    query = (
        select(seat.c.tier, func.count())
        .where(
            seat.c.organization == database.organization,
            seat.c.state == "reserved",
            seat.c.overdrawn.is_(False),
        )
        .group_by(seat.c.tier)
    )
    return {tier_named(ladder, name): int(n) for name, n in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class Reshaped:
    """How many ordinary rows were made; the seats that stand beyond the contract since then."""

    made: int
    pushed: tuple[SeatRow, ...]


def reshape(
    database: Database, connection: Connection, ladder: Ladder, becomes: Mapping[Tier, int]
) -> Reshaped:
    """As many rows as `becomes` says; what is bought is there before what it was upgraded from goes.

    Where a tier shrinks, `quieten` was called and every reservation has a seat (`fitting`).
    """
    was = lock_capacities(database, connection, ladder)
    changed = {tier: seats for tier, seats in becomes.items() if seats != was[tier]}
    for tier, seats in changed.items():
        if seats > was[tier]:
            _grow(database, connection, tier, (was[tier], seats))
    pushed = [
        row
        for tier, seats in changed.items()
        if seats < was[tier]
        for row in _shrink(database, connection, ladder, (tier, seats))
    ]
    absorb(database, connection, ladder)
    made = sum(max(0, seats - was[tier]) for tier, seats in changed.items())
    return Reshaped(made, tuple(pushed))


def _grow(database: Database, connection: Connection, tier: Tier, numbers: tuple[int, int]) -> None:
    was, seats = numbers
    _set_capacity(database, connection, tier, seats)
    connection.execute(
        insert(seat).values(organization=database.organization, tier=tier.name, overdrawn=False),
        [{"seat_no": number} for number in range(was + 1, seats + 1)],
    )


def _shrink(
    database: Database, connection: Connection, ladder: Ladder, to: tuple[Tier, int]
) -> list[SeatRow]:
    tier, seats = to
    before = read(connection, taken(database).where(seat.c.tier == tier.name), ladder)
    after = packed(before, seats)
    save(database, connection, before, after)
    connection.execute(
        delete(seat).where(
            seat.c.organization == database.organization,
            seat.c.tier == tier.name,
            seat.c.state == "free",
            seat.c.seat_no > seats,
        )
    )
    _set_capacity(database, connection, tier, seats)
    there = {row.place for row in before}
    return [row for row in after if row.overdrawn and row.place not in there]


def packed(rows: Iterable[SeatRow], seats: int) -> list[SeatRow]:
    """The seats of one tier when it has `seats` ordinary rows, numbered from 1.

    Reservations stay on ordinary rows, then those who have been in their seat longest.
    """
    rows = list(rows)
    ordinary = [row for row in rows if not row.overdrawn]
    beyond = [row for row in rows if row.overdrawn]
    ordinary.sort(key=lambda row: row.member, reverse=True)  # as `over_tier` names them
    in_turn = sorted(ordinary, key=lambda row: (row.claimed, row.since))
    stay, go = in_turn[:seats], in_turn[seats:]
    kept = [row for row in stay if row.seat_no <= seats]
    numbers = {row.seat_no for row in kept}
    free = (number for number in range(1, seats + 1) if number not in numbers)
    moved = [replace(row, seat_no=next(free)) for row in stay if row.seat_no > seats]
    last = max((row.seat_no for row in beyond), default=BEYOND)
    pushed = [replace(row, seat_no=last + n, overdrawn=True) for n, row in enumerate(go, start=1)]
    return [*kept, *moved, *beyond, *pushed]


def _set_capacity(database: Database, connection: Connection, tier: Tier, seats: int) -> None:
    connection.execute(
        update(capacity)
        .where(capacity.c.organization == database.organization, capacity.c.tier == tier.name)
        .values(seats=seats)
    )
