"""Amid a login on an invite: a run, a crash, a withdrawal between any two of its steps."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from idpsync.core.membership import Actor, InviteState
from idpsync.core.policy import Policy, WithoutRule
from idpsync.core.records import Cause
from idpsync.core.seats import Tier
from tests.engine.house import EngineHouse, login
from tests.people import LADDER, PREMIUM, STANDARD

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
