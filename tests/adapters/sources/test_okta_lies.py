"""Pages that lie: cut, foreign, endless, or no listing at all."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from idpsync.core.errors import CredentialsRejected, Malformed, RemoteError, Transient
from idpsync.core.model import Coverage
from tests.adapters.sources.okta_world import APP, OktaWorld, okta_world
from tests.contracts.directory_source import Sample
from tests.twins.okta.server import Answer, Fault, running_okta
from tests.twins.okta.time import START


@pytest.fixture
def app_world(tmp_path: Path) -> Iterator[OktaWorld]:
    with okta_world(tmp_path, app=True) as world:
        for uid in ("ada", "bob", "eve"):
            world.put(Sample(uid))
        world.put_group("Users", ["ada", "bob"])
        yield world


def next_at(place: Callable[[OktaWorld], str], world: OktaWorld) -> Callable[[Answer], Answer]:
    def spoil(answer: Answer) -> Answer:
        answer.headers = [*answer.headers, ("link", f'<{place(world)}>; rel="next"')]
        return answer

    return spoil


def test_a_next_page_at_a_foreign_host_is_refused_and_never_asked_for(app_world: OktaWorld) -> None:
    elsewhere = next_at(lambda _: "https://okta.evil.example/api/v1/x?after=1", app_world)
    app_world.twin.faults.append(Fault(f"apps/{APP}/users", elsewhere))
    with pytest.raises(Malformed, match=r"okta\.evil\.example, which is not this organisation's"):
        app_world.source().read()


def test_a_next_page_behind_a_backslash_is_never_asked_for_at_another_host(
    app_world: OktaWorld,
) -> None:
    """Some parsers take what is before the backslash for the host, others what is after the @."""
    with running_okta(app_world.clock) as foreign:
        home = app_world.twin.url.removeprefix("http://")
        elsewhere = next_at(lambda _: f"{foreign.url}\\@{home}/api/v1/x?after=1", app_world)
        app_world.twin.faults.append(Fault(f"apps/{APP}/users", elsewhere))
        with pytest.raises(Malformed, match="the address of the next page is none"):
            app_world.source().read()
        assert foreign.seen == []


@pytest.mark.parametrize("link", ["https://[x", "http://127.0.0.1:99999/api/v1/x", "//", "\u2100"])
def test_a_next_link_that_is_no_address_is_malformed(app_world: OktaWorld, link: str) -> None:
    app_world.twin.faults.append(Fault(f"apps/{APP}/users", next_at(lambda _: link, app_world)))
    with pytest.raises(Malformed, match="the address of the next page is none"):
        app_world.source().read()


HOSTS = [
    ("https://acme.okta.com", "https://acme.okta.com/api/v1/users?after=1", True),
    ("https://acme.okta.com", "https://acme-admin.okta.com/api/v1/users", True),
    ("https://acme-admin.okta.com", "https://acme.okta.com/api/v1/users", True),
    ("https://acme.okta.com", "https://login.acme.example/api/v1/users", True),
    ("https://acme.okta.com", "https://LOGIN.acme.example/api/v1/users", True),
    ("https://acme.okta.com", "https://evil.example/api/v1/users", False),
    ("https://acme.okta.com", "https://acme.okta.com.evil.example/api/v1/users", False),
    ("https://acme.okta.com", "https://acme.okta.com@evil.example/api/v1/users", False),
    ("https://acme.okta.com", "http://acme.okta.com/api/v1/users", False),
    ("https://acme.okta.com", "https://acme.okta.com:8443/api/v1/users", False),
    ("https://acme.okta.com", "https://acme.okta.com:x/api/v1/users", False),
    ("https://acme.okta.com", "/api/v1/users?after=1", False),
    ("https://acme.okta.com", "https://okta.com/api/v1/users", False),
    ("https://acme.okta.com", "https://evil.example\\@acme.okta.com/api/v1/users", False),
    ("https://acme.okta.com", "https://acme.okta.com\\@evil.example/api/v1/users", False),
    ("https://acme.okta.com", "https://ada@acme.okta.com/api/v1/users", False),
    ("https://acme.okta.com", "https://acme.okta.com\t.evil.example/api/v1/users", False),
    ("https://acme.okta.com", "https://acme.okta.com:443/api/v1/users", True),
    ("https://acme.okta.com", "https://[x", False),
    ("https://acme.okta.com", "https://acme.okta.com:99999/api/v1/users", False),
]


@pytest.mark.parametrize(("url", "link", "ours"), HOSTS)
def test_links_are_followed_within_the_organisation_only(
    app_world: OktaWorld, url: str, link: str, ours: bool
) -> None:
    source = app_world.of(app_world.config(url=url, custom_domains=["login.acme.example"]))
    assert source._api.is_ours(link) is ours


def test_a_cursor_that_points_back_is_not_followed_for_ever(app_world: OktaWorld) -> None:
    back = next_at(
        lambda w: f"{w.twin.url}/api/v1/apps/{APP}/users?limit=500&expand=user&after=0", app_world
    )
    app_world.twin.faults.append(Fault(f"apps/{APP}/users", back, times=100))
    snapshot = app_world.source().read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert "the pages never end" in snapshot.problems[0]


def test_an_empty_page_with_a_next_link_is_not_the_end(app_world: OktaWorld) -> None:
    def empty(answer: Answer) -> Answer:
        return next_at(
            lambda w: f"{w.twin.url}/api/v1/apps/{APP}/users?limit=500&expand=user&after=0", app_world
        )(Answer(200, [], answer.headers))

    app_world.twin.faults.append(Fault(f"apps/{APP}/users", empty))
    snapshot = app_world.source().read()
    assert snapshot.complete
    assert len(snapshot.users) == 3
    assert snapshot.users_proof
    assert snapshot.users_proof.pages == 2


def html(answer: Answer) -> Answer:
    return Answer(200, raw=b"<!doctype html><title>Sign in</title>")


def cut_json(answer: Answer) -> Answer:
    whole = Answer(200, answer.body).bytes(START)
    return Answer(200, raw=whole.partition(b"\r\n\r\n")[2][:-20])


def an_object(answer: Answer) -> Answer:
    return Answer(200, {"value": answer.body})


def texts(answer: Answer) -> Answer:
    return Answer(200, ["ada", "bob"])


def broken_off(answer: Answer) -> Answer:
    answer.cut = 10
    return answer


def server_error(answer: Answer) -> Answer:
    return Answer(500, {"errorCode": "E0000009", "errorSummary": "Internal Server Error"})


LIES: dict[str, tuple[Any, type[RemoteError], str]] = {
    "a web page": (html, Malformed, "a web page instead of JSON: check directory.url"),
    "truncated JSON": (cut_json, Malformed, "the answer is cut short or is not JSON"),
    "an object": (an_object, Malformed, "not a list of objects"),
    "texts": (texts, Malformed, "not a list of objects"),
    "a broken connection": (broken_off, Transient, "read app users"),
    "an error": (server_error, Transient, "HTTP 500"),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_is_no_listing_is_never_taken_for_one(app_world: OktaWorld, lie: str) -> None:
    spoil, error, says = LIES[lie]
    app_world.twin.faults.append(Fault(f"apps/{APP}/users", spoil, times=100))
    with pytest.raises(error, match=says):
        app_world.source().read()


@pytest.mark.parametrize("lie", LIES)
def test_on_a_later_page_it_leaves_the_people_partial(app_world: OktaWorld, lie: str) -> None:
    app_world.staff(700)
    app_world.twin.faults.append(Fault("after=", LIES[lie][0], times=100))
    snapshot = app_world.source().read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert len(snapshot.users) == 500
    assert snapshot.cursor is None


def denied(answer: Answer) -> Answer:
    words = "You do not have permission to perform the requested action"
    return Answer(403, {"errorCode": "E0000006", "errorSummary": words})


@pytest.mark.parametrize("place", ["after=", "groups?", "/users?limit=1000", "expand=stats"])
def test_a_right_that_is_taken_away_anywhere_fails_the_whole_read(
    app_world: OktaWorld, place: str
) -> None:
    app_world.staff(700)
    app_world.twin.faults.append(Fault(place, denied, times=100))
    with pytest.raises(CredentialsRejected, match=r"E0000006 .*admin role"):
        app_world.source("Users").read()
