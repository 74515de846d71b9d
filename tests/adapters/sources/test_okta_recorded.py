"""Okta's own recorded answers, replayed through our client."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from idpsync import jws
from idpsync.answers import Response, sent_at
from idpsync.core.errors import Malformed
from idpsync.core.model import Coverage
from idpsync.sources.okta.api import Api
from idpsync.sources.okta.groups import Groups, Known
from idpsync.sources.okta.people import People, embedded
from idpsync.sources.okta.quota import Crowd, Tally, quota
from idpsync.sources.okta.settings import OktaConfig
from idpsync.sources.okta.source import OktaSource
from idpsync.sources.pages import text
from tests.adapters.sources.okta_world import private_pem
from tests.okta_recordings import Exchange, Replay, exchanges, replaying, throttled
from tests.twins.okta.time import LivingClock

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKTA_TOKEN", "myAPIToken")


def config_of(replay: Replay, **changed: Any) -> OktaConfig:
    auth = {"kind": "ssws", "token": "env:OKTA_TOKEN"}
    return OktaConfig.model_validate({"kind": "okta", "url": replay.url, "auth": auth} | changed)


def api_of(replay: Replay, clock: LivingClock, **changed: Any) -> Api:
    return Api(config_of(replay, **changed), clock=clock, timer=clock.timer)


def id_in(recorded: Sequence[Exchange], place: int) -> str:
    """The id in the path of the first read of a list below something."""
    path = next(e.path for e in recorded if e.method == "GET" and len(e.path.split("/")) == place + 2)
    return path.split("/")[place]


def test_members_of_a_group_then_nobody() -> None:
    recorded = exchanges("group_users_operations")
    with replaying(recorded) as replay:
        clock = LivingClock()
        api = api_of(replay, clock)
        groups, people = Groups(api), People(config_of(replay), "okta")
        first, second = (groups.members(id_in(recorded, 4)) for _ in range(2))
    (user,) = people.of(first.rows)[0].values()
    assert user.user_name == "John.Doe-Activate@example.com"
    assert (user.profile.given_name, user.active) == ("John", False)  # STAGED
    assert (first.coverage, first.ended_by, first.count) == (Coverage.COMPLETE, "no rel=next", 1)
    assert (second.coverage, second.rows) == (Coverage.COMPLETE, [])  # a self link is no next one


def test_people_of_an_application_asked_for_without_expand_are_not_taken_for_people() -> None:
    recorded = exchanges("test_get_list_assign_users_app")
    listing = [e for e in recorded if e.method == "GET" and e.path.endswith("/users")]
    with replaying(listing) as replay:
        clock = LivingClock()
        config = config_of(replay, app_id=id_in(listing, 4))
        snapshot = OktaSource(config, clock=clock, groups=frozenset(), timer=clock.timer).read()
    assert snapshot.users == ()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert snapshot.problems == ("2 app users came without the person they are",)


def test_groups_of_an_application() -> None:
    recorded = exchanges("test_list_assign_group_app")
    listing = [e for e in recorded if e.method == "GET" and e.path.endswith("/groups")]
    with replaying(listing) as replay:
        pages = api_of(replay, LivingClock()).pages(listing[0].path, operation="read")
    assert (pages.coverage, len(pages.rows)) == (Coverage.COMPLETE, 2)


def test_a_cursor_over_two_pages_and_an_end_that_was_not_recorded() -> None:
    recorded = [e for e in exchanges("test_user_pagination") if e.path == "/api/v1/users"]
    pages_recorded = [e for e in recorded if e.method == "GET"][:2]
    with replaying(pages_recorded) as replay:
        pages = api_of(replay, LivingClock()).pages("/api/v1/users?limit=1", operation="read")
        assert "after=000usfdsyqnIjEmHNm4x6" in replay.seen[1].target
    assert len({text(row, "id") for row in pages.rows}) == 2
    assert isinstance(pages.error, Malformed)  # the last answer came again: its link points back
    assert pages.coverage is Coverage.PARTIAL


def test_a_recorded_link_to_another_host_is_not_followed() -> None:
    recorded = [e for e in exchanges("list_applications_pagination_with_after") if e.method == "GET"]
    with replaying(recorded[:1]) as replay:
        pages = api_of(replay, LivingClock()).pages("/api/v1/apps?limit=2", operation="read")
        assert len(replay.seen) == 1
    assert pages.coverage is Coverage.FAILED
    assert "dev-20982288.okta.com, which is not this organisation's" in pages.reason


# --- 429 ----------------------------------------------------------------------------------------------


def test_the_three_recorded_429_ask_for_the_time_until_their_reset_and_have_no_retry_after() -> None:
    refused = [e for recorded in throttled() for e in recorded if e.status == 429]
    assert len(refused) == 3
    for exchange in refused:
        headers = {name.lower(): value for name, value in exchange.headers}
        assert "retry-after" not in headers
        answer = Response(429, headers, exchange.body)
        sent = sent_at(answer)
        assert sent
        pause = quota(0.5, Crowd(), Tally())(answer, datetime(2000, 1, 1, tzinfo=UTC))
        asked = datetime.fromtimestamp(int(headers["x-rate-limit-reset"]), UTC) - sent
        assert pause
        assert asked <= pause <= asked + timedelta(seconds=0.5)
        assert asked.total_seconds() in {8, 48}


@pytest.mark.parametrize("number", [0, 1])
def test_a_recorded_429_is_waited_out_and_what_follows_is_the_answer(number: int) -> None:
    recorded = throttled()[number]
    path = next(e.path for e in recorded if e.status == 429)
    around = [e for e in recorded if e.path == path]
    begin = next(n for n, e in enumerate(around) if e.status == 429)
    with replaying(around[begin:]) as replay:
        clock = LivingClock()
        api = api_of(replay, clock)
        place = urlsplit(around[begin].url)
        answer = api._clients["apps"].exchange("GET", f"{place.path}?{place.query}", operation="read")
    assert answer.status != 429
    assert api.tally.throttled == 1
    assert clock.slept >= 8


# --- DPoP ---------------------------------------------------------------------------------------------


def claims(proof: str) -> dict[str, Any]:
    part = proof.split(".")[1]
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return told


@pytest.mark.parametrize(
    "name", ["test_dpop_multiple_requests", "test_dpop_nonce_update", "test_token_expiry"]
)
def test_the_recorded_dance_for_a_bound_token_succeeds(tmp_path: Path, name: str) -> None:
    refusal, danced = exchanges("test_private_key_auth_without_dpop"), exchanges(name)
    assert refusal[0].status == 400
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(private_pem(jws.new_key()))
    with replaying([*refusal, *danced]) as replay:
        auth = {"kind": "private_key_jwt", "client_id": "0oa", "key": f"file:{key_file}"}
        pages = api_of(replay, LivingClock(), auth=auth).pages("/api/v1/users?limit=1", operation="read")
    assert (pages.coverage, pages.rows) == (Coverage.COMPLETE, [])
    first, second, third, call = replay.seen[:4]
    assert "dpop" not in first.headers
    assert "nonce" not in claims(second.headers["dpop"])
    assert claims(third.headers["dpop"])["nonce"] == "sanitized_dpop_nonce"
    assert call.headers["authorization"].startswith("DPoP ")
    proof = claims(call.headers["dpop"])
    assert (proof["htm"], proof["htu"]) == ("GET", f"{replay.url}/api/v1/users")
    assert "ath" in proof


# --- everything that was recorded ---------------------------------------------------------------------


def rows(recorded: Sequence[Exchange], ending: str) -> list[dict[str, Any]]:
    bodies = [e.body for e in recorded if e.status == 200 and e.path.endswith(ending) and e.body]
    told = [json.loads(body) for body in bodies]
    return [row for rows in told for row in (rows if isinstance(rows, list) else [rows])]


def test_every_recorded_person_and_group_is_understood() -> None:
    config = OktaConfig.model_validate(
        {
            "kind": "okta",
            "url": "https://test.okta.com",
            "auth": {"kind": "ssws", "token": "env:OKTA_TOKEN"},
        }
    )
    people = People(config, "okta")
    users = rows(exchanges("test_users_it/"), "/api/v1/users")
    users += rows(exchanges("test_groups_it/"), "/api/v1/users")
    assert len(users) > 20
    found, spoiled = people.of(users)
    assert spoiled == 0
    assert all(user.active is not None and user.profile.email for user in found.values())
    groups = rows(exchanges("test_groups_it/"), "/api/v1/groups")
    assert len(groups) > 10
    assert all(known.id and known.name and known.moved for known in map(Known.of, groups))
    assert embedded({"id": "00u"}) == {}
