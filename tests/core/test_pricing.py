"""What a purchase costs: the published figures, every way of counting, rounding, missing prices."""

import decimal
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.contract import Contract, Item, Proration, Quote
from idpsync.core.errors import PurchaseRefused
from idpsync.core.pricing import money, quote, unit_price
from idpsync.core.seats import Tier
from tests.core.terms import (
    CHAT,
    PLATINUM,
    PREMIUM,
    STANDARD,
    YEAR,
    add,
    bought,
    contracts,
    currencies,
    days,
    sound_items,
    taken,
    term,
    upgrade,
)

MARCH = date(2026, 3, 1)
SEEDS = (add(STANDARD, 5), upgrade(STANDARD, PREMIUM, 10))
MONTHS, INCLUSIVE, EXCLUSIVE = Proration.MONTHS, Proration.DAYS_INCLUSIVE, Proration.DAYS_EXCLUSIVE


def priced(contract: Contract, items: Sequence[Item], on: str, proration: Proration = MONTHS) -> Quote:
    return quote(replace(contract, proration=proration), (), items, date.fromisoformat(on))


def texts(made: Quote) -> list[str]:
    """The amounts of the lines and their total, as they are printed."""
    return [*(str(line.amount) for line in made.lines), str(made.total)]


# --- the published figures (the vendor's articles) ----------------------------------------------------


def test_the_seeds_example_by_whole_months() -> None:
    made = priced(YEAR, SEEDS, "2026-03-01")

    assert texts(made) == ["1000.00", "8000.00", "9000.00"]
    assert [line.unit for line in made.lines] == [Decimal(20), Decimal(80)]
    assert {line.periods for line in made.lines} == {Fraction(10)}
    assert made.basis == "10 whole months"
    assert made.seats_after == {STANDARD: 95, PREMIUM: 10}
    assert (made.on, made.term_ends, made.currency) == (MARCH, date(2026, 12, 31), "USD")


def test_the_seeds_example_by_days() -> None:
    made = priced(YEAR, SEEDS, "2026-03-01", INCLUSIVE)

    assert texts(made) == ["1006.03", "8048.22", "9054.25"]
    assert made.basis == "306 of 365 days"


def test_the_seeds_example_by_days_in_a_leap_year() -> None:
    made = priced(term("2028-01-01", "2028-12-31"), SEEDS, "2028-03-01", INCLUSIVE)

    assert texts(made) == ["1003.28", "8026.23", "9029.51"]
    assert made.basis == "306 of 366 days"


def test_the_annual_example_counts_the_day_of_the_purchase() -> None:
    upgrades = [upgrade(STANDARD, PREMIUM, 5)]  # a difference of 80

    assert texts(priced(YEAR, upgrades, "2026-04-01", INCLUSIVE)) == ["3616.44", "3616.44"]


def test_the_monthly_example_does_not_count_the_day_of_the_purchase() -> None:
    prices = {PREMIUM: Decimal(125), STANDARD: Decimal(25)}  # a difference of 100
    january = replace(term("2026-01-01", "2026-01-31"), prices=prices)
    upgrades = [upgrade(STANDARD, PREMIUM, 5)]

    assert texts(priced(january, upgrades, "2026-01-15", EXCLUSIVE)) == ["258.06", "258.06"]
    assert texts(priced(january, upgrades, "2026-01-15", INCLUSIVE)) == ["274.19", "274.19"]


# --- units and missing prices -------------------------------------------------------------------------


def test_an_upgrade_over_three_rungs_costs_the_whole_difference() -> None:
    contract = term("2026-01-01", "2026-12-31", {CHAT: 10})
    made = priced(contract, [upgrade(CHAT, PLATINUM, 2)], "2026-03-01")

    assert made.lines[0].unit == Decimal(242)
    assert texts(made) == ["4840.00", "4840.00"]


def test_adding_and_upgrading_in_one_order_costs_what_the_higher_seat_costs() -> None:
    empty = term("2026-01-01", "2026-12-31", {})
    made = priced(empty, [add(CHAT, 7), upgrade(CHAT, PREMIUM, 7)], "2026-03-01")

    assert made.total == priced(empty, [add(PREMIUM, 7)], "2026-03-01").total


