"""A plan made from what changed is the plan of the whole world."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.changes import changes_between
from idpsync.core.membership import Assignment
from idpsync.core.model import DirectoryUser, Profile, Standing
from idpsync.core.plan import Plan
from idpsync.core.planner import plan
from idpsync.core.policy import GroupRule, LeaverAction, Mode, Policy, WhenFull, WithoutRule
from idpsync.core.seats import Door, Holding, Ladder, WaitEntry
from idpsync.core.standing import StandingWorld
from idpsync.core.world import World
from tests.core.test_planner_properties import carry_out
from tests.people import NOW, SOURCE, account, group, invite, link, snapshot, world

LADDER3 = Ladder.of("gold", "silver", "bronze")
TIERS = LADDER3.tiers
NAMES = tuple("abcdefg")
GROUPS = ("gold", "silver", "bronze", "none", "admins")


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    rules = [GroupRule(t.name, t, priority=draw(st.integers(0, 2))) for t in TIERS]
    return Policy(
        ladder=LADDER3,
        rules=(*rules, GroupRule("none", seatless=True), GroupRule("admins", role="admin")),
        without_rule=draw(st.sampled_from(WithoutRule)),
        when_full=draw(st.sampled_from(WhenFull)),
        leaver_action=draw(st.sampled_from(LeaverAction)),
        leaver_grace=draw(st.sampled_from([timedelta(0), timedelta(hours=30)])),
        protected=frozenset({"g@acme.example"}),
        primary_owner=draw(st.sampled_from([None, "g@acme.example"])),
        min_hold=draw(st.sampled_from([timedelta(0), timedelta(hours=24)])),
        mode=draw(st.sampled_from(Mode)),
        preempt=draw(st.sampled_from([False] * 7 + [True])),
    )


@st.composite
def people(draw: st.DrawFn) -> tuple[DirectoryUser, ...]:
    found = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        # now and then somebody bears the name or the address of somebody else
        called = draw(st.sampled_from([name] * 6 + ["a"]))
        mailed = draw(st.sampled_from([name] * 6 + ["b"]))
        who = Profile(f"{called}@acme.example", f"{mailed}@acme.example", name.title(), "Example", name)
        active = draw(st.sampled_from([True, True, True, False, None]))
        found.append(DirectoryUser(SOURCE, f"id-{name}", who, active))
    return tuple(found)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    groups = [group(name, draw(st.lists(st.sampled_from(NAMES), unique=True))) for name in GROUPS]
    read = replace(snapshot((), groups), users=draw(people()))
    accounts = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        condition = draw(st.sampled_from([Standing.ACTIVE, Standing.ACTIVE, Standing.DEACTIVATED]))
        tier = None if condition is Standing.DEACTIVATED else draw(st.sampled_from([*TIERS, None]))
        mark = draw(st.sampled_from([f"id-{name}", f"id-{name}", None]))
        roles = draw(st.lists(st.sampled_from(["admin", "auditor"]), unique=True))
        accounts.append(account(name, tier, standing=condition, roles=roles, external_id=mark))
    links = [
        link(a.id.removeprefix("acc-"), draw(st.sampled_from([None, NOW - timedelta(hours=20)])))
        for a in accounts
        if draw(st.sampled_from([True, True, False]))
    ]
    if links and draw(st.sampled_from([False] * 5 + [True])):  # two links for one person
        links[0] = replace(links[0], external_id=links[-1].external_id)
    now = NOW + timedelta(hours=draw(st.integers(0, 40)))
    return world(
        read,
        accounts,
        links=links,
        seats={tier: draw(st.integers(1, 6)) for tier in TIERS},
        reserved={TIERS[2]: draw(st.integers(0, 1))},
        waiting=draw(wishes()),
        holdings=draw(seats_booked()),
        assignments=[
            Assignment(f"{n}@acme.example", draw(st.sampled_from([*TIERS, None])), "cli:root", NOW)
            for n in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=2))
        ],
        invites=[
            invite(n, TIERS[1]) for n in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=1))
        ],
        now=now,
    )


@st.composite
def wishes(draw: st.DrawFn) -> Sequence[WaitEntry]:
    return [
        WaitEntry(
            f"{n}@acme.example",
            f"{n}@acme.example",
            draw(st.sampled_from(TIERS)),
            NOW - timedelta(hours=draw(st.integers(0, 30))),
            owed=draw(st.sampled_from([False] * 9 + [True])),
            door=draw(st.sampled_from(Door)),
        )
        for n in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
    ]


@st.composite
def seats_booked(draw: st.DrawFn) -> Sequence[Holding]:
    return [
        Holding(
            f"{n}@acme.example",
            draw(st.sampled_from(TIERS)),
            draw(st.sampled_from(Door)),
            NOW - timedelta(hours=draw(st.integers(0, 30))),
            account_id=draw(st.sampled_from([f"acc-{n}", f"acc-{n}", None])),
        )
        for n in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    ]


def same(made: Plan, whole: Plan) -> None:
    """Field by field, so that a difference is told by its name."""
    for name in Plan.__dataclass_fields__:
        assert getattr(made, name) == getattr(whole, name), name
    assert made.digest == whole.digest


@settings(max_examples=300, deadline=None)
@given(policies(), st.lists(worlds(), min_size=2, max_size=4))
def test_a_chain_of_changes_gives_the_plans_of_the_whole_worlds(
    policy: Policy, chain: list[World]
) -> None:
    chain = [replace(w, now=max(v.now for v in chain[: n + 1])) for n, w in enumerate(chain)]
    standing = StandingWorld(chain[0], policy)

    for before, after in pairwise(chain):
        same(standing.plan(changes_between(before, after)), plan(after, policy))


@settings(max_examples=100, deadline=None)
@given(policies(), worlds(), worlds())
def test_what_a_plan_did_is_a_change_like_any_other(policy: Policy, first: World, second: World) -> None:
    """The plan is carried out, fed back, and then other things change."""
    second = replace(second, now=max(first.now, second.now))
    standing = StandingWorld(first, policy)
    made = standing.plan(changes_between(first, first))
    same(made, plan(first, policy))
    done = carry_out(first, made)
    again = standing.plan(changes_between(first, done))
    same(again, plan(done, policy))
    same(standing.plan(changes_between(done, second)), plan(second, policy))


def test_what_a_plan_tells_is_lost_once_the_world_has_gone_on() -> None:
    here = world(snapshot(["ada"], [group(name, ()) for name in GROUPS]))
    standing = StandingWorld(here, Policy(LADDER3, (GroupRule("gold", TIERS[0]),)))
    nothing = changes_between(here, here)
    old = standing.plan(nothing)
    standing.plan(nothing)

    with pytest.raises(RuntimeError, match="has changed"):
        len(old.waiting)
