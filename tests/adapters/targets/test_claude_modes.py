"""What each provisioning mode lets the Claude target do, and what it leaves to others, in words."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import Conflict, NotFound, Refused, SeatsExhausted, UnknownOutcome
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
    reactivate,
    update,
)
from tests.twins.claude.answers import Fault
from tests.twins.claude.organization import OWNER
from tests.twins.claude.twin import KEY
from tests.twins.scim import cut

Open = Callable[..., ClaudeHouse]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    monkeypatch.setenv(KEY_NAME, KEY)
    with ExitStack() as stack:
        yield lambda mode, **seats: stack.enter_context(claude_house(mode, seats or None))


def listed(house: ClaudeHouse) -> list[Account]:
    """Everybody but the owner, as a new process sees them."""
    return list(OwnerHidden(house.target()).accounts())


# --- invites only -----------------------------------------------------------------------------------


def test_where_people_come_by_invites_a_create_invites_once(opened: Open) -> None:
    house = opened("login_only")
    account = house.target().apply(create("ada", STANDARD))
    assert account.standing is Standing.INVITED
    assert house.members_of("seat-standard") == {"id-ada"}
    for _ in range(2):
        assert house.target().apply(create("ada", STANDARD)) == account
    assert [one["email"] for one in house.org.invites.values()] == ["ada@acme.example"]
    assert listed(house) == [account]


def test_who_accepts_an_invite_keeps_the_id_under_which_they_were_known(opened: Open) -> None:
    house = opened("login_only")
    account = house.target().apply(create("ada", STANDARD))
    member = house.org.accept("ada@acme.example")
    assert member["id"] != account.id
    (found,) = listed(house)
    assert found == replace(account, standing=Standing.ACTIVE)


def test_an_invite_whose_time_is_over_is_no_account_and_is_sent_anew(opened: Open) -> None:
    house = opened("login_only")
    account = house.target().apply(create("ada", STANDARD))
    house.org.clock.advance(timedelta(days=22))
    assert listed(house) == []
    with pytest.raises(NotFound):
        house.target().apply(change_tier(account, STANDARD))
    assert house.target().apply(create("ada", STANDARD)).id == account.id
    assert [one.standing for one in listed(house)] == [Standing.INVITED]


def test_somebody_who_is_a_member_already_is_adopted_and_not_invited(opened: Open) -> None:
    house = opened("login_only")
    house.put("ada@acme.example")
    account = house.target().apply(create("ada", STANDARD))
    assert (account.standing, account.external_id) == (Standing.ACTIVE, "id-ada")
    assert house.org.invites == {}


def test_a_member_who_came_since_the_listing_is_adopted_though_claude_says_no(opened: Open) -> None:
    house = opened("login_only")
    target = house.target()
    target.accounts()
    house.put("ada@acme.example")
    assert target.apply(create("ada", STANDARD)).standing is Standing.ACTIVE
    assert house.twin.counted()["POST organizations/invites"] == 1


def test_an_alias_of_somebody_is_somebody_else(opened: Open) -> None:
    """The filter of the API finds jane@ for jane+x@: only what it returns counts."""
    house = opened("login_only")
    house.put("ada+x@acme.example")
    assert house.target().find("ada@acme.example") is None
    account = house.target().apply(create("ada", STANDARD))
    assert account.standing is Standing.INVITED
    assert {one.user_name for one in listed(house)} == {"ada@acme.example", "ada+x@acme.example"}


def test_an_invite_whose_fate_cannot_be_looked_up_stays_unknown_and_its_place_kept(opened: Open) -> None:
    house = opened("login_only")
    house.twin.faults.append(Fault("POST", "/invites", times=9, wire=cut))
    house.twin.faults.append(Fault("GET", "email", times=9, wire=cut))
    target = house.target()
    target.accounts()
    with pytest.raises(UnknownOutcome):
        target.apply(create("ada", STANDARD))
    assert house.members_of("seat-standard") == {"id-ada"}
    assert len(house.org.invites) == 1


@pytest.mark.parametrize("times", [1, 2, 3])
def test_an_invite_whose_answer_is_lost_is_found_again(opened: Open, times: int) -> None:
    house = opened("login_only")
    house.twin.faults.append(Fault("POST", "/invites", times=times, wire=cut))
    account = house.target().apply(create("ada", STANDARD))
    assert account.standing is Standing.INVITED
    assert len(house.org.invites) == 1


def test_without_a_seat_the_invite_is_refused_and_nobody_stays_in_a_group(opened: Open) -> None:
    house = opened("login_only", premium=1, standard=1)
    house.target().apply(create("ada", STANDARD))
    with pytest.raises(SeatsExhausted, match="no seat of any tier is free"):
        house.target().apply(create("bob", STANDARD))
    assert house.members_of("seat-standard") == {"id-ada"}
    assert [one.user_name for one in listed(house)] == ["ada@acme.example"]


def test_a_refused_invite_in_another_mode_than_configured_is_no_want_of_seats(opened: Open) -> None:
    house = opened("jit_advanced")
    with pytest.raises(Refused, match=r"correct target\.provisioning_mode") as caught:
        house.target(provisioning_mode="login_only").apply(create("ada", STANDARD))
    assert not isinstance(caught.value, SeatsExhausted)
    assert house.members_of("seat-standard") == set()


@pytest.mark.parametrize(
    ("arranged", "told"),
    [
        (lambda house: house.org.allowed_domains.clear(), "is not allowed: a primary owner"),
        (lambda house: setattr(house.org, "member_limit", 1), "not the number of seats"),
    ],
)
def test_what_a_code_says_is_told_in_words(
    opened: Open, arranged: Callable[[ClaudeHouse], None], told: str
) -> None:
    house = opened("login_only")
    arranged(house)
    with pytest.raises(Refused, match=told) as caught:
        house.target().apply(create("ada", STANDARD))
    assert not isinstance(caught.value, SeatsExhausted)


def test_who_is_let_go_is_removed_and_their_seat_is_free_at_once(opened: Open) -> None:
    house = opened("login_only")
    account = house.target().apply(create("ada", STANDARD))
    house.org.accept("ada@acme.example")
    free = house.org.free("standard")
    for _ in range(2):
        gone = house.target().apply(deactivate(account))
        assert (gone.id, gone.standing, gone.tier) == (account.id, Standing.DEACTIVATED, None)
    assert house.user_names() == []
    assert house.org.free("standard") == free + 1
    assert house.members_of("seat-standard") == set()
    assert listed(house) == [gone]


def test_an_invite_of_somebody_who_leaves_is_withdrawn(opened: Open) -> None:
    house = opened("login_only")
    account = house.target().apply(create("ada", STANDARD))
    house.target().apply(delete(account))
    assert house.org.invites == {}
    assert listed(house) == []


def test_who_comes_back_is_invited_again_under_the_old_id(opened: Open) -> None:
    house = opened("login_only")
    account = house.target().apply(create("ada", STANDARD))
    house.target().apply(deactivate(account))
    back = house.target().apply(reactivate(account, STANDARD))
    assert (back.id, back.standing) == (account.id, Standing.INVITED)
    assert len(house.org.invites) == 1


def test_somebody_without_an_id_may_be_invited_and_their_tier_is_kept_on_the_shelf(opened: Open) -> None:
    house = opened("login_only")
    house.twin.keys[KEY].discard("read:compliance_activities")
    account = house.target().apply(replace(create("ada", STANDARD), external_id=""))
    assert (account.external_id, account.tier) == (None, STANDARD)
    assert listed(house) == [account]


@pytest.mark.parametrize("mode", ["login_only", "jit_permissive", "scim_permissive"])
def test_where_tiers_are_given_by_hand_a_change_is_refused_with_what_to_do(
    opened: Open, mode: str
) -> None:
    house = opened(mode)
    house.put("ada@acme.example", external_id="id-ada")
    house.members_of("seat-standard").add("id-ada")
    (account,) = listed(house)
    with pytest.raises(Refused, match=r"premium tier for ada@acme\.example in the Claude console"):
        house.target().apply(change_tier(account, PREMIUM))
    assert house.members_of("seat-premium") == set()
    assert house.target().apply(change_tier(account, STANDARD)).tier == STANDARD


def test_a_tier_that_nobody_knows_is_noted_where_tiers_are_given_by_hand(opened: Open) -> None:
    house = opened("login_only")
    house.put("ada@acme.example", external_id="id-ada")
    (account,) = listed(house)
    assert account.tier is None
    assert house.target().apply(change_tier(account, STANDARD)).tier == STANDARD


# --- logins bring people ----------------------------------------------------------------------------


def test_a_login_brings_whom_the_group_named(opened: Open) -> None:
    house = opened("jit_advanced")
    account = house.target().apply(create("ada", PREMIUM))
    house.org.login("ada@acme.example")
    assert house.tier_at_claude("ada") == "premium"
    assert listed(house) == [replace(account, standing=Standing.ACTIVE, roles=frozenset({"user"}))]


def test_who_leaves_is_out_of_the_groups_before_they_are_removed(opened: Open) -> None:
    """Removed alone they would be back with the next login (DOMAIN §7.5)."""
    house = opened("jit_advanced")
    target = house.target()
    account = target.apply(create("ada", PREMIUM))
    house.org.login("ada@acme.example")
    target.accounts()
    seen: list[set[str]] = []
    house.twin.faults.append(
        Fault("DELETE", "/users/", wire=lambda *_: seen.append(set(house.members_of("seat-premium"))))
    )
    target.apply(deactivate(account))
    assert seen == [set()]
    assert house.user_names() == []
    with pytest.raises(PermissionError):
        house.org.login("ada@acme.example")


def test_who_is_not_let_out_of_the_group_is_not_removed(opened: Open) -> None:
    house = opened("jit_advanced")
    account = house.target().apply(create("ada", PREMIUM))
    house.org.login("ada@acme.example")
    house.writer.owned = frozenset({"seat-standard"})
    with pytest.raises(Refused):
        house.target().apply(deactivate(account))
    assert house.user_names() == ["ada@acme.example"]


def test_somebody_let_go_who_is_back_is_seen_and_let_go_again(opened: Open) -> None:
    house = opened("jit_permissive")
    house.twin.keys[KEY].discard("read:compliance_activities")
    account = house.target().apply(create("ada", PREMIUM))
    house.target().apply(deactivate(account))
    house.org.login("ada@acme.example")
    (back,) = listed(house)
    assert (back.id, back.standing) == (account.id, Standing.ACTIVE)
    house.target().apply(deactivate(back))
    assert house.user_names() == []


def test_who_left_and_came_back_since_the_listing_is_removed_under_their_new_id(opened: Open) -> None:
    house = opened("jit_permissive")
    target = house.target()
    account = target.apply(create("ada", PREMIUM))
    first = house.org.login("ada@acme.example")
    target.accounts()
    house.org.remove(first["id"])
    house.org.login("ada@acme.example")
    target.apply(deactivate(account))
    assert house.user_names() == []


def test_who_came_after_the_listing_is_removed_too(opened: Open) -> None:
    house = opened("jit_advanced")
    target = house.target()
    account = target.apply(create("ada", PREMIUM))
    target.accounts()
    house.org.login("ada@acme.example")
    target.apply(deactivate(account))
    assert house.user_names() == []


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
    with pytest.raises(Conflict, match=r"ada@acme\.example is another person's"):
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
    assert house.twin.counted()["GET organizations/users"] == 1  # the listing knows it all


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