def test_an_upgrade_between_tiers_of_one_price_costs_nothing() -> None:
    contract = replace(YEAR, prices={PREMIUM: Decimal("20.00"), STANDARD: Decimal(20)})

    assert texts(priced(contract, [upgrade(STANDARD, PREMIUM, 3)], "2026-03-01")) == ["0.00", "0.00"]


def test_an_upgrade_to_a_cheaper_tier_is_refused_with_both_prices() -> None:
    contract = replace(YEAR, prices={PREMIUM: Decimal(19), STANDARD: Decimal(20)})

    with pytest.raises(PurchaseRefused, match=r"^premium \(19 a month\) costs less than standard"):
        priced(contract, [upgrade(STANDARD, PREMIUM, 1)], "2026-03-01")


@pytest.mark.parametrize(
    ("known", "units"),
    [
        ({STANDARD: Decimal(20)}, [Decimal(20), None]),
        ({PREMIUM: Decimal(100)}, [None, None]),
        ({}, [None, None]),
    ],
)
def test_where_a_price_is_missing_the_line_and_the_total_have_no_amount(
    known: dict[Tier, Decimal], units: list[Decimal | None]
) -> None:
    contract = replace(YEAR, prices=known)
    made = priced(contract, SEEDS, "2026-03-01")

    assert [unit_price(contract, item) for item in SEEDS] == units
    assert [line.amount is None for line in made.lines] == [unit is None for unit in units]
    assert made.total is None
    assert made.seats_after == {STANDARD: 95, PREMIUM: 10}


def test_a_tier_may_be_free_of_charge() -> None:
    contract = replace(YEAR, prices={STANDARD: Decimal(0)})

    assert texts(priced(contract, [add(STANDARD, 5)], "2026-03-01")) == ["0.00", "0.00"]


def test_a_quote_is_refused_like_the_purchase_would_be() -> None:
    with pytest.raises(PurchaseRefused, match="outside the term"):
        priced(YEAR, SEEDS, "2027-01-01")
    purchases = bought(YEAR, ("2026-02-01", [upgrade(STANDARD, PREMIUM, 100)]))
    with pytest.raises(PurchaseRefused, match="cannot be upgraded"):
        quote(YEAR, purchases, SEEDS, MARCH)


# --- rounding and currencies --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "printed"),
    [
        ("0.025", "USD", "0.02"),  # a true tie goes to the even neighbour
        ("0.035", "USD", "0.04"),
        ("0.0250001", "USD", "0.03"),
        ("1006.027397", "BRL", "1006.03"),
        ("0.5", "JPY", "0"),
        ("1.5", "JPY", "2"),
        ("2.5", "JPY", "2"),
        ("2.5", "VND", "2"),
        ("1234567", "JPY", "1234567"),
        ("0.0005", "KWD", "0.000"),
        ("0.0015", "KWD", "0.002"),
        ("12.3456", "KWD", "12.346"),
        ("0.00005", "CLF", "0.0000"),
        ("3", "XYZ", "3.00"),  # what is not known has two
        ("0", "USD", "0.00"),
    ],
)
def test_amounts_are_rounded_half_to_even_to_the_minor_units(
    amount: str, currency: str, printed: str
) -> None:
    assert str(money(Fraction(amount), currency)) == printed


def test_a_tie_is_found_in_the_exact_amount_not_in_a_rounded_one() -> None:
    contract = replace(term("2026-04-01", "2026-04-30"), prices={STANDARD: Decimal("0.05")})
    half = [add(STANDARD, 1)]  # 15 of 30 days: 0.025 exactly

    assert texts(priced(contract, half, "2026-04-16", INCLUSIVE)) == ["0.02", "0.02"]
    third = [add(STANDARD, 3)]
    assert texts(priced(contract, third, "2026-04-16", INCLUSIVE)) == ["0.08", "0.08"]  # 0.075


def test_the_line_is_rounded_and_not_the_price_of_one_seat() -> None:
    contract = replace(YEAR, prices={STANDARD: Decimal("0.01")})
    many = [add(STANDARD, 1000)]  # a tenth of a cent each, were it rounded first

    assert texts(priced(contract, many, "2026-03-01", INCLUSIVE)) == ["100.60", "100.60"]


