"""What is lost in grace is no action yet: an approval counts for those it was given for all the same."""

from dataclasses import replace
from datetime import timedelta

from idpsync.core.guard import OFF, Limit, Limits
from idpsync.core.records import Cause, HoldState, RunState
from tests.engine.house import EngineHouse
from tests.people import POLICY, PREMIUM, STANDARD

LIMITS = Limits(removals=OFF, tier_drops=OFF, group_losses=Limit(percent=10), changes=OFF)
NAMES = [f"p{number}" for number in range(20)]


def test_who_leaves_after_the_approval_needs_another_one() -> None:
    policy = replace(POLICY, leaver_grace=timedelta(days=7))
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 30}, policy=policy, limits=LIMITS)
    house.add(" ".join(NAMES), "Users")
    house.run()
    for name in NAMES[:4]:
        house.directory.remove(name)
    held = house.run()
    assert held.run.state is RunState.HELD
    house.store.runs.decide(held.run.digest or "", HoldState.APPROVED, Cause("cli:root"))

    for name in NAMES[4:19]:
        house.directory.remove(name)
    again = house.run()

    assert again.run.digest == held.run.digest  # nobody's grace is over
    assert again.run.state is RunState.HELD
    house.store.runs.decide(again.run.digest or "", HoldState.APPROVED, Cause("cli:root"))
    assert house.run().run.state is RunState.DONE
