"""Amid a login on an invite: a run, a crash, a withdrawal between any two of its steps."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from idpsync.core.errors import NotPossible, Refused, UnknownOutcome
from idpsync.core.membership import Actor, InviteState
from idpsync.core.policy import GroupRule, Policy, WithoutRule
from idpsync.core.records import Cause
from idpsync.core.seats import Tier
from tests.engine.house import EngineHouse, login
from tests.engine.test_exchange import FragileTarget
from tests.engine.test_exchange import Killed as KilledAtTarget
from tests.people import LADDER, PREMIUM, STANDARD, account

ROOT = Actor("cli:root")
FREE = Policy(ladder=LADDER)
CLOSED = replace(FREE, without_rule=WithoutRule.NONE)
ANN = "ann@acme.example"


class Killed(BaseException):
    """The process is gone: nothing of ours catches it."""


@dataclass(frozen=True)
class Amid:
    """A book at which something happens first, whenever `method` is called."""

    book: Any
    method: str
    happens: Callable[[], object]

    def __getattr__(self, name: str) -> Any:
        if name == self.method:
            self.happens()
        return getattr(self.book, name)


def die() -> None:
    raise Killed


def interrupted(
    house: EngineHouse, room: str, method: str, happens: Callable[[], object]
) -> EngineHouse:
    """The house, as a program sees it that is interrupted there; its people and books are the same."""
    other = EngineHouse(policy=house.policy, door=house.door, manual=house.manual)
    other.clock, other.store, other.target = house.clock, house.store, house.target
    amid = Amid(getattr(house.rooms, room), method, happens)
    other.rooms = replace(house.rooms, **{room: amid})  # type: ignore[arg-type]
    return other


def asked_in(**invite: Any) -> EngineHouse:
    """Ann is in the directory, where no rule admits her, and was invited."""
    house = EngineHouse(policy=CLOSED)
    house.add("ann")
    house.run()
    house.hand.invite(ROOT, ANN, **invite)
    house.clock.advance(timedelta(minutes=10))
    return house


def by_hand(house: EngineHouse) -> dict[str, Tier | None]:
    return {member: given.tier for member, given in house.store.assignments.all().items()}


def states(house: EngineHouse) -> list[InviteState]:
    return [invite.state for invite in house.store.invites.invites()]


# --- runs ---------------------------------------------------------------------------------------------


def test_a_run_amid_a_login_takes_nothing_from_whom_the_invite_lets_in() -> None:
    house = asked_in()
    amid = interrupted(house, "invites", "accept", house.run)

    assert amid.admitter.admit(login("ann")).let_in

    assert {"ann": "premium"} == house.tiers() == house.booked()
    assert by_hand(house) == {"ann": PREMIUM}
    assert house.events("account.deactivated") == []


@pytest.mark.parametrize(("room", "method"), [("invites", "invites"), ("assignments", "all")])
def test_a_run_that_looks_while_the_invite_ends_sees_the_invite_or_the_tier(
    room: str, method: str
) -> None:
    house = asked_in()
    with pytest.raises(Killed):
        interrupted(house, "invites", "accept", die).admitter.admit(login("ann"))

    interrupted(house, room, method, lambda: house.store.invites.accept("ann", Cause("test"))).run()

    assert house.tiers() == {"ann": "premium"}
    assert house.events("account.deactivated") == []


def test_a_crash_before_the_invite_is_accepted_is_made_good_by_the_next_run() -> None:
    house = asked_in(tier=STANDARD)
    with pytest.raises(Killed):
        interrupted(house, "invites", "accept", die).admitter.admit(login("ann"))
    house.clock.advance(timedelta(minutes=10))

    for _ in range(2):
        assert house.run().performed == ()

    assert house.tiers() == {"ann": "standard"}
    assert (by_hand(house), states(house)) == ({"ann": STANDARD}, [InviteState.ACCEPTED])


def test_whom_the_target_knows_by_another_name_than_the_invite_stays_too() -> None:
    """Invited before the directory named them; the account was made under the directory's name."""
    house = EngineHouse(policy=CLOSED)
    house.hand.invite(ROOT, ANN, tier=STANDARD)
    house.add("ann")
    house.run()
    house.clock.advance(timedelta(minutes=10))
    with pytest.raises(Killed):
        interrupted(house, "invites", "accept", die).admitter.admit(login("ann"))
    assert house.tiers() == {"ann": "standard"}

    for _ in range(3):
        house.clock.advance(timedelta(minutes=10))
        assert house.run().performed == ()

    assert {"ann": "standard"} == house.tiers() == house.booked()
    assert by_hand(house) == {"ann": STANDARD}


