"""What may be bought, what it makes of the pool, and what is refused with which words."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.contract import (
    MOST_SEATS,
    Contract,
    Item,
    check_day,
    check_order,
    in_order,
    reshaped,
    seats_on,
)
from idpsync.core.errors import PurchaseRefused
from tests.core.terms import (
    CHAT,
    PLATINUM,
    PREMIUM,
    RUNGS,
    STANDARD,
    YEAR,
    add,
    as_many_as_allowed,
    bought,
    days_of,
    order_books,
    sound_items,
    taken,
    term,
    upgrade,
)

MARCH = date(2026, 3, 1)


def refused(items: Sequence[Item], on: date = MARCH, *, contract: Contract = YEAR) -> str:
    with pytest.raises(PurchaseRefused) as caught:
        check_order(contract, (), items, on)
    return str(caught.value)


# --- the shape of the pool ----------------------------------------------------------------------------


def test_the_seeds_example_ends_with_95_standard_10_premium_and_105_in_all() -> None:
    purchases = bought(YEAR, ("2026-03-01", [add(STANDARD, 5), upgrade(STANDARD, PREMIUM, 10)]))

    after = seats_on(YEAR, purchases, MARCH)
    assert after == {STANDARD: 95, PREMIUM: 10}
    assert sum(after.values()) == 105
    assert seats_on(YEAR, purchases, date(2026, 2, 28)) == {STANDARD: 100}


def test_the_second_seed_knows_no_tiers_and_five_seats_more() -> None:
    purchases = bought(YEAR, ("2026-03-01", [add(STANDARD, 5)]))

    assert seats_on(YEAR, purchases, date(2026, 12, 31)) == {STANDARD: 105}


@pytest.mark.parametrize("day", ["2026-01-01", "2026-12-31", "2026-07-15"])
def test_a_purchase_counts_from_its_own_day_on(day: str) -> None:
    purchases = bought(YEAR, (day, [add(PREMIUM, 3)]))
    on = date.fromisoformat(day)

    assert seats_on(YEAR, purchases, on)[PREMIUM] == 3
    assert PREMIUM not in seats_on(YEAR, purchases, on - timedelta(days=1))


def test_an_upgrade_over_three_rungs_moves_the_seats_at_once() -> None:
    contract = term("2026-01-01", "2026-12-31", {CHAT: 4})
    purchases = bought(contract, ("2026-03-01", [upgrade(CHAT, PLATINUM, 3)]))

    assert seats_on(contract, purchases, MARCH) == {CHAT: 1, PLATINUM: 3}


def test_seats_added_by_an_order_may_be_upgraded_by_the_same_order() -> None:
    empty = term("2026-01-01", "2026-12-31", {})

    for items in ([add(CHAT, 5), upgrade(CHAT, PREMIUM, 5)], [upgrade(CHAT, PREMIUM, 5), add(CHAT, 5)]):
        purchases = bought(empty, ("2026-03-01", items))
        assert seats_on(empty, purchases, MARCH) == {CHAT: 0, PREMIUM: 5}


def test_upgrades_of_one_order_may_follow_on_each_other() -> None:
    purchases = bought(
        YEAR, ("2026-03-01", [upgrade(STANDARD, PREMIUM, 10), upgrade(PREMIUM, PLATINUM, 10)])
    )

    assert seats_on(YEAR, purchases, MARCH) == {STANDARD: 90, PREMIUM: 0, PLATINUM: 10}


def test_purchases_count_by_day_and_those_of_one_day_as_they_were_recorded() -> None:
    purchases = bought(
        YEAR,
        ("2026-06-01", [add(STANDARD, 1)]),
        ("2026-03-01", [add(STANDARD, 2)]),
        ("2026-06-01", [add(STANDARD, 3)]),
    )

    assert [purchase.number for purchase in in_order(purchases)] == [2, 1, 3]
    assert [seats_on(YEAR, purchases, date(2026, month, 1))[STANDARD] for month in (2, 3, 6)] == [
        100,
        102,
        106,
    ]


def test_the_seats_of_a_day_are_told_anew_each_time() -> None:
    seats_on(YEAR, (), MARCH)[STANDARD] = 1

    assert seats_on(YEAR, (), MARCH) == {STANDARD: 100}


def test_a_contract_that_says_no_more_renews_by_itself_in_dollars_and_whole_months() -> None:
    plain = Contract(YEAR.starts, YEAR.ends, {})

    assert (plain.auto_renew, plain.currency, plain.proration.value) == (True, "USD", "months")
    assert plain.prices == {}


def test_an_item_and_an_invoice_say_what_they_are() -> None:
    (purchase,) = bought(YEAR, ("2026-03-01", [add(STANDARD, 5), upgrade(STANDARD, PREMIUM, 10)]))

    assert purchase.items == (add(STANDARD, 5), upgrade(STANDARD, PREMIUM, 10))
    assert [str(item) for item in purchase.items] == ["5 standard", "10 standard upgraded to premium"]
    assert [item.what for item in purchase.items] == ["add", "upgrade"]
    assert (purchase.on, purchase.invoice) == (MARCH, "INV-0001")
    words = "5 standard, 10 standard upgraded to premium for 9000.00 USD (estimate), invoice INV-0001"
    assert str(purchase) == words
    (unpriced,) = bought(replace(YEAR, prices={}), ("2026-03-01", [add(STANDARD, 5)]))
    assert str(unpriced) == "5 standard without a price, invoice INV-0001"


# --- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["2025-12-31", "2027-01-01", "2024-02-29"])
def test_a_day_outside_the_term_is_refused(day: str) -> None:
    on = date.fromisoformat(day)
    words = f"{day} is outside the term, which runs from 2026-01-01 to 2026-12-31"

    assert refused([add(STANDARD, 1)], on) == words
    with pytest.raises(PurchaseRefused, match=words):
        check_day(YEAR, on)


@pytest.mark.parametrize("day", ["2026-01-01", "2026-12-31"])
def test_the_first_and_the_last_day_belong_to_the_term(day: str) -> None:
    check_order(YEAR, (), [add(STANDARD, 1)], date.fromisoformat(day))
    check_day(YEAR, date.fromisoformat(day))


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "there is nothing to buy"),
        ([add(STANDARD, 0)], "0 standard seats: a contract never shrinks during its term"),
        ([add(STANDARD, -5)], "-5 standard seats: a contract never shrinks during its term"),
        ([upgrade(STANDARD, PREMIUM, -1)], "a contract never shrinks"),
        ([add(STANDARD, 9), add(PREMIUM, -1)], "-1 premium seats: a contract never shrinks"),
        ([upgrade(STANDARD, STANDARD, 1)], "an upgrade from standard to standard changes nothing"),
        ([upgrade(STANDARD, CHAT, 1)], "standard to chat leads down the ladder"),
        ([upgrade(PLATINUM, CHAT, 1)], "platinum to chat leads down the ladder"),
    ],
)
def test_what_makes_a_contract_smaller_or_worse_is_refused(items: list[Item], words: str) -> None:
    assert words in refused(items)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (
            [upgrade(STANDARD, PREMIUM, 101)],
            "101 standard seats cannot be upgraded: the contract has 100 of them on that day",
        ),
        (
            [upgrade(STANDARD, PREMIUM, 60), upgrade(STANDARD, PLATINUM, 41)],
            "101 standard seats cannot be upgraded: the contract has 100 of them on that day",
        ),
        (
            [add(STANDARD, 5), upgrade(STANDARD, PREMIUM, 106)],
            (
                "106 standard seats cannot be upgraded: the contract has 105 of them on that day, "
                "counting this order"
            ),
        ),
        (
            [upgrade(CHAT, STANDARD, 1)],
            "1 chat seat cannot be upgraded: the contract has 0 of them on that day",
        ),
    ],
)
def test_no_more_seats_are_upgraded_than_are_bought(items: list[Item], words: str) -> None:
    assert refused(items) == words


def test_every_seat_there_is_may_be_upgraded() -> None:
    purchases = bought(YEAR, ("2026-03-01", [upgrade(STANDARD, PREMIUM, 100)]))

    assert seats_on(YEAR, purchases, MARCH) == {STANDARD: 0, PREMIUM: 100}


def test_seats_that_a_later_purchase_needs_cannot_be_upgraded_today() -> None:
    purchases = bought(YEAR, ("2026-06-01", [upgrade(STANDARD, PLATINUM, 95)]))
    words = (
        "10 standard seats cannot be upgraded: "
        "purchases recorded for later leave 5 of them on 2026-06-01"
    )

    with pytest.raises(PurchaseRefused, match=f"^{words}$"):
        check_order(YEAR, purchases, [upgrade(STANDARD, PREMIUM, 10)], MARCH)
    check_order(YEAR, purchases, [upgrade(STANDARD, PREMIUM, 5)], MARCH)


def test_the_first_day_on_which_seats_are_short_is_the_one_that_is_named() -> None:
    orders = [(f"2026-{month:02}-01", [upgrade(STANDARD, PLATINUM, 10)]) for month in range(12, 3, -1)]
    purchases = bought(YEAR, *orders)

    with pytest.raises(PurchaseRefused, match="leave 60 of them on 2026-07-01"):
        check_order(YEAR, purchases, [upgrade(STANDARD, PREMIUM, 61)], MARCH)


def test_seats_that_come_later_cannot_be_upgraded_before_they_are_there() -> None:
    empty = term("2026-01-01", "2026-12-31", {})
    purchases = bought(empty, ("2026-06-01", [add(STANDARD, 5)]))
    items = [upgrade(STANDARD, PREMIUM, 5)]

    with pytest.raises(PurchaseRefused, match="the contract has 0 of them"):
        check_order(empty, purchases, items, date(2026, 5, 31))
    check_order(empty, purchases, items, date(2026, 6, 1))


def test_a_purchase_dated_back_is_checked_on_every_day_since() -> None:
    purchases = bought(
        YEAR,
        ("2026-04-01", [upgrade(STANDARD, PREMIUM, 50)]),
        ("2026-05-01", [add(STANDARD, 30)]),
    )

    with pytest.raises(PurchaseRefused, match="leave 50 of them on 2026-04-01"):
        check_order(YEAR, purchases, [upgrade(STANDARD, PLATINUM, 60)], date(2026, 2, 1))
    check_order(YEAR, purchases, [upgrade(STANDARD, PLATINUM, 60)], date(2026, 5, 1))


def test_more_seats_of_a_tier_than_anybody_means_are_refused() -> None:
    nearly = replace(YEAR, seats={STANDARD: MOST_SEATS - 1})
    words = "that would be more than 1,000,000 standard seats"

    check_order(nearly, (), [add(STANDARD, 1), add(PREMIUM, MOST_SEATS)], MARCH)
    assert refused([add(STANDARD, 2)], contract=nearly) == words
    assert refused([add(STANDARD, 1), add(STANDARD, 1)], contract=nearly) == words
    assert refused([add(STANDARD, 10**5000)]) == words
    # bought and upgraded in one order: never so many of one tier at once, and still a slip of the pen
    too_many = [add(STANDARD, MOST_SEATS + 1), upgrade(STANDARD, PREMIUM, MOST_SEATS // 2)]
    assert refused(too_many) == words


def test_a_later_purchase_counts_against_the_most_seats_too() -> None:
    purchases = bought(YEAR, ("2026-06-01", [add(STANDARD, MOST_SEATS - 100)]))

    with pytest.raises(PurchaseRefused, match="more than 1,000,000 standard seats"):
        check_order(YEAR, purchases, [add(STANDARD, 1)], MARCH)


# --- what is true of every contract -------------------------------------------------------------------

books = settings(max_examples=200, deadline=None)


@books
@given(order_books())
def test_whatever_is_allowed_no_tier_ever_falls_below_nothing_and_the_total_never_falls(
    made: tuple[Contract, list[tuple[date, list[Item]]]],
) -> None:
    contract, orders = made
    purchases = as_many_as_allowed(contract, orders)

    before = sum(contract.seats.values())
    for day in days_of(contract):
        seats = seats_on(contract, purchases, day)
        assert min(seats.values(), default=0) >= 0
        assert sum(seats.values()) >= before
        before = sum(seats.values())


@books
@given(order_books(), st.data())
def test_a_purchase_takes_no_seat_from_any_day(
    made: tuple[Contract, list[tuple[date, list[Item]]]], data: st.DataObject
) -> None:
    contract, orders = made
    purchases = as_many_as_allowed(contract, orders)
    items = data.draw(st.lists(sound_items(), min_size=1, max_size=3))
    on = data.draw(st.dates(contract.starts, contract.ends))
    try:
        after = taken(contract, purchases, items, on)
    except PurchaseRefused:
        return

    added = sum(item.quantity for item in items if not item.upgraded_from)
    for day in days_of(contract):
        was, now = (sum(seats_on(contract, p, day).values()) for p in (purchases, after))
        assert now - was == (added if day >= on else 0)


@books
@given(order_books(), st.data())
def test_an_order_is_refused_only_for_a_reason_that_can_be_seen(
    made: tuple[Contract, list[tuple[date, list[Item]]]], data: st.DataObject
) -> None:
    contract, orders = made
    purchases = as_many_as_allowed(contract, orders)
    items = data.draw(st.lists(sound_items(), min_size=1, max_size=3))
    on = data.draw(st.dates(contract.starts, contract.ends))
    short = any(
        number < 0
        for day in days_of(contract)
        if day >= on
        for number in reshaped(seats_on(contract, purchases, day), items).values()
    )

    if short:
        with pytest.raises(PurchaseRefused, match=r"\d+ \w+ seats? cannot be upgraded: "):
            check_order(contract, purchases, items, on)
    else:
        check_order(contract, purchases, items, on)


@given(st.lists(sound_items(), max_size=5))
def test_neither_the_order_of_items_nor_looking_ahead_changes_the_pool(items: list[Item]) -> None:
    seats = dict.fromkeys(RUNGS, 3)

    assert reshaped(seats, items) == reshaped(seats, items[::-1])
    assert seats == dict.fromkeys(RUNGS, 3)
