"""A higher priority takes the tier of a lower one, never the access."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from idpsync.core.preempting import Preempting
from idpsync.core.seats import Ladder
from idpsync.core.settle import settle
from idpsync.core.table import Table
from idpsync.core.wish import Wish
from tests.people import NOW

GOLD, SILVER, BRONZE = Ladder.of("gold", "silver", "bronze").tiers
ALL = (GOLD, SILVER, BRONZE)
NONE_FREE = {GOLD: 0, SILVER: 0, BRONZE: 0}


def seated(
    name: str, tier: object, priority: int, *, days: int = 9, options: Iterable[object] = ALL
) -> Wish:
    """Somebody who sits where they wish, and whose tier may be taken."""
    since = NOW - timedelta(days=days)
    return Wish(name, tier, tuple(options), priority, seated_since=since)  # type: ignore[arg-type]


def test_the_weakest_steps_down_to_the_seat_that_is_left() -> None:
    wishes = [Wish("ada", SILVER, ALL, 5), seated("bob", GOLD, 1), seated("cy", GOLD, 2)]

    assert settle(wishes, NONE_FREE) == {"ada": GOLD, "bob": SILVER, "cy": GOLD}


def test_of_equals_the_one_seated_last_steps_down() -> None:
    wishes = [Wish("ada", SILVER, ALL, 5), seated("bob", GOLD, 1, days=9), seated("cy", GOLD, 1, days=2)]

    assert settle(wishes, NONE_FREE) == {"ada": GOLD, "bob": GOLD, "cy": SILVER}


def test_an_equal_priority_takes_nothing() -> None:
    wishes = [Wish("ada", SILVER, ALL, 1), seated("bob", GOLD, 1)]

    assert settle(wishes, NONE_FREE) == {"ada": SILVER, "bob": GOLD}


def test_nobody_steps_down_to_nothing() -> None:
    newcomer = [Wish("ada", None, ALL, 5), seated("bob", GOLD, 1)]
    nowhere = [Wish("ada", SILVER, ALL, 5), seated("bob", GOLD, 1, options=[GOLD])]

    assert settle(newcomer, NONE_FREE) == {"ada": None, "bob": GOLD}
    assert settle(nowhere, NONE_FREE) == {"ada": SILVER, "bob": GOLD}


def test_a_newcomer_takes_a_tier_where_a_lower_seat_is_free() -> None:
    wishes = [Wish("ada", None, (GOLD,), 5), seated("bob", GOLD, 1)]

    assert settle(wishes, {**NONE_FREE, BRONZE: 1}) == {"ada": GOLD, "bob": BRONZE}


def test_who_steps_down_takes_the_tier_of_somebody_weaker_still() -> None:
    wishes = [Wish("ada", None, (GOLD,), 5), seated("bob", GOLD, 3), seated("cy", SILVER, 1)]

    assert settle(wishes, {**NONE_FREE, BRONZE: 1}) == {"ada": GOLD, "bob": SILVER, "cy": BRONZE}
    equal = [Wish("ada", None, (GOLD,), 5), seated("bob", GOLD, 1), seated("cy", SILVER, 1)]
    assert settle(equal, {**NONE_FREE, BRONZE: 1}) == {"ada": GOLD, "bob": BRONZE, "cy": SILVER}


def test_a_tier_that_may_not_be_taken_is_left() -> None:
    wishes = [Wish("ada", SILVER, ALL, 5), Wish("bob", GOLD, ALL, 1)]

    assert settle(wishes, NONE_FREE) == {"ada": SILVER, "bob": GOLD}


def test_the_highest_priority_takes_first() -> None:
    wishes = [Wish("ada", SILVER, ALL, 5), Wish("eve", SILVER, ALL, 6), seated("bob", GOLD, 1)]

    assert settle(wishes, NONE_FREE) == {"ada": SILVER, "eve": GOLD, "bob": SILVER}


def test_each_priority_is_settled_before_the_next_lower_one() -> None:
    """The seat in bronze is Bob's way down: Zoe does not get it first."""
    ada, bob = Wish("ada", None, (GOLD,), 5), seated("bob", GOLD, 3)
    zoe = Wish("zoe", None, (BRONZE,), 1)

    assert settle([ada, bob, zoe], {**NONE_FREE, BRONZE: 1}) == {"ada": GOLD, "bob": BRONZE, "zoe": None}


