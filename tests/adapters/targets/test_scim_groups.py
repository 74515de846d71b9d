"""Seats by groups of a real service provider: each body is valid SCIM, and every seat is shown."""

import json
from collections.abc import Iterator

import pytest
from scim2_models import Context, Group, PatchOp

from idpsync.core.errors import Malformed, NotFound, Refused, UnknownOutcome
from idpsync.core.ports import Target
from idpsync.http import HttpClient
from idpsync.scim_client import ScimClient
from idpsync.scim_client.groups import ScimGroups
from tests.adapters.targets.test_scim_real import ProviderWorld, SystemClock, assert_valid, target_at
from tests.contracts.target import PREMIUM, STANDARD, TargetContract, change_tier, create, deactivate
from tests.scim_provider import RunningProvider, running_scim_provider
from tests.twins.scripted import ok, serving

pytestmark = pytest.mark.server

NAMES = {"premium": "Seat Premium", "standard": "Seat Standard"}
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def put_group(provider: RunningProvider, name: str) -> None:
    provider.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": name})


def members(provider: RunningProvider) -> dict[str, set[str]]:
    """User names of the members of each group, as the provider keeps them."""
    names = {row["id"]: row["userName"] for row in provider.users()}
    groups = provider.ask("GET", "/Groups")["Resources"]
    return {
        group["displayName"]: {names[one["value"]] for one in group.get("members", [])}
        for group in groups
    }


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningProvider]:
    monkeypatch.setenv("TEST_SCIM_TOKEN", "scim-token")
    with running_scim_provider("scim-token") as running:
        for name in (*NAMES.values(), "Theirs"):
            put_group(running, name)
        yield running
        for seen in running.seen:
            if seen.path.startswith("/v2/Groups") and seen.method == "PATCH":
                PatchOp[Group].model_validate(seen.body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
            else:
                assert_valid(seen.method, seen.body)


def by_group(provider: RunningProvider) -> Target:
    return target_at(provider, seat_lever={"kind": "group", "names": NAMES})


class TestScimGroups(TargetContract):
    @pytest.fixture
    def world(self, provider: RunningProvider) -> ProviderWorld:
        return ProviderWorld(provider)

    @pytest.fixture
    def subject(self, world: ProviderWorld) -> Target:
        return by_group(world.provider)


def test_a_seat_is_a_membership_at_the_provider(provider: RunningProvider) -> None:
    target = by_group(provider)
    account = target.apply(create("ada", STANDARD))
    assert members(provider)["Seat Standard"] == {"ada@acme.example"}
    target.apply(change_tier(account, PREMIUM))
    assert members(provider) == {
        "Seat Premium": {"ada@acme.example"}, "Seat Standard": set(), "Theirs": set(),
    }  # fmt: skip
    target.apply(deactivate(account))
    assert members(provider)["Seat Premium"] == set()


def test_members_that_others_have_put_there_stay(provider: RunningProvider) -> None:
    ours = by_group(provider).apply(create("ada", STANDARD))
    theirs = by_group(provider).apply(create("bob", STANDARD))
    target = by_group(provider)
    target.apply(change_tier(ours, None))
    assert members(provider)["Seat Standard"] == {"bob@acme.example"}
    assert {a.id: a.tier for a in target.accounts()} == {ours.id: None, theirs.id: STANDARD}


def test_a_group_that_is_not_there_is_told_and_not_made(provider: RunningProvider) -> None:
    names = {**NAMES, "premium": "Seat Gold"}
    target = target_at(provider, seat_lever={"kind": "group", "names": names})
    with pytest.raises(NotFound, match="Seat Gold"):
        target.accounts()
    health = target.probe()
    assert not health.ok
    assert "Seat Gold" in health.detail
    assert set(members(provider)) == {*NAMES.values(), "Theirs"}


def test_two_groups_of_one_name_are_not_guessed_between(provider: RunningProvider) -> None:
    put_group(provider, "seat premium")
    with pytest.raises(Malformed, match="2 groups"):
        by_group(provider).accounts()


def test_a_provider_that_hides_members_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SCIM_TOKEN", "scim-token")
    hidden = {"id": "g1", "displayName": "Seat Premium"}
    groups = [hidden, {"id": "g2", "displayName": "Seat Standard"}]
    listed = {"totalResults": 2, "Resources": groups}
    user = {"id": "u1", "userName": "ada@acme.example", "externalId": "id-ada"}
    answers = [user, {}, listed, {}, hidden]  # made, capabilities, groups, added, looked at
    with serving(*(ok(json.dumps(answer).encode()) for answer in answers)) as server:
        provider = RunningProvider(server.url, "scim-token")
        with pytest.raises(UnknownOutcome, match="does not show"):
            by_group(provider).apply(create("ada", PREMIUM))
        assert [seen.method for seen in server.seen] == ["POST", "GET", "GET", "PATCH", "GET"]


GROUPS = {
    "totalResults": 2,
    "Resources": [
        {"id": "g1", "displayName": "Seat Premium"},
        {"id": "g2", "displayName": "Seat Standard"},
    ],
}
IN_IT = {"id": "g1", "displayName": "Seat Premium", "members": [{"value": "u1"}, {"value": "u2"}]}


@pytest.mark.parametrize(
    ("answer", "error"),
    [(ok(b"{}"), UnknownOutcome), (ok(b"{}").replace(b"200 OK", b"400 No"), Refused)],
)
def test_a_member_who_is_still_shown_was_not_removed_and_nobody_else_is(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, error: type[Exception]
) -> None:
    monkeypatch.setenv("TEST_SCIM_TOKEN", "scim-token")
    script = [ok(json.dumps(each).encode()) for each in ({}, GROUPS)]
    with serving(*script, answer, ok(json.dumps(IN_IT).encode())) as server:
        http = HttpClient("scim", server.url, clock=SystemClock())
        groups = ScimGroups(ScimClient(http).reader, frozenset(NAMES.values()))
        with pytest.raises(error):
            groups.remove_member("Seat Premium", "u1")
        written = [json.loads(seen.body) for seen in server.seen if seen.method == "PATCH"]
    assert [message["Operations"] for message in written] == [
        [{"op": "remove", "path": 'members[value eq "u1"]'}]
    ]
