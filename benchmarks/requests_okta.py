"""Requests that reading Okta takes, against the fewest that its pages allow."""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from idpsync.sources.okta.source import OktaSource
from tests.adapters.sources.okta_world import APP, OktaWorld, okta_world

PEOPLE, GROUPS = 20_000, 200
COLD, UNCHANGED = 1.05, 1.0  # times the fewest


@dataclass(frozen=True)
class Measured:
    what: str
    made: int
    floor: int
    goal: float
    throttled: int

    @property
    def met(self) -> bool:
        return self.made <= self.floor * self.goal and not self.throttled


def main() -> int:
    measured = [*in_view(app=False), *in_view(app=True)]
    print(f"requests to Okta, {PEOPLE:,} people, {GROUPS} groups, at half of the usual limits")
    for one in measured:
        ratio, met = one.made / one.floor, "met" if one.met else "MISSED"
        print(
            f"  {one.what:34} {one.made:4}  floor {one.floor:4}  ratio {ratio:5.3f}  "
            f"goal {one.goal:.2f}: {met}  answered 429: {one.throttled}"
        )
    return 0 if all(one.met for one in measured) else 1


def in_view(*, app: bool) -> list[Measured]:
    view = "app view" if app else "group view"
    with tempfile.TemporaryDirectory() as folder, okta_world(Path(folder), app=app) as world:
        wanted = () if app else filled(world)
        if app:
            world.org.assign(
                APP, [world.org.add_person(f"p{n}@acme.example")["id"] for n in range(PEOPLE)]
            )
        world.clock.pass_(timedelta(hours=1))
        source = world.of(world.config() if app else world.config(people_groups=[]), *wanted)
        floor = 1 + (PEOPLE // 500 if app else sizes(world))
        cold = counted(world, f"{view}, cold", floor, COLD, source.read)
        world.clock.pass_(timedelta(minutes=10))
        cursor = source.read().cursor
        world.clock.pass_(timedelta(minutes=10))
        floor = PEOPLE // 500 if app else 2
        same = counted(world, f"{view}, nothing changed", floor, UNCHANGED, lambda: told(source, cursor))
        return [cold, same]


def filled(world: OktaWorld) -> tuple[str, ...]:
    """47 groups of 1,200 people and 153 of 353: 110,409 memberships in all."""
    ids = [world.org.add_person(f"p{n}@acme.example")["id"] for n in range(PEOPLE)]
    names = tuple(f"Team {n:03}" for n in range(GROUPS))
    for n, name in enumerate(names):
        begin, size = n * (PEOPLE // GROUPS), 1200 if n < 47 else 353
        world.org.add_team(name)
        world.org.join(name, (ids * 2)[begin : begin + size])
    return names


def sizes(world: OktaWorld) -> int:
    """Pages of 200 groups and of 1,000 members."""
    teams = [team for team in world.org.teams.values() if team.name.startswith("Team")]
    return -(-len(teams) // 200) + sum(max(1, -(-len(team.members) // 1000)) for team in teams)


def told(source: OktaSource, cursor: str | None) -> None:
    assert cursor
    changes = source.changes(cursor)
    assert changes
    assert (changes.people, changes.groups) == ({}, {})


def counted(
    world: OktaWorld, what: str, floor: int, goal: float, work: Callable[[], object]
) -> Measured:
    before, refused = world.twin.calls.total(), world.twin.statuses[429]
    work()
    made, throttled = world.twin.calls.total() - before, world.twin.statuses[429] - refused
    return Measured(what, made, floor, goal, throttled)


if __name__ == "__main__":
    sys.exit(main())
