"""The login door over fakes: who is let in, with which seat, and what a fault leaves behind."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.errors import Refused, RemoteError, SeatsExhausted, Transient
from idpsync.core.model import Standing
from idpsync.core.policy import GroupRule, Policy, WhenFull, WithoutRule
from idpsync.core.records import Cause
from idpsync.core.seats import Door
from idpsync.engine.admit import DoorRule
from tests.engine.house import EngineHouse, login
from tests.people import LADDER, POLICY, PREMIUM, STANDARD


def test_a_newcomer_gets_the_highest_free_tier_that_policy_allows() -> None:
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 1})

    first = house.admitter.admit(login("ada", {"Premium"}))
    second = house.admitter.admit(login("bob", {"Premium"}))

    assert (first.let_in, first.tier, first.waits_for) == (True, PREMIUM, None)
    assert (second.let_in, second.tier, second.waits_for) == (True, STANDARD, PREMIUM)
    assert {"ada": "premium", "bob": "standard"} == house.tiers() == house.booked()
    assert house.events("account.created") == ["ada", "bob"]


def test_without_rules_the_highest_free_tier() -> None:
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 1}, policy=Policy(ladder=LADDER))

    tiers = [house.admitter.admit(login(name)).tier for name in ("ada", "bob", "cy")]

    assert tiers == [PREMIUM, STANDARD, None]


def test_without_a_seat_the_answer_says_where_one_stands_in_the_queue() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.admitter.admit(login("ada", {"Users"}))

    refused = [house.admitter.admit(login(name, {"Users"})) for name in ("bob", "cy")]

    assert [(r.reason, r.waits_for, r.position) for r in refused] == [
        ("no_seat", STANDARD, 1),
        ("no_seat", STANDARD, 2),
    ]
    assert not any(r.let_in for r in refused)
    assert house.events("login.refused") == ["bob", "cy"]
    assert house.tiers() == {"ada": "standard"}


def test_somebody_who_is_in_is_let_in_however_full_it_is() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.admitter.admit(login("ada", {"Users"}))
    house.target.fail_reading(Transient("fake target", "find", "down"), times=9)

    again = house.admitter.admit(login("ada", {"Users"}))

    assert again.let_in
    assert house.target.calls["create_account"] == 1


def test_a_login_lowers_nobody() -> None:
    house = EngineHouse()
    house.admitter.admit(login("ada", {"Premium"}))

    assert house.admitter.admit(login("ada", {"Users"})).tier == PREMIUM


def test_a_foreign_domain_is_refused_even_for_somebody_known() -> None:
    policy = replace(POLICY, verified_domains=frozenset({"acme.example"}))
    house = EngineHouse(policy=policy)

    answer = house.admitter.admit(login("eve", {"Users"}, email="eve@acme.example.evil.example"))

    assert (answer.let_in, answer.reason) == (False, "domain_not_verified")
    assert house.tiers() == {}


def test_doors_groups_and_rules_keep_newcomers_out() -> None:
    closed = EngineHouse(door=DoorRule(open=False))
    grouped = EngineHouse(door=DoorRule(require_group="Staff"))
    ruled = EngineHouse(policy=replace(POLICY, without_rule=WithoutRule.NONE))

    for house in (closed, grouped, ruled):
        groups = {"Other"} if house is ruled else {"Users"}
        assert house.admitter.admit(login("ada", groups)).reason == "not_assigned"
        assert {} == house.tiers() == house.booked()


def test_a_deactivated_person_is_told_so() -> None:
    house = EngineHouse()
    house.admitter.admit(login("ada", {"Users"}))
    account = house.target.shelf.all()[0]
    house.target.shelf.put(replace(account, standing=Standing.DEACTIVATED, tier=None))
    house.store.seats.release("ada", Cause("test"))

    assert house.admitter.admit(login("ada", {"Users"})).reason == "deactivated"


def test_somebody_disabled_in_the_directory_does_not_come_in_at_login() -> None:
    house = EngineHouse()
    house.add("ada", "Users")
    house.directory.switch("ada", active=False)
    house.run()

    assert house.admitter.admit(login("ada", {"Users"})).reason == "deactivated"


def test_contractors_have_no_seat_and_administrators_come_in_all_the_same() -> None:
    house = EngineHouse(door=DoorRule(admins=frozenset({"ada@acme.example"})))

    assert house.admitter.admit(login("bob", {"Contractors"})).reason == "no_seat"
    owner = house.admitter.admit(login("ada", {"Contractors"}))
    assert (owner.let_in, owner.tier, owner.admin) == (True, None, True)


@pytest.mark.parametrize(
    "fault", [Transient("fake target", "create", "down"), Refused("fake target", "create", "no")]
)
def test_a_target_that_fails_costs_no_seat(fault: RemoteError) -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.target.fail("ada", fault)

    with pytest.raises(type(fault)):
        house.admitter.admit(login("ada", {"Users"}))

    assert house.booked() == {}
    assert house.admitter.admit(login("ada", {"Users"})).let_in


def test_a_target_that_says_it_has_no_seat_is_believed() -> None:
    house = EngineHouse()
    house.target.fail("ada", SeatsExhausted("fake target", "create", "User limit reached"))

    assert house.admitter.admit(login("ada", {"Users"})).reason == "no_seat"
    assert house.booked() == {}


def test_a_lost_answer_keeps_the_seat_and_the_next_login_finds_the_account() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.target.lose_answer("ada")
    with pytest.raises(RemoteError):
        house.admitter.admit(login("ada", {"Users"}))
    assert house.booked() == {"ada": "standard"}

    assert house.admitter.admit(login("ada", {"Users"})).let_in
    assert house.target.calls["create_account"] == 1


def test_two_tabs_make_one_account() -> None:
    house = EngineHouse()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: house.admitter.admit(login("ada", {"Users"})), range(8)))

    assert all(a.let_in for a in answers)
    assert {"ada": "standard"} == house.tiers() == house.booked()


def test_a_hundred_first_logins_on_ten_seats() -> None:
    house = EngineHouse(seats={PREMIUM: 3, STANDARD: 7}, policy=Policy(ladder=LADDER))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: house.admitter.admit(login(f"p{n:03}")), range(100)))

    assert 10 == sum(a.let_in for a in answers) == len(house.tiers()) == len(house.booked())
    assert len(house.store.waiting.entries()) == 90


def test_sync_and_login_see_one_person_where_their_names_differ() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 5})
    house.directory.add("ada.l", "Users", email="ada@acme.example")
    house.run()

    answer = house.admitter.admit(login("ada@acme.example", email="ada@acme.example"))

    assert (answer.let_in, answer.member) == (True, "ada.l")
    assert {"ada.l": "standard"} == house.tiers() == house.booked()


def test_somebody_who_logged_in_first_is_adopted_once_and_leaves_like_everybody() -> None:
    house = EngineHouse()
    house.admitter.admit(login("zoe", {"Users"}))
    house.add("zoe ada", "Users")
    house.run()
    assert house.target.shelf.all()[0].external_id == house.directory.id_of("zoe")

    assert house.run().performed == ()
    house.directory.remove("zoe")
    house.run()
    assert house.tiers() == {"zoe": "off", "ada": "standard"}


def test_the_wait_list_of_a_stranger_outlives_a_reconciliation() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.add("ada", "Users")
    house.run()
    house.admitter.admit(login("zoe", {"Users"}))
    house.clock.at = house.clock.at.replace(hour=11)

    house.run()

    assert [(e.member, e.door) for e in house.store.waiting.entries()] == [("zoe", Door.JIT)]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["Premium", "Users", "Other", "Contractors"]), max_size=3, unique=True),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from(WithoutRule),
    st.sampled_from(WhenFull),
)
def test_both_doors_place_alike(
    groups: list[str], premium: int, standard: int, without: WithoutRule, when_full: WhenFull
) -> None:
    """Alone before the same pool, somebody gets the same tier by sync and by login."""
    rules = (
        GroupRule("Premium", PREMIUM),
        GroupRule("Users", STANDARD),
        GroupRule("Contractors", seatless=True),
    )
    policy = Policy(ladder=LADDER, rules=rules, without_rule=without, when_full=when_full)
    by_sync = EngineHouse(seats={PREMIUM: premium, STANDARD: standard}, policy=policy)
    by_sync.add("ada", *[g for g in groups if g != "Other"])
    by_login = EngineHouse(seats={PREMIUM: premium, STANDARD: standard}, policy=policy)

    by_sync.run()
    by_login.admitter.admit(login("ada", set(groups)))

    seats = [{n: t for n, t in h.tiers().items() if t != "-"} for h in (by_sync, by_login)]
    assert seats[0] == seats[1]
    waits = [[(e.wants, e.holds) for e in h.store.waiting.entries()] for h in (by_sync, by_login)]
    assert waits[0] == waits[1]
