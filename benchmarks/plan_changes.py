"""What a plan costs when few things changed, against the plan of the whole world.

    python -m benchmarks.plan_changes [--people 100000] [--groups 1000]

A world that stands is given the changes of so many people: they leave, join, or are in other groups.
The plan is timed, then compared with that of the whole changed world, field by field, and the changes
are taken back before the next round. Medians of CPU time; ours and the whole in the same process.
"""

import argparse
import gc
import random
import statistics
import time
from dataclasses import fields, replace

from benchmarks.plan import verdict
from benchmarks.plan_world import NOW, Scene, WorldSize, crowd_after, scene
from idpsync.cli.calling import CYCLES_LOOKED_FOR
from idpsync.core.changes import changes_between
from idpsync.core.plan import Plan
from idpsync.core.planner import plan
from idpsync.core.standing import StandingWorld
from idpsync.core.world import World

SIZES = (1, 10, 100, 1_000, 10_000)
ROUNDS = 7
MIN_SHARE, MAX_GROWTH = 200.0, 12.0


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
    whole = statistics.median(_whole(world, made) for _ in range(ROUNDS))
    print(f"plan of the whole world: {whole * 1000:.0f} ms")
    costs = {size: _changed(standing, world, made, size) for size in SIZES}
    for size, cost in costs.items():
        print(f"{size:7,} people changed: {cost * 1000:8.2f} ms, {cost / size * 1e6:5.1f} us each")
    share = whole / costs[100]
    print(
        f"100 people changed: 1/{share:.0f} of the whole plan (goal 1/{MIN_SHARE:g}): "
        f"{'met' if share >= MIN_SHARE else 'MISSED'}"
    )
    verdict("10,000 changed, of 1,000 changed", costs[10_000] / costs[1_000], MAX_GROWTH, "x")


def _whole(world: World, made: Scene) -> float:
    begun = time.process_time()
    plan(world, made.policy)
    return time.process_time() - begun


def _changed(standing: StandingWorld, world: World, made: Scene, size: int) -> float:
    """Median of seconds; ValueError if a plan is not that of the whole world."""
    costs = []
    for number in range(ROUNDS if size < 10_000 else 3):
        other = crowd_after(world, random.Random(number), size)
        there, back = changes_between(world, other), changes_between(other, world)
        begun = time.process_time()
        found = standing.plan(there)
        costs.append(time.process_time() - begun)
        if number == 0:
            _same(found, plan(other, made.policy))
        standing.plan(back)
    return statistics.median(costs)


def _same(found: Plan, whole: Plan) -> None:
    for field in fields(Plan):
        if getattr(found, field.name) != getattr(whole, field.name):
            raise ValueError(f"{field.name} is not that of the whole world")


if __name__ == "__main__":
    main()
