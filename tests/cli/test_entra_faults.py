"""Entra ID → idpsync at the command line: whatever goes wrong there, nobody loses a seat, told once."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.adapters.sources.test_entra_sign_in import by_certificate
from tests.cli.directory_faults import Watched, each, watched
from tests.e2e.directories import graph_directory
from tests.twins.graph.faults import Fault
from tests.twins.graph.server import GraphTwin, running_graph

PEOPLE = [f"p{number}@acme.example" for number in range(6)]
SECRET = "entra.secret"
SKEW = 3600  # seconds that Entra is ahead of this machine


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[GraphTwin]:
    """Six people, the first four of them premium; pages of two."""
    with running_graph() as twin:
        for name in PEOPLE:
            twin.tenant.put(name)
        twin.tenant.make("Claude Premium", *PEOPLE[:4])
        twin.tenant.assign(twin.tenant.make("Claude Users", *PEOPLE))
        twin.page = twin.delta_page = 2
        (tmp_path / SECRET).write_text(twin.door.secret)
        yield twin


@pytest.fixture
def idpsync(tmp_path: Path, twin: GraphTwin) -> Iterator[Watched]:
    directory = graph_directory(twin, f"file:{tmp_path / SECRET}")
    with watched(tmp_path, directory) as idpsync:
        yield idpsync


Spoil = Callable[[GraphTwin, Watched], None]


def wrong_secret(twin: GraphTwin, idpsync: Watched) -> None:
    (idpsync.folder / SECRET).write_text("somebody-elses-secret")


def expired_secret(twin: GraphTwin, idpsync: Watched) -> None:
    twin.door.secret_expired = True


def clock_behind(twin: GraphTwin, idpsync: Watched) -> None:
    """A secret has no clock: only what is signed does."""
    idpsync.config["directory"]["auth"] = by_certificate(twin, idpsync.folder)
    twin.door.ahead = twin.skew = SKEW


def missing_role(twin: GraphTwin, idpsync: Watched) -> None:
    twin.door.roles = tuple(role for role in twin.door.roles if "GroupMember" not in role)


def unknown_application(twin: GraphTwin, idpsync: Watched) -> None:
    idpsync.config["directory"]["service_principal_id"] = twin.door.client_id


def foreign_link(twin: GraphTwin, idpsync: Watched) -> None:
    twin.fault = lambda _n, asked: Fault.FOREIGN if "delta" in asked.path else None


def web_page(twin: GraphTwin, idpsync: Watched) -> None:
    twin.fault = lambda _n, asked: Fault.HTML if "getByIds" in asked.path else None


def cut(twin: GraphTwin, idpsync: Watched) -> None:
    twin.fault = lambda _n, asked: Fault.TRUNCATED if "$skiptoken" in asked.query else None


def renamed_group(twin: GraphTwin, idpsync: Watched) -> None:
    twin.tenant.rename(twin.tenant.team("Claude Premium"), "Claude Gold")


def hidden_members(twin: GraphTwin, idpsync: Watched) -> None:
    twin.tenant.team("Claude Users").hides = True


FAULTS: list[tuple[Spoil, str]] = [
    (wrong_secret, "AADSTS7000215: the client secret is wrong"),
    (expired_secret, "AADSTS7000222: the client secret has expired"),
    (clock_behind, "AADSTS700024: the assertion is not valid at this time; the clock of this machine"),
    (missing_role, "the app role GroupMember.Read.All is missing: grant"),
    (unknown_application, "check service_principal_id"),
    (foreign_link, "leads to https://graph.example.net:443"),
    (web_page, "does a proxy answer in place of Graph?"),
    (cut, "not JSON"),
    (renamed_group, "is called 'Claude Gold' now"),
    (hidden_members, "Member.Read.Hidden"),
]


@each(FAULTS)
def test_a_fault_at_entra_removes_nobody_and_is_told_once(
    idpsync: Watched, twin: GraphTwin, fault: Spoil, says: str
) -> None:
    idpsync.withstand(lambda: fault(twin, idpsync), says, secrets=(twin.door.secret, "somebody-else"))


def test_checking_online_tells_of_a_clock_that_is_off_where_a_secret_works_all_the_same(
    idpsync: Watched, twin: GraphTwin
) -> None:
    twin.door.ahead = twin.skew = SKEW
    ended = idpsync.call("check", "--online")
    assert ended.code == 0, ended.out
    assert re.search(r"ok .*signed in .*; the clock of this machine is 3\d{3} s slow: set it", ended.out)


def test_checking_online_names_the_clock_where_it_is_why_nobody_is_let_in(
    idpsync: Watched, twin: GraphTwin
) -> None:
    clock_behind(twin, idpsync)
    ended = idpsync.call("check", "--online")
    assert ended.code == 5, ended.out
    assert re.search(r"entra: .*AADSTS700024: .*; the clock of this machine is 3\d{3} s slow", ended.out)


def test_checking_online_names_a_wrong_secret_and_does_not_show_it(
    idpsync: Watched, twin: GraphTwin
) -> None:
    wrong_secret(twin, idpsync)
    ended = idpsync.call("check", "--online")
    assert ended.code == 5, ended.out
    assert "the client secret is wrong: give its value, not its id (auth.secret)" in ended.out
    assert "somebody-else" not in ended.out + ended.err