def test_a_lower_priority_takes_nothing_before_its_turn() -> None:
    """One seat is left to step down to: it serves the wish of Xan, not of Ada."""
    wishes = [
        Wish("ada", None, (GOLD,), 5),
        Wish("xan", None, (SILVER,), 9),
        seated("sue", SILVER, 2, options=[SILVER, BRONZE]),
        seated("gil", GOLD, 1),
    ]
    placed = settle(wishes, {**NONE_FREE, BRONZE: 1})

    assert placed == {"ada": None, "xan": SILVER, "sue": BRONZE, "gil": GOLD}


def test_the_lowest_priority_has_its_turn_too() -> None:
    wishes = [seated("ada", BRONZE, 0, options=[GOLD])]

    assert settle(wishes, {**NONE_FREE, GOLD: 1}) == {"ada": GOLD}


def test_who_must_leave_or_is_owed_a_seat_waits_for_no_priority() -> None:
    free = {**NONE_FREE, BRONZE: 1}
    leaver = [seated("ada", SILVER, 0, options=[BRONZE]), Wish("bob", None, (BRONZE,), 5)]
    owed = [
        Wish("ada", None, (GOLD,), 5),
        seated("bob", GOLD, 3, options=[GOLD, BRONZE]),
        Wish("zoe", None, (BRONZE,), owed=True),
    ]

    assert settle(leaver, free) == {"ada": BRONZE, "bob": None}
    assert settle(owed, free) == {"ada": None, "bob": GOLD, "zoe": BRONZE}


def test_a_lower_priority_never_takes() -> None:
    wishes = [seated("ada", SILVER, 5, options=[SILVER, BRONZE]), Wish("bob", BRONZE, (GOLD, SILVER), 1)]

    assert settle(wishes, NONE_FREE) == {"ada": SILVER, "bob": BRONZE}


def test_nobody_is_put_down_from_what_they_may_not_hold_nor_up() -> None:
    between = [
        seated("ada", SILVER, 1, options=[GOLD, BRONZE]),
        Wish("bob", BRONZE, (SILVER, BRONZE), 5),
    ]
    above = [seated("ada", SILVER, 0), Wish("bob", GOLD, (SILVER, BRONZE), 5)]

    assert settle(between, NONE_FREE) == {"ada": SILVER, "bob": BRONZE}
    assert settle([replace(above[0], content=True), above[1]], NONE_FREE) == {"ada": SILVER, "bob": GOLD}


def test_no_tier_over_its_number_is_taken() -> None:
    wishes = [seated("ada", GOLD, 0), Wish("bob", BRONZE, (GOLD,), 5)]

    assert settle(wishes, {GOLD: -1, SILVER: -1, BRONZE: 0}, -2) == {"ada": GOLD, "bob": BRONZE}


def test_who_was_put_down_is_put_down_again_before_anybody_stronger() -> None:
    """Uma lands on silver, and is the weakest there when Xan comes for it."""
    wishes = [
        Wish("ada", SILVER, (GOLD, SILVER), 5),
        Wish("xan", None, (SILVER,), 5),
        seated("sue", SILVER, 2),
        seated("uma", GOLD, 1),
    ]
    placed = settle(wishes, {**NONE_FREE, BRONZE: 1})

    assert placed == {"ada": GOLD, "xan": SILVER, "sue": SILVER, "uma": BRONZE}


def test_who_was_put_down_gets_back_what_they_had_and_more_only_if_they_asked() -> None:
    content = replace(seated("bob", SILVER, 0), content=True)
    xan, yan = Wish("xan", None, (SILVER,), 5), Wish("yan", SILVER, (GOLD, SILVER))
    free = {GOLD: 1, SILVER: 0, BRONZE: 1}

    assert settle([xan, content, yan], free) == {"xan": SILVER, "bob": SILVER, "yan": GOLD}
    assert settle([xan, content], free) == {"xan": SILVER, "bob": BRONZE}
    assert settle([xan, seated("bob", SILVER, 0)], free) == {"xan": SILVER, "bob": GOLD}


def test_who_stands_twice_in_a_queue_takes_one_seat() -> None:
    """Who moved up and was put down again queues once more where they queued before."""
    table = Table({**NONE_FREE, BRONZE: 2})
    for wish in (Wish("ada", None, (GOLD,), 5), seated("bob", GOLD, 1), seated("cy", GOLD, 2)):
        table.put(wish)
    table.queue("ada")

    assert Preempting(table).take()
    assert table.holds == {"ada": GOLD, "bob": BRONZE, "cy": GOLD}
    assert table.displaced == {"bob": "ada"}
