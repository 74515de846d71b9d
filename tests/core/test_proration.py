"""How much of a term is left: by whole months, by days with and without today, in terms of any shape."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.contract import Contract, Proration
from idpsync.core.pricing import quote, remaining, term_months, whole_months
from tests.core.terms import STANDARD, YEAR, add, contracts, days, term

MONTHS, INCLUSIVE, EXCLUSIVE = Proration.MONTHS, Proration.DAYS_INCLUSIVE, Proration.DAYS_EXCLUSIVE


def months(contract: Contract, on: str, proration: Proration = MONTHS) -> Fraction:
    return remaining(replace(contract, proration=proration), date.fromisoformat(on))[0]


def basis(contract: Contract, on: str, proration: Proration = MONTHS) -> str:
    return remaining(replace(contract, proration=proration), date.fromisoformat(on))[1]


def cost(contract: Contract, on: str, proration: Proration = MONTHS) -> str:
    """What ten standard seats cost, 200 a month."""
    made = quote(replace(contract, proration=proration), (), [add(STANDARD, 10)], date.fromisoformat(on))
    return str(made.total)


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
    assert basis(YEAR, on, INCLUSIVE) == f"{inclusive} of 365 days"
    assert basis(YEAR, on, EXCLUSIVE) == f"{exclusive} of 365 days"


def test_a_term_of_three_years_is_counted_over_all_its_days() -> None:
    contract = term("2026-01-01", "2028-12-31")  # with 29 February 2028

    assert months(contract, "2027-01-01", INCLUSIVE) == 36 * Fraction(731, 1096)
    assert months(contract, "2027-01-01", MONTHS) == 24


def test_the_broken_month_of_a_term_counts_by_its_days() -> None:
    contract = term("2026-01-01", "2026-12-15")  # 11 months, and 15 of the 31 days of December

    assert term_months(contract) == 11 + Fraction(15, 31)
    assert months(contract, "2026-01-01", INCLUSIVE) == 11 + Fraction(15, 31)
    assert months(contract, "2026-12-15", INCLUSIVE) == (11 + Fraction(15, 31)) / 349
    # counted from the last day of the month before, where that has no 31st
    assert term_months(term("2026-01-31", "2026-03-15")) == 1 + Fraction(16, 31)
    # whole months are whole: the broken one is not charged
    assert months(contract, "2026-01-01", MONTHS) == 11
    assert months(contract, "2026-12-01", MONTHS) == 0


def test_a_term_of_one_day_can_be_priced() -> None:
    contract = term("2026-05-31", "2026-05-31")

    assert term_months(contract) == Fraction(1, 30)  # the month from 31 May to 29 June has 30 days
    assert basis(contract, "2026-05-31", INCLUSIVE) == "1 of 1 day"
    assert cost(contract, "2026-05-31", INCLUSIVE) == "6.67"
    assert cost(contract, "2026-05-31", EXCLUSIVE) == "0.00"


def test_one_month_is_written_without_s() -> None:
    assert basis(YEAR, "2026-12-01") == "1 whole month"
    assert basis(YEAR, "2026-12-31") == "0 whole months"


def test_a_purchase_on_the_last_day_costs_one_day_at_most() -> None:
    assert cost(YEAR, "2026-12-31", MONTHS) == "0.00"
    assert cost(YEAR, "2026-12-31", INCLUSIVE) == "6.58"
    assert cost(YEAR, "2026-12-31", EXCLUSIVE) == "0.00"


# --- what is true of every term ------------------------------------------------------------------------

often = settings(max_examples=200, deadline=None)


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
