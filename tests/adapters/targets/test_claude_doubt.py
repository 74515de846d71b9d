"""Crashes between two writes, and many threads at once: no second invite, no seat lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest

from idpsync.core.errors import RemoteError, SeatsExhausted, UnknownOutcome
from idpsync.core.model import Account, DirectoryUser, Standing
from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, OwnerHidden, claude_house
from tests.contracts.target import PREMIUM, STANDARD, create, deactivate, profile, update
from tests.twins.claude.answers import Fault, refused
from tests.twins.claude.twin import KEY

Open = Callable[..., ClaudeHouse]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    monkeypatch.setenv(KEY_NAME, KEY)
    with ExitStack() as stack:
        yield lambda mode, **seats: stack.enter_context(claude_house(mode, seats or None))


def listed(house: ClaudeHouse) -> list[Account]:
    """Everybody but the owner, as a new process sees them."""
    return list(OwnerHidden(house.target()).accounts())


def test_a_crash_after_the_group_leaves_nobody_invited_and_the_next_run_invites_once(
    opened: Open,
) -> None:
    house = opened("login_only")
    house.members_of("seat-standard").add("id-ada")
    assert listed(house) == []
    house.target().apply(create("ada", STANDARD))
    assert len(house.org.invites) == 1


def test_a_crash_before_the_shelf_makes_no_second_invite(opened: Open) -> None:
    house = opened("login_only")
    made = house.target().apply(create("ada", STANDARD))
    house.shelf.by_id.clear()
    (found,) = listed(house)
    assert (found.id, found.tier, found.external_id) == (made.id, STANDARD, None)
    assert house.target().apply(create("ada", STANDARD)).id == made.id
    assert len(house.org.invites) == 1


def test_a_crash_before_the_shelf_leaves_whom_the_group_brings_under_the_same_id(opened: Open) -> None:
    house = opened("scim_advanced")
    made = house.target().apply(create("ada", PREMIUM))
    house.shelf.by_id.clear()
    assert listed(house) == [made]
    assert house.target().apply(create("ada", PREMIUM)) == made


def test_a_removal_that_failed_after_the_group_is_made_up_for(opened: Open) -> None:
    house = opened("jit_advanced")
    account = house.target().apply(create("ada", PREMIUM))
    house.org.login("ada@acme.example")
    house.twin.faults.append(
        Fault("DELETE", "/users/", times=9, instead=refused(500, "api_error", "oops"))
    )
    with pytest.raises(UnknownOutcome):
        house.target().apply(deactivate(account))
    house.twin.faults.clear()
    (found,) = listed(house)
    assert found.standing is Standing.ACTIVE
    house.target().apply(deactivate(found))
    assert house.user_names() == []


def test_a_member_whose_shelf_was_lost_is_found_by_their_address(opened: Open) -> None:
    house = opened("scim_advanced")
    house.target().apply(create("ada", PREMIUM))
    house.org.sync()
    house.shelf.by_id.clear()
    (found,) = listed(house)
    assert (found.user_name, found.tier, found.standing) == (
        "ada@acme.example",
        PREMIUM,
        Standing.ACTIVE,
    )
    adoption = replace(update(found, profile("ada"), "external_id"), external_id="id-ada")
    house.target().apply(adoption)
    assert [(one.id, one.external_id) for one in listed(house)] == [(found.id, "id-ada")]


def test_who_accepts_while_everybody_is_listed_is_listed_once_as_a_member(opened: Open) -> None:
    house = opened("login_only")
    house.target().apply(create("ada", STANDARD))
    house.twin.between_pages = lambda: (
        house.org.pending("ada@acme.example") and house.org.accept("ada@acme.example")
    )
    assert [(one.user_name, one.standing) for one in listed(house)] == [
        ("ada@acme.example", Standing.ACTIVE)
    ]


def test_many_threads_invite_each_person_once_and_no_more_than_there_are_seats(opened: Open) -> None:
    house = opened("login_only", premium=1, standard=30)
    names = [f"user{number:02}" for number in range(40)]
    for name in names:
        house.directory.people[f"id-{name}"] = DirectoryUser("fake", f"id-{name}", profile(name))
    target = house.target()
    target.accounts()

    def invite(name: str) -> RemoteError | None:
        try:
            target.apply(create(name, STANDARD))
        except RemoteError as error:
            return error
        return None

    with ThreadPoolExecutor(max_workers=8) as pool:
        told = list(pool.map(invite, names))
    refused_for_seats = [error for error in told if isinstance(error, SeatsExhausted)]
    assert (len(house.org.invites), len(refused_for_seats)) == (30, 10)
    assert len(house.members_of("seat-standard")) == 30
    assert len(listed(house)) == 30
