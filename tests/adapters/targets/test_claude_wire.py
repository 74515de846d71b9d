"""The Claude Admin API on the wire: pages, versions, scopes, and what an answer must be about."""

from collections.abc import Iterator
from typing import Any

import pytest

from idpsync.core.errors import (
    CredentialsRejected,
    Malformed,
    Refused,
    Transient,
)
from idpsync.settings import Secret
from idpsync.targets.claude_api import ClaudeApi
from idpsync.targets.claude_errors import MissingScope
from tests.adapters.targets.claude_parts import KEY_NAME, ClaudeHouse, claude_house
from tests.contracts.target import STANDARD, create
from tests.twins.claude.answers import Answer, Fault, bad, refused
from tests.twins.claude.twin import KEY
from tests.twins.scim import cut

BOSS = {"id": "user_1", "email": "owner@acme.example", "role": "primary_owner"}
PAGE: dict[str, Any] = {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClaudeHouse]:
    monkeypatch.setenv(KEY_NAME, KEY)
    with claude_house("login_only") as built:
        yield built


def api(house: ClaudeHouse, version: str = "2023-06-01", rate: float = 1000.0) -> ClaudeApi:
    return ClaudeApi(
        house.twin.url,
        Secret(f"env:{KEY_NAME}"),
        version=version,
        clock=house.org.clock,
        rate=rate,
        timer=house.time.timer,
    )


# --- pages ------------------------------------------------------------------------------------------


def test_everybody_is_listed_over_as_many_pages_as_it_takes(house: ClaudeHouse) -> None:
    house.twin.page_size = 3
    for number in range(10):
        house.put(f"user{number}@acme.example")
    assert len(house.target().accounts()) == 11
    assert house.twin.counted()["GET organizations/users"] == 4


def test_who_joins_between_two_pages_shifts_nobody_out_of_the_listing(house: ClaudeHouse) -> None:
    house.twin.page_size = 2
    for number in range(5):
        house.put(f"user{number}@acme.example")
    joined: list[str] = []

    def join() -> None:
        joined.append(f"late{len(joined)}@acme.example")
        house.org.add_member(joined[-1])

    house.twin.between_pages = join
    names = {account.user_name for account in house.target().accounts()}
    assert {f"user{number}@acme.example" for number in range(5)} < names


@pytest.mark.parametrize(
    "page",
    [
        {**PAGE, "has_more": True},
        {**PAGE, "has_more": True, "last_id": "user_again"},
        {**PAGE, "has_more": "no"},
        {"data": []},
        {**PAGE, "data": None},
        {**PAGE, "data": ["user_1"]},
        {**PAGE, "data": [{"id": "user_1", "role": "user"}]},
        {"data": [BOSS]},
        PAGE,
    ],
)
def test_a_listing_whose_end_is_not_proven_is_no_listing(
    house: ClaudeHouse, page: dict[str, Any]
) -> None:
    """The last: an organisation without its primary owner was not read whole."""
    house.twin.faults.append(Fault("GET", "/users?", times=9, instead=Answer(200, page)))
    with pytest.raises(Malformed):
        house.target().accounts()


def test_pages_that_never_repeat_and_never_end_are_given_up(house: ClaudeHouse) -> None:
    class Endless(Fault):
        def takes(self, request: Any) -> bool:
            self.instead = Answer(200, {**PAGE, "has_more": True, "last_id": f"user_{self.times}"})
            self.times += 2
            return bool(request.path.endswith("/users"))

    house.twin.faults.append(Endless("GET"))
    with pytest.raises(Malformed, match="no end after"):
        api(house).members()


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_both_versions_name_groups_and_their_members(house: ClaudeHouse, version: str) -> None:
    house.twin.page_size = 2
    house.put("ada@acme.example")
    ids = [house.twin.put_group(f"group {number}", *house.org.members) for number in range(5)]
    asked = api(house, version)
    found = asked.groups()
    assert [(group.id, group.source, group.roles) for group in found] == [
        (one, "direct", frozenset({"rbac_role_1"})) for one in ids
    ]
    assert asked.group_members(ids[0]) == set(house.org.members)
    assert {one.version for one in house.twin.seen} == {version}


@pytest.mark.parametrize(
    "body",
    [
        {"data": [], "has_more": True, "next_page": None},
        {"data": [], "has_more": False, "next_page": "2"},
        {"data": [], "has_more": True, "next_page": "again"},
        {"data": [], "has_more": False},
    ],
)
def test_opaque_pages_end_only_by_their_own_mark(house: ClaudeHouse, body: dict[str, Any]) -> None:
    house.twin.faults.append(Fault("GET", "/rbac_groups", times=9, instead=Answer(200, body)))
    with pytest.raises(Malformed):
        api(house).groups()


