"""Entra ID → idpsync at the command line: whatever goes wrong there, nobody loses a seat, told once."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.adapters.sources.test_entra_sign_in import by_certificate
from tests.cli.conftest import Inside, own_log
from tests.e2e.program import Program, base_config
from tests.receiver import Receiver, receiving
from tests.twins.graph.faults import Fault
from tests.twins.graph.server import GraphTwin, running_graph

PEOPLE = [f"p{number}@acme.example" for number in range(6)]
SECRET = "entra.secret"
SKEW = 3600  # seconds that Entra is ahead of this machine


@pytest.fixture
def webhook() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


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
def idpsync(tmp_path: Path, twin: GraphTwin, webhook: Receiver) -> Iterator[Program]:
    config = base_config(tmp_path) | {
        "policy": {
            "without_rule": "none",
            "rules": [
                {"group": "Claude Premium", "tier": "premium", "priority": 10},
                {"group": "Claude Users", "tier": "standard"},
            ],
        },
        "directory": {
            "kind": "entra",
            "tenant_id": twin.door.tenant,
            "login_url": twin.url,
            "graph_url": twin.url,
            "service_principal_id": twin.tenant.application_id,
            "auth": {
                "kind": "client_secret",
                "client_id": twin.door.client_id,
                "secret": f"file:{tmp_path / SECRET}",
            },
        },
        "target": {"kind": "local"},
        "alerts": {"receivers": [{"name": "hook", "kind": "webhook", "url": webhook.url}]},
    }
    config["contract"]["seats"] = {"premium": 10, "standard": 10}
    with own_log():
        yield Inside(tmp_path, config)


Spoil = Callable[[GraphTwin, Program], None]


def wrong_secret(twin: GraphTwin, idpsync: Program) -> None:
    (idpsync.folder / SECRET).write_text("somebody-elses-secret")


def expired_secret(twin: GraphTwin, idpsync: Program) -> None:
    twin.door.secret_expired = True


def clock_behind(twin: GraphTwin, idpsync: Program) -> None:
    """A secret has no clock: only what is signed does."""
    idpsync.config["directory"]["auth"] = by_certificate(twin, idpsync.folder)
    twin.door.ahead = twin.skew = SKEW


def missing_role(twin: GraphTwin, idpsync: Program) -> None:
    twin.door.roles = tuple(role for role in twin.door.roles if "GroupMember" not in role)


def unknown_application(twin: GraphTwin, idpsync: Program) -> None:
    idpsync.config["directory"]["service_principal_id"] = twin.door.client_id


def foreign_link(twin: GraphTwin, idpsync: Program) -> None:
    twin.fault = lambda _n, asked: Fault.FOREIGN if "delta" in asked.path else None


def web_page(twin: GraphTwin, idpsync: Program) -> None:
    twin.fault = lambda _n, asked: Fault.HTML if "getByIds" in asked.path else None


def cut(twin: GraphTwin, idpsync: Program) -> None:
    twin.fault = lambda _n, asked: Fault.TRUNCATED if "$skiptoken" in asked.query else None


def renamed_group(twin: GraphTwin, idpsync: Program) -> None:
    twin.tenant.rename(twin.tenant.team("Claude Premium"), "Claude Gold")


def hidden_members(twin: GraphTwin, idpsync: Program) -> None:
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


@pytest.mark.parametrize(("fault", "says"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_fault_at_entra_removes_nobody_and_is_told_once(
    idpsync: Program, twin: GraphTwin, webhook: Receiver, fault: Spoil, says: str
) -> None:
    first = idpsync.call("apply", "--yes", "--json")
    assert first.code == 0, first.err

    fault(twin, idpsync)
    ended = [idpsync.call("apply", "--yes") for _ in range(2)]

    assert {e.code for e in ended} == {4}, [e.err for e in ended]
    told = [" ".join((e.out + e.err).split()) for e in ended]
    assert all(says in text for text in told), told[0]
    assert not any(secret in text for text in told for secret in (twin.door.secret, "somebody-else"))
    tiers = idpsync.call("seats", "--json").json["tiers"]
    assert [tier["assigned"] for tier in tiers] == [4, 2]
    assert [message.json()["data"]["state"] for message in webhook.received] == ["firing"]


def test_checking_online_tells_of_a_clock_that_is_off_where_a_secret_works_all_the_same(
    idpsync: Program, twin: GraphTwin
) -> None:
    twin.door.ahead = twin.skew = SKEW
    ended = idpsync.call("check", "--online")
    assert ended.code == 0, ended.out
    assert re.search(r"ok .*signed in .*; the clock of this machine is 3\d{3} s slow: set it", ended.out)


def test_checking_online_names_the_clock_where_it_is_why_nobody_is_let_in(
    idpsync: Program, twin: GraphTwin
) -> None:
    clock_behind(twin, idpsync)
    ended = idpsync.call("check", "--online")
    assert ended.code == 5, ended.out
    assert re.search(r"entra: .*AADSTS700024: .*; the clock of this machine is 3\d{3} s slow", ended.out)


def test_checking_online_names_a_wrong_secret_and_does_not_show_it(
    idpsync: Program, twin: GraphTwin
) -> None:
    wrong_secret(twin, idpsync)
    ended = idpsync.call("check", "--online")
    assert ended.code == 5, ended.out
    assert "the client secret is wrong: give its value, not its id (auth.secret)" in ended.out
    assert "somebody-else" not in ended.out + ended.err
