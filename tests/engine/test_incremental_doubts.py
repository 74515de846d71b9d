"""Runs from what changed: when everything is read all the same."""

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from idpsync.core.errors import Refused, UnknownOutcome
from idpsync.core.guard import Limit
from idpsync.core.membership import Actor
from idpsync.core.model import Account, Profile
from idpsync.core.plan import Action
from idpsync.core.policy import Mode
from idpsync.core.records import RunState
from idpsync.engine.increments import InDoubt, read_books
from tests.engine.house import LAX, login
from tests.engine.standing_house import (
    DAY,
    EVERYTHING,
    MINUTE,
    NOTHING,
    PROMPT,
    StandingHouse,
    looked,
    settled,
)
from tests.engine.test_storm import Killed
from tests.fakes.source import FakeSource
from tests.fakes.target import FakeTarget
from tests.people import PREMIUM, STANDARD, account

ROOT = Actor("cli:root")


def test_the_first_run_of_a_process_reads_everything() -> None:
    house = settled()
    house.begin()

    assert looked(house) == EVERYTHING
    assert looked(house) == NOTHING


def test_only_an_order_that_lets_it_goes_on_from_changes() -> None:
    house = settled()

    assert looked(house, from_changes=False) == EVERYTHING


def test_a_preview_reads_everything() -> None:
    house = settled()
    before = house.looks()
    house.reconciler.preview()

    assert house.looks() == (before[0] + 1, before[1] + 1)


def test_after_a_day_everything_is_read_once() -> None:
    house = settled()
    house.clock.advance(DAY)

    assert [looked(house) for _ in range(2)] == [EVERYTHING, NOTHING]


def test_without_full_read_everything_is_read_each_time() -> None:
    house = settled(full_read=timedelta(0))

    assert looked(house) == EVERYTHING


def test_a_directory_that_cannot_tell_is_read_whole() -> None:
    house = settled()
    house.directory.forgetful = True

    assert looked(house) == EVERYTHING


def test_a_source_without_the_capability_is_read_whole() -> None:
    class Plain(FakeSource):
        changes = None  # type: ignore[assignment]

    house = settled()
    house.rooms = replace(house.rooms, source=Plain(house.directory, frozenset(("Users",))))
    house.begin()

    assert [looked(house) for _ in range(2)] == [EVERYTHING, EVERYTHING]


def test_a_directory_that_is_down_makes_the_run_fail_as_ever() -> None:
    house = settled()
    house.directory.down = True

    assert house.run().run.state is RunState.FAILED
    house.directory.down = False
    assert looked(house) == EVERYTHING


def test_after_a_partial_read_everything_is_read() -> None:
    house = settled()
    house.directory.shows = 5
    house.run()
    house.directory.shows = None

    assert looked(house) == EVERYTHING


@pytest.mark.parametrize("error", [Refused("t", "w", "no"), UnknownOutcome("t", "w", "lost")])
def test_after_an_action_that_failed_everything_is_read(error: Refused | UnknownOutcome) -> None:
    house = settled()
    house.add("new", "Users")
    house.target.fail("new", error)
    house.run()

    assert looked(house) == EVERYTHING
    assert house.tiers()["new"] == "standard"


def test_after_a_write_at_a_door_without_an_answer_everything_is_read() -> None:
    house = settled()
    house.store.known.doubt("somebody")

    assert looked(house) == EVERYTHING


class Deadly(FakeTarget):
    """Carries out what it is told, and the process that told it is gone."""

    def apply(self, action: Action) -> Account:
        super().apply(action)
        raise Killed


def test_after_a_login_that_was_cut_short_everything_is_read() -> None:
    house = settled()
    house.add("newcomer", "Users")
    whole = house.rooms
    deadly = Deadly(house.target.shelf.all())
    house.rooms = replace(whole, target=deadly)
    with pytest.raises(Killed):
        house.admitter.admit(login("newcomer", {"Users"}))
    house.rooms = whole
    house.target.shelf.by_id |= deadly.shelf.by_id

    assert looked(house) == EVERYTHING
    assert house.booked()["newcomer"] == house.tiers()["newcomer"] == "standard"


def test_after_a_seat_that_no_account_explains_everything_is_read() -> None:
    house = settled()
    house.store.known.note(account("ghost", STANDARD))

    assert looked(house) == EVERYTHING


def test_after_somebody_else_ran_everything_is_read() -> None:
    house = settled()
    house.other_process()

    assert looked(house) == EVERYTHING


