"""OpenLDAP → idpsync through the command line: a fault there takes no seat, and is told once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.directory_faults import SEATS, Watched, each, watched
from tests.e2e.directories import slapd_directory
from tests.slapd import HIDE_MEMBERS, Slapd, hide_people, running_slapd

pytestmark = pytest.mark.server

SIX = [f"user{n:04d}" for n in range(6)]
GROUPS = {"Claude Premium": SIX[:4], "Claude Users": SIX}


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    access = [HIDE_MEMBERS, hide_people("(|(uid=user0003)(uid=user0004))")]
    with running_slapd(tmp_path / "slapd", people=6, groups=GROUPS, access=access) as server:
        yield server


@pytest.fixture
def idpsync(tmp_path: Path, slapd: Slapd) -> Iterator[Watched]:
    with watched(tmp_path, slapd_directory(slapd) | {"page_size": 3}) as idpsync:
        yield idpsync


Spoil = Callable[[Slapd, Watched], None]


def wrong_password(slapd: Slapd, idpsync: Watched) -> None:
    slapd.password_file.write_text("wrong")


def unknown_authority(slapd: Slapd, idpsync: Watched) -> None:
    idpsync.config["directory"]["ca_file"] = str(slapd.ca_file.with_name("other-ca.pem"))


def base_gone(slapd: Slapd, idpsync: Watched) -> None:
    idpsync.config["directory"]["user_base"] = "ou=nowhere,dc=acme,dc=example"


def size_limit(slapd: Slapd, idpsync: Watched) -> None:
    slapd.cap_reader(4)


def group_renamed(slapd: Slapd, idpsync: Watched) -> None:
    slapd.rename_group("Claude Premium", "Premium 2027")


def rights_taken(slapd: Slapd, idpsync: Watched) -> None:
    idpsync.config["directory"]["bind_dn"] = slapd.limited_dn


FAULTS: list[tuple[Spoil, str]] = [
    (wrong_password, "bind_dn or password is wrong"),
    (unknown_authority, "the server's certificate is not accepted"),
    (base_gone, "ou=nowhere,dc=acme,dc=example does not exist, or this bind DN may not see it"),
    (size_limit, "the server's size limit for this bind DN is too small"),
    (group_renamed, "group 'Claude Premium' is called 'Premium 2027' now"),
    (rights_taken, "shows no member: hidden from this bind DN?"),
]


@each(FAULTS)
def test_a_fault_of_the_directory_removes_nobody_and_is_told_once(
    idpsync: Watched, slapd: Slapd, fault: Spoil, says: str
) -> None:
    idpsync.withstand(lambda: fault(slapd, idpsync), says)


def test_a_server_that_is_away_for_a_moment_removes_nobody_and_wakes_nobody(
    idpsync: Watched, slapd: Slapd
) -> None:
    idpsync.give_seats()
    slapd.stop()
    ended = idpsync.call("apply", "--yes")
    slapd.start()

    assert (ended.code, "Connection refused" in ended.err + ended.out) == (4, True)
    idpsync.done("apply", "--yes")
    assert (idpsync.seats, idpsync.alerts) == (SEATS, [])
