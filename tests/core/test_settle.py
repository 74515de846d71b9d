"""Many wishes against one pool, and the order in which they are met."""

from datetime import timedelta

from idpsync.core.seats import Ladder
from idpsync.core.sequence import Move, sequence
from idpsync.core.settle import settle
from idpsync.core.wish import Wish
from tests.people import NOW, PREMIUM, STANDARD

BOTH = (PREMIUM, STANDARD)


def test_those_who_must_leave_a_tier_come_before_newcomers() -> None:
    """The one standard seat lets Ada step down, and her premium seat goes on."""
    wishes = [Wish("zoe", None, (STANDARD,), priority=9), Wish("ada", PREMIUM, (STANDARD,))]

    assert settle(wishes, {PREMIUM: 0, STANDARD: 1}) == {"ada": STANDARD, "zoe": None}


def test_those_owed_a_seat_come_before_any_priority() -> None:
    wishes = [Wish("bob", None, BOTH, priority=9), Wish("ada", None, BOTH, owed=True)]

    assert settle(wishes, {PREMIUM: 1, STANDARD: 0}) == {"ada": PREMIUM, "bob": None}


def test_then_priority_then_waiting_time_then_name() -> None:
    wishes = [
        Wish("a", None, (PREMIUM,)),
        Wish("b", None, (PREMIUM,), since=NOW),
        Wish("c", None, (PREMIUM,), since=NOW - timedelta(days=1)),
        Wish("d", None, (PREMIUM,), priority=1),
    ]
    for seats, winners in ((1, "d"), (2, "dc"), (3, "dcb"), (4, "dcba")):
        placed = settle(wishes, {PREMIUM: seats, STANDARD: 0})
        assert {m for m, tier in placed.items() if tier} == set(winners)


def test_a_seat_that_is_left_goes_on_to_the_next_at_once() -> None:
    wishes = [Wish("ada", STANDARD, BOTH), Wish("bob", None, (STANDARD,))]

    assert settle(wishes, {PREMIUM: 1, STANDARD: 0}) == {"ada": PREMIUM, "bob": STANDARD}


def test_an_over_committed_tier_gives_nothing_until_it_is_below_its_number() -> None:
    wishes = [Wish("ada", STANDARD, BOTH), Wish("bob", None, (STANDARD,))]

    assert settle(wishes, {PREMIUM: 1, STANDARD: -1}) == {"ada": PREMIUM, "bob": None}


def test_exchanges_of_any_number_of_people_are_found() -> None:
    ups = [Wish(f"up{n}", STANDARD, BOTH) for n in range(5)]
    downs = [Wish(f"down{n}", PREMIUM, (STANDARD,)) for n in range(3)]
    placed = settle([*ups, *downs], {PREMIUM: 0, STANDARD: 0})

    assert [placed[f"down{n}"] for n in range(3)] == [STANDARD] * 3
    assert [placed[f"up{n}"] for n in range(5)] == [PREMIUM] * 3 + [STANDARD] * 2


def test_an_exchange_may_go_through_a_tier_in_between() -> None:
    gold, silver, bronze = Ladder.of("gold", "silver", "bronze").tiers
    wishes = [
        Wish("ada", gold, (bronze,)),
        Wish("bob", silver, (gold, silver)),
        Wish("cy", bronze, (silver, bronze)),
    ]
    free = {gold: 0, silver: 0, bronze: 0}

    assert settle(wishes, free) == {"ada": bronze, "bob": gold, "cy": silver}


def test_moves_are_ordered_so_that_each_finds_a_seat() -> None:
    up, down = Move("up", STANDARD, PREMIUM), Move("down", PREMIUM, STANDARD)

    assert list(sequence([up, down], {PREMIUM: 0, STANDARD: 1})) == [down, up]
    assert list(sequence([up, down], {PREMIUM: 1, STANDARD: 0})) == [up, down]


def test_an_exchange_hands_each_seat_to_the_next() -> None:
    up, down = Move("up", STANDARD, PREMIUM), Move("down", PREMIUM, STANDARD)

    assert list(sequence([up, down], {PREMIUM: 0, STANDARD: 0})) == [
        Move("down", PREMIUM, None, yields_to="up"),
        Move("up", STANDARD, PREMIUM, yields_to="down"),
        Move("down", None, STANDARD),
    ]
