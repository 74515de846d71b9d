"""When a plan is held: numbers, shares, and what a limit of 0 means."""

from dataclasses import replace

import pytest

from idpsync.core.guard import OFF, Limit, Limits, guard
from idpsync.core.model import Account, DirectorySnapshot
from idpsync.core.planner import plan
from idpsync.core.records import LastRead
from idpsync.core.seats import Tier
from tests.people import POLICY, PREMIUM, STANDARD, account, group, snapshot, world

NONE = Limits(OFF, OFF, OFF, OFF)
NAMES = [f"p{n:02}" for n in range(20)]


def read(here: list[str], premium: list[str]) -> DirectorySnapshot:
    groups = [group("Premium", premium), group("Users", here)]
    return snapshot(here, [*groups, group("Contractors", ()), group("Admins", ())])


def held(
    limits: Limits, here: list[str], premium: list[str], known: dict[str, list[str]] | None = None
) -> dict[str, str]:
    """Tripped limits, name → counted, for twenty people of whom the first ten are premium."""
    tiers: list[Tier] = [PREMIUM if n < 10 else STANDARD for n in range(20)]
    accounts: tuple[Account, ...] = tuple(
        account(name, tier) for name, tier in zip(NAMES, tiers, strict=True)
    )
    current = read(here, premium)
    made = plan(world(current, accounts, seats={PREMIUM: 10, STANDARD: 30}), POLICY)
    before = {
        name: frozenset(f"id-{member}" for member in members) for name, members in (known or {}).items()
    }
    report = guard(made, limits, accounts=accounts, snapshot=current, last=LastRead(before))
    assert report.held == bool(report.tripped)
    return {check.name: check.counted for check in report.tripped}


@pytest.mark.parametrize(
    ("count", "gone", "trips"), [(2, 2, False), (2, 3, True), (0, 1, True), (0, 0, False)]
)
def test_removals_by_number(count: int, gone: int, trips: bool) -> None:
    limits = replace(NONE, removals=Limit(count=count))
    tripped = held(limits, NAMES[gone:], NAMES[gone:10])

    assert tripped == ({"removals.count": f"{gone}/20"} if trips else {})


@pytest.mark.parametrize(
    ("percent", "gone", "trips"),
    [(10, 2, False), (10, 3, True), (11, 3, False), (0, 1, True), (0, 0, False), (1, 1, False)],
)
def test_removals_by_share_rounded_up_to_whole_people(percent: float, gone: int, trips: bool) -> None:
    limits = replace(NONE, removals=Limit(percent=percent))

    assert bool(held(limits, NAMES[gone:], NAMES[gone:10])) == trips


def test_tier_drops_count_those_lowered_and_those_removed_per_tier() -> None:
    limits = replace(NONE, tier_drops=Limit(count=2))

    assert held(limits, NAMES, NAMES[2:10]) == {}
    assert held(limits, NAMES, NAMES[3:10]) == {"tier_drops.count:premium": "3/10"}
    assert held(limits, NAMES[3:], NAMES[3:10]) == {"tier_drops.count:premium": "3/10"}
    assert held(limits, NAMES[:-3], NAMES[:10]) == {"tier_drops.count:standard": "3/10"}


def test_group_losses_are_those_since_the_last_complete_read() -> None:
    limits = replace(NONE, group_losses=Limit(percent=50, at_least=4))
    known = {"Premium": [*NAMES[:10], "gone1", "gone2"]}

    assert held(limits, NAMES, NAMES[:10], known) == {}
    assert held(limits, NAMES, NAMES[:6], known) == {}  # 6 of 12: not above half
    assert held(limits, NAMES, NAMES[:5], known) == {"group_losses.percent:Premium": "7/12"}
    assert held(limits, NAMES, NAMES[:1], {"Premium": NAMES[:4]}) == {}  # 3: fewer than at_least


def test_changes_are_existing_accounts_touched_in_any_way() -> None:
    limits = replace(NONE, changes=Limit(percent=10, at_least=1))

    assert held(limits, NAMES, NAMES[2:10]) == {}
    assert held(limits, NAMES, NAMES[3:10]) == {"changes.percent": "3/20"}
    assert held(limits, [*NAMES, "new1", "new2", "new3"], NAMES[:10]) == {}  # creations do not count


def test_below_at_least_the_share_is_not_looked_at() -> None:
    assert held(replace(NONE, changes=Limit(percent=1, at_least=5)), NAMES, NAMES[4:10]) == {}
    assert held(replace(NONE, changes=Limit(percent=1, at_least=4)), NAMES, NAMES[4:10]) != {}


def test_the_defaults_hold_a_big_loss_and_pass_a_small_one() -> None:
    assert held(Limits(), NAMES[1:], NAMES[1:10]) == {}
    assert {"removals.percent", "tier_drops.percent:premium"} <= held(
        Limits(), NAMES[6:], NAMES[6:10]
    ).keys()


def test_a_tripped_limit_names_the_people() -> None:
    current = read(NAMES[2:], [])
    accounts = tuple(account(name) for name in NAMES)
    made = plan(world(current, accounts, seats={PREMIUM: 0, STANDARD: 30}), POLICY)
    limits = replace(NONE, removals=Limit(count=1))
    report = guard(made, limits, accounts=accounts, snapshot=current, last=LastRead())

    assert report.tripped[0].people == ("p00@acme.example", "p01@acme.example")
    assert str(report.tripped[0]) == "removals.count: allowed 1, seen 2 (2/20)"
