"""Enough for everybody who waits: by the smallest purchase, and the cheapest of these."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.contract import Contract, Item, check_order, reshaped
from idpsync.core.renewal import Wish, enough_for
from idpsync.core.seats import Ladder, Tier

THREE = Ladder.of("gold", "silver", "bronze")
GOLD, SILVER, BRONZE = THREE.tiers


def needed(
    wishes: Sequence[Wish], open_seats: Mapping[Tier, int] | None = None, each: int = 9
) -> tuple[Item, ...]:
    """What is enough where `each` seats of every tier are bought."""
    return enough_for(THREE, open_seats or {}, iter(wishes), dict.fromkeys(THREE, each))


def test_nobody_waits_and_nothing_is_bought() -> None:
    assert needed([]) == ()
    assert needed([], {GOLD: -3}) == ()


def test_who_holds_nothing_gets_a_new_seat() -> None:
    assert needed([(GOLD, None), (GOLD, None), (BRONZE, None)]) == (Item(GOLD, 2), Item(BRONZE, 1))


def test_who_moves_up_takes_the_seat_along_as_an_upgrade() -> None:
    assert needed([(GOLD, SILVER), (GOLD, SILVER)]) == (Item(GOLD, 2, SILVER),)


def test_a_seat_left_behind_goes_to_who_waits_for_it_before_it_is_upgraded() -> None:
    assert needed([(GOLD, SILVER), (SILVER, None)]) == (Item(GOLD, 1),)
    assert needed([(GOLD, SILVER), (SILVER, BRONZE)]) == (Item(GOLD, 1, BRONZE),)


def test_the_highest_seats_left_behind_are_upgraded_first() -> None:
    assert needed([(GOLD, BRONZE), (GOLD, SILVER), (GOLD, None)]) == (
        Item(GOLD, 1, SILVER),
        Item(GOLD, 1, BRONZE),
        Item(GOLD, 1),
    )


def test_a_seat_left_behind_is_upgraded_once() -> None:
    assert needed([(GOLD, BRONZE), (SILVER, None)]) == (Item(GOLD, 1, BRONZE), Item(SILVER, 1))


def test_free_seats_are_used_first_and_those_of_lower_tiers_stay_free() -> None:
    assert needed([(GOLD, SILVER), (GOLD, None)], {GOLD: 1, SILVER: 5}) == (Item(GOLD, 1, SILVER),)
    assert needed([(GOLD, None)], {GOLD: 0, SILVER: 5}) == (Item(GOLD, 1),)


def test_two_who_want_each_others_tier_need_nothing() -> None:
    assert needed([(GOLD, SILVER), (SILVER, GOLD)]) == ()


def test_what_is_over_is_made_up_before_anybody_gets_a_seat() -> None:
    assert needed([(SILVER, None)], {SILVER: -2}) == (Item(SILVER, 3),)
    assert needed([(GOLD, None)], {SILVER: -2}) == (Item(GOLD, 1),)  # nobody waits for silver


def test_people_beyond_the_contract_leave_no_seat_behind_to_be_upgraded() -> None:
    three_up = [(GOLD, SILVER)] * 3

    assert needed(three_up, {SILVER: -5}, each=2) == (Item(GOLD, 2, SILVER), Item(GOLD, 1))


many = settings(max_examples=300, deadline=None)
tiers3 = st.sampled_from(THREE.tiers)


@st.composite
def waiting_rooms(draw: st.DrawFn) -> tuple[dict[Tier, int], dict[Tier, int], list[Wish]]:
    """Seats bought, seats in use, and wishes of people whose seats are among those in use."""
    purchased = {tier: draw(st.integers(0, 3)) for tier in THREE}
    wish = st.tuples(tiers3, st.none() | tiers3).filter(lambda wish: wish[0] != wish[1])
    wishes = draw(st.lists(wish, max_size=4))
    used = {tier: sum(holds == tier for _, holds in wishes) + draw(st.integers(0, 2)) for tier in THREE}
    return purchased, used, wishes


def come_true(seats: Mapping[Tier, int], used: Mapping[Tier, int], wishes: Sequence[Wish]) -> bool:
    """Whether all who wait can sit where they wish, and nobody beyond the contract among them."""
    for tier in {wanted for wanted, _ in wishes}:
        leave = sum(holds == tier for _, holds in wishes)
        come = sum(wanted == tier for wanted, _ in wishes)
        if used[tier] - leave + come > seats.get(tier, 0):
            return False
    return True


def small_orders(most: int) -> Iterator[tuple[Item, ...]]:
    """Every order of up to `most` seats: new ones, and upgrades by any number of rungs."""
    kinds = [(tier, left) for tier in THREE for left in (None, *THREE.tiers[tier.rank + 1 :])]
    for size in range(most + 1):
        for chosen in itertools.combinations_with_replacement(kinds, size):
            yield tuple(Item(tier, 1, left) for tier, left in chosen)


def size(items: Sequence[Item]) -> int:
    return sum(item.quantity for item in items)


def news(items: Sequence[Item]) -> int:
    return sum(item.quantity for item in items if item.upgraded_from is None)


def cost(items: Sequence[Item]) -> int:
    """At prices of 7, 3 and 1."""
    price = {GOLD: 7, SILVER: 3, BRONZE: 1, None: 0}
    return sum(item.quantity * (price[item.tier] - price[item.upgraded_from]) for item in items)


def only_upgrades_what_is_left_over(
    items: Sequence[Item],
    purchased: Mapping[Tier, int],
    used: Mapping[Tier, int],
    wishes: Sequence[Wish],
) -> bool:
    """Whether the order leaves the seats of all others, and every free seat, where they are."""
    for tier in THREE:
        upgraded = sum(item.quantity for item in items if item.upgraded_from == tier)
        leave = sum(holds == tier for _, holds in wishes)
        if upgraded > min(leave, purchased[tier]):
            return False
        if upgraded and any(wanted == tier for wanted, _ in wishes):
            come = sum(wanted == tier for wanted, _ in wishes)
            if used[tier] - leave + come > purchased[tier] - upgraded:
                return False
    return True


@many
@given(waiting_rooms())
def test_after_the_purchase_every_wish_comes_true_and_no_smaller_or_cheaper_one_would_do(
    room: tuple[dict[Tier, int], dict[Tier, int], list[Wish]],
) -> None:
    purchased, used, wishes = room
    open_seats = {tier: purchased[tier] - used[tier] for tier in THREE}
    items = enough_for(THREE, open_seats, wishes, purchased)

    check_order_is_allowed(items, purchased)
    assert come_true(reshaped(purchased, items), used, wishes)
    assert only_upgrades_what_is_left_over(items, purchased, used, wishes)
    if size(items) > 4:
        return  # the others are too many to try
    for other in small_orders(size(items)):
        after = reshaped(purchased, other)
        if min(after.values()) < 0 or not come_true(after, used, wishes):
            continue
        assert size(other) == size(items)
        if only_upgrades_what_is_left_over(other, purchased, used, wishes):
            assert (news(other), cost(other)) >= (news(items), cost(items))


def check_order_is_allowed(items: Sequence[Item], purchased: Mapping[Tier, int]) -> None:
    contract = Contract(date(2026, 1, 1), date(2026, 12, 31), purchased)
    if items:
        check_order(contract, (), items, date(2026, 3, 1))
