"""What a purchase costs: proration, rounding, quotes. Pure.

Money is Decimal, rounded once per line, half to even, to the currency's minor units. Every amount is an
estimate: the vendor's invoice counts.
"""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from idpsync.core.contract import (
    Contract,
    Item,
    Line,
    Proration,
    Purchase,
    Quote,
    check_order,
    reshaped,
    seats_on,
)
from idpsync.core.errors import PurchaseRefused

_MINOR_UNITS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
        **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
        **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
        **dict.fromkeys(("CLF", "UYW"), 4),
    }
)  # ISO 4217; every other currency has two


def quote(contract: Contract, purchases: Sequence[Purchase], items: Sequence[Item], on: date) -> Quote:
    """What `items` cost when bought on `on`; PurchaseRefused when they cannot be bought then."""
    check_order(contract, purchases, items, on)
    periods, basis = remaining(contract, on)
    return Quote(
        on=on,
        term_ends=contract.ends,
        proration=contract.proration,
        basis=basis,
        currency=contract.currency,
        lines=tuple(_line(contract, item, periods) for item in items),
        seats_after=reshaped(seats_on(contract, purchases, on), items),
    )


def _line(contract: Contract, item: Item, periods: Fraction) -> Line:
    unit = unit_price(contract, item)
    amount = None if unit is None else money(item.quantity * Fraction(unit) * periods, contract.currency)
    return Line(item, unit, periods, amount)


def unit_price(contract: Contract, item: Item) -> Decimal | None:
    """Per seat and month: the tier's price, or the difference an upgrade makes. None without prices."""
    price = contract.prices.get(item.tier)
    if item.upgraded_from is None or price is None:
        return price
    was = contract.prices.get(item.upgraded_from)
    if was is None:
        return None
    if was > price:
        raise PurchaseRefused(
            f"{item.tier} ({price} a month) costs less than {item.upgraded_from} ({was}): such an "
            "upgrade has no price; the prices of the contract stand under `tiers`"
        )
    return price - was


def money(amount: Fraction, currency: str) -> Decimal:
    """An exact amount in the currency's minor units, half to even."""
    digits = _MINOR_UNITS.get(currency, 2)
    sign, figures, _ = Decimal(round(amount * 10**digits)).as_tuple()  # round() of a Fraction: to even
    return Decimal((sign, figures, -digits))  # exact, however large


def remaining(contract: Contract, on: date) -> tuple[Fraction, str]:
    """Months of the term that a purchase on `on` is charged for, and how they were counted.

    Never rises as `on` goes on. By months, a purchase in the last, begun month is charged for none;
    by days, one on the first day (inclusive) is charged for the whole term.
    """
    after = contract.ends + timedelta(days=1)
    if contract.proration is Proration.MONTHS:
        left = whole_months(on, after)
        return Fraction(left), f"{left} whole {'month' if left == 1 else 'months'}"
    total = (after - contract.starts).days
    days = (after - on).days - (contract.proration is Proration.DAYS_EXCLUSIVE)
    basis = f"{days} of {total} {'day' if total == 1 else 'days'}"
    return term_months(contract) * Fraction(days, total), basis


def whole_months(start: date, end: date) -> int:
    """How many whole months fit between two days; the 31st counts as the last day of shorter months."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return months if _months_later(start, months) <= end else months - 1


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def term_months(contract: Contract) -> Fraction:
    """The length of the term in months; a broken last month counts by its days.

    A month without the day that the term began on belongs to it whole: from 29 February to 27 February,
    as to 28 February, are twelve.
    """
    after = contract.ends + timedelta(days=1)
    whole = whole_months(contract.starts, after)
    begun = _months_later(contract.starts, whole)
    rest = (after - begun).days
    if rest == 1 and begun.day < contract.starts.day:
        return Fraction(whole)
    length = (_months_later(contract.starts, whole + 1) - begun).days
    return whole + Fraction(rest, length)
