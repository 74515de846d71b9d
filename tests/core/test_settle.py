"""Many wishes against one pool, and the order in which they are met."""

from datetime import timedelta

from idpsync.core.seats import Ladder
from idpsync.core.sequence import Move, sequence
from idpsync.core.settle import seat_all, settle
from idpsync.core.table import Table
from idpsync.core.wish import Wish
from tests.people import NOW, PREMIUM, STANDARD

BOTH = (PREMIUM, STANDARD)
GOLD, SILVER, BRONZE = Ladder.of("gold", "silver", "bronze").tiers
ALL = (GOLD, SILVER, BRONZE)
NONE_FREE = {GOLD: 0, SILVER: 0, BRONZE: 0}


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
    wishes = [
        Wish("ada", GOLD, (BRONZE,)),
        Wish("bob", SILVER, (GOLD, SILVER)),
        Wish("cy", BRONZE, (SILVER, BRONZE)),
    ]

    assert settle(wishes, NONE_FREE) == {"ada": BRONZE, "bob": GOLD, "cy": SILVER}


def test_of_many_who_must_leave_the_first_is_exchanged() -> None:
    downs = [Wish(f"down{n}", GOLD, (BRONZE,), priority=n) for n in range(8)]
    placed = settle([*downs, Wish("up", BRONZE, ALL)], NONE_FREE)

    assert [m for m, tier in placed.items() if tier == BRONZE] == ["down7"]
    assert placed["up"] == GOLD


def test_an_exchange_is_not_made_where_nobody_wants_the_seat_that_is_left() -> None:
    wishes = [
        Wish("ada", GOLD, (BRONZE,), 5),
        Wish("bob", GOLD, (SILVER,), 5),
        Wish("cy", BRONZE, (GOLD,)),
    ]

    assert settle(wishes, NONE_FREE) == {"ada": BRONZE, "bob": GOLD, "cy": GOLD}


def test_nobody_who_may_stay_is_exchanged() -> None:
    wishes = [Wish("ada", SILVER, ALL), Wish("bob", GOLD, ALL)]

    assert settle(wishes, NONE_FREE) == {"ada": SILVER, "bob": GOLD}
    assert settle(wishes, {**NONE_FREE, BRONZE: -1}, -1) == {"ada": SILVER, "bob": GOLD}


def test_who_has_left_asks_for_more_in_their_turn_like_anybody() -> None:
    """Ada must leave gold, and has: her exchange with Bob would serve neither of them."""
    ada, bob = Wish("ada", GOLD, (SILVER, BRONZE), 5), Wish("bob", BRONZE, (SILVER,))

    assert settle([ada, bob], {**NONE_FREE, SILVER: 1}) == {"ada": SILVER, "bob": BRONZE}


def test_seats_of_a_tier_over_its_number_are_not_exchanged() -> None:
    wishes = [Wish("ada", BRONZE, (SILVER, BRONZE), 5), Wish("bob", SILVER, (BRONZE,))]

    assert settle(wishes, {**NONE_FREE, BRONZE: -1}, -1) == {"ada": BRONZE, "bob": SILVER}


def test_a_tier_whose_last_seat_is_kept_for_others_is_not_over_its_number() -> None:
    table = Table(NONE_FREE)
    table.open({**NONE_FREE, BRONZE: -1}, kept={BRONZE: 1})
    table.put(Wish("ada", BRONZE, ALL))
    table.put(Wish("bob", GOLD, (BRONZE,)))
    seat_all(table)

    assert table.holds == {"ada": GOLD, "bob": BRONZE}


def test_where_there_is_less_room_than_seats_newcomers_come_in_by_their_turn() -> None:
    free = {GOLD: 1, SILVER: -1, BRONZE: 1}
    first = Wish("bob", None, (GOLD,), since=NOW)

    assert settle([Wish("ada", None, (SILVER, BRONZE)), first], free, 1) == {"ada": None, "bob": GOLD}
    both = [Wish("ada", None, (BRONZE,)), Wish("bob", None, (SILVER, BRONZE))]
    assert settle(both, free, 1) == {"ada": BRONZE, "bob": None}


