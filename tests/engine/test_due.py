"""What a run does before it looks: purchases whose day has come; and what an upgrade does to people."""

from dataclasses import replace
from datetime import date, timedelta

from idpsync.core.contract import Item
from idpsync.core.policy import Mode
from idpsync.core.pricing import quote
from idpsync.core.records import Cause
from tests.engine.house import EngineHouse
from tests.people import NOW, POLICY, PREMIUM, STANDARD

TODAY = NOW.date()
BUYER = Cause("cli:root", ("bought",))


def buy(house: EngineHouse, *items: Item, on: date = TODAY) -> None:
    contract = house.store.contracts.contract()
    assert contract
    house.store.contracts.record(quote(contract, house.store.contracts.purchases(), items, on), BUYER)


def test_seats_bought_for_a_later_day_are_there_in_the_run_of_that_day() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.add("ada bob", "Users")
    house.run()
    buy(house, Item(STANDARD, 1), on=TODAY + timedelta(days=2))
    house.run()
    assert [entry.member for entry in house.store.waiting.entries()] == ["bob"]

    house.clock.advance(timedelta(days=2))
    house.reconciler.preview()
    assert house.store.contracts.purchases()[0].applied_at is None  # a preview writes nothing
    house.run()

    assert house.tiers() == house.booked() == {"ada": "standard", "bob": "standard"}
    assert house.store.contracts.purchases()[0].applied_at == house.clock.now()


def test_observing_applies_nothing() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1}, policy=replace(POLICY, mode=Mode.OBSERVE))
    house.add("ada", "Users")
    buy(house, Item(STANDARD, 1), on=TODAY + timedelta(days=1))
    house.clock.advance(timedelta(days=1))

    house.run()

    assert house.store.contracts.purchases()[0].applied_at is None


def test_a_stale_leader_applies_nothing() -> None:
    house = EngineHouse()
    house.add("ada", "Users")
    buy(house, Item(STANDARD, 1), on=TODAY + timedelta(days=1))
    old = house.store.lease.acquire("leader", "old", timedelta(seconds=1))
    house.clock.advance(timedelta(days=1))
    house.store.lease.acquire("leader", "new", timedelta(seconds=60))

    house.run(token=old)

    assert house.store.contracts.purchases()[0].applied_at is None


def test_people_in_seats_that_are_upgraded_stay_and_are_told_in_the_next_plan() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 3})
    for name in ("ada", "bob", "cyd"):
        house.add(name, "Users")
        house.run()
        house.clock.advance(timedelta(minutes=10))
    buy(house, Item(PREMIUM, 2, upgraded_from=STANDARD))

    outcome = house.run()

    assert outcome.performed == ()
    assert house.tiers() == house.booked() == {"ada": "standard", "bob": "standard", "cyd": "standard"}
    assert outcome.preview
    (over,) = outcome.preview.plan.over
    assert (over.purchased, over.assigned, over.people) == (1, 3, ("cyd", "bob"))

    house.add("bob cyd", "Premium")
    house.clock.advance(timedelta(days=2))
    after = house.run()
    assert house.tiers() == house.booked() == {"ada": "standard", "bob": "premium", "cyd": "premium"}
    assert after.preview
    assert after.preview.plan.over == ()