def test_after_somebody_else_led_everything_is_read() -> None:
    house = settled()
    lease = house.store.lease

    def led() -> int:
        token = lease.acquire("leader", "us", MINUTE * 5)
        assert token
        return token

    first = led()
    house.run(token=first)
    lease.release("leader", "us")
    second = led()
    assert looked(house, token=second) == NOTHING
    for _ in range(2):
        lease.release("leader", "us")
        third = led()
    assert looked(house, token=third) == EVERYTHING


def test_another_rule_is_applied_to_everybody() -> None:
    house = settled()
    house.kept.rule = replace(house.rule, policy=replace(PROMPT, rules=PROMPT.rules[1:]))

    assert looked(house) == EVERYTHING


def test_after_a_stop_everything_is_read() -> None:
    house, stopping = settled(), Event()
    house.add("new", "Users")
    stopping.set()

    assert house.run(stopping=stopping).run.state is RunState.STOPPED
    assert looked(house) == EVERYTHING


def test_another_scope_is_read_whole() -> None:
    house = settled()
    house.directory.scope = "fake | base=half"

    # and once more: the first of them had this to tell of as a problem
    assert [looked(house) for _ in range(3)] == [EVERYTHING, EVERYTHING, NOTHING]


def test_a_group_that_is_empty_now_is_confirmed_by_a_whole_read() -> None:
    house = settled()
    house.directory.remove("out")

    assert looked(house) == EVERYTHING


def test_a_canary_that_is_gone_is_confirmed_by_a_whole_read() -> None:
    house = settled(canaries=frozenset({"P1@acme.example"}))
    house.directory.remove("p1")
    before = house.looks()

    assert house.run().run.state is RunState.INCOMPLETE
    assert house.looks() > before
    assert house.tiers()["p1"] == "standard"


def test_a_canary_that_is_called_otherwise_now_is_confirmed_by_a_whole_read() -> None:
    house = settled(canaries=frozenset({"p1@acme.example"}))
    user = house.directory.people[house.directory.id_of("p1")]
    profile = Profile("p1", "countess@acme.example")
    house.directory.people[user.external_id] = replace(user, profile=profile)

    assert looked(house) == EVERYTHING


@pytest.mark.parametrize("limit", [Limit(count=1), Limit(percent=20)])
def test_more_who_are_gone_than_the_guard_allows_are_confirmed_by_a_whole_read(limit: Limit) -> None:
    """Though none of them leaves now: they have grace."""
    patient = replace(PROMPT, leaver_grace=timedelta(hours=2))
    house = settled(limits=replace(LAX, removals=limit), policy=patient)
    house.directory.remove("p1")
    assert looked(house) == NOTHING
    for name in ("p2", "p3", "p4"):
        house.directory.remove(name)

    assert looked(house) == EVERYTHING


def test_a_plan_that_the_guard_would_hold_is_made_again_from_everything() -> None:
    house = settled(limits=replace(LAX, group_losses=Limit(percent=40)))
    house.directory.set_members("Users", ["p1", "p2"])
    before = house.looks()

    assert house.run().run.state is RunState.HELD
    assert house.looks() > before
    assert house.run().run.state is RunState.HELD


def test_a_group_loses_members_of_those_it_had_at_the_run_before() -> None:
    house = settled(limits=replace(LAX, group_losses=Limit(percent=50)))
    for left in (["p1", "p2", "p3"], ["p1"]):  # two of five, two of three; four of five are too many
        house.directory.set_members("Users", left)
        assert looked(house) == NOTHING


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.CREATE_ONLY, Mode.NO_REMOVALS])
def test_a_mode_that_keeps_something_back_reads_everything(mode: Mode) -> None:
    house = settled(policy=replace(PROMPT, mode=mode))

    assert looked(house) == EVERYTHING


def test_a_role_that_no_rule_gives_is_looked_at_in_a_listing() -> None:
    house = settled()
    house.hand.give_role(ROOT, "p1", "auditor")

    assert [looked(house) for _ in range(2)] == [EVERYTHING, NOTHING]


def test_where_nobody_has_let_us_work_nothing_is_believed() -> None:
    house = StandingHouse()

    with pytest.raises(InDoubt):
        read_books(house.rooms, house.clock.now())


def test_people_who_were_there_before_are_asked_about_each_time() -> None:
    house = StandingHouse(seats={PREMIUM: 2, STANDARD: 5})
    house.target.shelf.put(account("p1", STANDARD))
    house.add("p1", "Users")
    house.run()

    assert looked(house) == EVERYTHING
    house.run(adopt=True)
    assert looked(house) == NOTHING
