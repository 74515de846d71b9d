"""Drift: what somebody else did at the target is told once, and what we did ourselves is none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import Transient
from idpsync.core.guard import Limit
from idpsync.core.membership import Actor
from idpsync.core.model import Account, Link, Standing
from idpsync.core.policy import Mode, WithoutRule
from idpsync.core.records import Cause, RunState
from idpsync.engine.outcome import Outcome
from tests.engine.house import LAX, EngineHouse, login
from tests.engine.test_modes import moved_on
from tests.fakes.target import FakeTarget
from tests.people import POLICY, PREMIUM, STANDARD

ROOT = Actor("cli:root")
HOUR = timedelta(hours=1)


def settled(**more: object) -> EngineHouse:
    """Ada has premium, bob and cy standard; nothing is left to do, and the last write is an hour old."""
    house = EngineHouse(**{"seats": {PREMIUM: 2, STANDARD: 4}, **more})  # type: ignore[arg-type]
    house.add("ada", "Premium")
    house.add("bob cy", "Users")
    house.run()
    house.clock.advance(HOUR)
    assert seen(house.run()) == []
    house.clock.advance(HOUR)
    return house


def at_target(house: EngineHouse, name: str) -> Account:
    account = house.target.find(name)
    assert account
    return account


def by_hand(house: EngineHouse, name: str, **change: object) -> None:
    """Somebody changes the account at the target itself."""
    house.target.shelf.put(replace(at_target(house, name), **change))  # type: ignore[arg-type]


def made_by_hand(house: EngineHouse, name: str, **more: object) -> None:
    known = at_target(house, "bob")
    profile = replace(known.profile, user_name=name, email=f"{name}@acme.example")
    fresh = replace(known, id=f"acc-{name}", profile=profile, external_id=None)
    house.target.shelf.put(replace(fresh, **more))  # type: ignore[arg-type]


def seen(outcome: Outcome) -> list[str]:
    assert outcome.preview
    return [str(one) for one in outcome.preview.found.drift]


def told(house: EngineHouse) -> list[tuple[str, ...]]:
    return [row.because for row in house.store.ledger.entries() if row.event == "drift.seen"]


def again(house: EngineHouse) -> Outcome:
    house.clock.advance(HOUR)
    return house.run()


# --- what others did ----------------------------------------------------------------------------------

BY_HAND: dict[str, Callable[[EngineHouse], None]] = {
    "bob: tier standard → premium": lambda h: by_hand(h, "bob", tier=PREMIUM),
    "bob: tier standard → no seat": lambda h: by_hand(h, "bob", tier=None),
    "bob: roles none → admin, billing": lambda h: by_hand(
        h, "bob", roles=frozenset({"billing", "admin"})
    ),
    "bob: standing active → deactivated": lambda h: by_hand(h, "bob", standing=Standing.DEACTIVATED),
    "bob: email bob@acme.example → b@else.example": lambda h: by_hand(
        h, "bob", profile=replace(at_target(h, "bob").profile, email="b@else.example")
    ),
    "robert: user_name bob → robert": lambda h: by_hand(
        h, "bob", profile=replace(at_target(h, "bob").profile, user_name="robert")
    ),
    "bob: external_id fake-2-bob → none": lambda h: by_hand(h, "bob", external_id=None),
    "bob: account gone, it had standard": lambda h: h.target.shelf.remove(at_target(h, "bob").id),
    "zoe: account made, with standard": lambda h: made_by_hand(h, "zoe"),
    "zoe: account made, with no seat": lambda h: made_by_hand(h, "zoe", tier=None),
}


@pytest.mark.parametrize("said", BY_HAND)
def test_a_change_by_hand_is_told_once_wherever_a_run_is_told_of(said: str) -> None:
    house = settled()
    BY_HAND[said](house)

    outcome = house.run()

    assert seen(outcome) == [said]
    assert told(house) == [(said,)]
    assert outcome.run.counts["drift"] == 1
    assert outcome.run.problems == (f"Changed at the target, and not by idpsync: {said}",)
    assert outcome.preview
    assert outcome.preview.plan.notes == outcome.run.problems

    assert seen(again(house)) == seen(again(house)) == []
    assert len(told(house)) == 1


def test_the_ledger_has_before_and_after_and_the_run_that_saw_it() -> None:
    house = settled()
    by_hand(house, "bob", tier=PREMIUM)
    outcome = house.run()

    (row,) = (r for r in house.store.ledger.entries("bob") if r.event == "drift.seen")
    assert (row.run_id, row.account_id) == (outcome.run.id, at_target(house, "bob").id)
    assert row.detail == {
        "kind": "tier",
        "attribute": "tier",
        "before": "standard",
        "after": "premium",
    }


def test_several_differences_are_told_one_by_one_and_a_sentence_names_the_first_five() -> None:
    house = settled()
    by_hand(house, "ada", tier=STANDARD, roles=frozenset({"admin"}))
    for name in ("yan", "zoe"):
        made_by_hand(house, name)
    by_hand(house, "bob", tier=None, standing=Standing.DEACTIVATED)

    outcome = house.run()

    assert len(told(house)) == len(seen(outcome)) == 6
    (said,) = outcome.run.problems
    assert said == (
        "Changed at the target, and not by idpsync: ada: tier premium → standard; "
        "ada: roles none → admin; bob: standing active → deactivated; bob: tier standard → no seat; "
        "yan: account made, with standard; and 1 more"
    )


def test_who_changes_it_back_each_time_is_told_each_time() -> None:
    house = settled()
    for number in (1, 2, 3):
        by_hand(house, "ada", tier=STANDARD)
        assert seen(house.run()) == ["ada: tier premium → standard"]
        assert house.tiers()["ada"] == "premium"
        assert len(told(house)) == number
        house.clock.advance(HOUR)


def test_a_look_at_the_plan_does_not_use_it_up() -> None:
    house = settled()
    by_hand(house, "bob", roles=frozenset({"billing"}))

    for _ in range(2):
        assert [str(d) for d in house.reconciler.preview().found.drift] == ["bob: roles none → billing"]
    assert told(house) == []


@pytest.mark.parametrize("hindered", ["held", "observe", "incomplete"])
def test_it_is_told_once_also_by_runs_that_write_nothing(hindered: str) -> None:
    house = settled()
    by_hand(house, "bob", tier=None)
    if hindered == "held":
        house.limits = replace(LAX, changes=Limit(count=0))
    if hindered == "observe":
        house.policy = replace(house.policy, mode=Mode.OBSERVE)
    if hindered == "incomplete":
        house.directory.shows = 1

    assert seen(house.run()) == ["bob: tier standard → no seat"]
    assert seen(again(house)) == []
    assert len(told(house)) == 1


def test_the_problems_of_an_incomplete_read_stay_those_of_the_directory() -> None:
    house = settled()
    by_hand(house, "bob", tier=None)
    house.directory.shows = 1

    outcome = house.run()

    assert RunState.INCOMPLETE is outcome.run.state
    assert [problem for problem in outcome.run.problems if "Changed at" in problem] == []
    assert outcome.run.counts["drift"] == 1
    assert len(told(house)) == 1


def test_a_listing_that_fails_tells_nothing_and_what_happened_is_told_by_the_next() -> None:
    house = settled()
    by_hand(house, "bob", roles=frozenset({"billing"}))
    house.target.fail_reading(Transient("fake target", "list accounts", "busy"))

    assert RunState.FAILED is house.run().run.state
    assert told(house) == []
    assert seen(again(house)) == ["bob: roles none → billing"]


def test_people_whom_nobody_has_let_us_adopt_are_not_watched() -> None:
    house = EngineHouse()
    house.add("ada bob", "Users")
    known = Account("acc-bob", house.directory.add("bob").profile, Standing.ACTIVE, STANDARD)
    house.target.shelf.put(known)
    house.run()
    by_hand(house, "bob", roles=frozenset({"billing"}))

    assert seen(again(house)) == []
    assert seen(house.run(adopt=True)) == []
    house.clock.advance(HOUR)
    by_hand(house, "bob", roles=frozenset())
    assert seen(house.run()) == ["bob: roles billing → none"]


# --- what we did ourselves ----------------------------------------------------------------------------


def test_no_action_of_a_run_is_drift() -> None:
    house = moved_on(Mode.FULL)
    assert len(house.run().performed) == 10

    assert seen(again(house)) == seen(again(house)) == []
    assert told(house) == []


def test_nothing_that_a_login_does_is_drift() -> None:
    house = settled(policy=replace(POLICY, without_rule=WithoutRule.LOWEST_AVAILABLE))
    house.hand.invite(ROOT, "max@acme.example", role="admin")
    assert house.admitter.admit(login("zoe", {"Users"})).let_in
    assert house.admitter.admit(login("max@acme.example", set(), "max@acme.example")).let_in

    assert seen(again(house)) == seen(again(house)) == []
    assert {"zoe", "max@acme.example"} < house.tiers().keys()


def test_nothing_that_is_done_by_hand_here_is_drift() -> None:
    house = settled(
        policy=replace(POLICY, rules=(), without_rule=WithoutRule.LOWEST_AVAILABLE, min_hold=HOUR * 0)
    )
    made_by_hand(house, "zoe")
    assert seen(again(house)) == ["zoe: account made, with standard"]
    house.hand.assign(ROOT, "bob@acme.example", PREMIUM)
    house.hand.swap(ROOT, "bob@acme.example", "cy@acme.example")
    house.hand.give_role(ROOT, "bob@acme.example", "admin")
    house.hand.remove(ROOT, "zoe@acme.example")

    assert seen(again(house)) == seen(again(house)) == []


def test_a_change_by_hand_right_after_a_write_of_ours_is_told_when_the_listing_can_be_trusted() -> None:
    house = settled()
    house.add("dan", "Users")
    house.run()
    by_hand(house, "dan", roles=frozenset({"billing"}))
    house.clock.advance(timedelta(minutes=4))
    assert seen(house.run()) == []

    house.clock.advance(timedelta(minutes=2))
    assert seen(house.run()) == ["dan: roles none → billing"]


@pytest.mark.parametrize("who", ["dan", "bob"])
def test_a_write_without_an_answer_is_ours_all_the_same(who: str) -> None:
    """Dan is to be made, without a seat; bob changes his name."""
    house = settled()
    house.add("dan", "Contractors")
    house.directory.add("bob", display_name="Robert")
    house.target.lose_answer(who)
    assert [p.outcome for p in house.run().failed] == ["unknown"]

    assert seen(again(house)) == seen(again(house)) == []
    assert house.target.calls["create_account"] == 4


def test_a_login_while_the_accounts_are_listed_is_not_drift() -> None:
    house = settled()

    class LoginMeanwhile(FakeTarget):
        """Zoe's account is made and shown, and nobody has been told yet that it was."""

        def accounts(self) -> tuple[Account, ...]:
            if not self.find("zoe"):
                house.admitter.admit(login("zoe", {"Users"}))
                house.store.known.forget(at_target(house, "zoe").id)
            return super().accounts()

    house.use_target(LoginMeanwhile(house.target.shelf.all()))

    assert seen(house.run()) == seen(again(house)) == []


