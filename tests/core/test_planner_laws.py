"""The laws of ARCHITECTURE.md that concern the planner, over all scenarios and many small worlds."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.model import Standing, fold
from idpsync.core.plan import (
    Action,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    Plan,
    ReactivateAccount,
    UpdateProfile,
)
from idpsync.core.planner import plan
from idpsync.core.policy import GroupRule, Policy
from idpsync.core.seats import Claim, Door, Holding, SeatPool, Tier, place
from idpsync.core.world import World
from tests.core import (
    test_scenarios_accounts,
    test_scenarios_movers,
    test_scenarios_owed,
    test_scenarios_people,
    test_scenarios_pool,
    test_scenarios_preempt,
    test_scenarios_reads,
    test_scenarios_seats,
    test_scenarios_strangers,
)
from tests.core.scenarios import Scenario
from tests.core.small_worlds import LADDER, Case, cases
from tests.core.test_planner_properties import carry_out
from tests.people import NOW, group, snapshot, world

Thing = TypeVar("Thing")


def every_scenario() -> Iterator[Scenario]:
    for module in (
        test_scenarios_accounts,
        test_scenarios_movers,
        test_scenarios_owed,
        test_scenarios_people,
        test_scenarios_pool,
        test_scenarios_preempt,
        test_scenarios_reads,
        test_scenarios_seats,
        test_scenarios_strangers,
    ):
        tables = (table for table in vars(module).values() if isinstance(table, list))
        yield from (row for table in tables for row in table if isinstance(row, Scenario))


SCENARIOS = tuple(every_scenario())


def breaking(law: Callable[[World, Policy], bool]) -> list[str]:
    """The scenarios in which the law does not hold."""
    made = ((scenario.says, scenario.world_made(), scenario.policy_made()) for scenario in SCENARIOS)
    return [says for says, here, policy in made if not law(here, policy)]


def afterwards(here: World, made: Plan) -> World:
    """The world once the plan is carried out: whoever was seated has the seat since now."""
    there = carry_out(here, made)
    names = {fold(a.previous_user_name): fold(a.profile.user_name) for a in _renamed(made)}
    before = {account.id: account.tier for account in here.accounts}
    seats = {holding.member: holding for holding in here.holdings if holding.settled}
    for account in there.accounts:
        if account.tier is None or account.standing is Standing.DEACTIVATED:
            seats.pop(account.member, None)
        elif before.get(account.id) != account.tier:
            seats[account.member] = Holding(account.member, account.tier, Door.SYNC, NOW, account.id)
    waiting = tuple(replace(e, member=names.get(e.member, e.member)) for e in there.waiting)
    return replace(there, holdings=tuple(seats.values()), waiting=waiting, invites={})


def _renamed(made: Plan) -> Iterator[UpdateProfile]:
    return (action for action in made.actions if isinstance(action, UpdateProfile))


def shuffled(here: World, chance: random.Random) -> World:
    """The same world, listed in another order."""
    read = here.snapshot
    return replace(
        here,
        snapshot=replace(read, users=_mixed(read.users, chance), groups=_mixed(read.groups, chance)),
        accounts=_mixed(here.accounts, chance),
        links=_mixed(here.links, chance),
        holdings=_mixed(here.holdings, chance),
        waiting=_mixed(here.waiting, chance),
    )


def _mixed(things: tuple[Thing, ...], chance: random.Random) -> tuple[Thing, ...]:
    return tuple(chance.sample(things, len(things)))


# --- law 1: the same world gives the same plan ---------------------------------------------------------


def test_the_order_of_the_lists_changes_nothing() -> None:
    def same(here: World, policy: Policy) -> bool:
        mixed = [shuffled(here, random.Random(seed)) for seed in range(3)]
        return all(plan(other, policy) == plan(here, policy) for other in mixed)

    assert breaking(same) == []


@settings(max_examples=300, deadline=None)
@given(cases(leave=True, preempt=True), st.randoms(use_true_random=False))
def test_the_order_of_the_lists_changes_nothing_with_preempt(case: Case, chance: random.Random) -> None:
    here = case.world()

    assert plan(shuffled(here, chance), case.policy()) == plan(here, case.policy())


# --- law 4: only linked accounts, never a protected one ------------------------------------------------


def test_only_accounts_that_are_ours_are_touched() -> None:
    def ours_alone(here: World, policy: Policy) -> bool:
        made = plan(here, policy)
        touched = {a.account_id for a in made.actions if not isinstance(a, CreateAccount)}
        return touched <= _ours(here, policy, made)

    assert breaking(ours_alone) == []


def _ours(here: World, policy: Policy, made: Plan) -> set[str]:
    """Linked, adopted, or owed what we took; less the protected."""
    ours = {link.account_id for link in here.links} | {found.account_id for found in made.adoptions}
    owed = {entry.member for entry in here.waiting if entry.owed}
    ours |= {account.id for account in here.accounts if account.member in owed}
    names = {a.id: {a.member, fold(a.profile.email or "")} for a in here.accounts}
    return {key for key in ours if not names.get(key, set()) & policy.protected}


# --- law 5: every change has a because -----------------------------------------------------------------


def test_everything_that_is_said_has_a_because() -> None:
    def said_why(here: World, policy: Policy) -> bool:
        made = plan(here, policy)
        anew = [entry for entry in made.waiting if entry not in here.waiting]
        return all(said.because for said in (*made.actions, *anew, *made.refused))

    assert breaking(said_why) == []


# --- law 7: a seat is counted once ---------------------------------------------------------------------


def test_the_pool_afterwards_is_what_the_accounts_then_have() -> None:
    def counted(here: World, policy: Policy) -> bool:
        made = plan(here, policy)
        there = carry_out(here, made).accounts
        seated = Counter(a.tier for a in there if a.standing is not Standing.DEACTIVATED)
        members = {a.member for a in there if a.tier}
        held = Counter(h.tier for h in here.holdings if not h.settled and h.member not in members)
        after = made.pool_after
        return all(
            (after.assigned[tier], after.held[tier]) == (seated[tier], held[tier])
            for tier in policy.ladder
        )

    assert breaking(counted) == []


# --- law 12: all doors, one policy, one count ----------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_newcomer_alone_gets_what_any_door_would_give(data: st.DataObject) -> None:
    seats = {tier: data.draw(st.integers(0, 2)) for tier in LADDER}
    kept = {tier: data.draw(st.integers(0, 1)) for tier in LADDER}
    top = data.draw(st.sampled_from(LADDER.tiers))
    policy = Policy(ladder=LADDER, rules=(GroupRule("Crew", top),))
    read = snapshot(["ada"], [group("Crew", ["ada"])])
    made = plan(world(read, seats=seats, reserved=kept), policy)
    claim = Claim("ada@acme.example", "ada@acme.example", LADDER.from_(top))
    placed = place(SeatPool(LADDER, seats, reserved=kept), claim)

    created = [action.tier for action in made.actions if isinstance(action, CreateAccount)]
    assert created == ([placed.tier] if placed.tier else [])
    assert [entry.wants for entry in made.waiting] == ([placed.waits_for] if placed.waits_for else [])


# --- law 14: releases before grants --------------------------------------------------------------------


def test_releases_come_before_grants() -> None:
    def in_order(here: World, policy: Policy) -> bool:
        stages = [_stage(action) for action in plan(here, policy).actions]
        return stages == sorted(stages)

    assert breaking(in_order) == []


def _stage(action: Action) -> int:
    match action:
        case DeactivateAccount() | DeleteAccount() | ChangeTier(tier=None, yields_to=None):
            return 0
        case ReactivateAccount():
            return 2
        case CreateAccount():
            return 3
        case _:
            return 1


# --- law 15: an unmet wish is state, retried every run -------------------------------------------------


def test_whoever_is_given_a_seat_keeps_their_place_until_they_have_it() -> None:
    def granted(here: World, policy: Policy) -> bool:
        made = plan(here, policy)
        given_a_seat = {fold(a.profile.user_name) for a in made.actions if getattr(a, "tier", None)}
        return {entry.member for entry in made.granted} == given_a_seat

    assert breaking(granted) == []


def test_a_world_comes_to_rest_and_keeps_its_queue() -> None:
    """Two plans: a seat on its way, or a name that somebody gives up, is there for the second."""

    def rests(here: World, policy: Policy) -> bool:
        second = plan(afterwards(here, plan(here, policy)), policy)
        there = afterwards(here, plan(here, policy))
        third = plan(afterwards(there, second), policy)
        return third.actions == () and wishes(third) == wishes(second)

    assert breaking(rests) == []


@settings(max_examples=500, deadline=None)
@given(cases(leave=True, preempt=True))
def test_nobody_goes_up_and_down_with_preempt(case: Case) -> None:
    here, policy = case.world(), replace(case.policy(), min_hold=timedelta(0))
    made = plan(here, policy)
    again = plan(afterwards(here, made), policy)

    assert again.actions == ()
    assert wishes(again) == wishes(made)


def wishes(made: Plan) -> list[tuple[str, Tier, Tier | None]]:
    return [(entry.user_name, entry.wants, entry.holds) for entry in made.waiting]
