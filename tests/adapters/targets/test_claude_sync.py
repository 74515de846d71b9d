"""Where directory sync brings people to Claude and takes them out: what is shown meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import Refused
from idpsync.core.model import Account, Standing
from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, OwnerHidden, claude_house
from tests.contracts.target import (
    PREMIUM,
    STANDARD,
    create,
    deactivate,
    profile,
    update,
)
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


# --- directory sync brings people -------------------------------------------------------------------


def test_directory_sync_takes_out_who_was_let_go_and_until_then_they_count_as_gone(
    opened: Open,
) -> None:
    house = opened("scim_advanced")
    account = house.target().apply(create("ada", PREMIUM))
    house.org.sync()
    gone = house.target().apply(deactivate(account))
    assert house.user_names() == ["ada@acme.example"]
    assert house.twin.counted()["DELETE organizations/users/{id}"] == 0
    assert listed(house) == [gone]
    house.org.sync()
    assert house.user_names() == []
    assert listed(house) == [gone]


def test_somebody_whom_sync_never_takes_out_is_shown_with_their_seat_in_the_end(opened: Open) -> None:
    house = opened("scim_advanced")
    account = house.target().apply(create("ada", PREMIUM))
    house.org.sync()
    house.target().apply(deactivate(account))
    house.org.clock.advance(timedelta(hours=7))
    (found,) = listed(house)
    assert (found.standing, found.tier) == (Standing.ACTIVE, PREMIUM)


def test_whom_the_directory_took_out_itself_is_let_go_without_a_word(opened: Open) -> None:
    """Somebody deleted there is in no group any more, and sync has not come to them yet."""
    house = opened("scim_advanced")
    account = house.target().apply(create("ada", PREMIUM))
    house.org.sync()
    house.members_of("seat-premium").clear()
    assert house.target().apply(deactivate(account)).standing is Standing.DEACTIVATED


def test_a_member_by_another_assignment_is_not_said_to_be_let_go(opened: Open) -> None:
    house = opened("scim_advanced")
    house.put("ada@acme.example", external_id="id-ada")
    (account,) = listed(house)
    with pytest.raises(Refused, match="something else in the identity provider"):
        house.target().apply(deactivate(account))
    assert [one.standing for one in listed(house)] == [Standing.ACTIVE]


def test_with_a_new_address_sync_brings_another_member_to_the_same_account(opened: Open) -> None:
    house = opened("scim_advanced")
    account = house.target().apply(create("ada", PREMIUM))
    house.org.sync()
    wanted = replace(profile("ada"), email="lovelace@acme.example")
    house.directory.people["id-ada"] = replace(house.directory.people["id-ada"], profile=wanted)
    moved = house.target().apply(update(account, wanted, "email"))
    assert (moved.id, moved.standing) == (account.id, Standing.INVITED)
    house.org.sync()
    (found,) = listed(house)
    assert (found.id, found.standing) == (account.id, Standing.ACTIVE)
    assert house.user_names() == ["lovelace@acme.example"]


@pytest.mark.parametrize("mode", ["login_only", "jit_advanced"])
def test_a_new_address_is_refused_until_somebody_let_them_in_under_it(opened: Open, mode: str) -> None:
    house = opened(mode)
    house.put("ada@acme.example", external_id="id-ada")
    (account,) = listed(house)
    wanted = replace(profile("ada"), email="lovelace@acme.example")
    with pytest.raises(Refused, match="let them in under the new one in the Claude console"):
        house.target().apply(update(account, wanted, "email"))
    house.org.add_member("lovelace@acme.example")
    moved = house.target().apply(update(account, wanted, "email"))
    assert (moved.id, moved.profile) == (account.id, wanted)


def test_somebody_put_into_a_group_by_hand_is_on_their_way(opened: Open) -> None:
    house = opened("scim_advanced")
    house.members_of("seat-standard").add("id-eve")
    (account,) = listed(house)
    assert (account.id, account.standing, account.tier) == ("id-eve", Standing.INVITED, STANDARD)
    assert house.target().find("eve@acme.example") == account
    house.target().apply(deactivate(account))
    assert house.members_of("seat-standard") == set()


def test_a_member_without_our_mark_has_the_tier_of_their_group(opened: Open) -> None:
    house = opened("scim_advanced")
    house.members_of("seat-standard").add("id-eve")
    house.put("Eve@acme.example")
    (account,) = listed(house)
    assert (account.user_name, account.tier, account.external_id) == ("Eve@acme.example", STANDARD, None)
    assert house.target().find("eve@acme.example") == account


def test_who_comes_has_the_role_that_they_were_known_to_get(opened: Open) -> None:
    """Else everybody who comes would look as if somebody had changed their role."""
    house = opened("scim_advanced")
    account = house.target().apply(create("ada", PREMIUM, ()))
    house.org.sync()
    assert [one.roles for one in listed(house)] == [account.roles] == [{"user"}]


def test_a_name_that_is_no_address_is_not_asked_for_at_claude(opened: Open) -> None:
    house = opened("scim_advanced")
    assert house.target().find("ada") is None
    assert house.twin.seen == []
