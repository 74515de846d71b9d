"""The JSON shapes of the contract: quotes, purchases with their invoices, renewal, the calendar.

Money is decimal text, never a float, and always an estimate: the vendor's invoice counts.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from idpsync.core.contract import Line, Purchase, Quote
from idpsync.core.intake import Entry, Imported
from idpsync.core.order import written
from idpsync.core.pricing import money
from idpsync.core.renewal import CalendarEntry, Renewal
from idpsync.core.report import iso
from idpsync.core.seats import Ladder, Tier
from idpsync.core.statement import Statement


def money_text(amount: Decimal | None, currency: str) -> str | None:
    """With the currency's minor units, or more digits where a price has them; None stays None."""
    if amount is None:
        return None
    rounded = money(Fraction(amount), currency)
    return f"{rounded if rounded == amount else amount.normalize():f}"


def seats_by_name(seats: Mapping[Tier, int], ladder: Ladder) -> dict[str, int]:
    """Seats per tier, highest first, every tier of the ladder."""
    return {tier.name: seats.get(tier, 0) for tier in ladder}


def quote_json(quote: Quote, ladder: Ladder) -> dict[str, object]:
    """What it would cost and leave; amounts are null where a tier has no price."""
    return {
        "on": quote.on.isoformat(),
        "term_ends": quote.term_ends.isoformat(),
        "proration": quote.proration.value,
        "basis": quote.basis,
        "lines": [_line_json(line, quote.currency) for line in quote.lines],
        "total": money_text(quote.total, quote.currency),
        "currency": quote.currency,
        "estimate": True,
        "pool_after": seats_by_name(quote.seats_after, ladder),
    }


def _line_json(line: Line, currency: str) -> dict[str, object]:
    item = line.item
    left = {"from_tier": item.upgraded_from.name} if item.upgraded_from else {}
    return {
        "what": item.what,
        "tier": item.tier.name,
        **left,
        "quantity": item.quantity,
        "unit": money_text(line.unit, currency),
        "periods": str(line.periods),
        "amount": money_text(line.amount, currency),
    }


def purchase_json(purchase: Purchase, ladder: Ladder) -> dict[str, object]:
    """A purchase with its invoice; `applied_at` is null until its day has come."""
    return {
        "number": purchase.number,
        "invoice": purchase.invoice,
        "recorded_at": iso(purchase.recorded_at),
        "applied_at": iso(purchase.applied_at),
        "actor": purchase.actor,
        "because": list(purchase.because),
        **quote_json(purchase.quote, ladder),
    }


def statement_json(told: Statement) -> dict[str, object]:
    """The contract as it stands: term, pool, invoices, renewal, calendar."""
    contract, ladder, currency = told.contract, told.pool.ladder, told.contract.currency
    return {
        "organization": told.organization,
        "starts": contract.starts.isoformat(),
        "ends": contract.ends.isoformat(),
        "days_left": told.renewal.days_left,
        "auto_renew": contract.auto_renew,
        "warning": told.renewal.warning,
        "currency": currency,
        "proration": contract.proration.value,
        "tiers": [
            {
                "tier": tier.name,
                "initial": contract.seats.get(tier, 0),
                "purchased": told.pool.purchased.get(tier, 0),
                "price_per_seat_month": money_text(contract.prices.get(tier), currency),
                "waiting": told.waiting.get(tier, 0),
            }
            for tier in ladder
        ],
        "total": {"initial": sum(contract.seats.values()), "purchased": told.pool.total_purchased},
        "purchases": [purchase_json(purchase, ladder) for purchase in told.purchases],
        "renewal": renewal_json(told.renewal, ladder),
        "calendar": calendar_json(told.calendar, ladder),
    }


def renewal_json(renewal: Renewal, ladder: Ladder) -> dict[str, object]:
    """The three readings of "seats in use at the end of the term"; no published rule says which."""
    return {
        "at": renewal.at.isoformat(),
        "ends": renewal.ends.isoformat(),
        "auto_renew": renewal.auto_renew,
        "idle": renewal.idle,
        "currency": renewal.currency,
        "estimate": True,
        "readings": [
            {
                "name": reading.name,
                "seats": seats_by_name(reading.seats, ladder),
                "total": reading.total,
                "next_term_cost": money_text(reading.cost, renewal.currency),
            }
            for reading in renewal.readings
        ],
    }


def calendar_json(entries: Iterable[CalendarEntry], ladder: Ladder) -> list[dict[str, object]]:
    """What is known to come, in order of days."""
    return [
        {
            "on": entry.on.isoformat(),
            "what": entry.what,
            "seats": seats_by_name(entry.seats, ladder),
            "still_waiting": seats_by_name(entry.still_waiting, ladder),
        }
        for entry in entries
    ]


def imported_json(done: Imported, ladder: Ladder) -> dict[str, object]:
    """Every row and what became of it; `state` is recorded, known, new or refused."""
    return {
        "file": done.file,
        "recorded": bool(done.recorded),
        "rows": [_entry_json(done, entry, ladder) for entry in done.intake.entries],
        "problems": [{"line": p.line, "message": str(p)} for p in done.intake.problems],
        "pool_before": seats_by_name(done.seats_before, ladder),
        "pool_after": seats_by_name(done.intake.seats_after, ladder),
    }


def _entry_json(done: Imported, entry: Entry, ladder: Ladder) -> dict[str, object]:
    return {
        "line": entry.row.line,
        "on": entry.row.on.isoformat(),
        "items": [written(item) for item in entry.row.items],
        "reference": entry.row.reference or None,
        "state": done.state(entry),
        "invoice": done.invoice(entry),
        "like": entry.like.invoice if entry.like else None,
        "quote": quote_json(entry.quote, ladder) if entry.quote else None,
    }
