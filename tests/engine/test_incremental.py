"""Runs from what changed: what they cost, and when everything is read all the same."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from structlog.testing import capture_logs

from idpsync.core.changes import DirectoryChanges
from idpsync.core.contract import Item
from idpsync.core.errors import Refused, UnknownOutcome
from idpsync.core.guard import Limit
from idpsync.core.membership import Actor
from idpsync.core.model import Account, Profile
from idpsync.core.plan import Action
from idpsync.core.policy import LeaverAction, Mode
from idpsync.core.records import RunState
from idpsync.engine.increments import InDoubt, read_books
from tests.engine.house import GROUPS, LAX, login
from tests.engine.standing_house import DAY, MINUTE, StandingHouse
from tests.engine.test_due import buy
from tests.engine.test_storm import Killed
from tests.fakes.source import FakeSource
from tests.fakes.store import FakeStore
from tests.fakes.target import FakeTarget
from tests.people import POLICY, PREMIUM, STANDARD, account

ROOT = Actor("cli:root")
PROMPT = replace(POLICY, min_hold=timedelta(0))
EVERYTHING, NOTHING = (1, 1), (0, 0)


def settled(people: int = 6, **more: object) -> StandingHouse:
    """p0 has premium, the others standard; nothing is left to do, and there is room for more."""
    house = StandingHouse(**{"seats": {PREMIUM: 3, STANDARD: 12}, "policy": PROMPT, **more})  # type: ignore[arg-type]
    house.add("p0 admin", "Premium", "Admins")
    house.add(" ".join(f"p{n}" for n in range(1, people)), "Users")
    house.add("out", "Contractors")
    house.run()
    house.run()
    return house


def looked(house: StandingHouse, **order: object) -> tuple[int, int]:
    """How often a run reads the whole directory and lists the target."""
    before = house.looks()
    outcome = house.run(**order)
    assert outcome.error is None
    after = house.looks()
    return after[0] - before[0], after[1] - before[1]


# --- what it costs ------------------------------------------------------------------------------------


def test_a_run_after_a_good_one_asks_for_what_changed_and_lists_nobody() -> None:
    house = settled()
    house.add("new", "Users")
    house.directory.told = 0

    assert looked(house) == NOTHING
    assert house.directory.told == 1
    assert house.tiers()["new"] == house.booked()["new"] == "standard"


def test_joiners_movers_and_leavers_come_out_as_in_a_whole_run() -> None:
    house = settled()
    house.directory.set_members("Premium", ["admin", "p1"])
    house.directory.set_members("Users", ["p0", "p2", "p4", "p5"])
    house.directory.remove("p3")

    assert looked(house) == NOTHING
    assert {name: house.tiers()[name] for name in ("p0", "p1", "p3")} == {
        "p0": "standard",
        "p1": "premium",
        "p3": "off",
    }
    assert house.store.cache.person("p3") is None
    assert house.store.cache.last_read().members["Premium"] == {
        house.directory.id_of("admin"),
        house.directory.id_of("p1"),
    }
    assert house.other_process().performed == ()


def test_what_logins_and_purchases_did_is_known_without_a_listing() -> None:
    house = settled(seats={PREMIUM: 2, STANDARD: 5})
    house.add("late early", "Users")
    house.run()
    buy(house, Item(STANDARD, 3))
    assert house.admitter.admit(login("stranger", {"Others"})).tier == STANDARD
    house.clock.advance(MINUTE)

    assert looked(house) == NOTHING
    assert house.tiers()["late"] == house.tiers()["early"] == "standard"
    assert house.other_process().performed == ()


def test_an_account_that_a_login_made_is_counted_once() -> None:
    house = settled()
    house.add("newcomer", "Users")
    house.admitter.admit(login("newcomer", {"Users"}))

    assert looked(house) == NOTHING
    assert (len(house.tiers()), house.tiers()["newcomer"]) == (9, "standard")
    assert house.other_process().performed == ()


def test_somebody_who_is_invited_keeps_the_seat_and_comes_in_without_a_listing() -> None:
    house = settled()
    house.hand.invite(ROOT, "guest@acme.example", tier=STANDARD)
    assert looked(house) == NOTHING
    house.admitter.admit(login("guest@acme.example", set(), "guest@acme.example"))

    assert looked(house) == NOTHING
    assert house.tiers()["guest@acme.example"] == house.booked()["guest@acme.example"] == "standard"
    assert house.other_process().performed == ()


def test_somebody_in_grace_leaves_when_it_is_over_without_a_whole_read() -> None:
    house = settled(policy=replace(PROMPT, leaver_grace=timedelta(hours=2)))
    house.directory.remove("p3")
    assert looked(house) == NOTHING
    assert house.tiers()["p3"] == "standard"
    house.clock.advance(timedelta(hours=3))

    assert looked(house) == NOTHING
    assert house.tiers()["p3"] == "off"


def test_a_plan_can_be_read_after_the_next_run() -> None:
    house = settled(seats={PREMIUM: 2, STANDARD: 5})
    house.add("late", "Users")
    outcome = house.run()
    house.run()

    assert outcome.preview
    plan = outcome.preview.plan
    assert [entry.member for entry in plan.waiting] == ["late"]
    assert (plan.orphans, plan.conflicts, len(plan.directory.groups)) == ((), (), len(GROUPS))


def test_an_account_that_a_run_deleted_is_known_to_be_gone() -> None:
    house = settled(policy=replace(PROMPT, leaver_action=LeaverAction.DELETE))
    house.directory.remove("p3")

    assert [looked(house) for _ in range(2)] == [NOTHING, NOTHING]
    assert "p3" not in house.tiers()


def test_what_is_known_of_accounts_is_left_as_it_was_where_nobody_was_listed() -> None:
    house = settled()
    store = house.store
    assert isinstance(store, FakeStore)
    house.clock.advance(timedelta(hours=1))
    before = dict(store.known.rows)

    assert looked(house) == NOTHING
    assert store.known.rows == before


def test_an_invite_that_is_over_holds_no_seat() -> None:
    house = settled()
    house.hand.invite(ROOT, "guest@acme.example", tier=STANDARD)
    house.clock.advance(timedelta(days=30))

    books = read_books(house.rooms, house.clock.now())

    assert books.invites == {}
    assert all(holding.settled for holding in books.holdings)


def test_the_store_knows_what_an_incremental_run_saw() -> None:
    house = settled()
    house.add("new", "Users")
    house.run()

    run = house.store.runs.runs(1)[0]
    assert (run.state, run.counts["people"], run.counts["done"]) == (RunState.DONE, 9, 1)
    assert house.store.cache.saved_at() == house.clock.now()


# --- when everything is read --------------------------------------------------------------------------


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


# --- the whole read is the test of the others ---------------------------------------------------------


def differs(house: StandingHouse) -> list[dict[str, object]]:
    with capture_logs() as logs:
        house.run()
    return [
        {key: line[key] for key in ("log_level", "people", "memberships", "plan")}
        for line in logs
        if line["event"] == "standing.differs"
    ]


def test_a_whole_read_that_shows_what_changes_told_says_nothing() -> None:
    house = settled()
    house.add("new", "Users")
    house.directory.remove("p3")
    house.clock.advance(DAY)

    assert differs(house) == []


def between_the_looks(house: StandingHouse, happens: Callable[[], object]) -> None:
    """From now on this happens each time after the directory has told what changed."""

    class Hasty(FakeSource):
        def changes(self, since: str) -> DirectoryChanges | None:
            told = super().changes(since)
            happens()
            return told

    house.rooms = replace(house.rooms, source=Hasty(house.directory, frozenset(GROUPS)))
    house.begin()
    house.run()
    house.clock.advance(DAY)


def test_a_whole_read_that_is_cut_proves_nothing() -> None:
    house = settled()
    between_the_looks(house, lambda: setattr(house.directory, "shows", 5))

    assert differs(house) == []
    assert house.directory.shows == 5


def test_what_changed_between_the_two_looks_is_no_difference() -> None:
    house = settled()
    between_the_looks(house, lambda: house.directory.add("sudden", "Users"))

    assert differs(house) == []
    assert house.tiers()["sudden"] == "standard"


def test_what_somebody_did_at_the_target_is_no_difference() -> None:
    house = settled()
    mine = house.target.find("p1")
    assert mine
    house.target.shelf.put(replace(mine, tier=PREMIUM))
    house.clock.advance(DAY)

    assert differs(house) == []
    assert house.events("drift.seen") == ["p1"]


def test_somebody_of_whom_no_change_was_told_is_an_error_and_the_whole_read_counts() -> None:
    house = settled()
    house.directory.untold = {house.directory.add("new", "Users").external_id}
    house.run()
    house.clock.advance(DAY)

    (line,) = differs(house)

    assert (line["log_level"], line["people"], line["plan"]) == ("error", 1, [])
    assert house.tiers()["new"] == "standard"


def test_a_membership_of_which_no_change_was_told_is_an_error() -> None:
    house = settled()
    house.directory.untold = {house.directory.id_of("p1")}
    house.directory.set_members("Premium", ["p0", "admin", "p1"])
    house.run()
    house.clock.advance(DAY)

    (line,) = differs(house)

    assert (line["people"], line["memberships"], line["plan"]) == (0, 1, [])
    assert house.tiers()["p1"] == "premium"


def test_a_standing_world_that_plans_otherwise_is_an_error_and_the_whole_plan_counts() -> None:
    house = settled()
    house.run()
    kept = house.kept.standing._kept
    assert kept
    kept.world.files.policy = replace(PROMPT, rules=())  # overlooks who comes into which group
    house.clock.advance(DAY)
    house.add("new", "Users")

    (line,) = differs(house)

    assert line["log_level"] == "error"
    assert house.tiers()["new"] == "standard"


def test_what_somebody_did_at_the_target_is_told_by_the_next_whole_read() -> None:
    house = settled()
    house.clock.advance(timedelta(hours=1))
    house.run()
    mine = house.target.find("p1")
    assert mine
    house.target.shelf.put(replace(mine, tier=PREMIUM))
    house.clock.advance(timedelta(hours=1))
    assert looked(house) == NOTHING
    assert house.events("drift.seen") == []
    house.clock.advance(DAY)

    assert looked(house) == EVERYTHING
    assert house.events("drift.seen") == ["p1"]
