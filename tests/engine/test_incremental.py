"""Runs from what changed: what they cost, and what they know."""

from dataclasses import replace
from datetime import timedelta

from idpsync.core.contract import Item
from idpsync.core.membership import Actor
from idpsync.core.policy import LeaverAction
from idpsync.core.records import RunState
from idpsync.engine.increments import read_books
from tests.engine.house import GROUPS, login
from tests.engine.standing_house import MINUTE, NOTHING, PROMPT, looked, settled
from tests.engine.test_due import buy
from tests.fakes.store import FakeStore
from tests.people import PREMIUM, STANDARD

ROOT = Actor("cli:root")


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
