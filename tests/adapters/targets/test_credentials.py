"""Bearer tokens, passwords and client credentials as they go over the wire."""

import json
from datetime import UTC, datetime

import pytest

from idpsync.core.errors import Transient
from idpsync.credentials import Basic, client_credentials
from idpsync.http import HttpClient
from idpsync.settings import ClientCredentialsAuth, Secret
from tests.adapters.targets.parts import Sleepless
from tests.people import StoppedClock
from tests.twins.scripted import ok, serving, status


def test_basic_credentials_are_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PASSWORD", "pässword")
    headers = Basic("ada", Secret("env:TEST_PASSWORD")).headers("GET", "https://app.example")
    assert headers == {"Authorization": "Basic YWRhOnDDpHNzd29yZA=="}


def test_client_credentials_are_fetched_once_and_renewed_after_a_rejection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEST_SECRET", "s3cret")
    tokens = [json.dumps({"access_token": t, "expires_in": 600}).encode() for t in ("one", "two")]
    clock = StoppedClock(datetime(2026, 3, 1, tzinfo=UTC))
    with serving(*map(ok, tokens)) as issuer, serving(ok(), ok(), status(401), ok()) as server:
        auth = ClientCredentialsAuth.model_validate(
            {
                "kind": "oauth2_client_credentials",
                "token_url": issuer.url + "/token",
                "client_id": "me",
                "client_secret": "env:TEST_SECRET",
                "scope": "scim",
            }
        )
        source = client_credentials(auth, HttpClient("issuer", clock=clock), clock)
        client = HttpClient("somewhere", server.url, clock=clock, credential=source)
        for _ in range(3):
            client.request("GET", "/thing", operation="read thing")
        assert [w.headers["authorization"] for w in server.seen] == [
            "Bearer one", "Bearer one", "Bearer one", "Bearer two",
        ]  # fmt: skip
        assert issuer.seen[0].body == b"grant_type=client_credentials&scope=scim"
        assert len(issuer.seen) == 2


def test_a_token_that_got_lost_leaves_no_write_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SECRET", "s3cret")
    clock, timer = StoppedClock(), Sleepless().timer
    with serving(lambda _: None) as issuer, serving(ok()) as server:
        auth = ClientCredentialsAuth.model_validate(
            {
                "kind": "oauth2_client_credentials",
                "token_url": issuer.url,
                "client_id": "me",
                "client_secret": "env:TEST_SECRET",
            }
        )
        source = client_credentials(auth, HttpClient("issuer", clock=clock, timer=timer), clock)
        client = HttpClient("somewhere", server.url, clock=clock, credential=source, timer=timer)
        with pytest.raises(Transient):
            client.request("POST", "/thing", operation="write thing", body=b"{}")
        assert server.seen == []
