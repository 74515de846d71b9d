"""A higher priority takes the tier of a lower one, through directory, target, books and ledger."""

from dataclasses import replace
from datetime import timedelta

from idpsync.core.policy import GroupRule, Policy
from tests.engine.house import EngineHouse
from tests.people import LADDER, PREMIUM, STANDARD

RULES = (
    GroupRule("Admins", PREMIUM, priority=10),
    GroupRule("Premium", PREMIUM, priority=1),
    GroupRule("Users", STANDARD),
)
POLICY = Policy(LADDER, RULES, preempt=True)
DAY = timedelta(hours=24)


def house(standard: int = 1, **changes: object) -> EngineHouse:
    policy = replace(POLICY, **changes)  # type: ignore[arg-type]
    made = EngineHouse(seats={PREMIUM: 1, STANDARD: standard}, policy=policy)
    made.add("ada", "Premium")
    made.run()
    return made


def test_the_tier_goes_on_and_the_access_stays() -> None:
    here = house()
    here.add("eve", "Admins")
    here.clock.advance(DAY)

    outcome = here.run()

    assert here.tiers() == {"ada": "standard", "eve": "premium"}
    assert outcome.failed == ()
    (lowered,) = [row for row in here.store.ledger.entries() if row.event == "account.tier_changed"]
    assert "premium goes to eve: priority 10 comes before 1" in lowered.because
    (waits,) = here.store.waiting.entries()
    assert (waits.member, waits.wants, waits.holds) == ("ada", PREMIUM, STANDARD)


def test_nobody_is_put_down_before_their_time() -> None:
    here = house()
    here.add("eve", "Admins")
    here.clock.advance(DAY - timedelta(minutes=1))
    here.run()

    assert here.tiers() == {"ada": "premium", "eve": "standard"}

    here.clock.advance(timedelta(minutes=1))
    here.run()

    assert here.tiers() == {"ada": "standard", "eve": "premium"}
    assert here.booked() == {"ada": "standard", "eve": "premium"}


def test_nobody_is_put_out_for_it() -> None:
    here = house(standard=0)
    here.add("eve", "Admins")
    here.clock.advance(DAY)
    here.run()

    assert here.tiers() == {"ada": "premium"}


def test_who_was_put_down_gets_the_tier_back_when_it_is_free() -> None:
    here = house()
    here.add("eve", "Admins")
    here.clock.advance(DAY)
    here.run()
    here.directory.remove("eve")
    here.run()

    assert here.tiers() == {"ada": "premium", "eve": "off"}


def test_without_preempt_the_higher_priority_waits() -> None:
    here = house(preempt=False)
    here.add("eve", "Admins")
    here.clock.advance(DAY)
    here.run()

    assert here.tiers() == {"ada": "premium", "eve": "standard"}
