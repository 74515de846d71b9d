"""What each mode lets through: every kind of action against every mode, and what is told of the rest."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.guard import Limit
from idpsync.core.plan import KIND, Action, ChangeRoles, ChangeTier
from idpsync.core.policy import GroupRule, LeaverAction, Mode
from idpsync.core.records import Cause, HoldState, RunState
from tests.engine.house import LAX, EngineHouse, login
from tests.people import POLICY, PREMIUM, STANDARD

FULL, NO_REMOVALS, CREATE_ONLY, OBSERVE = Mode.FULL, Mode.NO_REMOVALS, Mode.CREATE_ONLY, Mode.OBSERVE

LETS_THROUGH: dict[str, set[Mode]] = {
    "create_account nina": {FULL, NO_REMOVALS, CREATE_ONLY},
    "reactivate_account rey": {FULL, NO_REMOVALS},
    "update_profile uma": {FULL, NO_REMOVALS},
    "change_tier pia: standard → premium": {FULL, NO_REMOVALS},
    "change_tier dora: premium → standard": {FULL},
    "change_tier gus: standard → none": {FULL},
    "change_roles amy: +admin": {FULL, NO_REMOVALS},
    "change_roles tom: -admin": {FULL},
    "deactivate_account lea": {FULL},
    "delete_account sam": {FULL},
}
"""Action → modes that carry it out. `observe` plans all of them and carries out none."""


def moved_on(mode: Mode, leavers: LeaverAction = LeaverAction.DELETE) -> EngineHouse:
    """Everybody has what they should; then something happens to each, once for every kind of action."""
    house = EngineHouse(
        seats={PREMIUM: 3, STANDARD: 12},
        policy=replace(POLICY, min_hold=timedelta(0)),
    )
    house.add("rey uma pia gus amy tom lea sam", "Users")
    house.add("dora", "Premium")
    house.add("tom", "Admins")
    house.run()
    house.directory.switch("rey", active=False)
    house.run()
    house.clock.advance(timedelta(hours=1))

    house.add("nina", "Users")
    house.directory.switch("rey", active=True)
    house.directory.add("uma", display_name="Uma the Second")
    house.add("pia", "Premium")
    house.directory.set_members("Premium", ["pia"])
    house.directory.set_members("Users", ["rey", "uma", "dora", "amy", "tom", "lea", "nina"])
    house.add("gus", "Contractors")
    house.directory.set_members("Admins", ["amy"])
    house.directory.switch("lea", active=False)
    house.directory.remove("sam")
    house.target.applied.clear()
    house.policy = replace(house.policy, mode=mode, leaver_action=leavers)
    return house


def words(action: Action) -> str:
    said = f"{KIND[type(action)]} {action.profile.user_name}"
    match action:
        case ChangeTier(previous_tier=left, tier=to):
            return f"{said}: {left or 'none'} → {to or 'none'}"
        case ChangeRoles(previous_roles=before, roles=after):
            gained, lost = sorted(after - before), sorted(before - after)
            return " ".join([f"{said}:", *(f"+{role}" for role in gained), *(f"-{r}" for r in lost)])
        case _:
            return said


def allowed(mode: Mode) -> set[str]:
    return {action for action, modes in LETS_THROUGH.items() if mode in modes}


@pytest.mark.parametrize("mode", Mode)
def test_a_mode_carries_out_what_the_table_says_and_nothing_else(mode: Mode) -> None:
    house = moved_on(mode)

    outcome = house.run()

    assert {words(action) for action in house.target.applied} == allowed(mode)
    assert outcome.failed == ()
    assert {KIND[kind] for kind in KIND} == {action.partition(" ")[0] for action in LETS_THROUGH}


@pytest.mark.parametrize("mode", Mode)
def test_a_mode_plans_what_it_carries_out_and_observe_plans_everything(mode: Mode) -> None:
    made = moved_on(mode).reconciler.preview().plan

    assert {words(a) for a in made.actions} == (allowed(FULL) if mode is OBSERVE else allowed(mode))


KEPT_BACK = {
    NO_REMOVALS: "1 × change_roles, 2 × change_tier, 1 × deactivate_account, 1 × delete_account",
    CREATE_ONLY: "2 × change_roles, 3 × change_tier, 1 × deactivate_account, 1 × delete_account, "
    "1 × reactivate_account, 1 × update_profile",
    OBSERVE: "2 × change_roles, 3 × change_tier, 1 × create_account, 1 × deactivate_account, "
    "1 × delete_account, 1 × reactivate_account, 1 × update_profile",
}


@pytest.mark.parametrize("mode", KEPT_BACK)
def test_what_a_mode_keeps_back_is_told_with_the_plan(mode: Mode) -> None:
    (said,) = moved_on(mode).reconciler.preview().plan.notes

    assert said == (
        f"policy.mode is {mode.value}: it keeps back {KEPT_BACK[mode]}; `full` would carry them out"
    )


def test_what_the_plan_says_itself_stands_before_it() -> None:
    house = moved_on(OBSERVE)
    owner = "chief@acme.example"
    house.policy = replace(house.policy, primary_owner=owner, protected=frozenset({owner}))

    notes = house.reconciler.preview().plan.notes

    assert len(notes) == 2
    assert owner in notes[0]
    assert "policy.mode" in notes[1]


def test_full_keeps_nothing_back() -> None:
    assert moved_on(FULL).reconciler.preview().plan.notes == ()


@pytest.mark.parametrize("mode", Mode)
def test_nothing_to_keep_back_is_nothing_to_tell(mode: Mode) -> None:
    house = EngineHouse()
    house.add("ada", "Users")
    house.run()
    house.policy = replace(house.policy, mode=mode)

    assert house.reconciler.preview().plan.notes == ()


@pytest.mark.parametrize("mode", Mode)
def test_a_leaver_gives_the_seat_back_in_full_alone(mode: Mode) -> None:
    house = moved_on(mode, LeaverAction.RELEASE_SEAT)

    house.run()

    assert house.tiers()["sam"] == ("-" if mode is FULL else "standard")


def test_roles_that_are_added_while_others_are_taken_are_kept_back_in_part() -> None:
    house = moved_on(NO_REMOVALS)
    billing = GroupRule("Contractors", role="billing")
    house.policy = replace(house.policy, rules=(*house.policy.rules, billing))
    amy = house.target.find("amy")
    assert amy
    house.target.shelf.put(replace(amy, roles=frozenset({"billing"})))

    outcome = house.run()

    assert [words(a) for a in house.target.applied if "amy" in words(a)] == ["change_roles amy: +admin"]
    assert outcome.preview
    assert "2 × change_roles" in outcome.preview.plan.notes[0]


def test_observe_writes_no_link_no_wish_and_no_seat_but_those_in_use() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1}, policy=replace(POLICY, mode=OBSERVE))
    house.add("ada bob", "Users")

    outcome = house.run()

    assert outcome.preview
    assert [entry.user_name for entry in outcome.preview.plan.waiting] == ["bob"]
    assert house.store.registry.links() == ()
    assert house.store.waiting.entries() == ()
    assert {} == house.tiers() == house.booked()


def test_who_logs_in_while_idpsync_observes_finds_the_seats_in_use_counted() -> None:
    house = moved_on(OBSERVE)
    before = house.booked()
    for name in ("ned", "olga"):
        account = house.target.find("uma")
        assert account
        profile = replace(account.profile, user_name=name)
        house.target.shelf.put(replace(account, id=f"acc-{name}", profile=profile, external_id=None))

    house.run()

    assert house.booked() == before | {"ned": "standard", "olga": "standard"}
    assert house.admitter.admit(login("ned")).let_in


def test_observe_holds_nothing_and_leaves_an_approval_for_a_run_that_writes() -> None:
    house = moved_on(FULL)
    house.limits = replace(LAX, changes=Limit(count=0))
    digest = house.run().run.digest
    assert digest
    house.store.runs.decide(digest, HoldState.APPROVED, Cause("cli:ines"))
    house.policy = replace(house.policy, mode=OBSERVE)

    outcome = house.run()

    assert RunState.DONE is outcome.run.state
    assert outcome.error is None
    (said,) = (problem for problem in outcome.run.problems if "would hold this plan" in problem)
    assert said.startswith("In mode full the guard would hold this plan: changes.count: allowed")
    assert "approve" not in said
    assert [held.state for held in house.store.runs.held_plans()] == [HoldState.APPROVED]

    house.policy = replace(house.policy, mode=FULL)
    assert house.run().performed


def test_what_was_held_waits_for_nobody_once_the_mode_is_observe() -> None:
    house = moved_on(FULL)
    house.limits = replace(LAX, changes=Limit(count=0))
    assert RunState.HELD is house.run().run.state
    house.policy = replace(house.policy, mode=OBSERVE)
    house.run()

    assert [held.state for held in house.store.runs.held_plans()] == [HoldState.SUPERSEDED]
