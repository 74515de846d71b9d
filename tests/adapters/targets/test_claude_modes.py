"""What each provisioning mode lets the Claude target do, and what it leaves to others, in words."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import NotFound, Refused, SeatsExhausted, UnknownOutcome
from idpsync.core.model import Account, Standing
from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, OwnerHidden, claude_house
from tests.contracts.target import (
    PREMIUM,
    STANDARD,
    change_tier,
    create,
    deactivate,
    delete,
    profile,
    reactivate,
)
from tests.twins.claude.answers import Fault, bad
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


def test_a_refused_invite_is_no_want_of_seats_while_our_count_finds_one_free(opened: Open) -> None:
    """Else one bad address would keep everybody else out for the whole run."""
    house = opened("login_only", premium=1, standard=2)
    target = house.target()
    house.twin.faults.append(Fault("POST", "/invites", instead=bad("email: not valid")))
    with pytest.raises(Refused, match=r"1 of 3 seats are taken.*not valid") as caught:
        target.apply(create("ada", STANDARD))
    assert not isinstance(caught.value, SeatsExhausted)
    assert house.members_of("seat-standard") == set()
    assert target.apply(create("bob", STANDARD)).standing is Standing.INVITED


def test_a_member_without_a_seat_is_not_counted_among_those_who_have_one(opened: Open) -> None:
    house = opened("login_only", premium=1, standard=1)
    member = house.org.add_member("ada@acme.example", tier="standard")
    house.org.assign(member["id"], None)
    target = house.target()
    target.accounts()
    house.twin.faults.append(Fault("POST", "/invites", instead=bad("email: not valid")))
    with pytest.raises(Refused, match="1 of 2 seats"):
        target.apply(create("bob", STANDARD))


def test_fewer_seats_than_our_contract_says_are_told_person_by_person(opened: Open) -> None:
    house = opened("login_only", premium=1, standard=1)
    house.contract = 5
    house.target().apply(create("ada", STANDARD))
    with pytest.raises(Refused, match=r"2 of 5 seats are taken.*`contract` says what was bought"):
        house.target().apply(create("bob", STANDARD))


def test_nobody_is_invited_without_an_address(opened: Open) -> None:
    house = opened("login_only")
    nameless = replace(profile("ada"), user_name="ada", email=None)
    with pytest.raises(Refused, match="ada has no e-mail address in the directory"):
        house.target().apply(replace(create("ada", STANDARD), profile=nameless))
    assert house.members_of("seat-standard") == set()
    assert house.twin.seen == []


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