def test_a_move_that_was_cut_short_after_the_target_was_told_is_ours() -> None:
    house = settled()
    house.store.seats.move("bob", PREMIUM, Cause("sync"))
    by_hand(house, "bob", tier=PREMIUM)

    assert seen(house.run()) == seen(again(house)) == []


def test_a_store_that_links_accounts_from_before_watches_them_from_its_first_run_on() -> None:
    house = EngineHouse()
    bob = house.directory.add("bob", "Users")
    there = Account("acc-bob", bob.profile, Standing.ACTIVE, STANDARD, bob.external_id)
    house.target.shelf.put(there)
    house.store.registry.link(Link("acc-bob", "fake", bob.external_id, house.clock.now()), Cause("x"))
    assert house.run().performed == ()
    house.clock.advance(HOUR)
    by_hand(house, "bob", tier=PREMIUM)

    assert seen(house.run()) == ["bob: tier standard → premium"]


def test_somebody_who_takes_up_the_invite_of_the_service_is_not_drift() -> None:
    house = settled()
    made_by_hand(house, "ines", standing=Standing.INVITED)
    made_by_hand(house, "jo", standing=Standing.INVITED)
    again(house)
    house.clock.advance(HOUR)
    by_hand(house, "ines", standing=Standing.ACTIVE)
    house.target.shelf.remove("acc-jo")
    made_by_hand(house, "jo", id="user-jo")

    assert seen(house.run()) == []


def test_an_invite_of_the_service_that_is_taken_back_is_drift() -> None:
    house = settled()
    made_by_hand(house, "jo", standing=Standing.INVITED)
    again(house)
    house.clock.advance(HOUR)
    house.target.shelf.remove("acc-jo")

    assert seen(house.run()) == ["jo: account gone, it had standard"]
