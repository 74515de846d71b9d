"""The guard through the engine: what is held, what an approval lets pass, and what a read cannot do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import NotPossible, UnsafePlan
from idpsync.core.guard import Limit, Limits
from idpsync.core.model import Coverage, DirectorySnapshot
from idpsync.core.policy import GroupRule, Mode
from idpsync.core.records import Cause, HoldState, RunState
from idpsync.core.remedies import Exit, remedy
from idpsync.engine.holding import decide
from idpsync.engine.outcome import Outcome
from tests.engine.house import LAX, EngineHouse
from tests.fakes.source import FakeSource
from tests.people import POLICY, PREMIUM, STANDARD

PROMPT = replace(POLICY, min_hold=timedelta(0))
ADA_AND_BOB = "removals.count: allowed 1, seen 2 (2/5): ada, bob"
ONE_REMOVAL = replace(LAX, removals=Limit(count=1))
OPERATOR = Cause("cli:root")


def house_of(limits: Limits = LAX, **rules: object) -> EngineHouse:
    """Five people with seats: ada and bob have premium."""
    policy = replace(PROMPT, **rules)  # type: ignore[arg-type]
    house = EngineHouse(seats={PREMIUM: 2, STANDARD: 5}, limits=limits, policy=policy)
    house.add("ada bob", "Premium")
    house.add("cy dan eve", "Users")
    house.run()
    return house


def shrinking(limits: Limits = ONE_REMOVAL) -> EngineHouse:
    """ada and bob have left since."""
    house = house_of(limits)
    house.directory.remove("ada")
    house.directory.remove("bob")
    return house


def settle(house: EngineHouse, digest: str | None, state: HoldState = HoldState.APPROVED) -> None:
    assert digest
    decide(house.rooms, digest, state, OPERATOR, house.reconciler.preview)


def states(house: EngineHouse) -> list[HoldState]:
    return [held.state for held in house.store.runs.held_plans()]


def error_of(outcome: Outcome) -> str:
    assert isinstance(outcome.error, UnsafePlan), outcome.error
    return str(outcome.error)


# --- held ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        (replace(LAX, removals=Limit(count=1)), "removals.count"),
        (replace(LAX, removals=Limit(percent=10)), "removals.percent"),
        (replace(LAX, tier_drops=Limit(count=1)), "tier_drops.count:premium"),
        (replace(LAX, tier_drops=Limit(percent=10)), "tier_drops.percent:premium"),
        (replace(LAX, changes=Limit(count=1)), "changes.count"),
        (replace(LAX, changes=Limit(percent=10)), "changes.percent"),
        (replace(LAX, group_losses=Limit(count=1)), "group_losses.count:Users"),
        (replace(LAX, group_losses=Limit(percent=10)), "group_losses.percent:Users"),
    ],
)
def test_each_limit_holds_the_plan_by_itself_and_nothing_is_written(limits: Limits, named: str) -> None:
    house = house_of(limits)
    house.add("ada bob", "Users")
    house.run()
    for name in ("ada", "bob"):
        house.directory.switch(name, active=False)
    before = house.target.calls["apply"], house.booked()

    outcome = house.run()

    assert RunState.HELD is outcome.run.state
    assert named in house.store.runs.held_plans()[0].limits
    assert before == (house.target.calls["apply"], house.booked())


def test_the_error_names_the_limit_the_people_and_both_commands() -> None:
    outcome = shrinking().run()

    assert error_of(outcome) == (
        f"plan held by the guard: {ADA_AND_BOB}; "
        f"`idpsync approve {outcome.run.digest}` lets exactly this plan pass once, "
        f"`idpsync reject {outcome.run.digest}` drops it"
    )
    assert outcome.error
    assert remedy(outcome.error).exit == Exit.HELD


def test_ten_people_are_named_and_the_rest_is_counted() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 20}, limits=ONE_REMOVAL)
    names = [f"p{n:02}" for n in range(14)]
    house.add(" ".join(names), "Users")
    house.add("zoe", "Users")
    house.run()
    for name in names:
        house.directory.remove(name)

    said = error_of(house.run())

    assert f"(14/15): {', '.join(names[:10])} and 4 more;" in said


def test_many_groups_over_their_limit_are_not_all_spelled_out_in_the_error() -> None:
    error = UnsafePlan("sha256:1", tuple(f"limit {n}" for n in range(12)))

    assert "limit 9; and 2 more;" in str(error)
    assert "limit 10" not in str(error)


# --- approved -----------------------------------------------------------------------------------------


def test_an_approval_lets_the_plan_pass_once_and_the_ledger_knows_who_gave_it() -> None:
    house = shrinking()
    settle(house, house.run().run.digest)

    assert RunState.DONE is house.run().run.state
    assert house.tiers() == {
        "ada": "off",
        "bob": "off",
        "cy": "standard",
        "dan": "standard",
        "eve": "standard",
    }
    assert states(house) == [HoldState.USED]
    rows = [(r.event, r.actor) for r in house.store.ledger.entries() if r.event.startswith("plan.")]
    assert rows == [("plan.held", "test"), ("plan.approved", "cli:root"), ("plan.used", "test")]


def test_the_same_plan_needs_another_approval_when_it_comes_back() -> None:
    house = shrinking()
    gone = {name: house.store.cache.person(name) for name in ("ada", "bob")}
    settle(house, house.run().run.digest)
    house.run()
    for known in gone.values():
        assert known
        house.directory.people[known.user.external_id] = known.user
        house.directory.groups["Premium"].add(known.user.external_id)
    house.run()
    house.directory.remove("ada")
    house.directory.remove("bob")

    assert RunState.HELD is house.run().run.state
    assert states(house) == [HoldState.HELD]


@pytest.mark.parametrize(
    ("waited", "state"),
    [
        (timedelta(hours=24), RunState.DONE),
        (timedelta(hours=24, microseconds=1), RunState.HELD),
    ],
)
def test_an_approval_is_good_for_a_day(waited: timedelta, state: RunState) -> None:
    house = shrinking()
    settle(house, house.run().run.digest)
    house.clock.advance(waited)

    assert state is house.run().run.state


def test_a_changed_world_needs_a_new_approval() -> None:
    house = shrinking()
    settle(house, house.run().run.digest)
    house.add("fay", "Users")

    assert RunState.HELD is house.run().run.state
    assert "off" not in house.tiers().values()


def test_an_approval_does_not_count_for_a_limit_that_trips_later() -> None:
    """The same actions, and now also in another scope: nobody has looked at that."""
    house = shrinking()
    first = house.run()
    settle(house, first.run.digest)
    house.directory.scope = "fake | base=some"

    outcome = house.run()

    assert outcome.run.digest == first.run.digest
    assert RunState.HELD is outcome.run.state
    assert house.store.runs.held_plans()[0].limits == {"removals.count", "scope"}
    settle(house, outcome.run.digest)
    assert RunState.DONE is house.run().run.state


# --- rejected -----------------------------------------------------------------------------------------


def test_a_rejected_plan_stays_stopped_and_is_no_news() -> None:
    house = shrinking()
    settle(house, house.run().run.digest, HoldState.REJECTED)

    said = error_of(house.run())

    assert states(house) == [HoldState.REJECTED]
    assert "it stays stopped, as cli:root rejected it" in said
    assert "off" not in house.tiers().values()
    events = [r.event for r in house.store.ledger.entries() if r.event.startswith("plan.")]
    assert events == ["plan.held", "plan.rejected"]


def test_a_rejected_plan_may_still_be_approved() -> None:
    house = shrinking()
    digest = house.run().run.digest
    settle(house, digest, HoldState.REJECTED)
    settle(house, digest)

    assert RunState.DONE is house.run().run.state


# --- decided from a look alone ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "then"), [(HoldState.APPROVED, RunState.DONE), (HoldState.REJECTED, RunState.HELD)]
)
def test_a_plan_that_was_only_looked_at_can_be_decided_upon(state: HoldState, then: RunState) -> None:
    house = shrinking()
    digest = house.reconciler.preview().plan.digest
    assert states(house) == []

    settle(house, digest, state)

    assert [(h.digest, h.state, h.decided_by) for h in house.store.runs.held_plans()] == [
        (digest, state, "cli:root")
    ]
    assert house.store.runs.held_plans()[0].tripped == (ADA_AND_BOB,)
    assert then is house.run().run.state


def test_another_plan_than_the_one_looked_at_is_not_decided_upon() -> None:
    house = shrinking()
    digest = house.reconciler.preview().plan.digest
    house.add("fay", "Users")

    with pytest.raises(
        NotPossible, match=r"no plan with digest .* is held, and the plan made now has sha"
    ):
        settle(house, digest)
    assert states(house) == []


def test_a_plan_that_the_guard_lets_pass_needs_no_approval() -> None:
    house = shrinking(LAX)
    digest = house.reconciler.preview().plan.digest

    with pytest.raises(NotPossible, match=f"`idpsync apply --digest {digest}` carries it out"):
        settle(house, digest)
    assert states(house) == []


def test_a_plan_that_was_superseded_can_be_decided_upon_when_it_is_the_present_one_again() -> None:
    house = shrinking()
    digest = house.run().run.digest
    house.add("fay", "Users")
    house.run()
    house.directory.remove("fay")

    settle(house, digest)

    assert RunState.DONE is house.run().run.state


# --- another scope ------------------------------------------------------------------------------------


def rescoped(**rules: object) -> EngineHouse:
    """The filter finds one person less than before."""
    house = house_of(LAX, **rules)
    house.directory.scope = "fake | base=some"
    house.directory.remove("ada")
    return house


def test_after_another_scope_nobody_loses_anything_before_somebody_has_looked() -> None:
    house = rescoped()

    outcome = house.run()

    assert "scope: allowed 0, seen 1 (1/5): ada;" in error_of(outcome)
    said = "something else is asked for than at the last complete read: base=everybody → base=some"
    assert said in outcome.run.problems
    assert RunState.HELD is house.run().run.state
    settle(house, outcome.run.digest)
    assert RunState.DONE is house.run().run.state


def test_an_approved_scope_is_the_new_measure() -> None:
    house = rescoped()
    settle(house, house.run().run.digest)
    house.run()
    house.directory.remove("bob")

    outcome = house.run()

    assert RunState.DONE is outcome.run.state
    assert outcome.run.problems == ()


def test_another_scope_that_takes_nothing_passes_and_is_the_new_measure() -> None:
    house = house_of()
    house.directory.scope = "fake | base=more"
    house.add("fay", "Users")
    assert RunState.DONE is house.run().run.state
    house.directory.remove("ada")

    assert RunState.DONE is house.run().run.state


def test_people_in_grace_after_another_scope_are_not_forgotten() -> None:
    house = rescoped(leaver_grace=timedelta(hours=48))
    assert RunState.DONE is house.run().run.state
    house.clock.advance(timedelta(hours=49))

    assert "scope: allowed 0, seen 1 (1/5): ada;" in error_of(house.run())


def test_another_scope_is_asked_about_once_the_mode_lets_losses_through() -> None:
    house = rescoped(mode=Mode.NO_REMOVALS)
    assert RunState.DONE is house.run().run.state
    house.policy = replace(house.policy, mode=Mode.FULL)

    assert RunState.HELD is house.run().run.state


# --- groups -------------------------------------------------------------------------------------------


def test_a_renamed_group_takes_nothing_and_says_what_to_change() -> None:
    house = house_of()
    house.directory.rename_group("Premium", "Gold")

    outcome = house.run()

    assert RunState.INCOMPLETE is outcome.run.state
    assert outcome.performed == ()
    assert outcome.run.problems[0].startswith(
        "group 'Premium' is called 'Gold' now; change policy.rules[0].group"
    )


def test_every_rule_that_names_a_renamed_group_is_told() -> None:
    house = house_of()
    house.policy = replace(PROMPT, rules=(*PROMPT.rules, GroupRule("Premium", role="tester")))
    house.directory.rename_group("Premium", "Gold")

    problem = house.run().run.problems[0]

    assert "change policy.rules[0].group and policy.rules[4].group;" in problem


def test_the_new_name_in_the_configuration_changes_nothing_for_anybody() -> None:
    house = house_of(replace(LAX, group_losses=Limit(count=0)))
    house.directory.rename_group("Premium", "Gold")
    rules = (replace(PROMPT.rules[0], group="Gold"), *PROMPT.rules[1:])
    house.policy = replace(PROMPT, rules=rules)
    house.rooms = replace(
        house.rooms, source=house.directory.source("Gold", "Users", "Contractors", "Admins")
    )

    outcome = house.run()
    assert (outcome.run.state, outcome.performed) == (RunState.DONE, ())

    house.directory.remove("ada")
    assert "group_losses.count:Gold: allowed 0, seen 1 (1/2): ada;" in error_of(house.run())


def test_a_group_made_anew_takes_nothing_before_somebody_has_looked() -> None:
    house = house_of()
    house.directory.make_group_anew("Premium", ["ada"])
    house.directory.set_members("Users", ["bob", "cy", "dan", "eve"])

    outcome = house.run()

    assert "group_replaced:Premium: allowed 0, seen 1 (1/2): bob;" in error_of(outcome)
    assert outcome.run.problems[0].startswith("group 'Premium' is not the group that had this name")
    assert house.tiers()["bob"] == "premium"
    settle(house, outcome.run.digest)
    house.run()
    assert house.tiers()["bob"] == "standard"
    assert house.run().run.problems == ()


def test_a_group_made_anew_with_the_same_members_passes() -> None:
    house = house_of()
    house.directory.make_group_anew("Premium", ["ada", "bob"])

    assert RunState.DONE is house.run().run.state


def test_a_group_that_everybody_left_together_with_the_directory_is_empty_for_good() -> None:
    house = shrinking(LAX)

    assert RunState.DONE is house.run().run.state
    assert [house.tiers()[name] for name in ("ada", "bob")] == ["off", "off"]


# --- canaries and nobody ------------------------------------------------------------------------------


def test_a_missing_canary_takes_nothing_and_is_named() -> None:
    house = house_of()
    house.canaries = frozenset({"root@acme.example", "cy@acme.example"})
    house.directory.remove("ada")
    house.add("fay", "Premium")

    outcome = house.run()

    assert RunState.INCOMPLETE is outcome.run.state
    assert outcome.run.problems == ("must_contain: root@acme.example not found in the directory",)
    assert house.tiers()["ada"] == "premium"
    assert house.tiers()["fay"] == "standard"  # joiners are not kept waiting


class SureOfItself(FakeSource):
    """Says that it was read whole, whatever it found."""

    def read(self, since: str | None = None) -> DirectorySnapshot:
        found = super().read(since)
        return replace(found, users_coverage=Coverage.COMPLETE, problems=())


def test_a_directory_without_anybody_takes_nothing_however_sure_it_is() -> None:
    house = house_of()
    house.rooms = replace(house.rooms, source=SureOfItself(house.directory, frozenset({"Users"})))
    for name in ("ada", "bob", "cy", "dan", "eve"):
        house.directory.remove(name)

    outcome = house.run()

    assert "the directory returned nobody, but 5 accounts are linked" in outcome.run.problems
    assert "off" not in house.tiers().values()


def test_canaries_that_are_there_change_nothing() -> None:
    house = house_of()
    house.canaries = frozenset({"cy@acme.example"})
    house.directory.remove("ada")

    house.run()

    assert house.tiers()["ada"] == "off"