def test_whoever_finds_no_seat_makes_place_for_the_next_where_there_is_little_room() -> None:
    wishes = [Wish("ada", None, (SILVER,), 5), Wish("bob", None, (GOLD,))]

    assert settle(wishes, {GOLD: 1, SILVER: 0, BRONZE: -1}, 1) == {"ada": None, "bob": GOLD}


def test_where_there_is_little_room_only_newcomers_are_counted() -> None:
    """Ada and Cy, who are inside, take no room; a newcomer who is owed a seat comes first."""
    inside = [Wish("ada", SILVER, (GOLD,), 5), Wish("bob", None, (BRONZE,), 1)]
    inside.append(Wish("cy", SILVER, (GOLD, BRONZE), seated_since=NOW))
    owed = [Wish("ada", None, (SILVER,), since=NOW), Wish("bob", BRONZE, (SILVER,), 1)]
    owed.append(Wish("cy", None, (SILVER, BRONZE), owed=True))

    placed = settle(inside, {GOLD: -1, SILVER: 1, BRONZE: 1}, 1)
    assert placed == {"ada": SILVER, "bob": BRONZE, "cy": SILVER}
    placed = settle(owed, {GOLD: 1, SILVER: 1, BRONZE: -1}, 1)
    assert placed == {"ada": None, "bob": BRONZE, "cy": SILVER}


def test_a_newcomer_without_hope_does_not_keep_the_next_one_out() -> None:
    """Bob comes first and wishes for gold, which is over its number: the room is for Ada."""
    wishes = [
        Wish("ada", None, (SILVER, BRONZE), since=NOW),
        Wish("bob", None, (GOLD,), 5),
        Wish("cy", BRONZE, ALL),
        Wish("dan", None, (GOLD,)),
    ]
    placed = settle(wishes, {GOLD: -1, SILVER: 1, BRONZE: 1}, 1)

    assert placed == {"ada": SILVER, "bob": None, "cy": BRONZE, "dan": None}


def test_whoever_is_owed_a_seat_in_vain_keeps_nobody_of_higher_priority_out() -> None:
    """Ada, first by turn, finds no silver; Bob may take Cy's, who steps down before Dan."""
    gold, silver, bronze, tin = Ladder.of("gold", "silver", "bronze", "tin").tiers
    wishes = [
        Wish("ada", None, (silver,), owed=True),
        Wish("bob", None, (silver,), 3),
        Wish("cy", silver, (silver, bronze), 2, seated_since=NOW),
        Wish("dan", None, (bronze,), 1),
    ]
    placed = settle(wishes, {gold: 4, silver: 0, bronze: 1, tin: -1}, 4)

    assert placed == {"ada": None, "bob": silver, "cy": bronze, "dan": None}


def test_exchanges_are_made_also_when_it_is_tried_again_with_other_newcomers() -> None:
    wishes = [
        Wish("ada", GOLD, (BRONZE,), 1),
        Wish("bob", GOLD, (SILVER,), 1),
        Wish("cy", BRONZE, (SILVER, BRONZE), 5),
        Wish("dan", SILVER, (BRONZE,)),
        Wish("eve", None, (SILVER, BRONZE)),
    ]
    placed = settle(wishes, {GOLD: -1, SILVER: 1, BRONZE: 1}, 1)

    assert placed == {"ada": BRONZE, "bob": SILVER, "cy": SILVER, "dan": BRONZE, "eve": None}


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


def test_no_more_people_move_than_find_a_seat() -> None:
    first, second = Move("ada", STANDARD, PREMIUM), Move("bob", STANDARD, PREMIUM)

    assert list(sequence([first, second], {PREMIUM: 1, STANDARD: 0})) == [first]


def test_an_exchange_is_found_beside_somebody_who_only_leads_into_it() -> None:
    """Ada wants silver and nobody wants gold; Bob and Cy exchange silver and bronze."""
    ada = Move("ada", GOLD, SILVER)
    bob, cy = Move("bob", SILVER, BRONZE), Move("cy", BRONZE, SILVER)

    assert list(sequence([bob, cy, ada], NONE_FREE)) == [
        Move("bob", SILVER, None, yields_to="cy"),
        Move("cy", BRONZE, SILVER, yields_to="bob"),
        Move("bob", None, BRONZE),
    ]
