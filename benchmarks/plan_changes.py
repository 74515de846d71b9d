"""What a plan costs when few things changed, against the plan of the whole world.

    python -m benchmarks.plan_changes [--people 100000] [--groups 1000]

A world that stands is given the changes of so many people: they leave, join, or are in other groups.
The plan is timed, then compared with that of the whole changed world, field by field, and the changes
are taken back before the next round. Medians of CPU time; ours and the whole in the same process. Both
begin where `benchmarks.plan` begins, with the JSON that they read: of everybody, or of what changed.
What planning alone takes, without any reading, is told beside.
"""

import argparse
import gc
import random
import statistics
import time
from dataclasses import dataclass, fields, replace
from datetime import datetime

import msgspec

from benchmarks.plan import Input, document, verdict, world_of
from benchmarks.plan_world import NOW, Scene, WorldSize, crowd_after, scene
from idpsync.cli.calling import CYCLES_LOOKED_FOR
from idpsync.core.changes import Changes, MemberChanges, changes_between
from idpsync.core.membership import Assignment, Invite
from idpsync.core.model import Account, DirectoryUser, Link
from idpsync.core.plan import Plan
from idpsync.core.planner import plan
from idpsync.core.seats import Holding, WaitEntry
from idpsync.core.standing import StandingWorld
from idpsync.core.world import World

SIZES = (1, 10, 100, 1_000, 10_000)
ROUNDS = 7
MIN_SHARE, MAX_GROWTH = 200.0, 12.0


@dataclass(frozen=True, slots=True)
class Told:
    """What changed, as a document: `Changes` without seats, which nobody bought."""

    now: datetime
    people: dict[str, DirectoryUser | None]
    groups: dict[str, MemberChanges]
    accounts: dict[str, Account | None]
    links: dict[str, Link | None]
    holdings: dict[str, Holding | None]
    waiting: dict[str, WaitEntry | None]
    assignments: dict[str, Assignment | None]
    invites: dict[str, Invite | None]


TOLD = [field.name for field in fields(Told)]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of CPU: with the reading of what is planned for, and of the planning alone."""

    whole: float
    planning: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=1_000)
    asked = parser.parse_args()
    gc.set_threshold(*CYCLES_LOOKED_FOR)  # as the program has it
    measure(scene(WorldSize(asked.people, asked.groups)))


def measure(made: Scene) -> None:
    world = replace(made.settled, now=NOW)
    begun = time.process_time()
    standing = StandingWorld(world, made.policy)
    print(f"the state of {len(world.snapshot.users):,} people: {time.process_time() - begun:.2f} s")
    gc.freeze()
    everybody = document(world)
    full = _median([_full(everybody) for _ in range(ROUNDS)])
    print(f"everybody read and planned for: {full.whole * 1000:.0f} ms")
    costs = {size: _changed(standing, world, made, size) for size in SIZES}
    for size, cost in costs.items():
        each = cost.whole / size * 1e6
        print(f"{size:7,} people changed: {cost.whole * 1000:8.2f} ms, {each:5.1f} us each")
    share = full.whole / costs[100].whole
    print(
        f"100 people changed: 1/{share:.0f} of the full plan (goal 1/{MIN_SHARE:g}): "
        f"{'met' if share >= MIN_SHARE else 'MISSED'}"
    )
    alone = full.planning / costs[100].planning
    few, all_of_it = costs[100].planning * 1000, full.planning * 1000
    print(f"planning alone: {few:.2f} ms of {all_of_it:.0f} ms, 1/{alone:.0f}")
    verdict(
        "10,000 changed, of 1,000 changed", costs[10_000].whole / costs[1_000].whole, MAX_GROWTH, "x"
    )


def _median(costs: list[Cost]) -> Cost:
    whole = statistics.median(cost.whole for cost in costs)
    return Cost(whole, statistics.median(cost.planning for cost in costs))


def _full(everybody: bytes) -> Cost:
    begun = time.process_time()
    world, policy = world_of(msgspec.json.decode(everybody, type=Input))
    read = time.process_time()
    plan(world, policy)
    ended = time.process_time()
    return Cost(ended - begun, ended - read)


def _changed(standing: StandingWorld, world: World, made: Scene, size: int) -> Cost:
    """Medians; ValueError if a plan is not that of the whole world."""
    costs = []
    decoder = msgspec.json.Decoder(Told)
    for number in range(ROUNDS if size < 10_000 else 3):
        other = crowd_after(world, random.Random(number), size)
        document, back = _document(changes_between(world, other)), changes_between(other, world)
        begun = time.process_time()
        told = decoder.decode(document)
        there = Changes(**{name: getattr(told, name) for name in TOLD})
        read = time.process_time()
        found = standing.plan(there)
        ended = time.process_time()
        costs.append(Cost(ended - begun, ended - read))
        if number == 0:
            _same(found, plan(other, made.policy))
        standing.plan(back)
    return _median(costs)


def _document(changes: Changes) -> bytes:
    plain = {name: getattr(changes, name) for name in TOLD}
    return msgspec.json.encode(plain, enc_hook=dict)


def _same(found: Plan, whole: Plan) -> None:
    for field in fields(Plan):
        if getattr(found, field.name) != getattr(whole, field.name):
            raise ValueError(f"{field.name} is not that of the whole world")


if __name__ == "__main__":
    main()