def test_a_group_whose_roles_are_not_known_now_is_not_one_without_roles(house: ClaudeHouse) -> None:
    house.twin.put_group("builders")
    house.twin.unknown_roles = 1
    with pytest.raises(Transient):
        api(house).groups()
    assert [group.roles for group in api(house).groups()] == [{"rbac_role_1"}]


# --- who may ----------------------------------------------------------------------------------------


def test_a_missing_scope_is_told_by_its_name_and_stops_the_run(house: ClaudeHouse) -> None:
    house.twin.keys[KEY] -= {"write:members"}
    with pytest.raises(MissingScope, match="lacks the scope write:members") as caught:
        house.target().apply(create("ada", STANDARD))
    assert caught.value.scopes == {"write:members"}
    assert house.members_of("seat-standard") == set()


def test_a_wrong_key_is_told_and_never_shown(
    house: ClaudeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_NAME, "sk-ant-api01-wrong-key")
    for call in (house.target().accounts, lambda: house.target().apply(create("ada"))):
        with pytest.raises(CredentialsRejected, match=r"target\.api_key") as caught:
            call()
        assert "wrong-key" not in str(caught.value)
    assert "wrong-key" not in str(house.target().probe())


def test_a_key_that_is_replaced_is_used_at_once(
    house: ClaudeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = house.target()
    target.accounts()
    house.twin.keys = {"sk-ant-api01-next": house.twin.keys[KEY]}
    monkeypatch.setenv(KEY_NAME, "sk-ant-api01-next")
    assert len(target.accounts()) == 1


# --- what an answer must be about -------------------------------------------------------------------


def test_an_invite_to_an_alias_is_an_invite_to_somebody_else(house: ClaudeHouse) -> None:
    asked = api(house)
    asked.invite("ada+x@acme.example", "user")
    assert asked.invitation_to("ada@acme.example") is None
    assert asked.invitation_to("ADA+x@acme.example") is not None


def test_an_invite_that_is_not_pending_is_none_though_the_filter_let_it_through(
    house: ClaudeHouse,
) -> None:
    row = {"id": "invite_1", "email": "ada@acme.example", "role": "user", "status": "accepted"}
    house.twin.faults.append(Fault("GET", "/invites", instead=Answer(200, {**PAGE, "data": [row]})))
    assert api(house).invitations() == []


def test_members_of_another_group_are_not_taken_for_those_of_this(house: ClaudeHouse) -> None:
    row = {"rbac_group_id": "rbac_group_other", "user_id": "user_1"}
    body = {"data": [row], "has_more": False, "next_page": None}
    house.twin.faults.append(Fault("GET", "/members", instead=Answer(200, body)))
    with pytest.raises(Malformed, match="another group"):
        api(house).group_members("rbac_group_1")


def test_a_key_that_is_replaced_while_a_request_is_under_way_is_tried_once_more(
    house: ClaudeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Replaced(Fault):
        def takes(self, request: Any) -> bool:
            if self.times:
                monkeypatch.setenv(KEY_NAME, "sk-ant-api01-next")
            return super().takes(request)

    house.twin.keys["sk-ant-api01-next"] = house.twin.keys[KEY]
    gone = refused(401, "authentication_error", "revoked")
    house.twin.faults.append(Replaced("GET", instead=gone))
    assert api(house).me().name == "Acme"


def test_a_key_that_claude_repeats_in_a_message_is_not_shown(house: ClaudeHouse) -> None:
    house.twin.faults.append(Fault("POST", times=9, instead=bad(f"not with {KEY}")))
    with pytest.raises(Refused, match="not with") as caught:
        house.target().apply(create("ada", STANDARD))
    assert KEY not in str(caught.value)


def test_a_change_of_role_whose_answer_is_lost_is_made_again(house: ClaudeHouse) -> None:
    member = house.org.add_member("ada@acme.example")
    house.twin.faults.append(Fault("POST", wire=cut))
    assert api(house).change_role(member["id"], "managed").role == "managed"
    assert house.twin.counted()["POST organizations/users/{id}"] == 2


def test_an_invite_asked_for_by_its_id_must_be_pending_too(house: ClaudeHouse) -> None:
    asked = api(house)
    invited = asked.invite("ada@acme.example", "user")
    assert asked.invitation(invited.id) == invited
    house.org.accept("ada@acme.example")
    assert asked.invitation(invited.id) is None


@pytest.mark.parametrize("told", [None, "soon", "2020-01-01T00:00:00"])
def test_an_invite_whose_end_cannot_be_read_is_believed_to_be_pending(
    house: ClaudeHouse, told: str | None
) -> None:
    row = {
        "id": "invite_1",
        "email": "ada@acme.example",
        "role": "user",
        "status": "pending",
        "expires_at": told,
    }
    house.twin.faults.append(Fault("GET", "/invites", instead=Answer(200, {**PAGE, "data": [row]})))
    assert [one.id for one in api(house).invitations()] == ["invite_1"]
