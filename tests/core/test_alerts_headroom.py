"""Seats running short: absolute and percent, two levels, a margin before it is over."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idpsync.core.alerts import (
    AlertState,
    HeadroomRule,
    Severity,
    Threshold,
    judge,
    key_of,
    observe_headroom,
)
from idpsync.core.seats import SeatPool, Tier, WaitEntry
from tests.people import LADDER, NOW, PREMIUM, STANDARD

RULE = HeadroomRule("premium", Threshold(5, 10), Threshold(1), clear_margin=2)


def pool(purchased: int, used: int, standard: tuple[int, int] = (100, 50)) -> SeatPool:
    return SeatPool(
        LADDER, {PREMIUM: purchased, STANDARD: standard[0]}, {PREMIUM: used, STANDARD: standard[1]}
    )


def queue(tier: Tier, many: int, *, frm: int = 0, holds: Tier | None = None) -> tuple[WaitEntry, ...]:
    names = [f"p{frm + number}" for number in range(many)]
    return tuple(WaitEntry(name, f"{name}@acme.example", tier, NOW, holds=holds) for name in names)


def severity(rule: HeadroomRule, purchased: int, used: int) -> Severity | None:
    (seen,) = observe_headroom([rule], pool(purchased, used), ())
    return seen.severity


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (6, None),
        (5, Severity.WARNING),
        (2, Severity.WARNING),
        (1, Severity.CRITICAL),
        (0, Severity.CRITICAL),
    ],
)
def test_few_seats_fire(free: int, expected: Severity | None) -> None:
    assert severity(RULE, 20, 20 - free) is expected


@pytest.mark.parametrize(
    ("purchased", "free", "expected"),
    [(200, 21, None), (200, 20, Severity.WARNING), (20, 3, Severity.WARNING), (10, 5, Severity.WARNING)],
)
def test_either_of_absolute_and_percent_fires(
    purchased: int, free: int, expected: Severity | None
) -> None:
    assert severity(RULE, purchased, purchased - free) is expected


def test_a_percentage_is_not_reached_by_a_fraction_of_a_seat() -> None:
    ten = HeadroomRule("premium", Threshold(percent=10))
    assert severity(ten, 25, 25 - 3) is None  # 12 %
    assert severity(ten, 25, 25 - 2) is Severity.WARNING  # 8 %


def test_zero_means_zero() -> None:
    none_left = HeadroomRule("premium", critical=Threshold(0))
    assert severity(none_left, 20, 19) is None
    assert severity(none_left, 20, 20) is Severity.CRITICAL


def test_recovery_needs_the_margin() -> None:
    def keeps(free: int) -> Severity | None:
        return observe_headroom([RULE], pool(20, 20 - free), ())[0].keeps

    assert [keeps(free) for free in (1, 2, 3, 5, 6, 7)] == [
        Severity.CRITICAL,
        Severity.CRITICAL,
        Severity.WARNING,
        Severity.WARNING,
        Severity.WARNING,
        None,
    ]


def test_without_a_margin_one_seat_more_is_enough() -> None:
    rule = HeadroomRule("premium", Threshold(5), clear_margin=0)
    assert observe_headroom([rule], pool(20, 15), ())[0].keeps is Severity.WARNING
    assert observe_headroom([rule], pool(20, 14), ())[0].keeps is None


def test_a_contract_that_nobody_uses_is_no_shortage() -> None:
    assert severity(RULE, 3, 0) is None
    assert severity(RULE, 0, 0) is None
    assert severity(RULE, 3, 1) is Severity.WARNING


def test_a_tier_that_was_never_bought_is_short_when_somebody_waits_for_it() -> None:
    (seen,) = observe_headroom([RULE], pool(0, 0), queue(PREMIUM, 1))
    assert seen.severity is Severity.CRITICAL


def test_total_counts_all_tiers() -> None:
    rule = HeadroomRule("total", Threshold(percent=10))
    assert observe_headroom([rule], pool(20, 20, (100, 90)), ())[0].severity is Severity.WARNING
    assert observe_headroom([rule], pool(20, 20, (100, 87)), ())[0].severity is None


def test_the_message_says_how_many_how_many_wait_and_what_to_do() -> None:
    (seen,) = observe_headroom([RULE], pool(20, 19), queue(PREMIUM, 2))
    assert seen.summary == (
        "premium: 1 of 20 seats free, 2 waiting; add seats: `idpsync seats add premium=8`"
    )
    assert seen.facts == {"tier": "premium", "purchased": "20", "free": "1", "waiting": "2"}


def test_the_message_of_the_end_asks_for_nothing() -> None:
    (seen,) = observe_headroom([RULE], pool(20, 10), ())
    assert seen.summary == "premium: 10 of 20 seats free, nobody waits"


def test_an_organisation_over_its_contract_is_told_by_how_much() -> None:
    (seen,) = observe_headroom([RULE], pool(20, 23), ())
    assert "0 of 20 seats free, 3 over the contract" in seen.summary
    assert seen.facts["over the contract"] == "3"


def test_total_names_the_tier_that_is_waited_for_and_else_the_lowest() -> None:
    rule = HeadroomRule("total", Threshold(percent=50))
    full = pool(20, 20, (100, 100))
    assert "add standard=" in observe_headroom([rule], full, ())[0].summary
    assert "add premium=" in observe_headroom([rule], full, queue(PREMIUM, 1))[0].summary


def test_total_advises_for_each_tier_what_those_who_wait_wish_for() -> None:
    rule = HeadroomRule("total", critical=Threshold(0))
    (seen,) = observe_headroom(
        [rule], pool(2, 2, (4, 4)), (*queue(PREMIUM, 3), *queue(STANDARD, 2, frm=3))
    )
    assert seen.summary == (
        "all tiers: 0 of 6 seats free, 5 waiting; add seats: "
        "`idpsync seats add premium=4 standard=2`"  # one more, so that the alert ends
    )


def test_total_advises_an_upgrade_for_those_who_would_leave_a_seat_behind() -> None:
    rule = HeadroomRule("total", critical=Threshold(0))
    (seen,) = observe_headroom([rule], pool(2, 2, (4, 4)), queue(PREMIUM, 2, holds=STANDARD))
    assert seen.summary.endswith(
        "`idpsync seats add premium=1` and `idpsync seats upgrade standard:premium=2`"
    )


def test_a_rule_for_a_tier_that_the_pool_lacks_sees_nothing() -> None:
    assert observe_headroom([HeadroomRule("gold", Threshold(1))], pool(20, 20), ()) == ()


@pytest.mark.parametrize(("seats", "percent"), [(-1, None), (None, -1), (None, 101)])
def test_impossible_thresholds_are_refused(seats: int | None, percent: float | None) -> None:
    with pytest.raises(ValueError, match=r"not below 0|from 0 to 100"):
        Threshold(seats, percent)


rules = st.builds(
    HeadroomRule,
    st.just("premium"),
    st.builds(Threshold, st.none() | st.integers(0, 50), st.none() | st.integers(0, 90)),
    st.none() | st.builds(Threshold, st.integers(0, 5)),
    st.integers(0, 10),
)


@given(rules, st.integers(0, 300), st.integers(0, 320), st.integers(0, 30))
def test_buying_what_the_message_says_and_seating_those_who_wait_ends_the_alert(
    rule: HeadroomRule, purchased: int, used: int, waiting: int
) -> None:
    (seen,) = observe_headroom([rule], pool(purchased, used), queue(PREMIUM, waiting))
    told = re.search(r"add premium=(\d+)", seen.summary)
    if told is None:
        assert seen.keeps is None
        return
    (after,) = observe_headroom([rule], pool(purchased + int(told[1]), used + waiting), ())
    assert after.keeps is None


totals = st.builds(
    HeadroomRule,
    st.just("total"),
    st.builds(Threshold, st.none() | st.integers(0, 50), st.none() | st.integers(0, 90)),
    st.just(Threshold(0)),
    st.integers(0, 10),
)
counts = st.integers(0, 60)


@given(totals, st.tuples(counts, counts), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_buying_all_that_the_message_of_total_says_seats_those_who_wait_and_ends_the_alert(
    rule: HeadroomRule, full: tuple[int, int], new: int, rising: int, newcomers: int
) -> None:
    premium, standard = full
    rising = min(rising, standard)
    waiting = (
        *queue(PREMIUM, new),
        *queue(PREMIUM, rising, frm=100, holds=STANDARD),
        *queue(STANDARD, newcomers, frm=200),
    )
    (seen,) = observe_headroom([rule], pool(premium, premium, (standard, standard)), waiting)
    if not seen.keeps:
        return
    bought = {PREMIUM: premium, STANDARD: standard}
    for tier, number in re.findall(r" (premium|standard)=(\d+)", seen.summary):
        bought[LADDER.named(tier)] += int(number)
    for number in re.findall(r"standard:premium=(\d+)", seen.summary):
        bought[PREMIUM] += int(number)
        bought[STANDARD] -= int(number)
    used = {PREMIUM: premium + new + rising, STANDARD: standard - rising + newcomers}
    assert all(used[tier] <= bought[tier] for tier in LADDER)
    after = pool(bought[PREMIUM], used[PREMIUM], (bought[STANDARD], used[STANDARD]))
    assert observe_headroom([rule], after, ())[0].keeps is None


@given(st.lists(st.integers(4, 6), min_size=1, max_size=60))
def test_flapping_within_the_margin_is_one_alert(frees: list[int]) -> None:
    state, said = AlertState(key_of("acme", RULE.name)), 0
    for minute, free in enumerate(frees):
        (seen,) = observe_headroom([RULE], pool(20, 20 - free), ())
        now = NOW + timedelta(minutes=minute)
        state, alerts = judge(state, seen, now, timedelta(hours=12))
        said += len(alerts)
    assert said == (1 if min(frees) <= 5 else 0)