def test_whom_the_target_calls_by_a_name_of_its_own_is_known_by_the_address_of_the_invite() -> None:
    house = asked_in()
    with pytest.raises(Killed):
        interrupted(house, "invites", "accept", die).admitter.admit(login("ann"))
    (made,) = house.target.shelf.all()
    house.target.shelf.put(replace(made, profile=replace(made.profile, user_name="a.example")))
    house.clock.advance(timedelta(minutes=10))

    house.run()

    assert "off" not in house.tiers().values()
    assert list(by_hand(house).values()) == [PREMIUM]
    assert InviteState.PENDING not in states(house)


# --- withdrawn, or over -------------------------------------------------------------------------------


def test_an_invite_withdrawn_amid_a_login_lets_nobody_in() -> None:
    house = asked_in(role="owner")
    amid = interrupted(house, "seats", "hold", lambda: house.hand.withdraw(ROOT, ANN))

    answer = amid.admitter.admit(login("ann"))

    assert (answer.let_in, answer.reason, answer.roles) == (False, "not_assigned", frozenset())
    assert {} == house.tiers() == house.booked()


def test_an_invite_whose_seat_was_given_to_others_amid_a_login_leaves_no_wish() -> None:
    house = EngineHouse(policy=CLOSED, seats={PREMIUM: 0, STANDARD: 1})
    house.hand.invite(ROOT, ANN)

    def withdrawn_and_invited_another() -> None:
        if states(house) == [InviteState.PENDING]:
            house.hand.withdraw(ROOT, ANN)
            house.hand.invite(ROOT, "bob@acme.example")

    amid = interrupted(house, "waiting", "entries", withdrawn_and_invited_another)

    assert not amid.admitter.admit(login(ANN, email=ANN)).let_in
    assert house.store.waiting.entries() == ()
    assert house.booked() == {"bob@acme.example": "standard"}


@dataclass(frozen=True)
class JoinedThen:
    """A seat book beside which something happens once somebody joined a reservation."""

    book: Any
    happens: Callable[[], object]

    def hold(self, *words: Any) -> Any:
        placement = self.book.hold(*words)
        self.happens()
        return placement

    def __getattr__(self, name: str) -> Any:
        return getattr(self.book, name)


def test_an_invite_withdrawn_once_its_seat_is_joined_lets_nobody_in_either() -> None:
    house = asked_in(role="owner")
    other = interrupted(house, "seats", "none", die)
    seats = JoinedThen(house.store.seats, lambda: house.hand.withdraw(ROOT, ANN))
    other.rooms = replace(house.rooms, seats=seats)

    assert not other.admitter.admit(login("ann")).let_in
    assert house.tiers() == {}


def test_where_policy_admits_them_too_they_come_in_without_the_role_of_a_withdrawn_invite() -> None:
    house = EngineHouse(policy=FREE)
    house.hand.invite(ROOT, ANN, role="owner")
    amid = interrupted(house, "seats", "hold", lambda: withdraw_once(house))

    answer = amid.admitter.admit(login(ANN, email=ANN))

    assert (answer.let_in, answer.roles) == (True, frozenset())
    assert house.target.shelf.all()[0].roles == frozenset()
    assert by_hand(house) == {}


def withdraw_once(house: EngineHouse) -> None:
    if states(house) == [InviteState.PENDING]:
        house.hand.withdraw(ROOT, ANN)


def test_a_run_gives_no_role_of_an_invite_withdrawn_meanwhile() -> None:
    house = EngineHouse(policy=FREE)
    house.hand.invite(ROOT, ANN, role="owner")
    house.directory.add(ANN, email=ANN)

    interrupted(house, "waiting", "replace", lambda: withdraw_once(house)).run()

    (made,) = house.target.shelf.all()
    assert (made.roles, house.tiers()) == (frozenset(), {ANN: "premium"})
    assert (by_hand(house), states(house)) == ({}, [InviteState.WITHDRAWN])


def test_somebody_who_has_come_in_is_not_withdrawn_but_removed() -> None:
    house = asked_in()
    house.target.lose_answer("ann")
    with pytest.raises(UnknownOutcome):
        house.admitter.admit(login("ann"))

    with pytest.raises(NotPossible, match=r"has come in already.*members remove ann"):
        house.hand.withdraw(ROOT, ANN)
    assert states(house) == [InviteState.PENDING]


def test_an_invite_whose_time_is_over_leaves_its_seat_to_nobody() -> None:
    house = EngineHouse(policy=replace(FREE, rules=(GroupRule("Users", STANDARD),)))
    house.hand.invite(ROOT, ANN, tier=PREMIUM, role="owner")
    house.clock.advance(timedelta(days=22))  # and no run has said so yet

    answer = house.admitter.admit(login(ANN, {"Users"}, ANN))

    assert (answer.tier, answer.roles) == (STANDARD, frozenset())
    assert {ANN: "standard"} == house.tiers() == house.booked()
    assert states(house) == [InviteState.LAPSED]


