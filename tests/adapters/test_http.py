"""The HTTP client against sockets that do what servers in the field do."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
import responses

from idpsync.answers import NotJson, Question, Response, pause_asked, read_json, refusal, scrubbed
from idpsync.core.errors import (
    CredentialsRejected,
    Malformed,
    NotFound,
    RateLimited,
    Refused,
    RemoteError,
    Transient,
    UnknownOutcome,
)
from idpsync.credentials import Bearer
from idpsync.fates import FATES, translate
from idpsync.http import HttpClient
from idpsync.pace import Limits, Pace, RetryBudget, Timer
from idpsync.settings import Secret
from tests.adapters.targets.parts import Sleepless
from tests.people import NOW, StoppedClock
from tests.twins.scripted import ok, serving, status
from tests.twins.sockets import Connection, Wire, listening


@pytest.fixture
def sleepless() -> Sleepless:
    return Sleepless()


READ = Question("somewhere", "read something", writes=False)
WRITE = Question("somewhere", "write something", writes=True)


def client_at(url: str, limits: Limits | None = None, sleepless: Sleepless | None = None) -> HttpClient:
    timer = (sleepless or Sleepless()).timer
    return HttpClient("somewhere", url, clock=StoppedClock(), limits=limits, timer=timer)


def get(client: HttpClient, path: str = "/thing") -> Response:
    return client.request("GET", path, operation="read thing")


def post(client: HttpClient, path: str = "/thing") -> Response:
    return client.request("POST", path, operation="write thing", body=b"{}")


def every_subclass(kind: type[Exception]) -> Iterator[type[Exception]]:
    for each in kind.__subclasses__():
        yield each
        yield from every_subclass(each)


@pytest.mark.parametrize("kind", sorted(set(every_subclass(requests.RequestException)), key=str))
def test_every_exception_of_requests_has_its_remedy(kind: type[Exception]) -> None:
    if not kind.__module__.startswith("requests"):
        pytest.skip("an exception of another library that derives from requests")
    assert any(each in FATES for each in kind.__mro__), f"{kind} is unmapped"
    error = kind.__new__(kind)
    for asked in (READ, WRITE):
        assert isinstance(translate(asked, error), RemoteError)
    assert not isinstance(translate(READ, error), UnknownOutcome)


def test_a_refused_connection_is_transient_even_for_a_write() -> None:
    with serving(ok()) as server:
        url = server.url
    with pytest.raises(Transient, match="Connection refused"):
        post(client_at(url))


def test_an_unknown_name_is_transient() -> None:
    with pytest.raises(Transient):
        get(client_at("http://no-such-host.invalid"))


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(Refused):
        get(client_at("http://[broken"))


CUTS = {
    "nothing": b"",
    "half a status line": b"HTTP/1.1 20",
    "inside the headers": b"HTTP/1.1 201 Created\r\nContent-Ty",
    "after the status line": b"HTTP/1.1 201 Created\r\n",
    "inside the body": b'HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{"id":',
    "inside a chunk": b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nabc",
    "broken gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
}


@pytest.mark.parametrize("answer", [pytest.param(a, id=name) for name, a in CUTS.items()])
def test_a_write_whose_answer_is_cut_is_of_unknown_outcome_and_sent_once(answer: bytes) -> None:
    with serving(lambda connection: connection.send(answer)) as server:
        with pytest.raises(UnknownOutcome):
            post(client_at(server.url))
        assert len(server.seen) == 1


def test_an_answer_with_two_lengths_is_not_taken_for_an_unfit_request() -> None:
    twice = b"HTTP/1.1 201 Created\r\nContent-Length: 2, 3\r\n\r\n{}"
    with serving(lambda connection: connection.send(twice)) as server:
        with pytest.raises(UnknownOutcome):
            post(client_at(server.url))
        with pytest.raises(Malformed):
            get(client_at(server.url))


def test_a_read_whose_answer_is_cut_is_made_again() -> None:
    with serving(
        *(lambda c, a=a: c.send(a) for a in list(CUTS.values())[:3]), ok(b'{"a": 1}')
    ) as server:
        assert get(client_at(server.url)).body == b'{"a": 1}'
        assert len(server.seen) == 4


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_that_drips_is_cut_by_the_deadline(head: bytes) -> None:
    def drip(connection: Connection) -> None:
        connection.send(head)
        while not connection.waits(0.02):
            connection.send(b"x")

    with serving(drip) as server, pytest.raises(UnknownOutcome, match="deadline"):
        post(client_at(server.url, Limits(deadline=0.3)))


def test_a_body_beyond_the_cap_is_not_taken_in() -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    with serving(ok(bomb, "Content-Encoding: gzip\r\n")) as server:
        client = client_at(server.url, Limits(body=100_000))
        with pytest.raises(Malformed, match="larger than"):
            get(client)
        with pytest.raises(UnknownOutcome, match="larger than"):
            post(client)


def test_a_redirect_within_the_origin_is_followed_once_with_method_and_body() -> None:
    with serving(status(307, "Location: /there\r\n"), ok()) as server:
        assert post(client_at(server.url)).ok
        assert [(w.method, w.target, w.body) for w in server.seen] == [
            ("POST", "/thing", b"{}"),
            ("POST", "/there", b"{}"),
        ]


@pytest.mark.parametrize("code", [301, 302, 303])
def test_other_redirects_are_not_followed(code: int) -> None:
    with serving(status(code, "Location: /there\r\n")) as server:
        with pytest.raises(Refused, match="redirect"):
            post(client_at(server.url))
        assert len(server.seen) == 1


def test_a_redirect_to_another_origin_takes_nothing_along() -> None:
    with serving(ok()) as other, serving(status(308, f"Location: {other.url}/\r\n")) as server:
        with pytest.raises(Refused):
            post(client_at(server.url))
        assert other.seen == []


def test_nothing_comes_from_the_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with serving(ok(b"{}", "Set-Cookie: a=b\r\n")) as server:
        client = client_at(server.url)
        get(client)
        get(client)
        for wire in server.seen:
            assert {"authorization", "cookie"}.isdisjoint(wire.headers)
            assert wire.headers["user-agent"].startswith("idpsync/")


def test_connections_are_kept_alive() -> None:
    kept: set[int] = set()

    def serve(connection: Connection, wire: Wire) -> bool:
        kept.add(id(connection))
        connection.send(ok())
        return True

    with listening(serve) as port:
        client = client_at(f"http://127.0.0.1:{port}")
        for _ in range(5):
            get(client)
    assert len(kept) == 1


@pytest.mark.parametrize(
    ("code", "read", "write"),
    [
        (400, Refused, Refused), (401, CredentialsRejected, CredentialsRejected),
        (403, CredentialsRejected, Refused), (404, NotFound, NotFound), (410, NotFound, NotFound),
        (418, Refused, Refused), (500, Transient, UnknownOutcome), (501, Refused, Refused),
        (503, Transient, UnknownOutcome), (429, RateLimited, RateLimited),
    ],
)  # fmt: skip
def test_every_status_has_its_remedy(code: int, read: type[Exception], write: type[Exception]) -> None:
    answer = Response(code, {}, b"")
    assert type(refusal(READ, answer, "")) is read
    assert type(refusal(WRITE, answer, "")) is write


def test_all_threads_keep_a_pause_that_one_was_asked_for(sleepless: Sleepless) -> None:
    answers = [status(429, "Retry-After: 9\r\n"), ok()]
    with serving(*answers) as server:
        client = client_at(server.url, sleepless=sleepless)
        began = sleepless.now()
        threads = [threading.Thread(target=get, args=(client,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sleepless.now() - began >= 9
        assert len(server.seen) == 5


def test_retries_have_a_budget() -> None:
    budget = RetryBudget(credit=3)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
    for _ in range(5):
        budget.earn()
    assert budget.spend()


def test_a_rate_is_kept(sleepless: Sleepless) -> None:
    pace = Pace(10, timer=sleepless.timer)
    for _ in range(21):
        assert pace.admit(sleepless.now() + 60) == 0
    assert sum(sleepless.slept) == pytest.approx(2.0)


def test_a_pause_that_begins_while_somebody_waits_for_a_turn_holds_for_them() -> None:
    now, asked = [0.0], [30.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        while asked:  # another thread is told to wait meanwhile
            pace.pause(asked.pop())

    pace = Pace(1, timer=Timer(lambda: now[0], sleep))
    assert pace.admit(60) == 0
    assert pace.admit(60) == 0
    assert now[0] >= 31


def test_a_rate_is_halved_by_a_pause_and_recovers(sleepless: Sleepless) -> None:
    pace = Pace(10, timer=sleepless.timer)
    pace.pause(1)
    for _ in range(6):
        pace.admit(sleepless.now() + 60)
    assert 1.9 < sum(sleepless.slept) < 2.1
    sleepless.sleep(60)
    began = sleepless.now()
    for _ in range(11):
        pace.admit(sleepless.now() + 60)
    assert sleepless.now() - began == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7), ({"retry-after": "0"}, 1), ({"retry-after": "86400"}, 900),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=30), usegmt=True)}, 30),
        ({"retry-after": "soon"}, None), ({}, None), ({"x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-reset": str(NOW.timestamp() + 20)}, 20), ({"retry-after": "nan"}, None),
        ({"retry-after": "3", "ratelimit-reset": "50"}, 3), ({"retry-after": "-5"}, None),
    ],
)  # fmt: skip
def test_a_pause_is_read_from_what_providers_write(
    headers: Mapping[str, str], seconds: int | None
) -> None:
    asked = pause_asked(Response(429, headers, b""), NOW)
    assert asked == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "body", [b"", b"NaN", b'{"a": Infinity}', b'{"a": 1e999}', b"[" * 200_000, b"[]", b"\xff", b'"x"']
)
def test_json_is_read_strictly(body: bytes) -> None:
    with pytest.raises(NotJson):
        read_json(body)


def test_credentials_are_scrubbed_from_texts_of_others() -> None:
    text = "bad token s3cret in 'Authorization: Bearer abc.def-123' or basic QWxh\n\nok"
    assert scrubbed(text, ("s3cret",)) == (
        "bad token [redacted] in 'Authorization: Bearer [redacted]' or basic [redacted] ok"
    )


def test_a_credential_goes_nowhere_but_to_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_TOKEN", "hidden")
    with serving(ok()) as mine, serving(ok()) as other:
        client = HttpClient(
            "somewhere", mine.url, clock=StoppedClock(), credential=Bearer(Secret("env:TEST_TOKEN"))
        )
        get(client)
        get(client, other.url + "/x")
        assert mine.seen[0].headers["authorization"] == "Bearer hidden"
        assert "authorization" not in other.seen[0].headers


@responses.activate
def test_the_adapter_is_the_one_that_test_libraries_know() -> None:
    responses.get("https://app.example/thing", json={"a": 1})
    assert read_json(get(client_at("https://app.example")).body) == {"a": 1}
