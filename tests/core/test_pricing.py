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
from idpsync.core.pricing import money, quote, remaining, term_months, unit_price, whole_months
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


def months(contract: Contract, on: str, proration: Proration = MONTHS) -> Fraction:
    return remaining(replace(contract, proration=proration), date.fromisoformat(on))[0]


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


# --- whole months -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "left"),
    [
        ("2026-01-01", 12),
        ("2026-01-02", 11),  # a begun month is not charged
        ("2026-01-31", 11),
        ("2026-02-01", 11),
        ("2026-02-28", 10),
        ("2026-03-01", 10),
        ("2026-03-15", 9),
        ("2026-12-01", 1),
        ("2026-12-02", 0),
        ("2026-12-31", 0),
    ],
)
def test_whole_months_that_are_left_of_a_calendar_year(on: str, left: int) -> None:
    assert months(YEAR, on) == left


@pytest.mark.parametrize(
    ("starts", "ends", "length"),
    [
        ("2026-02-01", "2026-02-28", 1),
        ("2026-01-15", "2026-04-14", 3),
        ("2026-01-01", "2026-12-31", 12),
        ("2028-01-01", "2028-12-31", 12),
        ("2026-07-01", "2027-12-31", 18),
        ("2026-03-20", "2029-03-19", 36),
        ("2026-01-31", "2027-01-30", 12),
        ("2026-01-31", "2026-02-27", 1),  # the next month would begin on the 28th, its last day
        ("2028-02-29", "2029-02-27", 12),
        ("2028-02-29", "2029-02-28", 12),  # people write either, and mean a year
        ("2026-01-31", "2026-02-28", 1),
        ("2026-03-31", "2026-04-30", 1),
        ("2026-11-30", "2027-02-28", 3),
        ("2027-02-28", "2028-02-27", 12),
    ],
)
def test_a_term_of_whole_months_is_charged_whole_from_its_first_day(
    starts: str, ends: str, length: int
) -> None:
    contract = term(starts, ends)

    assert term_months(contract) == length
    assert months(contract, starts, MONTHS) == length
    assert months(contract, starts, INCLUSIVE) == length


@pytest.mark.parametrize(
    ("on", "left"),
    [
        ("2026-01-31", 12),
        ("2026-02-01", 11),
        ("2026-02-28", 11),  # the second month begins on the last day of February
        ("2026-03-01", 10),
        ("2026-03-31", 10),
        ("2026-04-30", 9),
        ("2026-05-01", 8),
        ("2026-12-31", 1),
        ("2027-01-01", 0),
        ("2027-01-30", 0),
    ],
)
def test_months_of_a_contract_that_begins_on_a_31st(on: str, left: int) -> None:
    assert months(term("2026-01-31", "2027-01-30"), on) == left


@pytest.mark.parametrize(
    ("on", "left"),
    [("2028-02-29", 12), ("2028-03-01", 11), ("2028-03-27", 11), ("2029-01-29", 1), ("2029-02-01", 0)],
)
def test_months_of_a_contract_that_begins_on_29_february(on: str, left: int) -> None:
    assert months(term("2028-02-29", "2029-02-27"), on) == left


@pytest.mark.parametrize(
    ("start", "end", "whole"),
    [
        ("2026-01-31", "2026-02-28", 1),
        ("2026-01-31", "2026-02-27", 0),
        ("2028-01-31", "2028-02-28", 0),
        ("2028-01-30", "2028-02-29", 1),
        ("2026-02-28", "2026-03-28", 1),
        ("2026-02-28", "2026-03-27", 0),
        ("2026-05-05", "2026-05-05", 0),
        ("2025-12-15", "2026-01-15", 1),
    ],
)
def test_how_many_whole_months_fit_between_two_days(start: str, end: str, whole: int) -> None:
    assert whole_months(date.fromisoformat(start), date.fromisoformat(end)) == whole


# --- days ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "inclusive", "exclusive"),
    [
        ("2026-01-01", 365, 364),
        ("2026-01-31", 335, 334),
        ("2026-07-15", 170, 169),
        ("2026-12-31", 1, 0),
    ],
)
def test_days_that_are_left_with_and_without_the_day_of_the_purchase(
    on: str, inclusive: int, exclusive: int
) -> None:
    assert months(YEAR, on, INCLUSIVE) == 12 * Fraction(inclusive, 365)
    assert months(YEAR, on, EXCLUSIVE) == 12 * Fraction(exclusive, 365)
    assert priced(YEAR, SEEDS, on, INCLUSIVE).basis == f"{inclusive} of 365 days"
    assert priced(YEAR, SEEDS, on, EXCLUSIVE).basis == f"{exclusive} of 365 days"


def test_a_term_of_three_years_is_counted_over_all_its_days() -> None:
    contract = term("2026-01-01", "2028-12-31")  # with 29 February 2028

    assert months(contract, "2027-01-01", INCLUSIVE) == 36 * Fraction(731, 1096)
    assert months(contract, "2027-01-01", MONTHS) == 24


def test_the_broken_month_of_a_term_counts_by_its_days() -> None:
    contract = term("2026-01-01", "2026-12-15")  # 11 months, and 15 of the 31 days of December

    assert term_months(contract) == 11 + Fraction(15, 31)
    assert months(contract, "2026-01-01", INCLUSIVE) == 11 + Fraction(15, 31)
    assert months(contract, "2026-12-15", INCLUSIVE) == (11 + Fraction(15, 31)) / 349
    # whole months are whole: the broken one is not charged
    assert months(contract, "2026-01-01", MONTHS) == 11
    assert months(contract, "2026-12-01", MONTHS) == 0


def test_a_term_of_one_day_can_be_priced() -> None:
    contract = term("2026-05-31", "2026-05-31")

    assert term_months(contract) == Fraction(1, 30)  # the month from 31 May to 29 June has 30 days
    assert priced(contract, SEEDS, "2026-05-31", INCLUSIVE).basis == "1 of 1 day"
    assert texts(priced(contract, SEEDS, "2026-05-31", INCLUSIVE)) == ["3.33", "26.67", "30.00"]
    assert texts(priced(contract, SEEDS, "2026-05-31", EXCLUSIVE)) == ["0.00", "0.00", "0.00"]


def test_one_month_is_written_without_s() -> None:
    assert priced(YEAR, SEEDS, "2026-12-01").basis == "1 whole month"
    assert priced(YEAR, SEEDS, "2026-12-31").basis == "0 whole months"


def test_the_last_day_of_the_year_costs_nothing_by_months() -> None:
    assert texts(priced(YEAR, SEEDS, "2026-12-31")) == ["0.00", "0.00", "0.00"]


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
def test_months_never_rise_as_the_day_goes_on_and_lie_between_nothing_and_the_term(
    contract: Contract, data: st.DataObject
) -> None:
    one, other = sorted((data.draw(days(contract)), data.draw(days(contract))))
    for proration in Proration:
        counted = replace(contract, proration=proration)
        early, late = remaining(counted, one)[0], remaining(counted, other)[0]
        assert term_months(contract) >= early >= late >= 0


@often
@given(contracts(), st.data())
def test_days_inclusive_is_never_less_than_days_exclusive_nor_than_the_day_after(
    contract: Contract, data: st.DataObject
) -> None:
    on = data.draw(days(contract))
    inclusive = remaining(replace(contract, proration=INCLUSIVE), on)[0]
    exclusive = remaining(replace(contract, proration=EXCLUSIVE), on)[0]

    one_day = term_months(contract) / ((contract.ends - contract.starts).days + 1)
    assert inclusive - exclusive == one_day


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
