"""What is true of every plan, whatever the world. The simulator here shares no code with the planner."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.model import Account, Coverage, Link, Standing
from idpsync.core.plan import (
    ChangeRoles,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    Plan,
    ReactivateAccount,
    UpdateProfile,
)
from idpsync.core.planner import plan
from idpsync.core.policy import GroupRule, LeaverAction, Policy, WhenFull, WithoutRule
from idpsync.core.seats import Ladder, Tier
from idpsync.core.world import World
from tests.people import NOW, SOURCE, account, group, link, person, snapshot, world

LADDER3 = Ladder.of("gold", "silver", "bronze")
TIERS = LADDER3.tiers
NAMES = [f"p{n}" for n in range(9)]
PROTECTED = "p8"

TAKES = (DeactivateAccount, DeleteAccount)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    priorities = [draw(st.integers(0, 2)) for _ in TIERS]
    rules = [GroupRule(t.name, t, priority=p) for t, p in zip(TIERS, priorities, strict=True)]
    return Policy(
        ladder=LADDER3,
        rules=(*rules, GroupRule("none", seatless=True), GroupRule("admins", role="admin")),
        without_rule=draw(st.sampled_from(WithoutRule)),
        when_full=draw(st.sampled_from(WhenFull)),
        leaver_action=draw(st.sampled_from(LeaverAction)),
        protected=frozenset({f"{PROTECTED}@acme.example"}),
        min_hold=timedelta(0),
    )


@st.composite
def worlds(draw: st.DrawFn, *, whole: bool = False) -> World:
    present = draw(st.lists(st.sampled_from(NAMES), unique=True))
    people = [person(n, active=draw(st.sampled_from([True, True, True, False, None]))) for n in present]
    covered = [Coverage.COMPLETE] if whole else list(Coverage)
    groups = []
    for name in ("gold", "silver", "bronze", "none", "admins"):
        members = draw(st.lists(st.sampled_from(NAMES), unique=True))
        groups.append(group(name, members, draw(st.sampled_from(covered))))
    accounts = [
        account(
            name,
            draw(st.sampled_from([*TIERS, None])),
            standing=draw(st.sampled_from([Standing.ACTIVE, Standing.ACTIVE, Standing.DEACTIVATED])),
            roles=draw(st.lists(st.sampled_from(["admin", "auditor"]), unique=True)),
        )
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True))
    ]
    accounts = [replace(a, tier=None) if a.standing is Standing.DEACTIVATED else a for a in accounts]
    linked = [a for a in accounts if draw(st.booleans())]
    return world(
        snapshot(people, groups, draw(st.sampled_from(covered))),
        accounts,
        links=[link(a.id.removeprefix("acc-")) for a in linked],
        seats={tier: draw(st.integers(0, 4)) for tier in TIERS},
        reserved={TIERS[2]: draw(st.integers(0, 1))},
    )


def carry_out(here: World, made: Plan) -> World:
    """The world after the plan: an account table that obeys each action in turn."""
    table = {a.id: a for a in here.accounts}
    links = {k.account_id: k for k in here.links}
    for adoption in made.adoptions:
        links[adoption.account_id] = Link(adoption.account_id, SOURCE, adoption.external_id, NOW)
    for action in made.actions:
        match action:
            case CreateAccount(profile=who, external_id=external_id, tier=tier, roles=roles):
                new_id = "acc-" + external_id.removeprefix("id-")
                new_id = new_id if new_id not in table else new_id + "-again"
                table[new_id] = Account(new_id, who, Standing.ACTIVE, tier, external_id, roles)
                links[new_id] = Link(new_id, SOURCE, external_id, NOW)
            case ReactivateAccount(account_id=key, tier=tier, roles=roles):
                table[key] = replace(table[key], standing=Standing.ACTIVE, tier=tier, roles=roles)
            case UpdateProfile(account_id=key, profile=who, external_id=external_id):
                table[key] = replace(table[key], profile=who, external_id=external_id)
            case ChangeTier(account_id=key, tier=tier):
                table[key] = replace(table[key], tier=tier)
            case ChangeRoles(account_id=key, roles=roles):
                table[key] = replace(table[key], roles=roles)
            case DeactivateAccount(account_id=key):
                table[key] = replace(table[key], standing=Standing.DEACTIVATED, tier=None)
            case DeleteAccount(account_id=key):
                del table[key], links[key]
    return replace(
        here,
        accounts=tuple(table.values()),
        links=tuple(links.values()),
        waiting=tuple(made.waiting),
    )


def used(here: World) -> Counter[Tier]:
    return Counter(a.tier for a in here.accounts if a.tier and a.standing is not Standing.DEACTIVATED)


@settings(max_examples=200, deadline=None)
@given(worlds(), policies(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_listed_changes_nothing(
    here: World, policy: Policy, shuffle: random.Random
) -> None:
    mixed = replace(
        here,
        snapshot=replace(
            here.snapshot,
            users=tuple(shuffle.sample(here.snapshot.users, len(here.snapshot.users))),
            groups=tuple(shuffle.sample(here.snapshot.groups, len(here.snapshot.groups))),
        ),
        accounts=tuple(shuffle.sample(here.accounts, len(here.accounts))),
        links=tuple(shuffle.sample(here.links, len(here.links))),
    )

    assert plan(here, policy) == plan(mixed, policy)


@settings(max_examples=200, deadline=None)
@given(worlds(), policies())
def test_a_plan_carried_out_leaves_nothing_to_do(here: World, policy: Policy) -> None:
    after = carry_out(here, plan(here, policy))

    assert plan(after, policy).actions == ()


@settings(max_examples=200, deadline=None)
@given(worlds(), policies())
def test_no_tier_is_ever_over_and_no_step_takes_a_seat_that_is_not_there(
    here: World, policy: Policy
) -> None:
    made = plan(here, policy)
    allowed = {t: max(here.purchased[t], used(here)[t]) for t in TIERS}
    seats: Counter[Tier | None] = Counter(used(here))
    for action in made.actions:
        left, taken = getattr(action, "previous_tier", None), getattr(action, "tier", None)
        seats[left] -= 1
        seats[taken] += 1
        assert taken is None or seats[taken] <= allowed[taken], action
    assert {t: seats[t] for t in TIERS} == dict(made.pool_after.assigned)
    assert {t: used(carry_out(here, made))[t] for t in TIERS} == dict(made.pool_after.assigned)


@settings(max_examples=200, deadline=None)
@given(worlds(), policies())
def test_protected_and_unlinked_accounts_are_never_touched(here: World, policy: Policy) -> None:
    made = plan(here, policy)
    ours = {k.account_id for k in here.links} | {a.account_id for a in made.adoptions}

    for action in made.actions:
        touched = getattr(action, "account_id", None)
        assert touched is None or (touched in ours and touched != f"acc-{PROTECTED}")


@settings(max_examples=200, deadline=None)
@given(worlds(), policies())
def test_nothing_is_taken_on_a_read_that_is_not_whole(here: World, policy: Policy) -> None:
    ruled = [g for g in here.snapshot.groups if not g.complete]
    if not ruled and here.snapshot.users_coverage is Coverage.COMPLETE:
        return
    people_whole = here.snapshot.users_coverage is Coverage.COMPLETE
    disabled = {u.external_id for u in here.snapshot.users if u.active is False and people_whole}
    vanished = any(g.coverage is Coverage.GONE for g in ruled)

    made = plan(here, policy)
    final = {a.account_id: a.tier for a in made.actions if isinstance(a, ChangeTier)}
    for action in made.actions:
        if isinstance(action, TAKES) and action.external_id not in disabled:
            assert people_whole
            assert not vanished
            assert action.external_id not in {u.external_id for u in here.snapshot.users}
    for known in here.accounts:
        if known.id in final and known.tier is not None and known.external_id not in disabled:
            lowered = final[known.id] is None or final[known.id] > known.tier  # type: ignore[operator]
            absent = known.external_id not in {u.external_id for u in here.snapshot.users}
            assert not lowered or (absent and people_whole and not vanished)


@settings(max_examples=200, deadline=None)
@given(worlds(whole=True), policies())
def test_nobody_entitled_who_holds_a_seat_ends_without_one(here: World, policy: Policy) -> None:
    after = {a.id: a for a in carry_out(here, plan(here, policy)).accounts}
    active = {u.external_id for u in here.snapshot.users if u.active}
    for known in here.accounts:
        groups = {g.name for g in here.snapshot.groups if known.external_id in (g.members or ())}
        if known.tier and known.external_id in active and policy.entitle(groups).options:
            assert after[known.id].tier is not None


@settings(max_examples=200, deadline=None)
@given(worlds(whole=True), policies())
def test_no_free_seat_is_left_while_somebody_waits_for_it(here: World, policy: Policy) -> None:
    made = plan(here, policy)
    for entry in made.waiting:
        no_room = entry.holds is None and made.pool_after.total_balance <= 0
        for tier in entry.accepts:
            assert no_room or made.pool_after.balance(tier) <= here.reserved.get(tier, 0)


@settings(max_examples=200, deadline=None)
@given(worlds(whole=True), policies())
def test_nobody_is_added_where_more_people_than_seats_are_in(here: World, policy: Policy) -> None:
    made = plan(here, policy)

    assert made.pool_after.total_balance >= min(0, made.pool_before.total_balance)
