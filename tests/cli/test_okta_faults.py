"""Okta → idpsync through the command line: whatever goes wrong there, nobody loses a seat, told once."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from idpsync import jws
from idpsync.wiring.clock import CLOCK
from tests.adapters.sources.okta_world import APP, CLIENT, in_single_file, private_pem
from tests.cli.directory_faults import Watched, each, watched
from tests.twins.okta.server import Answer, Fault, OktaTwin, running_okta

PEOPLE, KEY = 6, "okta.pem"


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[OktaTwin]:
    key = jws.new_key()
    (tmp_path / KEY).write_bytes(private_pem(key))
    with running_okta(CLOCK, key.public_key()) as twin:
        ids = [twin.org.add_person(f"u{n}@acme.example")["id"] for n in range(PEOPLE)]
        twin.org.assign(APP, ids)
        twin.org.add_team("Claude Premium")
        twin.org.add_team("Claude Users")
        twin.org.join("Claude Premium", ids[:4])
        twin.org.join("Claude Users", ids)
        yield twin


@pytest.fixture
def idpsync(tmp_path: Path, twin: OktaTwin) -> Iterator[Watched]:
    directory = {
        "kind": "okta",
        "url": twin.url,
        "app_id": APP,
        "auth": {"kind": "private_key_jwt", "client_id": CLIENT, "key": f"file:{tmp_path / KEY}"},
    }
    with watched(tmp_path, directory) as idpsync:
        yield idpsync


Spoil = Callable[[OktaTwin, Watched], None]


def wrong_key(twin: OktaTwin, idpsync: Watched) -> None:
    (idpsync.folder / KEY).write_bytes(private_pem(jws.new_key()))


def key_taken_out(twin: OktaTwin, idpsync: Watched) -> None:
    twin.tokens.key = jws.new_key().public_key()


def clock_behind(twin: OktaTwin, idpsync: Watched) -> None:
    twin.clock = Later()


class Later:
    """Okta's time, where this machine's clock is ten minutes behind."""

    def now(self) -> datetime:
        return CLOCK.now() + timedelta(minutes=10)


def missing_scope(twin: OktaTwin, idpsync: Watched) -> None:
    twin.tokens.granted -= {"okta.apps.read"}


def unknown_group(twin: OktaTwin, idpsync: Watched) -> None:
    twin.org.rename("Claude Premium", "Premium 2027")


def unknown_app(twin: OktaTwin, idpsync: Watched) -> None:
    idpsync.config["directory"]["app_id"] = "0oanone"


def web_page(twin: OktaTwin, idpsync: Watched) -> None:
    def page(answer: Answer) -> Answer:
        return Answer(200, raw=b"<html>Sign in to continue</html>")

    twin.faults.append(Fault("/api/", page, times=1000))


def foreign_link(twin: OktaTwin, idpsync: Watched) -> None:
    def elsewhere(answer: Answer) -> Answer:
        answer.headers = [*answer.headers, ("link", '<https://evil.example/api/v1/x>; rel="next"')]
        return answer

    twin.faults.append(Fault(f"apps/{APP}", elsewhere, times=1000))


def cut(twin: OktaTwin, idpsync: Watched) -> None:
    def broken(answer: Answer) -> Answer:
        answer.cut = 30
        return answer

    twin.faults.append(Fault(f"apps/{APP}", in_single_file, times=1000, unless="after="))
    twin.faults.append(Fault("after=", broken, times=1000))


def short_page(twin: OktaTwin, idpsync: Watched) -> None:
    """It ends well and lacks somebody."""

    def one_less(answer: Answer) -> Answer:
        assert isinstance(answer.body, list)
        answer.body = answer.body[:-1]
        return answer

    twin.faults.append(Fault(f"apps/{APP}/users?", one_less, times=1000))


FAULTS: list[tuple[Spoil, str]] = [
    (wrong_key, "check client_id 0oa2example"),
    (key_taken_out, "check client_id 0oa2example"),
    (clock_behind, "s behind Okta's: set it"),
    (unknown_app, "no application has the id 0oanone: check directory.app_id"),
    (web_page, "answers with a web page instead of JSON: check directory.url"),
    (missing_scope, "the app lacks okta.apps.read: grant it in the app under Okta API Scopes"),
    (unknown_group, "group 'Claude Premium' is called 'Premium 2027' now; change policy.rules[0].group"),
    (foreign_link, "the next page is at evil.example, which is not this organisation's"),
    (cut, "people were not read to the end"),
    (short_page, "the listing of the application lacks 00u"),
]


@each(FAULTS)
def test_a_fault_of_the_directory_removes_nobody_and_is_told_once(
    idpsync: Watched, twin: OktaTwin, fault: Spoil, says: str
) -> None:
    idpsync.withstand(lambda: fault(twin, idpsync), says)


def test_checking_online_names_who_we_are_and_the_groups(idpsync: Watched, twin: OktaTwin) -> None:
    (told,) = [row for row in idpsync.call("check", "--online", "--json").json if row.get("facts")]
    assert told["detail"] == f"logged in to {twin.url} as {CLIENT}; sees {PEOPLE} people"
    names = ("Claude Premium", "Claude Users")
    assert told["facts"] == [f"group '{name}' → {twin.org.team(name).row['id']}" for name in names]
