"""Exchanges between full tiers, cut short in every way: nobody ends without the seat they had."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import Refused, Transient
from idpsync.core.model import Account
from idpsync.core.plan import Action, ChangeTier
from idpsync.core.policy import GroupRule
from idpsync.core.seats import Tier
from tests.contracts.stores import stock
from tests.engine.house import EngineHouse, login
from tests.fakes.target import FakeTarget
from tests.people import POLICY, PREMIUM, STANDARD

EAGER = replace(POLICY, min_hold=timedelta(0))


class Killed(BaseException):
    """The process is gone: nothing of ours catches it."""


class FragileTarget(FakeTarget):
    """Dies at the n-th change of a tier, before or after it is carried out."""

    dies_at: int | None = None
    after = False
    changes = 0

    def apply(self, action: Action) -> Account:
        if not isinstance(action, ChangeTier):
            return super().apply(action)
        self.changes += 1
        if self.changes == self.dies_at and not self.after:
            raise Killed
        account = super().apply(action)
        if self.changes == self.dies_at:
            raise Killed
        return account


def demoted_and_promoted(**house: object) -> tuple[EngineHouse, FragileTarget]:
    """Ada has the only premium seat and Bob the only standard one; their groups were swapped."""
    made = EngineHouse(seats={PREMIUM: 1, STANDARD: 1}, policy=EAGER, **house)  # type: ignore[arg-type]
    target = FragileTarget()
    made.use_target(target)
    made.add("ada", "Premium")
    made.add("bob", "Users")
    made.run()
    made.directory.set_members("Premium", ["bob"])
    made.directory.set_members("Users", ["ada"])
    made.clock.advance(timedelta(hours=1))
    return made, target


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_is_made_good_by_the_next_runs(step: int, after: bool) -> None:
    house, target = demoted_and_promoted()
    target.dies_at, target.after = step, after
    with pytest.raises(Killed):
        house.run()
    house.add("carl", "Premium")  # somebody else who would like a seat, with the best claim
    newcomer = house.admitter.admit(login("dora", {"Users"}))

    for _ in range(3):
        house.clock.advance(timedelta(minutes=20))
        house.run()

    assert not newcomer.let_in
    assert house.tiers() == house.booked() == {"ada": "standard", "bob": "premium"}


def test_somebody_with_a_better_claim_does_not_get_the_seat_given_up() -> None:
    rules = (*POLICY.rules, GroupRule("Admins", PREMIUM, priority=50))
    house, target = demoted_and_promoted()
    house.policy = replace(EAGER, rules=rules)
    target.dies_at, target.after = 1, True
    with pytest.raises(Killed):
        house.run()
    house.add("carl", "Admins")
    target.fail("bob", Refused("fake target", "change tier", "no"), times=5)

    for _ in range(3):
        house.clock.advance(timedelta(minutes=20))
        house.run()

    assert house.tiers()["ada"] in {"premium", "standard"}
    assert house.tiers()["bob"] == "standard"


def test_the_reserve_for_logins_does_not_stand_in_the_way_back() -> None:
    reserve: dict[Tier, int] = {}
    house, target = demoted_and_promoted(reserved=reserve)
    reserve[PREMIUM] = 1
    target.fail("bob", Refused("fake target", "change tier", "no"))

    house.run()

    assert house.tiers() == house.booked() == {"ada": "premium", "bob": "standard"}


def test_a_stop_in_the_middle_finishes_the_exchange_first() -> None:
    house, _ = demoted_and_promoted()
    stopping = threading.Event()

    outcome = house.run(stopping=stopping, progress=lambda done, of: stopping.set())

    assert house.tiers() == house.booked() == {"ada": "standard", "bob": "premium"}
    assert all(p.done for p in outcome.performed)


def test_nobody_is_owed_anything_after_an_exchange() -> None:
    house, _ = demoted_and_promoted()
    house.run()

    assert house.store.waiting.entries() == ()


def test_a_reservation_on_its_way_does_not_stop_the_planner() -> None:
    """Zoe's premium account may or may not exist; Ada may only have standard now."""
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 1}, policy=EAGER)
    house.add("ada", "Premium")
    house.run()
    house.add("zoe", "Premium")
    house.target.lose_answer("zoe")
    house.run()
    house.directory.set_members("Users", ["ada"])
    house.directory.set_members("Premium", ["zoe"])

    for _ in range(3):
        house.clock.advance(timedelta(minutes=20))
        assert house.run().error is None

    assert house.tiers() == {"ada": "standard", "zoe": "premium"}


# --- the place in the queue ---------------------------------------------------------------------------


def test_a_passing_fault_costs_nobody_their_place() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.add("ada bob", "Users")
    house.run()
    since = house.store.waiting.entries()[0].since
    house.directory.remove("ada")
    house.target.fail("bob", Transient("fake target", "create", "busy"))
    house.clock.advance(timedelta(hours=1))
    house.run()

    assert [(e.member, e.since) for e in house.store.waiting.entries()] == [("bob", since)]
    assert not house.admitter.admit(login("carl", {"Users"})).let_in
    house.run()
    assert house.tiers() == {"ada": "off", "bob": "standard"}


def test_the_first_in_the_queue_gets_the_free_seat_at_the_door() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.admitter.admit(login("ada", {"Users"}))
    for name in ("bob", "carl"):
        house.clock.advance(timedelta(minutes=1))
        house.admitter.admit(login(name, {"Users"}))
    stock(house.store, {STANDARD: 2})
    house.clock.advance(timedelta(minutes=1))

    assert not house.admitter.admit(login("carl", {"Users"})).let_in
    assert house.admitter.admit(login("bob", {"Users"})).let_in


def test_a_rename_takes_the_wish_along() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.add("bob", "Premium")
    house.run()
    known = house.directory.people[house.directory.id_of("bob")]
    renamed = replace(known, profile=replace(known.profile, user_name="bert"))
    house.directory.people[known.external_id] = renamed
    house.clock.advance(timedelta(hours=1))
    house.run()
    house.run()

    entries = house.store.waiting.entries()
    assert [(e.member, e.wants) for e in entries] == [("bert", PREMIUM)]
    assert house.clock.now() - entries[0].since == timedelta(hours=1)
    assert house.booked() == {"bert": "standard"}


def test_two_tabs_one_refused_and_nobody_else_gets_the_seat() -> None:
    """The second tab's failure must not give away the seat that the first one is about to fill."""
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})

    class SlowTarget(FakeTarget):
        inside = 0

        def apply(self, action: Action) -> Account:
            self.inside += 1
            if self.inside == 1:
                house.target.fail("ada", Transient("fake target", "create", "429"))
                with pytest.raises(Transient):
                    house.admitter.admit(login("ada", {"Users"}))
                assert not house.admitter.admit(login("zoe", {"Users"})).let_in
            return super().apply(action)

    house.use_target(SlowTarget())
    assert house.admitter.admit(login("ada", {"Users"})).let_in
    assert house.tiers() == house.booked() == {"ada": "standard"}