# --- what was given by hand ---------------------------------------------------------------------------


def come_in(**invite: Any) -> EngineHouse:
    """Ann is in, and only the tier by hand says that she belongs here."""
    house = asked_in(**invite)
    house.admitter.admit(login("ann"))
    house.clock.advance(timedelta(hours=1))
    house.run()
    house.clock.advance(timedelta(hours=1))
    return house


@pytest.mark.parametrize("step", [("target", "apply"), ("seats", "release"), ("waiting", "drop")])
def test_a_removal_cut_short_is_not_undone_by_the_next_run(step: tuple[str, str]) -> None:
    house = come_in()
    with pytest.raises(Killed):
        interrupted(house, *step, die).hand.remove(ROOT, ANN)
    house.clock.advance(timedelta(hours=1))

    house.run()

    assert (house.tiers(), by_hand(house)) == ({"ann": "off"}, {})


def test_a_removal_that_the_target_refuses_leaves_what_was_by_hand() -> None:
    house = come_in()
    house.target.fail("ann", Refused("fake target", "deactivate", "no"))

    assert house.hand.remove(ROOT, ANN).outcome == "failed"

    assert by_hand(house) == {"ann": PREMIUM}
    assert house.run().performed == ()


def test_no_seat_by_hand_holds_also_for_a_login_under_another_name() -> None:
    house = EngineHouse(policy=FREE)
    house.target.shelf.put(account("ann", STANDARD, external_id=None))
    house.run()
    house.hand.assign(ROOT, ANN, None)

    answer = house.admitter.admit(login("u1", email=ANN))

    assert (answer.reason, answer.because) == ("no_seat", ("no seat by hand (cli:root)",))
    assert (house.tiers(), house.booked()) == ({ANN: "-"}, {})


def test_whoever_is_seated_under_another_name_is_booked_under_that_of_the_account() -> None:
    house = EngineHouse(policy=FREE)
    house.target.shelf.put(account("ann", None, external_id=None))

    assert house.admitter.admit(login("u1", email=ANN)).member == ANN
    assert {ANN: "premium"} == house.tiers() == house.booked()


@pytest.mark.parametrize(
    ("first", "then"), [(None, PREMIUM), (STANDARD, PREMIUM), (PREMIUM, STANDARD), (PREMIUM, None)]
)
@pytest.mark.parametrize("where", [("seats", "settle"), ("seats", "release"), ("ledger", "append")])
def test_an_assignment_cut_short_after_the_target_did_it_holds(
    where: tuple[str, str], first: Tier | None, then: Tier | None
) -> None:
    house = EngineHouse(policy=FREE)
    house.add("ann")
    house.run()
    house.hand.assign(ROOT, ANN, first)
    house.clock.advance(timedelta(hours=1))
    with suppress(Killed):
        interrupted(house, *where, die).hand.assign(ROOT, ANN, then)
    assert house.target.shelf.all()[0].tier == then

    for _ in range(2):
        house.clock.advance(timedelta(days=30))
        assert house.run().performed == ()

    assert {"ann": then} == by_hand(house)
    assert house.tiers() == {"ann": then.name if then else "-"}


@pytest.mark.parametrize("change", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_a_swap_cut_short_leaves_everybody_the_tier_by_hand_that_they_have(
    change: int, after: bool
) -> None:
    house = EngineHouse(policy=FREE, seats={PREMIUM: 1, STANDARD: 1})
    house.add("ann bob")
    house.run()
    for name, tier in (("ann", PREMIUM), ("bob", STANDARD)):
        house.hand.assign(ROOT, f"{name}@acme.example", tier)
    target = FragileTarget(house.target.shelf.all())
    house.use_target(target)
    target.dies_at, target.after = change, after
    with pytest.raises(KilledAtTarget):
        house.hand.swap(ROOT, ANN, "bob@acme.example")

    for _ in range(4):
        house.clock.advance(timedelta(minutes=30))
        house.run()

    tiers = {name: tier.name for name, tier in by_hand(house).items() if tier}
    assert tiers == house.tiers() == house.booked()
    assert sorted(tiers.values()) == ["premium", "standard"]
    assert house.store.waiting.entries() == ()


def test_the_tiers_of_a_swap_are_put_down_together() -> None:
    house = EngineHouse(policy=FREE, seats={PREMIUM: 1, STANDARD: 1})
    house.add("ann bob")
    house.run()
    puts: list[int] = []
    amid = interrupted(house, "assignments", "put", lambda: puts.append(1))

    amid.hand.swap(ROOT, ANN, "bob@acme.example")

    assert (len(puts), by_hand(house)) == (1, {"ann": STANDARD, "bob": PREMIUM})
