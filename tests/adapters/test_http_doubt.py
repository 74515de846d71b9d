"""A write that may have been carried out, and what is said when it is sent again."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from idpsync.answers import Response
from idpsync.core.errors import UnknownOutcome
from idpsync.credentials import Bearer
from idpsync.http import HttpClient
from idpsync.settings import Secret
from tests.adapters.targets.parts import Sleepless
from tests.people import StoppedClock
from tests.twins.scripted import ok, serving, status
from tests.twins.sockets import Connection


def client_at(url: str) -> HttpClient:
    return HttpClient("somewhere", url, clock=StoppedClock(), timer=Sleepless().timer)


def patch(client: HttpClient, method: str = "PATCH") -> Response:
    return client.exchange(method, "/thing", operation="write thing", body=b"{}", repeatable=True)


def cut_off(connection: Connection) -> None:
    """Not a byte is answered."""


REPEATS = {
    "slow down": status(429, "Retry-After: 900\r\n"),
    "down": status(503),
    "down for a while": status(503, "Retry-After: 900\r\n"),
    "refused": status(403),
    "early": status(425),
    "gone": status(404),
}


@pytest.mark.parametrize("first", [cut_off, status(502)])
@pytest.mark.parametrize("repeat", [pytest.param(a, id=name) for name, a in REPEATS.items()])
def test_a_write_in_doubt_stays_in_doubt_whatever_its_repeat_is_told(
    first: bytes | Callable[[Connection], None], repeat: bytes
) -> None:
    with serving(first, repeat) as server:
        with pytest.raises(UnknownOutcome):
            patch(client_at(server.url))
        assert len(server.seen) >= 2


def test_a_write_in_doubt_stays_in_doubt_when_nobody_listens_any_more() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(serving(lambda _: stack.close()))
        with pytest.raises(UnknownOutcome, match="asked again: cannot be reached"):
            patch(client_at(server.url))
        assert len(server.seen) == 1


def test_a_write_in_doubt_stays_in_doubt_when_its_repeat_must_wait_too_long() -> None:
    with serving(cut_off) as server:
        client = client_at(server.url)
        server.script = [lambda _: client.pace.pause(900)]
        with pytest.raises(UnknownOutcome, match="asked again: asked for a pause"):
            patch(client)
        assert len(server.seen) == 1


def test_a_write_in_doubt_stays_in_doubt_when_the_secret_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEST_TOKEN", "hidden")
    with serving(lambda _: monkeypatch.delenv("TEST_TOKEN")) as server:
        bearer = Bearer(Secret("env:TEST_TOKEN"))
        timer = Sleepless().timer
        client = HttpClient(
            "somewhere", server.url, clock=StoppedClock(), credential=bearer, timer=timer
        )
        with pytest.raises(UnknownOutcome):
            patch(client)


def test_a_write_in_doubt_whose_repeat_succeeds_is_done() -> None:
    with serving(cut_off, ok()) as server:
        assert patch(client_at(server.url)).ok


@pytest.mark.parametrize("code", [404, 410])
def test_a_repeated_delete_that_finds_nothing_is_told_so(code: int) -> None:
    with serving(cut_off, status(code)) as server:
        assert patch(client_at(server.url), "DELETE").status == code


def test_a_write_that_never_left_is_not_in_doubt() -> None:
    with serving(status(429, "Retry-After: 1\r\n"), status(403)) as server:
        assert patch(client_at(server.url)).status == 403
