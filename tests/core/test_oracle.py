"""The planner against a second opinion that tries every placement of a few people on a few seats."""

from hypothesis import given, settings

from tests.core.oracle import just_envy, most_seated, plain_envy
from tests.core.small_worlds import LADDER, Case, Drawn, cases, decided, seated


@settings(max_examples=1500, deadline=None)
@given(cases())
def test_nobody_envies_anybody_and_no_fair_placement_seats_more(case: Case) -> None:
    office, placement = decided(case)

    assert plain_envy(office, placement) is None
    assert just_envy(office, placement) is None
    assert seated(placement) == most_seated(office, fair=True)


@settings(max_examples=1500, deadline=None)
@given(cases(spill=True))
def test_where_everybody_spills_no_placement_at_all_seats_more(case: Case) -> None:
    office, placement = decided(case)

    assert seated(placement) == most_seated(office, fair=False)


@settings(max_examples=1500, deadline=None)
@given(cases(leave=True))
def test_where_some_must_leave_full_tiers_exchange_people_in_their_order(case: Case) -> None:
    office, placement = decided(case)

    assert just_envy(office, placement) is None


@settings(max_examples=1500, deadline=None)
@given(cases(over=True))
def test_where_tiers_are_over_their_number_newcomers_come_in_by_their_turn(case: Case) -> None:
    office, placement = decided(case)

    assert just_envy(office, placement) is None


@settings(max_examples=1500, deadline=None)
@given(cases(over=True, leave=True, preempt=True))
def test_no_seat_of_a_tier_over_its_number_is_given_on(case: Case) -> None:
    decided(case)


def test_order_comes_before_number() -> None:
    """Ada may have either tier, Bob waits for gold: both would sit if Ada took silver."""
    gold, silver, bronze = LADDER.tiers
    ada = Drawn("ada", None, gold, waits=False, priority=1, waited=None, seated=0)
    bob = Drawn("bob", None, gold, waits=True, priority=0, waited=None, seated=0)
    nothing = dict.fromkeys(LADDER, 0)
    office, placement = decided(
        Case((ada, bob), {gold: 1, silver: 1, bronze: 0}, nothing, preempt=False)
    )

    assert placement == {"ada": 0, "bob": None}
    assert most_seated(office, fair=True) == 1
    assert most_seated(office, fair=False) == 2
