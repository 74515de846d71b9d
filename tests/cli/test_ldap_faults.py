"""OpenLDAP → idpsync through the command line: a fault there takes no seat, and is told once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Inside, own_log
from tests.e2e.program import Program, base_config
from tests.receiver import Receiver, receiving
from tests.slapd import HIDE_MEMBERS, Slapd, hide_people, running_slapd

pytestmark = pytest.mark.server

SIX = [f"user{n:04d}" for n in range(6)]
GROUPS = {"Claude Premium": SIX[:4], "Claude Users": SIX}


@pytest.fixture
def webhook() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    access = [HIDE_MEMBERS, hide_people("(|(uid=user0003)(uid=user0004))")]
    with running_slapd(tmp_path / "slapd", people=6, groups=GROUPS, access=access) as server:
        yield server


@pytest.fixture
def idpsync(tmp_path: Path, slapd: Slapd, webhook: Receiver) -> Iterator[Program]:
    config = base_config(tmp_path) | {
        "policy": {
            "without_rule": "none",
            "rules": [
                {"group": "Claude Premium", "tier": "premium", "priority": 10},
                {"group": "Claude Users", "tier": "standard"},
            ],
        },
        "directory": {
            "kind": "ldap",
            "url": slapd.ldaps_url,
            "ca_file": str(slapd.ca_file),
            "bind_dn": slapd.bind_dn,
            "password": f"file:{slapd.password_file}",
            "user_base": slapd.people_base,
            "group_base": slapd.groups_base,
            "page_size": 3,
        },
        "target": {"kind": "local"},
        "alerts": {"receivers": [{"name": "hook", "kind": "webhook", "url": webhook.url}]},
    }
    config["contract"]["seats"] = {"premium": 10, "standard": 10}
    with own_log():
        yield Inside(tmp_path, config)


Spoil = Callable[[Slapd, Program], None]


def wrong_password(slapd: Slapd, idpsync: Program) -> None:
    slapd.password_file.write_text("wrong")


def unknown_authority(slapd: Slapd, idpsync: Program) -> None:
    idpsync.config["directory"]["ca_file"] = str(slapd.ca_file.with_name("other-ca.pem"))


def base_gone(slapd: Slapd, idpsync: Program) -> None:
    idpsync.config["directory"]["user_base"] = "ou=nowhere,dc=acme,dc=example"


def size_limit(slapd: Slapd, idpsync: Program) -> None:
    slapd.cap_reader(4)


def group_renamed(slapd: Slapd, idpsync: Program) -> None:
    slapd.rename_group("Claude Premium", "Premium 2027")


def rights_taken(slapd: Slapd, idpsync: Program) -> None:
    idpsync.config["directory"]["bind_dn"] = slapd.limited_dn


FAULTS: list[tuple[Spoil, str]] = [
    (wrong_password, "bind_dn or password is wrong"),
    (unknown_authority, "the server's certificate is not accepted"),
    (base_gone, "ou=nowhere,dc=acme,dc=example does not exist, or this bind DN may not see it"),
    (size_limit, "the server's size limit for this bind DN is too small"),
    (group_renamed, "group 'Claude Premium' is called 'Premium 2027' now"),
    (rights_taken, "shows no member: hidden from this bind DN?"),
]


@pytest.mark.parametrize(("fault", "says"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_fault_of_the_directory_removes_nobody_and_is_told_once(
    idpsync: Program, slapd: Slapd, webhook: Receiver, fault: Spoil, says: str
) -> None:
    first = idpsync.call("apply", "--yes", "--json")
    assert first.code == 0, first.err

    fault(slapd, idpsync)
    ended = [idpsync.call("apply", "--yes") for _ in range(2)]

    assert {e.code for e in ended} == {4}, [e.err for e in ended]
    assert all(says in " ".join((e.out + e.err).split()) for e in ended), ended[0].err + ended[0].out
    tiers = idpsync.call("seats", "--json").json["tiers"]
    assert [tier["assigned"] for tier in tiers] == [4, 2]
    assert [message.json()["data"]["state"] for message in webhook.received] == ["firing"]


def test_a_server_that_is_away_for_a_moment_removes_nobody_and_wakes_nobody(
    idpsync: Program, slapd: Slapd, webhook: Receiver
) -> None:
    assert idpsync.call("apply", "--yes").code == 0
    slapd.stop()
    ended = idpsync.call("apply", "--yes")
    slapd.start()

    assert (ended.code, "Connection refused" in ended.err + ended.out) == (4, True)
    assert idpsync.call("apply", "--yes").code == 0
    tiers = idpsync.call("seats", "--json").json["tiers"]
    assert [tier["assigned"] for tier in tiers] == [4, 2]
    assert webhook.received == []
