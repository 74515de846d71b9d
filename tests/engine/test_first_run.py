"""A first run at a target that has people in it: it looks, says what would come of it, and waits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import DigestMismatch, OthersToAdopt, UnknownOutcome, UnsafePlan
from idpsync.core.guard import Limit
from idpsync.core.membership import Actor
from idpsync.core.model import Account, Link
from idpsync.core.plan import Plan
from idpsync.core.policy import Mode
from idpsync.core.records import Cause, HoldState, RunState
from idpsync.core.seats import Claim, Door
from idpsync.engine.holding import decide
from idpsync.engine.manual import ManualRule
from idpsync.engine.outcome import Outcome
from idpsync.engine.reading import Reader
from tests.engine.house import LAX, EngineHouse, login
from tests.people import NOW, POLICY, PREMIUM, STANDARD, account

PERSON = Cause("cli:root")


def peopled(**more: object) -> EngineHouse:
    """Ada, bob and cyrus are at the target, each known by another key, and so is olaf, an orphan.

    Eve is new. Two people share one mail address.
    """
    house = EngineHouse(**{"seats": {PREMIUM: 1, STANDARD: 9}, **more})  # type: ignore[arg-type]
    house.add("ada", "Premium")
    house.add("bob cy eve", "Users")
    house.directory.add("cyrus", email="cy@acme.example")
    house.directory.remove("cy")
    for name in ("zed1", "zed2"):
        house.directory.add(name, "Users", email="zed@acme.example")
    put(house, account("ada", STANDARD, external_id=house.directory.id_of("ada")))
    put(house, named("bob", account("robert", STANDARD, external_id=None)))
    put(house, *(account(name, STANDARD, external_id=None) for name in ("cy", "olaf")))
    return house


def named(user_name: str, account: Account) -> Account:
    return replace(account, profile=replace(account.profile, user_name=user_name))


def put(house: EngineHouse, *accounts: Account) -> None:
    for one in accounts:
        house.target.shelf.put(one)


def linked(house: EngineHouse) -> set[str]:
    return {link.account_id for link in house.store.registry.links()}


def looked_on(house: EngineHouse, outcome: Outcome) -> bool:
    return (
        outcome.error is None
        and RunState.DONE is outcome.run.state
        and outcome.performed == ()
        and house.target.calls["apply"] == 0
        and house.store.registry.links() == ()
    )


def adopted(house: EngineHouse) -> bool:
    """Everybody who was there is linked, and who was new has come."""
    return {"acc-ada", "acc-robert", "acc-cy"} < linked(house) and "eve" in house.tiers()


# --- nothing is written -------------------------------------------------------------------------------


def test_a_first_run_among_people_writes_nothing_however_often_it_is_made() -> None:
    house = peopled()

    for _ in range(3):
        assert looked_on(house, house.run())
        house.clock.advance(timedelta(hours=1))

    assert house.store.waiting.entries() == ()
    assert house.events("target.adopted") == []
    assert house.store.runs.held_plans() == ()


def test_it_says_what_adopting_them_would_come_to_and_how_it_is_done() -> None:
    house = peopled()
    outcome = house.run()

    said = (
        "This target has 4 accounts that idpsync has never linked; first run: nothing was written. "
        "3 would be adopted (by external id: 1, user name: 1, verified e-mail: 1), 1 conflict, "
        f"1 orphan left alone, {len(_plan(outcome).actions)} changes would follow. "
        f"To adopt them: idpsync apply --adopt (or approve exactly this plan: idpsync approve "
        f"{outcome.run.digest})"
    )
    assert outcome.run.problems == (said,)
    assert _plan(outcome).notes == (said,)
    assert house.reconciler.preview().plan.notes == (said,)


def test_a_plan_for_a_world_that_is_only_assumed_asks_for_no_approval() -> None:
    house = peopled()
    seen = house.reconciler.preview()
    assumed = Reader(house.rooms, house.reconciler.rule).what_if(seen, seen.world)

    assert assumed.plan.digest == seen.plan.digest
    assert assumed.plan.notes == ()


def test_seats_in_use_are_counted_meanwhile_so_that_no_login_takes_one_twice() -> None:
    house = peopled(seats={PREMIUM: 0, STANDARD: 4})
    assert house.admitter.admit(login("cyrus", {"Users"}, "cy@acme.example")).let_in
    house.run()

    assert not house.admitter.admit(login("zoe", {"Users"})).let_in
    assert len(house.booked()) == 4


# --- consent ------------------------------------------------------------------------------------------


def test_an_order_to_adopt_takes_them_over_and_from_then_on_runs_are_as_usual() -> None:
    house = peopled()
    house.run()

    outcome = house.run(adopt=True)
    assert RunState.DONE is outcome.run.state
    assert adopted(house)
    assert "acc-olaf" not in linked(house)
    assert _plan(outcome).notes == ("First run: 3 accounts adopted",)
    assert outcome.run.problems == ()

    house.directory.remove("eve")
    assert [p.member for p in house.run().performed] == ["eve"]


def test_a_digest_says_nothing_of_whom_it_adopts_and_is_no_consent() -> None:
    house = peopled()
    seen = house.reconciler.preview().plan.digest

    assert looked_on(house, house.run(digest=seen))
    assert RunState.DONE is house.run(digest=seen, adopt=True).run.state
    assert adopted(house)


def test_a_yes_to_the_accounts_that_were_shown_is_consent_for_them() -> None:
    house = peopled()
    seen = house.reconciler.preview().plan

    assert RunState.DONE is house.run(digest=seen.digest, agreed=shown(seen)).run.state
    assert adopted(house)
    (row,) = (r for r in house.store.ledger.entries() if r.event == "target.adopted")
    assert row.because == ("these accounts were shown, and the answer was yes",)


def test_a_yes_does_not_count_for_an_account_that_came_meanwhile() -> None:
    house = peopled()
    seen = house.reconciler.preview().plan
    twin = account("zoe", STANDARD, external_id=house.directory.add("zoe").external_id)
    put(house, twin)

    outcome = house.run(agreed=shown(seen))

    assert isinstance(outcome.error, OthersToAdopt)
    assert "(zoe" in str(outcome.error)
    assert "nothing was written: review it again" in str(outcome.error)
    assert house.target.calls["apply"] == 0
    assert linked(house) == set()


def shown(plan: Plan) -> frozenset[str]:
    return frozenset(adoption.account_id for adoption in plan.adoptions)


def test_the_digest_of_another_plan_is_none() -> None:
    house = peopled()
    seen = house.reconciler.preview().plan.digest
    house.add("fay", "Users")

    assert isinstance(house.run(digest=seen).error, DigestMismatch)
    assert linked(house) == set()
    assert looked_on(house, house.run())


def test_the_approval_of_exactly_this_plan_lets_the_next_run_adopt_them() -> None:
    house = peopled()
    approve(house)

    assert RunState.DONE is house.run().run.state
    assert adopted(house)
    assert [h.state for h in house.store.runs.held_plans()] == [HoldState.USED]


def test_the_approval_of_a_plan_that_has_changed_since_adopts_nobody() -> None:
    house = peopled()
    approve(house)
    house.add("fay", "Users")

    assert looked_on(house, house.run())


def test_consent_is_in_the_ledger_with_who_gave_it_and_how_before_the_first_link() -> None:
    for order, why in (({"adopt": True}, "apply --adopt"), ({}, "the plan was approved")):
        house = peopled()
        approve(house)
        house.run(actor="cli:ines", **order)

        events = [row.event for row in house.store.ledger.entries()]
        assert events.index("target.adopted") < events.index("account.linked")
        (row,) = (r for r in house.store.ledger.entries() if r.event == "target.adopted")
        assert (row.actor, row.because) == ("cli:ines", (why,))


def approve(house: EngineHouse) -> None:
    seen = house.reconciler.preview().plan.digest
    decide(house.rooms, seen, HoldState.APPROVED, PERSON, house.reconciler.preview)


def test_the_guard_still_looks_at_what_is_adopted_and_one_approval_is_enough_for_both() -> None:
    house = peopled(limits=replace(LAX, changes=Limit(count=0)))

    assert isinstance(house.run(adopt=True).error, UnsafePlan)
    assert linked(house) == set()

    house.store.runs.decide(_digest(house), HoldState.APPROVED, PERSON)
    assert RunState.DONE is house.run().run.state
    assert adopted(house)


def test_a_run_that_is_cut_short_after_the_consent_is_gone_on_with() -> None:
    house = peopled()
    whole = house.rooms

    class Killed(BaseException):
        """The machine went away."""

    class Dying:
        """Links that nobody can write any more."""

        def links(self) -> tuple[Link, ...]:
            return whole.registry.links()

        def link(self, link: Link, cause: Cause) -> None:
            raise Killed

        unlink = mark_missing = link

    house.rooms = replace(whole, registry=Dying())  # type: ignore[arg-type]
    with pytest.raises(Killed):
        house.run(adopt=True)
    assert linked(house) == set()

    house.rooms = whole
    assert RunState.DONE is house.run().run.state
    assert adopted(house)


def test_a_run_that_is_cut_short_right_after_the_consent_tells_nobody_as_drift() -> None:
    house = peopled()
    house.store.known.take_over(PERSON)

    assert RunState.DONE is house.run().run.state
    assert adopted(house)
    assert house.events("drift.seen") == []


# --- whom it does not concern -------------------------------------------------------------------------


def test_an_empty_target_is_worked_at_at_once() -> None:
    house = EngineHouse()
    house.add("ada", "Users")

    assert len(house.run().performed) == 1
    assert linked(house) == {a.id for a in house.target.accounts()}


@pytest.mark.parametrize("protected", ["root@acme.example", "chief"])
def test_protected_people_alone_are_nobody_to_adopt(protected: str) -> None:
    house = EngineHouse(policy=replace(POLICY, protected=frozenset({protected})))
    put(house, named("chief", account("root", PREMIUM)))
    house.add("ada", "Users")

    assert [p.member for p in house.run().performed] == ["ada"]
    house = EngineHouse(policy=house.policy)
    house.add("ada", "Users")
    put(house, named("chief", account("root", PREMIUM)), account("hal", external_id=None))
    assert "This target has 2 accounts" in house.run().run.problems[0]


def test_accounts_that_a_login_made_are_our_own() -> None:
    house = EngineHouse()
    house.add("ada", "Users")
    assert house.admitter.admit(login("zoe", {"Users"})).let_in

    assert [p.member for p in house.run().performed] == ["ada"]


def test_accounts_of_people_who_were_asked_in_by_hand_are_our_own() -> None:
    house = EngineHouse(manual=ManualRule(open=True))
    house.add("ada", "Users")
    house.hand.invite(Actor("cli:root"), "zoe@acme.example")
    assert house.admitter.admit(login("zoe@acme.example", set(), "zoe@acme.example")).let_in

    assert [p.member for p in house.run().performed] == ["ada"]


def test_an_account_that_a_login_perhaps_made_is_our_own() -> None:
    house = EngineHouse()
    house.add("ada", "Users")
    house.target.lose_answer("zoe")
    with pytest.raises(UnknownOutcome):
        house.admitter.admit(login("zoe", {"Users"}))
    house.clock.advance(timedelta(hours=1))

    assert [p.member for p in house.run().performed] == ["ada"]


def test_an_account_that_a_login_is_making_at_this_moment_is_our_own() -> None:
    house = EngineHouse()
    house.add("ada", "Users")
    claim = Claim("zoe", "zoe", (STANDARD,), door=Door.JIT)
    house.store.seats.hold(claim, Cause("jit"))
    put(house, named("zoe", account("zoe", STANDARD, external_id=None)))

    assert [p.member for p in house.run().performed] == ["ada"]


def test_a_login_among_people_of_somebody_elses_is_no_consent() -> None:
    house = peopled()
    house.run()
    for newcomer in ("yan", "zoe"):
        assert house.admitter.admit(login(newcomer, {"Users"})).let_in
    house.add("zoe", "Users")
    (zoe,) = (a for a in house.target.accounts() if a.user_name == "zoe")
    house.store.registry.link(Link(zoe.id, "fake", house.directory.id_of("zoe"), NOW), PERSON)
    house.target.calls.clear()

    outcome = house.run()

    assert outcome.performed == ()
    assert linked(house) == {zoe.id}
    assert "This target has 4 accounts" in outcome.run.problems[0]
    assert "1 orphan left alone" in outcome.run.problems[0]  # yan is one too, but of our making


def test_a_store_that_has_linked_somebody_elses_accounts_has_had_its_first_run() -> None:
    house = peopled()
    house.store.registry.link(Link("acc-ada", "fake", house.directory.id_of("ada"), NOW), PERSON)

    assert house.run().performed
    assert adopted(house)


def test_who_is_made_by_hand_later_is_an_orphan_and_no_new_first_run() -> None:
    house = EngineHouse()
    house.add("ada", "Users")
    house.run()
    for link in house.store.registry.links():
        house.store.registry.unlink(link.account_id, PERSON)
    put(house, account("hal", STANDARD, external_id=None))
    house.clock.advance(timedelta(hours=1))
    house.add("bob", "Users")

    outcome = house.run()

    assert [p.member for p in outcome.performed] == ["bob"]
    assert _plan(outcome).orphans == ("hal@acme.example",)


def test_a_target_that_was_empty_while_nobody_was_to_come_is_still_asked_about() -> None:
    house = EngineHouse()
    house.run()
    put(house, account("ada", STANDARD, external_id=None))
    house.add("ada@acme.example", "Users")
    outcome = house.run()

    assert looked_on(house, outcome)
    assert len(outcome.run.problems) == 1


def test_in_mode_observe_it_says_that_the_mode_comes_first() -> None:
    house = peopled(policy=replace(POLICY, mode=Mode.OBSERVE))

    outcome = house.run(adopt=True)

    assert looked_on(house, outcome)
    assert "To adopt them: set another policy.mode than observe, then" in outcome.run.problems[0]
    assert house.events("target.adopted") == []


def _plan(outcome: Outcome) -> Plan:
    assert outcome.preview
    return outcome.preview.plan


def _digest(house: EngineHouse) -> str:
    return house.reconciler.preview().plan.digest
