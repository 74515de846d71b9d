"""Acts by hand among runs and logins, through faults, lost answers and crashes: what holds."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest

from idpsync.core.errors import IdpSyncError
from idpsync.core.membership import Actor, InviteState
from idpsync.core.policy import Policy, WithoutRule
from tests.engine.house import EngineHouse, login
from tests.engine.test_storm import NAMES, SEATS, Killed, StormyTarget, shuffle_groups
from tests.people import LADDER, POLICY, PREMIUM, STANDARD

ROOT = Actor("cli:root")
PEOPLE = [*NAMES[:5], "guest1", "guest2"]  # guests are in no directory


def address(name: str) -> str:
    return f"{name}@acme.example"


def act_by_hand(house: EngineHouse, dice: random.Random) -> None:
    one, two = dice.sample(PEOPLE, 2)
    hand, tier = house.hand, dice.choice([PREMIUM, STANDARD, None])
    act = dice.choice(
        ["invite", "invite", "withdraw", "assign", "assign", "swap", "swap", "remove", "role"]
    )
    with suppress(IdpSyncError, Killed):
        match act:
            case "invite":
                hand.invite(ROOT, address(one), tier=tier)
            case "withdraw":
                hand.withdraw(ROOT, address(one))
            case "assign":
                hand.assign(ROOT, address(one), tier)
            case "swap":
                hand.swap(ROOT, address(one), address(two))
            case "remove":
                hand.remove(ROOT, address(one))
            case "role":
                hand.give_role(ROOT, address(one), dice.choice(["admin", "user", "auditor"]))


def someone_logs_in(house: EngineHouse, dice: random.Random) -> None:
    name = dice.choice(PEOPLE)
    known = house.directory.by_name(name)
    with suppress(IdpSyncError, Killed):
        house.admitter.admit(login(name if known else address(name), {"Users"}, address(name)))


@pytest.mark.parametrize("seed", range(40))
def test_acts_by_hand_break_no_promise(seed: int) -> None:
    dice = random.Random(seed)
    without = dice.choice(list(WithoutRule))
    rules = dice.choice([(), POLICY.rules])
    policy = Policy(ladder=LADDER, rules=rules, without_rule=without, min_hold=timedelta(0))
    house = EngineHouse(seats=SEATS, policy=policy)
    target = StormyTarget(dice)
    house.use_target(target)
    for _ in range(4):
        shuffle_groups(house, dice)
    for _ in range(20):
        house.clock.advance(timedelta(minutes=dice.choice([0, 1, 10, 60 * 24 * 3])))
        dice.choice([act_by_hand, act_by_hand, someone_logs_in, shuffle_groups])(house, dice)
        if dice.random() < 0.6:
            with suppress(Killed):
                house.run()

    target.calm = True
    for _ in range(4):  # long enough for every reservation but an invite's to run out
        house.clock.advance(timedelta(minutes=20))
        assert house.run().error is None

    pending = [i for i in house.store.invites.invites() if i.state is InviteState.PENDING]
    seated = {who: tier for who, tier in house.tiers().items() if tier not in {"off", "-"}}
    assert house.booked() == seated | {i.member: i.tier.name for i in pending}
    assert not {i.member for i in pending} & seated.keys()
    assert house.run().performed == ()
    assert not [entry for entry in house.store.waiting.entries() if entry.owed]
    assert house.store.ledger.verify().ok

    for wait in (timedelta(days=22), timedelta(minutes=20)):  # somebody may have joined a reservation
        house.clock.advance(wait)
        house.run()
    left = {who: tier for who, tier in house.tiers().items() if tier not in {"off", "-"}}
    assert house.booked() == left
    assert seated.keys() <= left.keys()
