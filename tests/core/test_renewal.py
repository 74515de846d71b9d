"""What renewal may count, what those who wait would need, and what is known to come."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.contract import Contract, Item, seats_on
from idpsync.core.renewal import (
    Renewal,
    Wish,
    calendar,
    next_term_cost,
    renewal,
)
from idpsync.core.seats import Tier
from tests.core.terms import (
    CHAT,
    PLATINUM,
    PREMIUM,
    STANDARD,
    YEAR,
    add,
    as_many_as_allowed,
    bought,
    days_of,
    order_books,
    term,
    tiers,
    upgrade,
)

SEEDS = bought(YEAR, ("2026-03-01", [add(STANDARD, 5), upgrade(STANDARD, PREMIUM, 10)]))


def read(
    at: str, assigned: Mapping[Tier, int], pending: Mapping[Tier, int], contract: Contract = YEAR
) -> Renewal:
    return renewal(contract, SEEDS, assigned=assigned, pending=pending, at=date.fromisoformat(at))


# --- what renewal may count ---------------------------------------------------------------------------


def test_the_three_readings_stand_side_by_side_each_with_its_cost() -> None:
    told = read("2026-10-02", {STANDARD: 80, PREMIUM: 7}, {STANDARD: 2})

    assert [(r.name, dict(r.seats), r.total, str(r.cost)) for r in told.readings] == [
        ("purchased", {PREMIUM: 10, STANDARD: 95}, 105, "34800.00"),
        ("assigned", {PREMIUM: 7, STANDARD: 80}, 87, "27600.00"),
        ("assigned_and_pending", {PREMIUM: 7, STANDARD: 82}, 89, "28080.00"),
    ]
    assert (told.at, told.ends, told.auto_renew) == (date(2026, 10, 2), date(2026, 12, 31), True)
    assert (told.days_left, told.currency, told.idle) == (90, "USD", 16)


def test_readings_are_those_of_their_day() -> None:
    before = read("2026-02-28", {STANDARD: 80}, {})

    assert before.readings[0].seats == {STANDARD: 100}


def test_a_tier_that_is_only_pending_or_no_longer_bought_is_listed_too() -> None:
    told = read("2026-10-02", {CHAT: 1}, {PLATINUM: 2})

    assert [list(r.seats.items()) for r in told.readings] == [
        [(PLATINUM, 0), (PREMIUM, 10), (STANDARD, 95), (CHAT, 0)],
        [(PLATINUM, 0), (PREMIUM, 0), (STANDARD, 0), (CHAT, 1)],
        [(PLATINUM, 2), (PREMIUM, 0), (STANDARD, 0), (CHAT, 1)],
    ]


def test_idle_seats_of_one_tier_do_not_make_up_for_another_that_is_over() -> None:
    assert read("2026-10-02", {STANDARD: 60, PREMIUM: 14}, {}).idle == 35
    assert read("2026-10-02", {STANDARD: 95, PREMIUM: 9}, {PREMIUM: 1}).idle == 0


@pytest.mark.parametrize(
    ("days_left", "warning"),
    [
        (200, None),
        (91, None),
        (90, 90),
        (61, 90),
        (60, 60),
        (31, 60),
        (30, 30),
        (1, 30),
        (0, 30),
        (-1, 30),
    ],
)
def test_the_threshold_passed_last_is_told(days_left: int, warning: int | None) -> None:
    told = read((YEAR.ends - timedelta(days=days_left)).isoformat(), {}, {})

    assert (told.days_left, told.warning) == (days_left, warning)


def test_thresholds_can_be_others_in_any_order() -> None:
    told = renewal(YEAR, (), assigned={}, pending={}, at=date(2026, 12, 20), warn=(7, 14, 45))

    assert told.warning == 14
    assert renewal(YEAR, (), assigned={}, pending={}, at=YEAR.ends, warn=()).warning is None


def test_a_contract_that_does_not_renew_by_itself_says_so() -> None:
    assert not read("2026-10-02", {}, {}, contract=replace(YEAR, auto_renew=False)).auto_renew


@pytest.mark.parametrize(
    ("starts", "ends", "cost"),
    [
        ("2026-01-01", "2026-01-31", "120.00"),
        ("2028-01-01", "2028-12-31", "1440.00"),  # a leap year has twelve months as well
        ("2026-01-01", "2028-12-31", "4320.00"),
        ("2026-01-01", "2026-12-15", "1378.07"),  # 11 15/31 months: 1148.387 and 229.677, each rounded
    ],
)
def test_the_next_term_is_as_long_as_this_one(starts: str, ends: str, cost: str) -> None:
    assert str(next_term_cost(term(starts, ends), {PREMIUM: 1, STANDARD: 1})) == cost


def test_the_cost_is_rounded_once_per_tier_as_an_invoice_is() -> None:
    month = replace(
        term("2026-04-01", "2026-04-30"), prices={PREMIUM: Decimal("0.004"), CHAT: Decimal("0.004")}
    )

    assert str(next_term_cost(month, {PREMIUM: 1, CHAT: 1})) == "0.00"


def test_a_missing_price_leaves_a_cost_open_only_where_seats_are_counted() -> None:
    contract = replace(YEAR, prices={STANDARD: Decimal(20)})

    assert next_term_cost(contract, {STANDARD: 1, PREMIUM: 1}) is None
    assert str(next_term_cost(contract, {STANDARD: 1, PREMIUM: 0})) == "240.00"
    assert str(next_term_cost(contract, {})) == "0.00"


# --- what is to come ----------------------------------------------------------------------------------

TODAY = date(2026, 3, 1)


def to_come(
    *orders: tuple[str, Sequence[Item]],
    wishes: Sequence[Wish] = (),
    open_seats: Mapping[Tier, int] | None = None,
    lapses: Sequence[tuple[str, Tier]] = (),
    contract: Contract = YEAR,
    today: date = TODAY,
) -> list[tuple[str, str, dict[Tier, int], dict[Tier, int]]]:
    entries = calendar(
        contract,
        bought(contract, *orders),
        today,
        wishes=wishes,
        open_seats=open_seats or {},
        lapses=[(date.fromisoformat(day), tier) for day, tier in lapses],
    )
    return [(e.on.isoformat(), e.what, dict(e.seats), dict(e.still_waiting)) for e in entries]


END = "last day of the term, which renews by itself"


def test_the_calendar_begins_tomorrow_and_ends_with_the_term() -> None:
    assert to_come(
        ("2026-06-01", [add(STANDARD, 5), upgrade(STANDARD, PREMIUM, 10)]),
        ("2026-03-01", [add(STANDARD, 1)]),
        ("2026-04-01", [add(PREMIUM, 2)]),
        wishes=[(PREMIUM, None)] * 20 + [(STANDARD, None)] * 3,
        lapses=[("2026-03-20", STANDARD), ("2026-03-20", PREMIUM), ("2026-03-20", PREMIUM)],
    ) == [
        ("2026-03-20", "2 invites lapse: 2 premium back", {STANDARD: 101}, {PREMIUM: 18, STANDARD: 3}),
        ("2026-03-20", "1 invite lapses: 1 standard back", {STANDARD: 101}, {PREMIUM: 18, STANDARD: 2}),
        ("2026-04-01", "bought: 2 premium", {STANDARD: 101, PREMIUM: 2}, {PREMIUM: 16, STANDARD: 2}),
        (
            "2026-06-01",
            "bought: 5 standard, 10 standard upgraded to premium",
            {STANDARD: 96, PREMIUM: 12},
            {PREMIUM: 6, STANDARD: 2},
        ),
        ("2026-12-31", END, {STANDARD: 96, PREMIUM: 12}, {PREMIUM: 6, STANDARD: 2}),
    ]


def test_seats_that_are_left_behind_go_to_the_next_who_waits_for_them() -> None:
    wishes = [(PREMIUM, STANDARD), (PREMIUM, STANDARD), (STANDARD, CHAT), (STANDARD, None), (CHAT, None)]

    assert [still for *_, still in to_come(("2026-04-01", [add(PREMIUM, 2)]), wishes=wishes)] == [
        {PREMIUM: 0, STANDARD: 0, CHAT: 0},
        {PREMIUM: 0, STANDARD: 0, CHAT: 0},
    ]


def test_who_waits_for_a_tier_that_gains_nothing_goes_on_waiting() -> None:
    open_seats = {STANDARD: 2}
    told = to_come(wishes=[(CHAT, None), (STANDARD, None)], open_seats=open_seats)

    assert [still for *_, still in told] == [{CHAT: 1, STANDARD: 0}]
    assert open_seats == {STANDARD: 2}


def test_an_upgrade_leaves_no_seat_behind() -> None:
    wishes = [(PREMIUM, STANDARD), (PREMIUM, STANDARD), (STANDARD, None)]
    orders = ("2026-04-01", [upgrade(STANDARD, PREMIUM, 2)])

    assert to_come(orders, wishes=wishes)[0][3] == {PREMIUM: 0, STANDARD: 1}
    assert to_come(orders, wishes=wishes, open_seats={STANDARD: 1})[0][3] == {PREMIUM: 0, STANDARD: 0}


def test_seats_beyond_the_contract_are_made_up_before_anybody_gets_one() -> None:
    orders = ("2026-04-01", [add(STANDARD, 3)])

    assert to_come(orders, wishes=[(STANDARD, None)] * 2, open_seats={STANDARD: -2})[0][3] == {
        STANDARD: 1
    }


def test_an_order_counts_as_a_whole_in_the_calendar() -> None:
    orders = ("2026-04-01", [add(STANDARD, 5), upgrade(STANDARD, PREMIUM, 5), add(PREMIUM, 1)])

    entry = to_come(orders, wishes=[(STANDARD, None)] * 2 + [(PREMIUM, None)] * 9)[0]
    assert entry[2:] == ({STANDARD: 100, PREMIUM: 6}, {STANDARD: 2, PREMIUM: 3})


def test_purchases_of_one_day_stand_as_they_were_recorded() -> None:
    told = to_come(("2026-04-01", [add(STANDARD, 5)]), ("2026-04-01", [upgrade(STANDARD, PREMIUM, 105)]))

    assert [what for _, what, *_ in told[:2]] == [
        "bought: 5 standard",
        "bought: 105 standard upgraded to premium",
    ]
    assert [seats for _, _, seats, _ in told[:2]] == [{STANDARD: 105}, {STANDARD: 0, PREMIUM: 105}]


def test_an_invite_that_should_have_lapsed_does_so_today() -> None:
    assert to_come(lapses=[("2026-02-20", STANDARD), ("2026-03-01", STANDARD)])[0][:2] == (
        "2026-03-01",
        "2 invites lapse: 2 standard back",
    )


def test_a_term_that_does_not_renew_or_is_over_says_so_or_nothing() -> None:
    fixed = replace(YEAR, auto_renew=False)

    assert to_come(contract=fixed)[0][1] == "last day of the term, which does not renew by itself"
    assert len(to_come(today=YEAR.ends)) == 1
    assert to_come(today=YEAR.ends + timedelta(days=1)) == []


@settings(max_examples=200, deadline=None)
@given(order_books(), st.data())
def test_the_calendar_is_in_order_and_says_what_the_contract_says(
    made: tuple[Contract, list[tuple[date, list[Item]]]], data: st.DataObject
) -> None:
    contract, orders = made
    purchases = as_many_as_allowed(contract, orders)
    today = data.draw(st.sampled_from(days_of(contract)))
    soon = st.dates(today, today + timedelta(days=30))
    lapses = data.draw(st.lists(st.tuples(soon, tiers)))
    wishes = data.draw(st.lists(st.tuples(tiers, st.none()), max_size=12))

    entries = calendar(contract, purchases, today, wishes=wishes, open_seats={}, lapses=lapses)

    assert [e.on for e in entries] == sorted(e.on for e in entries)
    assert entries[0].on >= today
    last_of_day = {entry.on: entry for entry in entries}
    for day, entry in last_of_day.items():
        assert entry.seats == seats_on(contract, purchases, day)
    assert {p.on for p in purchases if p.on > today} <= last_of_day.keys()
    for earlier, later in itertools.pairwise(entries):
        assert all(later.still_waiting[t] <= n for t, n in earlier.still_waiting.items())
