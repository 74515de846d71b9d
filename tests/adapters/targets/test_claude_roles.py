"""Who is who at Claude, which roles are given, and what is written where the mode is not known."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from idpsync.core.errors import Conflict, Refused
from idpsync.core.model import Account, Standing
from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, OwnerHidden, claude_house
from tests.contracts.target import (
    PREMIUM,
    STANDARD,
    change_roles,
    change_tier,
    create,
    deactivate,
    delete,
    profile,
)
from tests.twins.claude.organization import OWNER
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


# --- roles ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["login_only", "jit_permissive", "scim_permissive"])
def test_a_member_is_made_managed_and_user_again(opened: Open, mode: str) -> None:
    house = opened(mode)
    house.put("ada@acme.example")
    (account,) = listed(house)
    for _ in range(2):
        changed = house.target().apply(change_roles(account, "managed", before=["user"]))
        assert changed.roles == {"managed"}
    assert house.twin.counted()["POST organizations/users/{id}"] == 1
    back = house.target().apply(change_roles(changed, before=["managed"]))
    assert back.roles == {"user"}
    assert house.org.called("ada@acme.example")["role"] == "user"  # type: ignore[index]


@pytest.mark.parametrize("role", ["admin", "owner", "primary_owner", "designer"])
def test_a_role_that_the_api_does_not_give_is_refused_before_it_is_asked(
    opened: Open, role: str
) -> None:
    house = opened("login_only")
    house.put("ada@acme.example")
    (account,) = listed(house)
    with pytest.raises(Refused, match=f"gives nobody the role {role}"):
        house.target().apply(change_roles(account, role))
    assert house.twin.counted()["POST organizations/users/{id}"] == 0


@pytest.mark.parametrize("mode", ["jit_advanced", "scim_advanced"])
def test_a_role_that_follows_from_groups_is_not_written(opened: Open, mode: str) -> None:
    house = opened(mode)
    house.put("ada@acme.example")
    (account,) = listed(house)
    with pytest.raises(Refused, match="follows from the groups"):
        house.target().apply(change_roles(account, "managed", before=["user"]))
    assert house.twin.counted()["POST organizations/users/{id}"] == 0


@pytest.mark.parametrize("mode", ["login_only", "jit_advanced", "scim_advanced"])
@pytest.mark.parametrize("role", ["primary_owner", "owner", "membership_admin", "superuser"])
def test_owners_and_admins_are_never_touched(opened: Open, mode: str, role: str) -> None:
    house = opened(mode)
    boss = house.org.add_member("boss@acme.example", role)
    account = house.target().find("boss@acme.example")
    assert account is not None
    actions = (
        deactivate(account),
        delete(account),
        change_tier(account, None),
        change_roles(account, "managed", before=account.roles),
    )
    for action in actions:
        with pytest.raises(Refused, match="the Admin API touches only"):
            house.target().apply(action)
    assert house.org.members[boss["id"]]["role"] == role
    assert OWNER in {one.user_name for one in house.target().accounts()}
    written = [one for one in house.twin.seen if one.method != "GET"]
    assert written == []


# --- who is who -------------------------------------------------------------------------------------


def test_an_address_that_is_the_name_of_somebody_else_is_refused(opened: Open) -> None:
    house = opened("login_only")
    house.target().apply(create("ada", STANDARD))
    other = replace(create("bob"), profile=replace(profile("bob"), email="ada@acme.example"))
    with pytest.raises(Conflict, match=r"by which Claude knows ada@acme\.example"):
        house.target().apply(other)
    assert house.members_of("seat-standard") == {"id-ada"}


@pytest.mark.parametrize("mode", ["jit_advanced", "scim_advanced"])
def test_a_member_without_an_id_is_given_no_tier_by_a_group_that_cannot_take_them(
    opened: Open, mode: str
) -> None:
    house = opened(mode)
    house.put("zoe@acme.example")
    (account,) = listed(house)
    with pytest.raises(Refused, match="no id in the directory"):
        house.target().apply(change_tier(account, STANDARD))


def test_a_member_without_an_id_is_not_said_to_be_let_go_where_only_sync_removes(opened: Open) -> None:
    house = opened("scim_advanced")
    house.put("zoe@acme.example")
    (account,) = listed(house)
    with pytest.raises(Refused, match="no id in the directory"):
        house.target().apply(deactivate(account))


def test_whoever_was_invited_in_this_run_may_be_changed_in_it(opened: Open) -> None:
    house = opened("login_only")
    target = house.target()
    target.accounts()
    account = target.apply(create("ada", STANDARD))
    assert target.apply(change_tier(account, STANDARD)) == account
    assert target.apply(delete(account)).standing is Standing.DEACTIVATED
    assert house.org.invites == {}
    asked = house.twin.counted()["GET organizations/users"]
    assert asked == 2  # the listing, and a look before they went


def test_an_owner_is_not_taken_out_of_a_group_by_an_account_without_a_tier(opened: Open) -> None:
    house = opened("scim_advanced")
    house.org.add_member("ada@acme.example", "owner")
    house.members_of("seat-premium").add("id-ada")
    with pytest.raises(Refused, match="has no tier"):
        house.target().apply(create("ada", None))
    assert house.members_of("seat-premium") == {"id-ada"}


# --- the mode itself --------------------------------------------------------------------------------


def test_a_mode_that_is_not_configured_is_read_from_claude_and_read_anew_with_each_listing(
    opened: Open,
) -> None:
    house = opened("login_only")
    target = house.target(provisioning_mode=None)
    target.apply(create("ada", STANDARD))
    assert len(house.org.invites) == 1
    house.org.mode = "jit_advanced"
    target.accounts()
    target.apply(create("bob", STANDARD))
    assert len(house.org.invites) == 1


def test_without_a_mode_people_are_listed_and_nothing_is_written(opened: Open) -> None:
    house = opened("login_only")
    house.twin.keys[KEY].discard("read:compliance_org_data")
    house.put("ada@acme.example", external_id="id-ada")
    target = house.target(provisioning_mode=None)
    (_, account) = sorted(target.accounts(), key=lambda one: one.user_name == "ada@acme.example")
    asked = house.twin.counted()[f"GET compliance/organizations/{house.org.id}/settings"]
    assert asked == 1
    for action in (create("bob"), deactivate(account), change_tier(account, PREMIUM)):
        with pytest.raises(Refused, match=r"set target\.provisioning_mode"):
            target.apply(action)
    assert [one for one in house.twin.seen if one.method != "GET"] == []
    assert house.members_of("seat-standard") == set()


def test_a_name_on_the_shelf_of_somebody_else_is_refused_before_any_write(opened: Open) -> None:
    house = opened("login_only")
    house.target().apply(create("ada", STANDARD))
    with pytest.raises(Conflict):
        house.target().apply(replace(create("ada", PREMIUM), external_id="id-bob"))
    assert house.members_of("seat-premium") == set()
