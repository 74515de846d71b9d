"""Builders for contracts and purchases, and strategies for terms; every test says only what matters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from idpsync.core.contract import Contract, Item, Proration, Purchase
from idpsync.core.errors import PurchaseRefused
from idpsync.core.pricing import quote
from idpsync.core.seats import Ladder, Tier
from tests.people import NOW

RUNGS = Ladder.of("platinum", "premium", "standard", "chat")
PLATINUM, PREMIUM, STANDARD, CHAT = RUNGS.tiers
PRICES = {PLATINUM: Decimal(250), PREMIUM: Decimal(100), STANDARD: Decimal(20), CHAT: Decimal(8)}
YEAR = Contract(date(2026, 1, 1), date(2026, 12, 31), {STANDARD: 100}, PRICES)


def term(starts: str, ends: str, seats: Mapping[Tier, int] | None = None) -> Contract:
    """A contract from its first to its last day, at list prices."""
    return replace(
        YEAR,
        starts=date.fromisoformat(starts),
        ends=date.fromisoformat(ends),
        seats=YEAR.seats if seats is None else seats,
    )


def add(tier: Tier, number: int) -> Item:
    return Item(tier, number)


def upgrade(left: Tier, tier: Tier, number: int) -> Item:
    return Item(tier, number, left)


def bought(contract: Contract, *orders: tuple[str, Iterable[Item]]) -> tuple[Purchase, ...]:
    """The purchases made of orders, one after the other; each must be allowed."""
    purchases: tuple[Purchase, ...] = ()
    for on, items in orders:
        purchases = taken(contract, purchases, tuple(items), date.fromisoformat(on))
    return purchases


def taken(
    contract: Contract, purchases: Sequence[Purchase], items: Sequence[Item], on: date
) -> tuple[Purchase, ...]:
    """The purchases with one more."""
    made = quote(contract, purchases, items, on)
    return (*purchases, Purchase(len(purchases) + 1, made, NOW, "test"))


def as_many_as_allowed(
    contract: Contract, orders: Iterable[tuple[date, Sequence[Item]]]
) -> tuple[Purchase, ...]:
    """What is recorded when each order is tried in turn and refused ones are dropped."""
    purchases: tuple[Purchase, ...] = ()
    for on, items in orders:
        try:
            purchases = taken(contract, purchases, items, on)
        except PurchaseRefused:
            continue
    return purchases


def days_of(contract: Contract) -> list[date]:
    """Every day of the term."""
    return [
        contract.starts + timedelta(days=n) for n in range((contract.ends - contract.starts).days + 1)
    ]


# --- strategies ---------------------------------------------------------------------------------------

tiers = st.sampled_from(RUNGS.tiers)
currencies = st.sampled_from(["USD", "JPY", "KWD", "CLF"])
amounts = st.integers(0, 5_000_000).map(lambda n: Decimal(n) / 10_000)


@st.composite
def contracts(draw: st.DrawFn, longest: int = 1200) -> Contract:
    """Any term, any seats, prices that climb the ladder."""
    starts = draw(st.dates(date(2023, 1, 1), date(2029, 1, 31)))
    climbing = sorted(draw(st.lists(amounts, min_size=4, max_size=4)), reverse=True)
    return Contract(
        starts=starts,
        ends=starts + timedelta(days=draw(st.integers(0, longest))),
        seats={tier: draw(st.integers(0, 9)) for tier in RUNGS},
        prices=dict(zip(RUNGS, climbing, strict=True)),
        currency=draw(currencies),
        proration=draw(st.sampled_from(Proration)),
    )


def days(contract: Contract) -> st.SearchStrategy[date]:
    """Days of the term."""
    return st.dates(contract.starts, contract.ends)


@st.composite
def sound_items(draw: st.DrawFn, most: int = 6) -> Item:
    """An addition, or an upgrade that climbs the ladder."""
    tier = draw(tiers)
    left = draw(st.none() | st.sampled_from(RUNGS.tiers[tier.rank + 1 :] or (None,)))
    return Item(tier, draw(st.integers(1, most)), left)


@st.composite
def wild_items(draw: st.DrawFn) -> Item:
    """Anything at all, the impossible included."""
    return Item(draw(tiers), draw(st.integers(-3, 12)), draw(st.none() | tiers))


@st.composite
def order_books(draw: st.DrawFn) -> tuple[Contract, list[tuple[date, list[Item]]]]:
    """A contract and a list of orders on days inside and a little outside its term."""
    contract = draw(contracts(longest=60))
    reach = st.dates(contract.starts - timedelta(days=2), contract.ends + timedelta(days=2))
    orders = st.tuples(reach, st.lists(wild_items(), max_size=3))
    return contract, draw(st.lists(orders, max_size=6))
