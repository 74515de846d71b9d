"""What a plan costs, against the floor: reading the same input and building the dictionaries.

    python -m benchmarks.plan [--people 100000] [--groups 1000]

Both read one JSON document with people, groups, accounts, links, seats and wishes. The floor leaves it
as the JSON library gives it (msgspec, untyped, the fastest at hand) and builds the dictionaries that any
comparison of two sides needs. Ours reads it into the types of `core` and plans. Each round is a process
of its own, with the garbage collector as the program sets it, floor and ours in turns; medians of CPU
time, peaks of memory. Before a time counts, the plan is compared with a small model that shares no code
with the planner: the same people in the same tiers.
"""

import argparse
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.plan_model import final_tiers
from benchmarks.plan_world import LADDER, NOW, WorldSize, rules_for, scene
from idpsync.cli.calling import CYCLES_LOOKED_FOR
from idpsync.core.model import Account, DirectorySnapshot, Link
from idpsync.core.plan import (
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    Plan,
)
from idpsync.core.planner import plan
from idpsync.core.policy import Policy
from idpsync.core.seats import Holding, WaitEntry
from idpsync.core.world import World

ROUNDS = 5
MAX_TIME, MAX_MEMORY = 2.0, 1.4


@dataclass(frozen=True, slots=True)
class Input:
    """The document that both sides read."""

    groups: int
    purchased: tuple[int, ...]
    snapshot: DirectorySnapshot
    accounts: tuple[Account, ...]
    links: tuple[Link, ...]
    holdings: tuple[Holding, ...]
    waiting: tuple[WaitEntry, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of CPU: reading, and what comes after; bytes of memory at the peak."""

    read: float
    rest: float
    peak: float

    @property
    def total(self) -> float:
        return self.read + self.rest


def document(world: World) -> bytes:
    """The world as JSON, without what is empty."""
    plain = msgspec.to_builtins(
        Input(
            groups=len(world.snapshot.groups),
            purchased=tuple(world.purchased[tier] for tier in LADDER),
            snapshot=world.snapshot,
            accounts=world.accounts,
            links=world.links,
            holdings=world.holdings,
            waiting=world.waiting,
        ),
        enc_hook=dict,
    )
    for user in plain["snapshot"]["users"]:
        del user["attributes"]
    return msgspec.json.encode(plain)


def world_of(given: Input) -> tuple[World, Policy]:
    """Their types at the edge of the planner."""
    world = World(
        snapshot=given.snapshot,
        directory_kind="file",
        accounts=given.accounts,
        links=given.links,
        holdings=given.holdings,
        waiting=given.waiting,
        purchased=dict(zip(LADDER, given.purchased, strict=True)),
        reserved={},
        now=NOW,
    )
    return world, Policy(LADDER, rules_for(given.groups))


# --- the two sides, each in a process of its own ----------------------------------------------------


def run_floor(raw: bytes) -> Cost:
    """The input, and a dictionary for each thing that is looked up."""
    begun = time.process_time()
    given = msgspec.json.decode(raw)
    read = time.process_time()
    people = {user["external_id"]: user for user in given["snapshot"]["users"]}
    accounts = {account["id"]: account for account in given["accounts"]}
    tiers = {account["id"]: account["tier"]["name"] for account in given["accounts"]}
    links = {link["external_id"]: link["account_id"] for link in given["links"]}
    seats = {seat["member"]: seat for seat in given["holdings"]}
    wishes = {wish["member"]: wish for wish in given["waiting"]}
    members = {group["name"]: group["members"] for group in given["snapshot"]["groups"]}
    entitled: dict[str, str] = {}
    for rule in sorted(
        rules_for(given["groups"]), key=lambda r: (-(r.tier or LADDER.tiers[0]).rank, r.priority)
    ):
        entitled.update(dict.fromkeys(members[rule.group], rule.group))
    ended = time.process_time()
    if not (people and accounts and tiers and links and seats and wishes and entitled):
        raise ValueError("the input is empty")
    return Cost(read - begun, ended - read, _peak())


def run_ours(raw: bytes) -> tuple[Cost, Plan, World, Policy]:
    begun = time.process_time()
    world, policy = world_of(msgspec.json.decode(raw, type=Input))
    read = time.process_time()
    made = plan(world, policy)
    ended = time.process_time()
    return Cost(read - begun, ended - read, _peak()), made, world, policy


def _peak() -> float:
    """Bytes; of this process alone, where `ru_maxrss` would count whoever started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024


def check(made: Plan, world: World, policy: Policy) -> None:
    """ValueError unless the plan ends where the small model ends."""
    held = {a.external_id: a.tier.name if a.tier else None for a in world.accounts}
    present = {user.external_id for user in world.snapshot.users}
    for action in made.actions:
        match action:
            case CreateAccount(external_id=who, tier=tier) | ChangeTier(external_id=who, tier=tier):
                held[who] = tier.name if tier else None
            case DeactivateAccount(external_id=who):
                if who in present:
                    raise ValueError(f"{who} is in the directory and would be switched off")
                held.pop(who)
            case _:
                raise ValueError(f"nothing calls for {action}")
    expected = final_tiers(world, policy)
    if {who: tier for who, tier in held.items() if tier} != {w: t for w, t in expected.items() if t}:
        raise ValueError("the plan does not end where the model ends")
    waiting = {entry.user_name for entry in made.waiting}
    without = {u.user_name for u in world.snapshot.users if not expected[u.external_id]}
    if not without <= waiting:
        raise ValueError("somebody without a seat is not on the wait list")


# --- the whole --------------------------------------------------------------------------------------


def measured(side: str, path: Path) -> Cost:
    command = [sys.executable, "-m", "benchmarks.plan", "--side", side, "--input", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Cost(**json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=1_000)
    parser.add_argument("--side", choices=["floor", "ours"], help=argparse.SUPPRESS)
    parser.add_argument("--input", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        gc.set_threshold(*CYCLES_LOOKED_FOR)  # as the program has it
        raw = asked.input.read_bytes()
        cost = run_floor(raw) if asked.side == "floor" else run_ours(raw)[0]
        print(json.dumps({"read": cost.read, "rest": cost.rest, "peak": cost.peak}))
        return
    report(WorldSize(asked.people, asked.groups))


def report(size: WorldSize) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.json"
        raw = document(scene(size).churned)
        path.write_bytes(raw)
        _, made, world, policy = run_ours(raw)
        check(made, world, policy)
        memberships = sum(len(group.members or ()) for group in world.snapshot.groups)
        print(
            f"{len(world.snapshot.users):,} people, {size.groups:,} groups, {memberships:,} "
            f"memberships, {len(made.actions):,} actions, {len(made.waiting):,} waiting; "
            "ends as the model ends"
        )
        costs: dict[str, list[Cost]] = {"floor": [], "ours": []}
        for _ in range(ROUNDS):
            for side, found in costs.items():
                found.append(measured(side, path))
    totals = {side: statistics.median(c.total for c in found) for side, found in costs.items()}
    peaks = {side: statistics.median(c.peak for c in found) for side, found in costs.items()}
    for side, found in costs.items():
        read = statistics.median(c.read for c in found)
        rest = statistics.median(c.rest for c in found)
        print(
            f"{side:6} read {read * 1000:5.0f} ms + {rest * 1000:5.0f} ms "
            f"= {totals[side] * 1000:5.0f} ms, peak {peaks[side] / 1e6:4.0f} MB"
        )
    verdict("full plan, CPU", totals["ours"] / totals["floor"], MAX_TIME)
    verdict("full plan, peak memory", peaks["ours"] / peaks["floor"], MAX_MEMORY)


def verdict(what: str, figure: float, goal: float, unit: str = "x the floor") -> None:
    met = "met" if figure <= goal else "MISSED"
    print(f"{what}: {figure:.2f}{unit} (goal {goal:g}): {met}")


if __name__ == "__main__":
    main()
