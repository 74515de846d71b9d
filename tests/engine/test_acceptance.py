"""How invites come true: at the login door and by a reconciliation; what a failing target leaves."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import (
    NoSeatAvailable,
    Refused,
    RemoteError,
    SeatsExhausted,
    Transient,
    UnknownOutcome,
)
from idpsync.core.membership import Actor, Assignment, InviteState
from idpsync.core.model import Account, Standing
from idpsync.core.plan import Action, ChangeRoles, ReactivateAccount
from idpsync.core.policy import Policy, WithoutRule
from idpsync.core.records import Cause, Seated
from idpsync.core.seats import Door, Tier
from idpsync.engine.admit import DoorRule
from tests.engine.house import EngineHouse, login
from tests.fakes.target import FakeTarget
from tests.people import LADDER, NOW, POLICY, PREMIUM, STANDARD, account

ROOT = Actor("cli:root")
FREE = Policy(ladder=LADDER)
CLOSED = replace(FREE, without_rule=WithoutRule.NONE)
ZOE = "zoe@acme.example"


def invited(role: str = "user", tier: Tier | None = None, **more: object) -> EngineHouse:
    """Zoe is invited, and everything else is shut."""
    house = EngineHouse(
        **{
            "seats": {PREMIUM: 1, STANDARD: 1},
            "policy": CLOSED,
            "door": DoorRule(open=False, require_group="Staff"),
            **more,
        }  # type: ignore[arg-type]
    )
    house.hand.invite(ROOT, ZOE, role=role, tier=tier)
    return house


def states(house: EngineHouse) -> list[InviteState]:
    return [invite.state for invite in house.store.invites.invites()]


def by_hand(house: EngineHouse) -> dict[str, tuple[Tier | None, str]]:
    return {member: (given.tier, given.by) for member, given in house.store.assignments.all().items()}


# --- at the login door --------------------------------------------------------------------------------


def test_an_invite_lets_in_whom_neither_group_nor_policy_nor_door_would() -> None:
    house = invited(role="admin", tier=STANDARD)

    answer = house.admitter.admit(login(ZOE, {"Other"}, ZOE))

    assert (answer.let_in, answer.tier, answer.roles, answer.member) == (
        True,
        STANDARD,
        frozenset({"admin"}),
        ZOE,
    )
    assert {ZOE: "standard"} == house.tiers() == house.booked()
    assert house.target.shelf.all()[0].roles == {"admin"}
    assert states(house) == [InviteState.ACCEPTED]
    assert by_hand(house) == {ZOE: (STANDARD, "cli:root")}
    held = house.store.seats.holding(ZOE)
    assert held
    assert (held.settled, held.door) == (True, Door.MANUAL)
    assert house.events("account.created") == house.events("invite.accepted") == [ZOE]
    assert house.store.registry.links() == ()  # the directory does not know them
    assert house.target.calls["apply"] == 1


def test_user_is_not_a_role_to_be_written() -> None:
    house = invited()
    house.admitter.admit(login(ZOE, email=ZOE))

    assert house.target.shelf.all()[0].roles == frozenset()


def test_roles_of_rules_and_of_the_invite_add_up() -> None:
    house = invited(role="auditor", policy=POLICY)

    house.admitter.admit(login(ZOE, {"Admins"}, ZOE))

    assert house.target.shelf.all()[0].roles == {"admin", "auditor"}


def test_the_second_login_is_that_of_somebody_who_has_a_seat() -> None:
    house = invited()
    house.admitter.admit(login(ZOE, email=ZOE))

    assert house.admitter.admit(login(ZOE, email=ZOE)).let_in
    assert house.target.calls["create_account"] == 1


def test_an_invite_that_was_withdrawn_or_is_over_lets_nobody_in() -> None:
    withdrawn, over = invited(), invited()
    withdrawn.hand.withdraw(ROOT, ZOE)
    over.clock.advance(timedelta(days=21))  # and no run has said so yet

    for house in (withdrawn, over):
        answer = house.admitter.admit(login(ZOE, {"Staff"}, ZOE))
        assert (answer.let_in, answer.reason) == (False, "not_assigned")
        assert house.tiers() == {}


def test_a_domain_that_is_no_longer_verified_and_a_disabled_person_are_refused_all_the_same() -> None:
    house = invited()
    house.policy = replace(CLOSED, verified_domains=frozenset({"other.example"}))
    assert house.admitter.admit(login(ZOE, email=ZOE)).reason == "domain_not_verified"

    house = invited()
    house.directory.add("zoe")
    house.directory.switch("zoe", active=False)
    house.run()
    assert house.admitter.admit(login(ZOE, email=ZOE)).reason == "deactivated"
    assert (house.tiers(), states(house)) == ({}, [InviteState.PENDING])


@pytest.mark.parametrize(
    "fault", [Transient("fake target", "create", "down"), Refused("fake target", "create", "no")]
)
def test_a_target_that_surely_fails_costs_neither_the_seat_nor_the_invite(fault: RemoteError) -> None:
    house = invited(seats={PREMIUM: 0, STANDARD: 1})
    house.target.fail(ZOE, fault)
    with pytest.raises(type(fault)):
        house.admitter.admit(login(ZOE, email=ZOE))
    house.clock.advance(timedelta(days=1))
    house.run()

    held = house.store.seats.holding(ZOE)
    assert held
    assert held.expires_at == NOW + timedelta(days=21)
    assert house.admitter.admit(login(ZOE, email=ZOE)).let_in
    assert states(house) == [InviteState.ACCEPTED]


def test_a_target_that_says_it_has_no_seat_is_believed_and_the_invite_stands() -> None:
    house = invited()
    house.target.fail(ZOE, SeatsExhausted("fake target", "create", "User limit reached"))

    assert house.admitter.admit(login(ZOE, email=ZOE)).reason == "no_seat"
    assert (house.booked(), states(house)) == ({ZOE: "premium"}, [InviteState.PENDING])


def test_what_a_lost_answer_left_undone_the_next_run_notes() -> None:
    house = invited()
    house.target.lose_answer(ZOE)
    with pytest.raises(UnknownOutcome):
        house.admitter.admit(login(ZOE, email=ZOE))
    assert states(house) == [InviteState.PENDING]

    house.clock.advance(timedelta(minutes=1))
    house.run()

    assert {ZOE: "premium"} == house.tiers() == house.booked()
    assert states(house) == [InviteState.ACCEPTED]
    assert by_hand(house) == {ZOE: (PREMIUM, "cli:root")}


def test_two_tabs_make_one_account() -> None:
    house = invited(seats={PREMIUM: 1, STANDARD: 5})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: house.admitter.admit(login(ZOE, email=ZOE)), range(8)))

    assert all(answer.let_in for answer in answers)
    assert {ZOE: "premium"} == house.tiers() == house.booked()


def test_somebody_who_signs_in_under_another_name_takes_seat_and_tier_along() -> None:
    house = invited()

    answer = house.admitter.admit(login("z.ofi", email=ZOE))

    assert (answer.let_in, answer.member) == (True, "z.ofi")
    assert {"z.ofi": "premium"} == house.tiers() == house.booked()
    assert by_hand(house) == {"z.ofi": (PREMIUM, "cli:root")}
    assert states(house) == [InviteState.ACCEPTED]


class Meanwhile(FakeTarget):
    """Something happens while the target makes an account."""

    def __init__(self, happens: Callable[[Account], object]) -> None:
        super().__init__()
        self.happens = happens

    def apply(self, action: Action) -> Account:
        made = super().apply(action)
        self.happens(made)
        return made


def test_an_invite_withdrawn_while_the_account_is_made_leaves_an_ordinary_member() -> None:
    house = invited()
    house.use_target(Meanwhile(lambda _: house.store.invites.withdraw(ZOE, Cause("test"))))

    assert house.admitter.admit(login(ZOE, email=ZOE)).let_in

    assert {ZOE: "premium"} == house.tiers() == house.booked()
    assert (states(house), by_hand(house)) == ([InviteState.WITHDRAWN], {})


def test_a_run_that_sees_the_new_account_first_is_in_nobodys_way() -> None:
    house = invited(seats={PREMIUM: 2, STANDARD: 0})

    def seen_by_a_run(made: Account) -> None:
        house.store.seats.mirror([Seated(made.member, made.id, PREMIUM)], Cause("test"))

    house.use_target(Meanwhile(seen_by_a_run))
    assert house.admitter.admit(login("z.ofi", email=ZOE)).let_in
    house.clock.advance(timedelta(minutes=20))
    house.add("someone")
    house.run()

    assert {"z.ofi": "premium"} == house.tiers() == house.booked()
    assert by_hand(house) == {"z.ofi": (PREMIUM, "cli:root")}


def test_a_seat_counts_more_than_the_reservation_of_an_invite_to_another_name() -> None:
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 1}, policy=FREE)
    house.hand.invite(ROOT, ZOE)
    house.directory.add("z.ofi", email=ZOE)
    house.run()

    answer = house.admitter.admit(login(ZOE, email=ZOE))

    assert (answer.let_in, answer.member, answer.tier) == (True, "z.ofi", STANDARD)
    assert house.tiers() == {"z.ofi": "standard"}


def test_whom_the_directory_knows_is_linked() -> None:
    house = invited()
    house.directory.add("zoe")
    house.run()

    house.admitter.admit(login(ZOE, email=ZOE))

    assert [k.external_id for k in house.store.registry.links()] == [house.directory.id_of("zoe")]
    assert {"zoe": "premium"} == house.tiers() == house.booked()
    assert house.run().performed == ()
    assert by_hand(house) == {"zoe": (PREMIUM, "cli:root")}


# --- somebody who was here before ---------------------------------------------------------------------


def test_a_deactivated_account_comes_back_with_the_rights_of_the_invite_alone() -> None:
    house = EngineHouse(policy=CLOSED)
    gone = account("zoe", None, standing=Standing.DEACTIVATED, roles=["owner", "auditor"])
    house.target.shelf.put(gone)
    assert house.admitter.admit(login(ZOE, email=ZOE)).reason == "deactivated"

    house.hand.invite(ROOT, ZOE, role="admin")
    house.add("someone")
    house.run()
    assert states(house) == [InviteState.PENDING]
    answer = house.admitter.admit(login(ZOE, email=ZOE))

    (back,) = house.target.shelf.all()
    assert (answer.let_in, back.id, back.standing, back.tier) == (True, "acc-zoe", "active", PREMIUM)
    assert back.roles == {"admin"}
    assert house.events("account.reactivated") == [ZOE]


def test_an_account_that_is_off_is_off_whatever_tier_the_target_lists() -> None:
    house = EngineHouse(policy=CLOSED)
    house.target.shelf.put(account("zoe", STANDARD, standing=Standing.DEACTIVATED))
    house.hand.invite(ROOT, ZOE, tier=PREMIUM)

    assert house.admitter.admit(login(ZOE, email=ZOE)).tier == PREMIUM
    assert {ZOE: "premium"} == house.tiers() == house.booked()


class KeepsRoles(FakeTarget):
    """Reactivates with the roles that were there, as some service providers do."""

    def apply(self, action: Action) -> Account:
        made = super().apply(action)
        if isinstance(action, ReactivateAccount):
            made = replace(made, roles=made.roles | {"owner"})
            self.shelf.put(made)
        return made


def test_rights_of_long_ago_are_taken_where_the_target_kept_them() -> None:
    house = EngineHouse(policy=CLOSED)
    house.use_target(KeepsRoles([account("zoe", None, standing=Standing.DEACTIVATED)]))
    house.hand.invite(ROOT, ZOE)

    assert house.admitter.admit(login(ZOE, email=ZOE)).let_in
    assert house.target.shelf.all()[0].roles == frozenset()


def test_a_role_that_cannot_be_set_keeps_nobody_out() -> None:
    class KeepsThem(KeepsRoles):
        def apply(self, action: Action) -> Account:
            if isinstance(action, ChangeRoles):
                raise Refused("fake target", "change roles", "no")
            return super().apply(action)

    house = EngineHouse(policy=CLOSED)
    house.use_target(KeepsThem([account("zoe", None, standing=Standing.DEACTIVATED)]))
    house.hand.invite(ROOT, ZOE)

    assert house.admitter.admit(login(ZOE, email=ZOE)).let_in
    assert states(house) == [InviteState.ACCEPTED]
    failed = [r for r in house.store.ledger.entries() if r.event == "account.roles_changed"]
    assert [row.outcome for row in failed] == ["failed"]


# --- by a reconciliation ------------------------------------------------------------------------------


def test_a_run_that_makes_the_account_accepts_the_invite() -> None:
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 1}, policy=FREE)
    house.hand.invite(ROOT, ZOE, role="auditor", tier=STANDARD)
    house.directory.add(ZOE, email=ZOE)

    house.run()

    assert {ZOE: "standard"} == house.tiers() == house.booked()
    assert house.target.shelf.all()[0].roles == {"auditor"}
    assert states(house) == [InviteState.ACCEPTED]
    assert by_hand(house) == {ZOE: (STANDARD, "cli:root")}
    house.clock.advance(timedelta(days=30))
    assert house.run().performed == ()
    assert house.admitter.admit(login(ZOE, email=ZOE)).let_in


def test_a_rule_with_a_tier_counts_more_later_and_the_invite_at_first() -> None:
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 1}, policy=POLICY)
    house.hand.invite(ROOT, ZOE, tier=STANDARD)
    house.directory.add(ZOE, "Premium", email=ZOE)

    house.run()
    assert house.tiers() == {ZOE: "standard"}
    house.run()
    assert {ZOE: "premium"} == house.tiers() == house.booked()


def test_somebody_who_got_a_seat_under_another_name_needs_no_second_one() -> None:
    """The invite went to the address; the directory calls them otherwise and a run came first."""
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 1}, policy=FREE)
    house.hand.invite(ROOT, ZOE)
    house.directory.add("z.ofi", email=ZOE)
    house.run()
    assert len(house.booked()) == 2

    house.clock.advance(timedelta(minutes=10))
    house.run()

    assert {"z.ofi": "standard"} == house.tiers() == house.booked()
    assert states(house) == [InviteState.WITHDRAWN]


def test_an_invite_younger_than_the_listing_is_not_accepted_by_it() -> None:
    """The account that the listing shows was removed before the invite went out."""
    house = EngineHouse(policy=FREE)
    house.target.shelf.put(account("zoe", STANDARD))

    class InvitedMeanwhile(FakeTarget):
        asked = False

        def accounts(self) -> tuple[Account, ...]:
            listed = super().accounts()
            if not self.asked:
                self.asked = True
                self.shelf.remove("acc-zoe")
                house.hand.invite(ROOT, ZOE)
            return listed

    target = InvitedMeanwhile(house.target.shelf.all())
    house.use_target(target)
    house.run()

    assert states(house) == [InviteState.PENDING]


# --- tiers given by hand, at the login door -----------------------------------------------------------


def give(house: EngineHouse, member: str, tier: Tier | None) -> None:
    house.store.assignments.put(Assignment(member, tier, "cli:root", NOW), Cause("test"))


def test_where_logins_ignore_the_rules_the_highest_free_tier_is_given() -> None:
    house = EngineHouse(policy=POLICY, door=DoorRule(any_tier=True))
    assert house.admitter.admit(login("ada", {"Users"})).tier == PREMIUM


@pytest.mark.parametrize("any_tier", [False, True])
def test_somebody_given_no_seat_by_hand_does_not_take_one_at_login(any_tier: bool) -> None:
    house = EngineHouse(policy=FREE, door=DoorRule(any_tier=any_tier))
    give(house, "ada", None)

    answer = house.admitter.admit(login("ada"))

    assert (answer.let_in, answer.reason) == (False, "no_seat")
    assert answer.because == ("no seat by hand (cli:root)",)
    assert {} == house.tiers() == house.booked()
    assert house.store.waiting.entries() == ()


@pytest.mark.parametrize("any_tier", [False, True])
def test_somebody_given_a_tier_by_hand_gets_that_one_at_login(any_tier: bool) -> None:
    house = EngineHouse(policy=FREE, door=DoorRule(any_tier=any_tier))
    give(house, "ada", STANDARD)

    assert house.admitter.admit(login("ada")).tier == STANDARD
    assert house.admitter.admit(login("bob")).tier == PREMIUM


def test_whom_policy_does_not_admit_comes_in_by_the_hand_and_a_rule_counts_more() -> None:
    closed = EngineHouse(policy=CLOSED)
    give(closed, "ada", STANDARD)
    assert closed.admitter.admit(login("ada")).let_in

    ruled = EngineHouse(policy=POLICY)
    give(ruled, "ada", None)
    assert ruled.admitter.admit(login("ada", {"Premium"})).tier == PREMIUM


def test_a_tier_by_hand_that_is_full_is_waited_for() -> None:
    house = EngineHouse(seats={PREMIUM: 0, STANDARD: 1}, policy=FREE)
    give(house, "ada", PREMIUM)

    answer = house.admitter.admit(login("ada"))

    assert (answer.reason, answer.waits_for, answer.position) == ("no_seat", PREMIUM, 1)


def test_no_invite_is_sent_for_the_seat_that_somebody_on_their_way_holds() -> None:
    house = invited(seats={PREMIUM: 0, STANDARD: 1})
    with pytest.raises(NoSeatAvailable):
        house.hand.invite(ROOT, "yan@acme.example")