@pytest.mark.parametrize(
    ("currency", "printed"),
    [("JPY", ["1006", "8048", "9054"]), ("KWD", ["1006.027", "8048.219", "9054.246"])],
)
def test_every_currency_has_its_own_minor_units(currency: str, printed: list[str]) -> None:
    contract = replace(YEAR, currency=currency)

    assert texts(priced(contract, SEEDS, "2026-03-01", INCLUSIVE)) == printed


def test_huge_sums_are_exact_to_the_last_minor_unit() -> None:
    huge = Fraction(10**60) + Fraction(1, 100)

    assert str(money(huge, "USD")) == f"1{'0' * 60}.01"
    assert str(money(-huge, "USD")) == f"-1{'0' * 60}.01"
    contract = replace(YEAR, prices={STANDARD: Decimal("99999999999999"), PREMIUM: Decimal("1E+30")})
    made = priced(contract, [add(STANDARD, 999_000), add(PREMIUM, 999_000)], "2026-03-01")
    assert Fraction(made.total or 0) == 999_000 * 10 * (10**30 + 99999999999999)


def test_the_precision_around_it_changes_no_amount() -> None:
    with decimal.localcontext(decimal.Context(prec=3)):
        made = priced(YEAR, SEEDS, "2026-03-01", INCLUSIVE)
        printed = texts(made)

    assert printed == ["1006.03", "8048.22", "9054.25"]


# --- what is true of every quote ----------------------------------------------------------------------

often = settings(max_examples=200, deadline=None)
MINOR = {"USD": Decimal("0.01"), "JPY": Decimal(1), "KWD": Decimal("0.001"), "CLF": Decimal("0.0001")}


@often
@given(contracts(), st.data())
def test_the_total_is_the_sum_of_the_lines_and_each_line_is_its_own_product(
    contract: Contract, data: st.DataObject
) -> None:
    on = data.draw(days(contract))
    items = [item for item in data.draw(st.lists(sound_items(), min_size=1)) if not item.upgraded_from]
    if not items:
        return
    made = quote(contract, (), items, on)

    lines = [Fraction(line.amount or 0) for line in made.lines]
    assert Fraction(made.total or 0) == sum(lines)
    assert [line.item for line in made.lines] == items
    for line, amount in zip(made.lines, lines, strict=True):
        exact = line.item.quantity * Fraction(line.unit or 0) * line.periods
        assert abs(amount - exact) <= Fraction(MINOR[contract.currency]) / 2


@often
@given(contracts(), st.lists(st.integers(1, 40), min_size=2, max_size=6), st.data())
def test_a_split_purchase_costs_what_the_whole_costs_but_for_one_minor_unit_per_line(
    contract: Contract, parts: list[int], data: st.DataObject
) -> None:
    on = data.draw(days(contract))
    contract = replace(contract, seats=dict.fromkeys(contract.seats, 300))
    item = data.draw(sound_items())
    whole = quote(contract, (), [replace(item, quantity=sum(parts))], on)
    split = bought(contract, *((on.isoformat(), [replace(item, quantity=part)]) for part in parts))

    paid = sum(Fraction(purchase.quote.total or 0) for purchase in split)
    assert abs(paid - Fraction(whole.total or 0)) <= len(parts) * Fraction(MINOR[contract.currency])
    assert split[-1].quote.seats_after == whole.seats_after


@often
@given(contracts(), st.data())
def test_the_invoice_is_the_quote_that_was_taken(contract: Contract, data: st.DataObject) -> None:
    on, item = data.draw(days(contract)), replace(data.draw(sound_items()), upgraded_from=None)
    (purchase,) = taken(contract, (), [item], on)

    assert purchase.quote == quote(contract, (), [item], on)


@given(st.fractions(max_denominator=10**6), currencies)
def test_money_is_the_nearest_amount_there_is(amount: Fraction, currency: str) -> None:
    rounded, minor = money(amount, currency), MINOR[currency]

    assert abs(Fraction(rounded) - amount) <= Fraction(minor) / 2
    assert rounded.as_tuple().exponent == minor.as_tuple().exponent
