"""Where requests go with what shows who we are, what is told of a refusal, and when time is over."""

import base64
import math
from collections.abc import Callable
from itertools import count
from urllib.parse import quote_plus, urlencode

import pytest

from idpsync.answers import same_origin
from idpsync.core.errors import CredentialsRejected, Transient
from idpsync.credentials import Bearer, Token
from idpsync.http import HttpClient
from idpsync.pace import Deadline, Limits, Timer
from idpsync.settings import Secret
from tests.people import StoppedClock
from tests.twins.scripted import ok, serving

# --- where a request goes ---------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example\\@app.example/scim",
    "https://app.example\\@evil.example/scim",
    "https://app.example@evil.example/scim",
    "https://me:secret@app.example/scim",
    "https://app.example.evil.example/scim",
    "https://app.example:8443/scim",
    "http://app.example/scim",
    "https://app.example\t/scim",
    "https://app.example:99999/scim",
    "https://[app.example/scim",
    "//app.example/scim",
    "",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_an_address_that_leads_elsewhere_or_is_not_plain_is_not_the_same_place(url: str) -> None:
    assert not same_origin(url, "https://app.example/scim")


@pytest.mark.parametrize("url", ["https://APP.example/x", "https://app.example:443/?y=1"])
def test_the_same_place_may_be_spelt_in_several_ways(url: str) -> None:
    assert same_origin(url, "https://app.example/scim")


def test_the_credential_never_follows_an_address_that_two_readers_read_differently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_TEST_TOKEN", "hunter2")
    with serving(ok()) as foreign:
        host = foreign.url.removeprefix("http://")
        client = HttpClient(
            "app",
            "http://app.example",
            clock=StoppedClock(),
            credential=Bearer(Secret("env:HTTP_TEST_TOKEN")),
            limits=Limits(attempts=1),
        )
        client.request("GET", f"http://{host}\\@app.example/next", operation="read next page")
        assert "authorization" not in foreign.seen[0].headers


# --- what is said of a token that is refused --------------------------------------------------------


def refused(body: bytes) -> bytes:
    return ok(body).replace(b"200 OK", b"401 Unauthorized")


@pytest.mark.parametrize("spelling", [str, quote_plus])
def test_a_server_that_repeats_what_we_sent_does_not_make_us_show_it(
    spelling: Callable[[str], str],
) -> None:
    signed = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJtZSJ9.c2lnbmF0dXJl"
    form = {"client_id": "the-client", "client_secret": "s3cret/+value", "client_assertion": signed}
    told = f"bad: {spelling('s3cret/+value')} of the-client, {signed}, b4sic-secret".encode()
    basic = base64.b64encode(b"the-client:b4sic-secret").decode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"Basic {basic}",
    }
    with serving(refused(told)) as server, pytest.raises(CredentialsRejected) as caught:
        HttpClient("issuer", server.url, clock=StoppedClock()).request(
            "POST",
            "/token",
            operation="get access token",
            headers=headers,
            body=urlencode(form).encode(),
            repeatable=True,
        )
    shown = str(caught.value)
    assert "the-client" in shown
    for secret in ("s3cret", "value", "eyJ", "b4sic", basic):
        assert secret not in shown


def test_a_fetched_token_does_not_show_itself() -> None:
    assert "hunter2" not in repr(Token("hunter2", "Bearer", StoppedClock().now()))


# --- the time for all of it -------------------------------------------------------------------------


def test_what_is_read_ends_with_its_time_and_what_is_written_does_not() -> None:
    seconds = count()
    deadline = Deadline(Timer(lambda: float(next(seconds)), lambda _: None))
    with serving(ok(), ok()) as server:
        client = HttpClient("app", server.url, clock=StoppedClock(), deadline=deadline)
        with deadline.within(1):
            with pytest.raises(Transient, match="time for all of it is over"):
                client.request("GET", "/people", operation="read people")
            client.request("POST", "/group", operation="add member", body=b"{}")
        client.request("GET", "/people", operation="read people")
        assert [seen.method for seen in server.seen] == ["POST", "GET"]


def test_time_inside_other_time_is_never_longer() -> None:
    deadline = Deadline(Timer(lambda: 0.0, lambda _: None))
    with deadline.within(10):
        with deadline.within(99):
            assert deadline.at == 10
        with deadline.within(5):
            assert deadline.at == 5
        assert deadline.at == 10
    assert deadline.at == math.inf
