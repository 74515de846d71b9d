"""Runs and logins through a storm of faults, lost answers and crashes, and what holds in the end.

The invariants are checked against the target's own table, after every write and after quiet runs.
"""

import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import Refused, RemoteError, Transient, UnknownOutcome
from idpsync.core.model import Account
from idpsync.core.plan import Action
from idpsync.core.policy import WhenFull
from tests.engine.house import EngineHouse, login
from tests.fakes.target import FakeTarget
from tests.people import POLICY, PREMIUM, STANDARD

NAMES = [f"p{n}" for n in range(8)]
SEATS = {PREMIUM: 2, STANDARD: 3}
CALM = replace(POLICY, min_hold=timedelta(0))


class Killed(BaseException):
    """The process is gone: nothing of ours catches it."""


class StormyTarget(FakeTarget):
    """Refuses, loses answers, dies; and never may hold more people than seats."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self.dice, self.calm = dice, False

    def apply(self, action: Action) -> Account:
        luck = 1.0 if self.calm else self.dice.random()
        if luck < 0.05:
            raise Killed
        if luck < 0.12:
            raise self.dice.choice([Transient("t", "write", "503"), Refused("t", "write", "no")])
        if luck < 0.16:
            raise UnknownOutcome("t", "write", "the request was lost")
        account = super().apply(action)
        used = Counter(a.tier for a in self.shelf.all() if a.standing != "deactivated")
        assert all(used[tier] <= seats for tier, seats in SEATS.items()), used
        if luck < 0.20:
            raise UnknownOutcome("t", "write", "the answer was lost")
        if luck < 0.24:
            raise Killed
        return account


def shuffle_groups(house: EngineHouse, dice: random.Random) -> None:
    name = dice.choice(NAMES)
    if house.directory.by_name(name) is None:
        house.directory.add(name)
    for group in ("Premium", "Users"):
        house.directory.groups[group].discard(house.directory.id_of(name))
    for group in dice.choice([("Premium",), ("Users",), ("Users", "Premium"), ()]):
        house.directory.groups[group].add(house.directory.id_of(name))


def someone_logs_in(house: EngineHouse, dice: random.Random) -> None:
    with suppress(RemoteError, Killed):
        house.admitter.admit(login(dice.choice([*NAMES, "stranger"]), {"Users"}))


@pytest.mark.parametrize("seed", range(40))
def test_a_storm_breaks_no_promise(seed: int) -> None:
    dice = random.Random(seed)
    policy = replace(CALM, when_full=dice.choice(list(WhenFull)))
    house = EngineHouse(seats=SEATS, policy=policy)
    target = StormyTarget(dice)
    house.use_target(target)
    for _ in range(6):
        shuffle_groups(house, dice)
    for _ in range(12):
        house.clock.advance(timedelta(minutes=dice.choice([0, 1, 10])))
        dice.choice([shuffle_groups, shuffle_groups, someone_logs_in])(house, dice)
        with suppress(Killed):
            house.run()

    target.calm = True
    for _ in range(4):  # long enough for every reservation to run out
        house.clock.advance(timedelta(minutes=20))
        assert house.run().error is None

    seated = {who: tier for who, tier in house.tiers().items() if tier not in {"off", "-"}}
    assert house.booked() == seated
    assert house.run().performed == ()
    waiting = house.store.waiting.entries()
    for entry in waiting:
        assert seated.get(entry.member) == (entry.holds.name if entry.holds else None)
    assert not [entry for entry in waiting if entry.owed]
    assert house.store.ledger.verify().ok
