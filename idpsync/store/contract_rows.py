"""Contract and purchases between rows and values. See `contract_tables`."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, text, update

from idpsync.core.contract import Contract, Item, Line, Proration, Purchase, Quote
from idpsync.core.seats import Ladder, Tier
from idpsync.store.contract_tables import contract, purchase, purchase_line
from idpsync.store.database import Database
from idpsync.store.seat_rows import tier_named
from idpsync.store.types import Json

_BEGIN = text(
    "INSERT INTO contract (organization, starts, ends, currency, proration, auto_renew, prices, seats)"
    " VALUES (:organization, :starts, :ends, :currency, :proration, :auto_renew, :prices, :seats)"
    " ON CONFLICT DO NOTHING"
).bindparams(
    bindparam("starts", type_=contract.c.starts.type),
    bindparam("ends", type_=contract.c.ends.type),
    bindparam("prices", type_=Json),
    bindparam("seats", type_=Json),
)


def begin(database: Database, connection: Connection, new: Contract) -> bool:
    """Write the contract; False when there is one (a writer of the same moment is waited for)."""
    values = {
        "organization": database.organization,
        "starts": new.starts,
        "ends": new.ends,
        "currency": new.currency,
        "proration": new.proration.value,
        "auto_renew": new.auto_renew,
        "prices": {tier.name: str(price) for tier, price in new.prices.items()},
        "seats": by_name(new.seats),
    }
    return connection.execute(_BEGIN, values).rowcount == 1


def the_contract(database: Database, *, alone: bool = False) -> Select[Any]:
    """The organisation's contract; `alone`: whoever else wants to buy waits until we are done."""
    query = select(contract).where(contract.c.organization == database.organization)
    return query.with_for_update() if alone else query


def read_contract(connection: Connection, query: Select[Any], ladder: Ladder) -> Contract | None:
    row = connection.execute(query).first()
    if row is None:
        return None
    return Contract(
        starts=row.starts,
        ends=row.ends,
        seats=_by_tier(row.seats, ladder),
        prices={tier_named(ladder, name): Decimal(price) for name, price in row.prices.items()},
        currency=row.currency,
        proration=Proration(row.proration),
        auto_renew=row.auto_renew,
    )


def read_purchases(database: Database, connection: Connection, ladder: Ladder) -> list[Purchase]:
    """In order of recording."""
    lines: dict[int, list[Line]] = {}
    every_line = select(purchase_line).where(purchase_line.c.organization == database.organization)
    for row in connection.execute(every_line.order_by(purchase_line.c.number, purchase_line.c.line)):
        lines.setdefault(row.number, []).append(_line(row, ladder))
    every = select(purchase).where(purchase.c.organization == database.organization)
    return [
        _purchase(row, tuple(lines.get(row.number, ())), ladder)
        for row in connection.execute(every.order_by(purchase.c.number))
    ]


def write_purchase(database: Database, connection: Connection, new: Purchase) -> None:
    """The purchase and its lines."""
    quote, key = new.quote, {"organization": database.organization, "number": new.number}
    connection.execute(
        insert(purchase).values(
            **key,
            on_day=quote.on,
            term_ends=quote.term_ends,
            proration=quote.proration.value,
            basis=quote.basis,
            currency=quote.currency,
            recorded_at=new.recorded_at,
            actor=new.actor,
            because=list(new.because),
            seats_after=by_name(quote.seats_after),
        )
    )
    rows = [{**key, "line": n, **_line_values(line)} for n, line in enumerate(quote.lines, start=1)]
    connection.execute(insert(purchase_line), rows)


def mark_applied(
    database: Database, connection: Connection, purchases: Iterable[Purchase], at: datetime
) -> None:
    """From now on they count; the pool is reshaped in the same transaction."""
    connection.execute(
        update(purchase)
        .where(
            purchase.c.organization == database.organization,
            purchase.c.number.in_([one.number for one in purchases]),
        )
        .values(applied_at=at)
    )


def by_name(seats: Mapping[Tier, int]) -> dict[str, int]:
    """Seats per tier as JSON has them."""
    return {tier.name: number for tier, number in seats.items()}


def _by_tier(seats: Mapping[str, int], ladder: Ladder) -> dict[Tier, int]:
    found = {tier_named(ladder, name): number for name, number in seats.items()}
    return dict(sorted(found.items()))


def _line_values(line: Line) -> dict[str, object]:
    item = line.item
    return {
        "what": item.what,
        "tier": item.tier.name,
        "upgraded_from": item.upgraded_from.name if item.upgraded_from else None,
        "quantity": item.quantity,
        "unit": None if line.unit is None else str(line.unit),
        "periods": str(line.periods),
        "amount": None if line.amount is None else str(line.amount),
    }


def _line(row: Row[Any], ladder: Ladder) -> Line:
    left = row.upgraded_from
    return Line(
        item=Item(
            tier=tier_named(ladder, row.tier),
            quantity=row.quantity,
            upgraded_from=tier_named(ladder, left) if left else None,
        ),
        unit=None if row.unit is None else Decimal(row.unit),
        periods=Fraction(row.periods),
        amount=None if row.amount is None else Decimal(row.amount),
    )


def _purchase(row: Row[Any], lines: tuple[Line, ...], ladder: Ladder) -> Purchase:
    return Purchase(
        number=row.number,
        quote=Quote(
            on=row.on_day,
            term_ends=row.term_ends,
            proration=Proration(row.proration),
            basis=row.basis,
            currency=row.currency,
            lines=lines,
            seats_after=_by_tier(row.seats_after, ladder),
        ),
        recorded_at=row.recorded_at,
        actor=row.actor,
        because=tuple(row.because),
        applied_at=row.applied_at,
    )
