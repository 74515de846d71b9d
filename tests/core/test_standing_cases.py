"""Every scenario as a change: a standing world that is brought there plans what a whole one plans."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

import pytest

from idpsync.core.changes import changes_between
from idpsync.core.plan import Plan
from idpsync.core.planner import plan
from idpsync.core.policy import Policy
from idpsync.core.standing import StandingWorld
from idpsync.core.world import NO_ASSIGNMENTS, NO_INVITES, World
from tests.core.scenarios import Scenario
from tests.core.test_planner_laws import SCENARIOS
from tests.people import invite

T = TypeVar("T")

LATER = [timedelta(hours=hours) for hours in (1, 24, 25, 49, 24 * 30)]


def prove(chain: list[World], policy: Policy) -> None:
    """Each plan on the way is that of the whole world."""
    standing = StandingWorld(chain[0], policy)
    for before, after in pairwise(chain):
        made, whole = standing.plan(changes_between(before, after)), plan(after, policy)
        for name in Plan.__dataclass_fields__:
            assert getattr(made, name) == getattr(whole, name), name


def deserted(here: World) -> World:
    """The same organisation before anybody came."""
    groups = tuple(replace(g, members=g.members and frozenset()) for g in here.snapshot.groups)
    return replace(
        here,
        snapshot=replace(here.snapshot, users=(), groups=groups),
        accounts=(),
        links=(),
        holdings=(),
        waiting=(),
        assignments=NO_ASSIGNMENTS,
        invites=NO_INVITES,
    )


def without_one(here: World) -> Iterator[World]:
    """The world without one person, group member, account, or row of a book."""
    read = here.snapshot
    for user in read.users:
        left = tuple(u for u in read.users if u is not user)
        yield replace(here, snapshot=replace(read, users=left))
    for group in read.groups:
        for who in sorted(group.members or ()):
            less = replace(group, members=(group.members or frozenset()) - {who})
            groups = tuple(less if g is group else g for g in read.groups)
            yield replace(here, snapshot=replace(read, groups=groups))
    yield from (replace(here, accounts=_but(here.accounts, a)) for a in here.accounts)
    yield from (replace(here, links=_but(here.links, k)) for k in here.links)
    yield from (replace(here, holdings=_but(here.holdings, h)) for h in here.holdings)
    yield from (replace(here, waiting=_but(here.waiting, w)) for w in here.waiting)
    yield from (replace(here, assignments=_less(here.assignments, m)) for m in here.assignments)
    yield from (replace(here, invites=_less(here.invites, m)) for m in here.invites)


def _but(rows: tuple[T, ...], one: T) -> tuple[T, ...]:
    return tuple(row for row in rows if row is not one)


def _less(rows: Mapping[str, T], member: str) -> Mapping[str, T]:
    return {key: row for key, row in rows.items() if key != member}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_an_organisation_that_comes_and_goes_is_planned_for_as_a_whole(scenario: Scenario) -> None:
    here, policy = scenario.world_made(), scenario.policy_made()
    nobody = deserted(here)

    prove([nobody, here, here, nobody, here], policy)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_whatever_goes_and_comes_back_one_at_a_time_is_planned_for_as_a_whole(
    scenario: Scenario,
) -> None:
    here, policy = scenario.world_made(), replace(scenario.policy_made(), preempt=False)

    prove([here, *(world for less in without_one(here) for world in (less, here))], policy)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_whatever_time_brings_is_planned_for_as_a_whole(scenario: Scenario) -> None:
    here, policy = scenario.world_made(), replace(scenario.policy_made(), preempt=False)

    prove([here, *(replace(here, now=here.now + later) for later in LATER)], policy)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_whatever_is_bought_or_kept_back_is_planned_for_as_a_whole(scenario: Scenario) -> None:
    here, policy = scenario.world_made(), replace(scenario.policy_made(), preempt=False)
    more = replace(here, purchased={tier: n + 1 for tier, n in here.purchased.items()})
    kept = replace(more, reserved=dict.fromkeys(policy.ladder, 1))

    prove([here, more, kept, here], policy)


def test_a_doubt_that_is_over_while_the_whole_is_planned_for_is_forgotten() -> None:
    """Somebody is owed a seat meanwhile: what each one is was not kept up."""
    alone = Scenario("", people="ada", accounts="ada[standard]", waiting="zoe[standard,owed]")
    doubt = Scenario("", people="ada bob[user_name=ada]", accounts="ada[standard]")
    adopted = Scenario("", people="ada", accounts="ada[standard,orphan]")
    chain = [doubt, alone, replace(alone, waiting=""), adopted, alone, replace(adopted, people="")]

    prove([scenario.world_made() for scenario in chain], doubt.policy_made())


def test_an_invite_is_known_by_its_address_too() -> None:
    scenario = Scenario(
        "Bob came in by an address that is not the name of the invite",
        people="bob[email=eve]",
        accounts="bob[seatless,email=eve]",
        policy="without_rule none",
    )
    here = scenario.world_made()
    sent = replace(invite("other"), email="Eve@acme.example")

    prove([here, replace(here, invites={sent.member: sent}), here], scenario.policy_made())
