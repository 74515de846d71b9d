"""An address is one person's: who gets that of somebody else does not get their membership."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import Conflict
from idpsync.core.model import Standing
from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, OwnerHidden, claude_house
from tests.contracts.target import STANDARD, create, deactivate, delete, profile, reactivate, update
from tests.twins.claude.twin import KEY

ADA, BOB = "ada@acme.example", "bob@acme.example"
BOB_AT_ADAS = replace(profile("bob"), email=ADA)
Open = Callable[..., ClaudeHouse]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    monkeypatch.setenv(KEY_NAME, KEY)
    with ExitStack() as stack:
        yield lambda mode, **seats: stack.enter_context(claude_house(mode, seats or None))


def joined(house: ClaudeHouse, *names: str) -> None:
    for name in names:
        house.target().apply(create(name, STANDARD))
        house.org.accept(f"{name}@acme.example")


def test_nobody_takes_over_the_member_of_somebody_whose_address_they_are_given(opened: Open) -> None:
    house = opened("login_only")
    joined(house, "ada", "bob")
    target = house.target()
    bob = target.find(BOB)
    assert bob
    with pytest.raises(Conflict, match=r"by which Claude knows ada@acme\.example"):
        target.apply(update(bob, BOB_AT_ADAS, "email"))
    target.apply(deactivate(bob))
    assert house.user_names() == [ADA]


@pytest.mark.parametrize("mode", ["login_only", "scim_advanced"])
def test_nobody_is_created_with_the_address_of_somebody_else(opened: Open, mode: str) -> None:
    house = opened(mode)
    house.target().apply(create("ada", STANDARD))
    with pytest.raises(Conflict, match=r"ada@acme\.example"):
        house.target().apply(replace(create("bob", STANDARD), profile=BOB_AT_ADAS))
    assert house.members_of("seat-standard") == {"id-ada"}


def test_the_address_of_somebody_whose_user_name_is_another_is_theirs_too(opened: Open) -> None:
    house = opened("login_only")
    target = house.target()
    target.apply(replace(create("bob", STANDARD), profile=BOB_AT_ADAS))
    with pytest.raises(Conflict, match=r"bob@acme\.example"):
        target.apply(create("ada", STANDARD))
    assert house.members_of("seat-standard") == {"id-bob"}


def test_what_another_process_wrote_to_the_shelf_counts_after_a_minute(opened: Open) -> None:
    house = opened("login_only")
    target = house.target()
    target.apply(create("eve", STANDARD))
    house.target().apply(replace(create("bob", STANDARD), profile=BOB_AT_ADAS))
    house.org.clock.advance(timedelta(minutes=2))
    with pytest.raises(Conflict):
        target.apply(create("ada", STANDARD))


def test_the_address_of_somebody_let_go_is_free_and_the_newcomer_is_not_taken_for_them(
    opened: Open,
) -> None:
    house = opened("login_only")
    joined(house, "ada")
    ada = house.target().find(ADA)
    assert ada
    house.target().apply(deactivate(ada))
    house.target().apply(replace(create("bob", STANDARD), profile=BOB_AT_ADAS))
    house.org.accept(ADA)
    target = OwnerHidden(house.target())
    assert {one.user_name: one.standing for one in target.accounts()} == {
        ADA: Standing.DEACTIVATED,
        BOB: Standing.ACTIVE,
    }
    assert [target.find(name) for name in (BOB, ADA)] == list(target.accounts())
    with pytest.raises(Conflict):
        target.apply(reactivate(ada, STANDARD))
    target.apply(delete(ada))
    assert house.user_names() == [ADA]
    assert house.members_of("seat-standard") == {"id-bob"}


def test_somebody_without_an_id_has_their_own_address(opened: Open) -> None:
    house = opened("login_only")
    unmarked = replace(create("ada", STANDARD), external_id="")
    account = house.target().apply(unmarked)
    assert house.target().apply(unmarked) == account


def test_somebody_who_is_called_otherwise_by_now_keeps_their_address(opened: Open) -> None:
    house = opened("login_only")
    account = house.target().apply(create("ada", STANDARD))
    renamed = replace(profile("ada"), user_name="lovelace@acme.example")
    assert house.target().apply(replace(create("ada", STANDARD), profile=renamed)).id == account.id


def test_an_address_that_another_process_saw_given_up_is_free_at_once(opened: Open) -> None:
    house = opened("scim_advanced")
    target = house.target()
    ada = target.apply(create("ada", STANDARD))
    elsewhere = replace(profile("ada"), email="lovelace@acme.example")
    house.target().apply(update(ada, elsewhere, "email"))
    bob = target.apply(replace(create("bob", STANDARD), profile=BOB_AT_ADAS))
    assert bob.profile == BOB_AT_ADAS


def test_a_member_who_is_adopted_is_known_by_the_id_that_claude_gave_them(opened: Open) -> None:
    house = opened("login_only")
    member = house.org.add_member(ADA)
    assert house.target().apply(create("ada", STANDARD)).id == member["id"]
