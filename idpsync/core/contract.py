"""The contract: its term, what was bought when, and what may be bought.

A contract never shrinks during its term: seats are added or upgraded. Money is in `pricing`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Context, Decimal
from enum import StrEnum
from fractions import Fraction

from idpsync.core.errors import PurchaseRefused
from idpsync.core.seats import Tier

MOST_SEATS = 1_000_000
"""Of one tier: beyond it a slip of the pen is likelier than a purchase."""


_EXACT = Context(prec=100)
"""Sums of money are never rounded, whatever the precision around them."""


class Proration(StrEnum):
    """How the rest of a term is counted for a purchase during it (published material has all three)."""

    MONTHS = "months"  # whole months left; what is left of a month besides is not charged
    DAYS_INCLUSIVE = "days_inclusive"  # days left, the day of the purchase among them
    DAYS_EXCLUSIVE = "days_exclusive"  # days left after the day of the purchase


@dataclass(frozen=True, slots=True)
class Contract:
    """One term: `ends` is its last day; `prices` per seat and month; `seats` what it began with."""

    starts: date
    ends: date
    seats: Mapping[Tier, int]
    prices: Mapping[Tier, Decimal] = field(default_factory=dict)
    currency: str = "USD"
    proration: Proration = Proration.MONTHS
    auto_renew: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """Seats of `tier` that are bought: new ones, or ones of a lower tier upgraded."""

    tier: Tier
    quantity: int
    upgraded_from: Tier | None = None

    @property
    def what(self) -> str:
        return "upgrade" if self.upgraded_from else "add"

    def __str__(self) -> str:
        if self.upgraded_from:
            return f"{self.quantity} {self.upgraded_from} upgraded to {self.tier}"
        return f"{self.quantity} {self.tier}"


@dataclass(frozen=True, slots=True)
class Line:
    """One item, priced. `unit` per seat and month; amounts are None where a tier has no price."""

    item: Item
    unit: Decimal | None
    periods: Fraction  # months
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Quote:
    """What buying `lines` on `on` would cost, and the seats there would be then."""

    on: date
    term_ends: date
    proration: Proration
    basis: str  # "10 whole months", "306 of 365 days"
    currency: str
    lines: tuple[Line, ...]
    seats_after: Mapping[Tier, int]

    @property
    def total(self) -> Decimal | None:
        """None as soon as one line has no price."""
        total = Decimal(0)
        for line in self.lines:
            if line.amount is None:
                return None
            total = _EXACT.add(total, line.amount)
        return total


@dataclass(frozen=True, slots=True)
class Purchase:
    """A quote that was taken, with its invoice. `applied_at` is None until its day has come."""

    number: int
    quote: Quote
    recorded_at: datetime
    actor: str
    because: tuple[str, ...] = ()
    applied_at: datetime | None = None

    @property
    def on(self) -> date:
        return self.quote.on

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(line.item for line in self.quote.lines)

    @property
    def invoice(self) -> str:
        """The number of the invoice that was made of it at once."""
        return f"INV-{self.number:04d}"

    def __str__(self) -> str:
        bought, total = ", ".join(str(item) for item in self.items), self.quote.total
        cost = "without a price" if total is None else f"for {total} {self.quote.currency} (estimate)"
        return f"{bought} {cost}, invoice {self.invoice}"


# --- the shape of the pool ----------------------------------------------------------------------------


def seats_on(contract: Contract, purchases: Iterable[Purchase], day: date) -> dict[Tier, int]:
    """Seats per tier that are bought by the end of `day`."""
    seats = dict(contract.seats)
    for purchase in in_order(purchases):
        if purchase.on <= day:
            seats = reshaped(seats, purchase.items)
    return seats


def reshaped(seats: Mapping[Tier, int], items: Iterable[Item]) -> dict[Tier, int]:
    """The pool after `items`: an upgrade changes its shape, an addition its total; never fewer."""
    after = dict(seats)
    for item in items:
        after[item.tier] = after.get(item.tier, 0) + item.quantity
        if item.upgraded_from:
            after[item.upgraded_from] = after.get(item.upgraded_from, 0) - item.quantity
    return after


def in_order(purchases: Iterable[Purchase]) -> list[Purchase]:
    """By day, then as they were recorded."""
    return sorted(purchases, key=lambda p: (p.on, p.number))


def check_order(
    contract: Contract, purchases: Sequence[Purchase], items: Sequence[Item], on: date
) -> None:
    """PurchaseRefused, with a sentence that says why, unless `items` can be bought on `on`.

    What was bought for a later day counts too: a seat cannot be upgraded twice.
    """
    if not items:
        raise PurchaseRefused("there is nothing to buy: name at least one tier and a number of seats")
    check_day(contract, on)
    for item in items:
        _check_item(item)
    days = sorted({on, *(p.on for p in purchases if p.on > on)})
    for day in days:
        # additions of the same order may be upgraded by it: only what is left at the end counts
        seats = reshaped(seats_on(contract, purchases, day), items)
        for tier, number in sorted(seats.items()):
            if number < 0:
                raise PurchaseRefused(_too_many(tier, items, number, None if day == on else day))
            if number > MOST_SEATS:
                raise PurchaseRefused(f"that would be more than {MOST_SEATS:,} {tier} seats")


def check_day(contract: Contract, on: date) -> None:
    """PurchaseRefused unless the day lies in the term, both ends included."""
    if not contract.starts <= on <= contract.ends:
        raise PurchaseRefused(
            f"{on} is outside the term, which runs from {contract.starts} to {contract.ends}"
        )


def _check_item(item: Item) -> None:
    if item.quantity <= 0:
        raise PurchaseRefused(
            f"{item.quantity} {item.tier} seats: a contract never shrinks during its term; "
            f"buy at least 1, or reduce at renewal"
        )
    if item.quantity > MOST_SEATS:
        raise PurchaseRefused(f"that would be more than {MOST_SEATS:,} {item.tier} seats")
    left = item.upgraded_from
    if left is None:
        return
    if left == item.tier:
        raise PurchaseRefused(f"an upgrade from {left} to {item.tier} changes nothing")
    if left < item.tier:
        raise PurchaseRefused(
            f"{left} to {item.tier} leads down the ladder: seats are upgraded, never downgraded"
        )


def _too_many(tier: Tier, items: Sequence[Item], number: int, later: date | None) -> str:
    """Why `tier` would end at `number`, below 0: too few now, or taken by a purchase for `later`."""
    wanted = sum(item.quantity for item in items if item.upgraded_from == tier)
    bought = sum(item.quantity for item in items if item.tier == tier)
    there = f"{number + wanted} of them"
    why = (
        f"purchases recorded for later leave {there} on {later}"
        if later
        else f"the contract has {there} on that day"
    )
    seats = f"{wanted} {tier} {'seat' if wanted == 1 else 'seats'}"
    return f"{seats} cannot be upgraded: {why}{', counting this order' if bought else ''}"
