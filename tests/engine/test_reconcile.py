"""One reconciliation over fakes: what is written, what is kept, what a fault cannot do."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import (
    Conflict,
    CredentialsRejected,
    DigestMismatch,
    DirectoryUnread,
    LeaseLost,
    Refused,
    RemoteError,
    SeatsExhausted,
    Transient,
    UnsafePlan,
)
from idpsync.core.guard import Limit, Limits
from idpsync.core.model import Account
from idpsync.core.policy import Mode
from idpsync.core.records import Cause, HoldState, RunState
from idpsync.engine.outcome import Outcome
from tests.engine.house import LAX, EngineHouse, login
from tests.fakes.target import FakeTarget
from tests.people import POLICY, PREMIUM, STANDARD


def test_people_get_accounts_up_to_the_seats_and_the_rest_wait() -> None:
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 2})
    house.add("ada bob", "Premium")
    house.add("cy dan", "Users")

    outcome = house.run()

    assert {"ada": "premium", "bob": "standard", "cy": "standard"} == house.tiers() == house.booked()
    assert [(e.user_name, e.wants) for e in house.store.waiting.entries()] == [
        ("bob", PREMIUM),
        ("dan", STANDARD),
    ]
    assert RunState.DONE is outcome.run.state
    assert sorted(k.external_id.split("-")[2] for k in house.store.registry.links()) == [
        "ada",
        "bob",
        "cy",
    ]


def test_a_second_run_writes_nothing() -> None:
    house = EngineHouse()
    house.add("ada bob cy", "Users")
    house.run()
    before = house.target.calls["apply"]

    outcome = house.run()

    assert before == house.target.calls["apply"]
    assert outcome.performed == ()


def test_leavers_go_and_the_waiting_move_up_in_the_same_run() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.add("ada bob", "Users")
    house.run()
    house.directory.remove("ada")

    house.run()

    assert house.tiers() == {"ada": "off", "bob": "standard"}
    assert house.booked() == {"bob": "standard"}
    assert house.store.waiting.entries() == ()


def test_full_tiers_exchange_people() -> None:
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 1}, policy=replace(POLICY, min_hold=timedelta(0)))
    house.add("ada", "Premium")
    house.add("bob", "Users")
    house.run()
    house.directory.set_members("Premium", ["bob"])
    house.directory.set_members("Users", ["ada"])

    outcome = house.run()

    assert {"ada": "standard", "bob": "premium"} == house.tiers() == house.booked()
    assert outcome.failed == ()
    assert all(h.settled for h in house.store.seats.holdings())


def test_an_exchange_that_breaks_off_gives_everybody_back_what_they_had() -> None:
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 1}, policy=replace(POLICY, min_hold=timedelta(0)))
    house.add("ada", "Premium")
    house.add("bob", "Users")
    house.run()
    house.directory.set_members("Premium", ["bob"])
    house.directory.set_members("Users", ["ada"])
    house.target.fail("bob", Refused("fake target", "change tier", "not today"))

    outcome = house.run()
    assert {"ada": "premium", "bob": "standard"} == house.tiers() == house.booked()
    assert [p.member for p in outcome.failed] == ["bob"]

    house.run()
    assert {"ada": "standard", "bob": "premium"} == house.tiers() == house.booked()


@pytest.mark.parametrize(
    "fault",
    [
        Refused("fake target", "create", "no"),
        Conflict("fake target", "create", "somebody else's"),
        Transient("fake target", "create", "busy"),
    ],
)
def test_one_failing_person_stops_nobody_and_loses_no_seat(fault: RemoteError) -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 3})
    house.add("ada bob cy", "Users")
    house.target.fail("bob", fault)

    outcome = house.run()
    assert {"ada": "standard", "cy": "standard"} == house.tiers() == house.booked()
    assert [(p.member, p.outcome) for p in outcome.failed] == [("bob", "failed")]
    assert RunState.FAILED is outcome.run.state

    house.run()
    assert {"ada", "bob", "cy"} == house.tiers().keys() == house.booked().keys()


def test_an_unknown_outcome_keeps_its_seat_and_the_next_run_finds_the_account() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.add("ada", "Users")
    house.target.lose_answer("ada")

    outcome = house.run()
    assert [(p.member, p.outcome) for p in outcome.failed] == [("ada", "unknown")]
    assert house.booked() == {"ada": "standard"}

    house.run()
    assert house.tiers() == {"ada": "standard"}
    assert [h.settled for h in house.store.seats.holdings()] == [True]
    assert house.target.calls["create_account"] == 1
    assert len(house.store.registry.links()) == 1


def test_a_target_without_seats_is_asked_once_per_tier() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 9})
    house.add("ada bob cy dan eve fay gus hal", "Users")
    for name in ["ada", "bob", "cy", "dan", "eve", "fay", "gus", "hal"]:
        house.target.fail(name, SeatsExhausted("fake target", "create", "User limit reached"))

    outcome = house.run()

    assert len(outcome.failed) == 8
    assert house.target.calls["create_account"] <= 4  # one per worker that was under way
    assert house.booked() == {}


def test_a_lost_credential_ends_the_writing_at_once() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 40})
    house.add(" ".join(f"p{n:02}" for n in range(30)), "Users")
    house.target.fail("p00", CredentialsRejected("fake target", "create", "token expired"))

    outcome = house.run()

    assert outcome.performed[0].outcome == "failed"
    assert outcome.performed[-1].outcome == "skipped"
    assert house.booked().keys() == house.tiers().keys()


def test_a_seat_taken_by_a_login_between_plan_and_write_is_not_given_twice() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1})
    house.add("ada", "Users")

    class LoginMeanwhile(FakeTarget):
        """Somebody logs in while the accounts are being listed."""

        def accounts(self) -> tuple[Account, ...]:
            listed = super().accounts()
            house.clock.advance(timedelta(seconds=1))
            house.admitter.admit(login("zoe", {"Users"}))
            return listed

    house.use_target(LoginMeanwhile())
    outcome = house.run()

    assert {"zoe": "standard"} == house.tiers() == house.booked()
    assert [(p.member, p.outcome) for p in outcome.failed] == [("ada", "refused")]
    assert [e.member for e in house.store.waiting.entries()] == ["ada"]


# --- guard --------------------------------------------------------------------------------------------


def guarded() -> EngineHouse:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 9}, limits=replace(LAX, removals=Limit(count=1)))
    house.add("ada bob cy", "Users")
    house.run()
    house.directory.remove("ada")
    house.directory.remove("bob")
    return house


def test_over_a_limit_nothing_is_written_and_the_plan_is_held() -> None:
    house = guarded()
    before = house.target.calls["apply"]

    outcome = house.run()

    assert RunState.HELD is outcome.run.state
    assert isinstance(outcome.error, UnsafePlan)
    assert before == house.target.calls["apply"]
    held = house.store.runs.held_plans()
    assert [(outcome.run.digest, HoldState.HELD)] == [(h.digest, h.state) for h in held]
    assert held[0].tripped == ("removals.count: allowed 1, seen 2 (2/3): ada, bob",)


def test_an_approval_lets_exactly_that_plan_pass_once() -> None:
    house = guarded()
    held = house.run()
    assert held.run.digest
    house.store.runs.decide(held.run.digest, HoldState.APPROVED, Cause("test"))

    assert RunState.DONE is house.run().run.state
    assert house.tiers() == {"ada": "off", "bob": "off", "cy": "standard"}
    assert [h.state for h in house.store.runs.held_plans()] == [HoldState.USED]


def test_a_changed_world_needs_a_new_approval() -> None:
    house = guarded()
    held = house.run()
    assert held.run.digest
    house.store.runs.decide(held.run.digest, HoldState.APPROVED, Cause("test"))
    house.directory.add("dan", "Users")

    assert RunState.HELD is house.run().run.state
    assert "off" not in house.tiers().values()


def test_an_approval_runs_out() -> None:
    house = guarded()
    held = house.run()
    assert held.run.digest
    house.store.runs.decide(held.run.digest, HoldState.APPROVED, Cause("test"))
    house.clock.advance(timedelta(hours=25))

    assert RunState.HELD is house.run().run.state


def test_a_group_that_loses_half_its_members_is_held_until_approved() -> None:
    limits = replace(LAX, group_losses=Limit(percent=50, at_least=2))
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 9}, limits=limits)
    house.add("ada bob cy dan", "Users")
    house.run()
    house.directory.set_members("Users", ["ada"])

    assert RunState.HELD is house.run().run.state
    said = "group_losses.percent:Users: allowed 50 %, seen 75 % (3/4): bob, cy, dan"
    assert (said,) == house.store.runs.held_plans()[0].tripped
    assert RunState.HELD is house.run().run.state  # the baseline did not move by looking


def test_limits_of_zero_mean_none_and_off_means_any_number() -> None:
    none = EngineHouse(limits=replace(LAX, removals=Limit(count=0)))
    none.add("ada bob", "Users")
    none.run()
    none.directory.remove("ada")
    assert RunState.HELD is none.run().run.state

    house = EngineHouse(limits=Limits(Limit(), Limit(), Limit(), Limit()))
    house.add("ada bob cy", "Users")
    house.run()
    house.directory.remove("ada")
    house.directory.remove("bob")
    assert RunState.DONE is house.run().run.state


# --- reads --------------------------------------------------------------------------------------------


def settled() -> EngineHouse:
    house = EngineHouse()
    house.add("ada", "Premium")
    house.add("bob cy", "Users")
    house.run()
    return house


def same_as_before(house: EngineHouse, outcome: Outcome) -> bool:
    return (
        house.tiers() == {"ada": "premium", "bob": "standard", "cy": "standard"}
        and not outcome.performed
    )


def test_a_directory_that_is_down_changes_nothing() -> None:
    house = settled()
    house.directory.down = True
    outcome = house.run()

    assert isinstance(outcome.error, DirectoryUnread)
    assert same_as_before(house, outcome)


def test_a_cut_read_changes_nothing() -> None:
    house = settled()
    house.directory.shows = 1
    outcome = house.run()

    assert RunState.INCOMPLETE is outcome.run.state
    assert same_as_before(house, outcome)


def test_a_renamed_group_takes_nothing() -> None:
    house = settled()
    house.directory.rename_group("Premium", "Premium 2026")
    outcome = house.run()

    assert RunState.INCOMPLETE is outcome.run.state
    assert same_as_before(house, outcome)
    assert any("Premium" in problem for problem in outcome.run.problems)


def test_hidden_members_take_nothing() -> None:
    house = settled()
    house.directory.hidden.add("Premium")
    outcome = house.run()

    assert RunState.INCOMPLETE is outcome.run.state
    assert same_as_before(house, outcome)


def test_a_group_suddenly_empty_takes_nothing() -> None:
    house = settled()
    house.directory.set_members("Premium", [])
    outcome = house.run()

    assert RunState.INCOMPLETE is outcome.run.state
    assert same_as_before(house, outcome)


def test_a_missing_canary_takes_nothing() -> None:
    house = settled()
    house.canaries = frozenset({"root@acme.example"})
    house.directory.remove("cy")
    outcome = house.run()

    assert RunState.INCOMPLETE is outcome.run.state
    assert same_as_before(house, outcome)


def test_a_target_that_cannot_be_listed_is_not_written_to() -> None:
    house = settled()
    house.add("dan", "Users")
    house.target.fail_reading(Transient("fake target", "list accounts", "busy"))
    outcome = house.run()

    assert RunState.FAILED is outcome.run.state
    assert same_as_before(house, outcome)


def test_grace_runs_from_the_first_read_that_misses_somebody() -> None:
    house = EngineHouse(policy=replace(POLICY, leaver_grace=timedelta(hours=48)))
    house.add("ada bob", "Users")
    house.run()
    house.directory.remove("ada")

    for hours, standing in ((0, "standard"), (47, "standard"), (2, "off")):
        house.clock.advance(timedelta(hours=hours))
        house.run()
        assert house.tiers()["ada"] == standing


def test_somebody_who_comes_back_in_time_starts_a_new_grace() -> None:
    house = EngineHouse(policy=replace(POLICY, leaver_grace=timedelta(hours=48)))
    house.add("ada bob", "Users")
    house.run()
    gone = house.directory.people[house.directory.id_of("ada")]
    house.directory.remove("ada")
    house.run()
    house.clock.advance(timedelta(hours=40))
    house.directory.people[gone.external_id] = gone
    house.directory.groups["Users"].add(gone.external_id)
    house.run()
    assert [link.missing_since for link in house.store.registry.links()] == [None, None]


# --- orders -------------------------------------------------------------------------------------------


def test_another_digest_than_the_reviewed_one_is_not_applied() -> None:
    house = EngineHouse()
    house.add("ada", "Users")
    outcome = house.run(digest="sha256:0000")

    assert isinstance(outcome.error, DigestMismatch)
    assert house.tiers() == {}
    assert outcome.run.digest
    assert RunState.DONE is house.run(digest=outcome.run.digest).run.state


def test_observe_writes_nothing() -> None:
    house = EngineHouse(policy=replace(POLICY, mode=Mode.OBSERVE))
    house.add("ada", "Users")
    outcome = house.run()

    assert {} == house.tiers() == house.booked()
    assert outcome.preview
    assert len(outcome.preview.plan.actions) == 1


def test_a_stale_leader_writes_nothing() -> None:
    house = EngineHouse()
    house.add("ada", "Users")
    old = house.store.lease.acquire("leader", "old", timedelta(seconds=1))
    house.clock.advance(timedelta(seconds=2))
    house.store.lease.acquire("leader", "new", timedelta(seconds=60))

    outcome = house.run(token=old)

    assert isinstance(outcome.error, LeaseLost)
    assert house.tiers() == {}


def test_a_stop_finishes_the_present_person_and_begins_no_other() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 40})
    house.add(" ".join(f"p{n:02}" for n in range(30)), "Users")
    stopping = threading.Event()

    outcome = house.run(stopping=stopping, progress=lambda done, of: stopping.set())

    assert 0 < len(house.tiers()) < 30
    assert house.tiers() == house.booked()
    assert {"done", "skipped"} == {p.outcome for p in outcome.performed}
    house.run()
    assert len(house.tiers()) == 30


def test_every_write_has_its_reason_in_the_ledger() -> None:
    house = EngineHouse()
    house.add("ada", "Premium")
    house.run()

    created = [r for r in house.store.ledger.entries() if r.event == "account.created"]
    assert [(r.member, r.because, r.outcome) for r in created] == [
        ("ada", ("group 'Premium' → premium",), "done")
    ]
    assert house.store.ledger.verify().ok


def test_a_sample_of_the_headroom_is_kept_with_each_run() -> None:
    house = EngineHouse()
    house.add("ada", "Premium")
    house.run()

    assert [(s.tier, s.purchased, s.assigned, s.free) for s in house.store.runs.samples()] == [
        ("premium", 2, 1, 1),
        ("standard", 3, 0, 3),
    ]
