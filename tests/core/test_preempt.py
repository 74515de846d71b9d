"""A higher priority takes the tier of a lower one, never the access."""

from collections.abc import Iterable
from datetime import timedelta

from idpsync.core.seats import Ladder
from idpsync.core.settle import settle
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
