"""Cookies, logs and servers: when what a real OpenLDAP server tells is enough, and when it is not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from idpsync.core.ports import CanReadChanges
from tests.adapters.sources.following_slapd import PREMIUM, USERS, Followed, groups
from tests.adapters.sources.ldap_world import source_of
from tests.adapters.sources.wire import broken_wire
from tests.slapd import (
    PEOPLE,
    SUFFIX,
    SYNCPROV,
    SYNCPROV_LOG,
    LdapPerson,
    Slapd,
    group_dn,
    person_number,
    running_slapd,
)

pytestmark = pytest.mark.server


@pytest.fixture(params=["log", "no log"])
def slapd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Slapd]:
    """Forty people, twenty of them in "Claude Users", four in "Claude Premium"; no refint."""
    overlays = SYNCPROV_LOG if request.param == "log" else SYNCPROV
    with running_slapd(tmp_path, people=40, groups=groups(), overlays=overlays) as server:
        yield server


def test_what_happens_during_the_read_is_not_lost(slapd: Slapd) -> None:
    """Pages that were read already show what is no more; the changes tell of it."""
    happened: list[int] = []

    def happen(request: int) -> None:
        if request == 7 and not happened:  # four pages of people have been read
            happened.append(request)
            slapd.delete_person("user0030")
            slapd.modify_person("user0001", mail="other@acme.example")
            slapd.set_members(PREMIUM, ["user0001"])
            slapd.add_person(LdapPerson("zoe", "zoe@acme.example"))

    with broken_wire(slapd.port, before_request=happen) as wire:
        followed = Followed(slapd, url=wire.url)
        assert happened
        followed.goes_on()


def test_a_cookie_that_the_server_cannot_read_is_read_whole(slapd: Slapd) -> None:
    """It answers as to a first request: everything, and nothing of who is gone."""
    followed = Followed(slapd)
    slapd.delete_person("user0030")
    known = followed.source._following  # type: ignore[attr-defined]
    known.start = replace(known.start, cookies=(b"garbage",))
    assert followed.changes() is None


def test_a_server_that_restarts_goes_on(slapd: Slapd) -> None:
    followed = Followed(slapd)
    slapd.modify_person("user0030", mail="other@acme.example")
    slapd.delete_person("user0031")
    slapd.restart()
    assert len(followed.goes_on().people) == 2


def test_a_log_that_was_too_short_goes_on(tmp_path: Path) -> None:
    overlays = ("overlay syncprov", "syncprov-sessionlog 3")
    with running_slapd(tmp_path, people=40, groups=groups(), overlays=overlays) as slapd:
        followed = Followed(slapd)
        for n in range(20, 30):
            slapd.delete_person(person_number(n).uid)
        assert len(followed.goes_on().people) == 10


def test_a_directory_that_was_made_anew_is_read_whole(slapd: Slapd, tmp_path: Path) -> None:
    """Another state under the same cookie's server: older than the cookie."""
    followed = Followed(slapd)
    slapd.modify_person("user0030", mail="other@acme.example")
    assert followed.changes()
    slapd.stop()
    slapd.forget_everything()
    slapd.start()
    assert followed.changes() is None


def test_another_server_than_the_one_that_was_read_is_read_whole(slapd: Slapd, tmp_path: Path) -> None:
    with running_slapd(tmp_path, people=40, groups=groups(), overlays=SYNCPROV_LOG) as other:
        followed = Followed(slapd, url=None, urls=[slapd.url, other.url])
        slapd.stop()
        assert followed.changes() is None


def test_a_server_without_syncprov_names_no_cursor(tmp_path: Path) -> None:
    with running_slapd(tmp_path, people=5, groups={USERS: ["user0001"]}) as slapd:
        snapshot = source_of(slapd, USERS).read()
    assert (snapshot.complete, snapshot.cursor) == (True, None)


def test_ids_that_the_server_does_not_name_have_no_cursor(slapd: Slapd) -> None:
    assert source_of(slapd, USERS, id_attribute="uid", group_filter="(cn=x)").read().cursor is None


@pytest.mark.parametrize(
    "changes",
    [
        {"user_filter": f"(&(objectClass=inetOrgPerson)(memberOf={group_dn('staff')}))"},
        {"user_filter": f"(&(uid=*)(entryDN:dnSubtreeMatch:={PEOPLE}))"},
        {"extra_attributes": ["memberOf"]},
        {"active_attribute": "pwdAccountLockedTime"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_the_server_makes_up_by_itself_has_no_cursor(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    """Who comes into `staff` fits the filter from then on, and nothing tells of them."""
    overlays = (*SYNCPROV_LOG, "overlay memberof", "memberof-refint TRUE")
    with running_slapd(tmp_path, people=5, groups=(), overlays=overlays) as slapd:
        slapd.add_group("staff", ["user0000", "user0001"])
        slapd.add_group(USERS, ["user0000"])
        read = source_of(slapd, USERS, **changes).read()
    assert (read.complete, read.cursor) == (True, None)


def test_bases_whose_parent_cannot_be_seen_are_asked_one_by_one(tmp_path: Path) -> None:
    hide = f'access to dn.base="{SUFFIX}" by dn.exact="{Slapd.bind_dn}" none by users read'
    with running_slapd(
        tmp_path, people=40, groups=groups(), overlays=SYNCPROV_LOG, access=[hide]
    ) as slapd:
        followed = Followed(slapd)
        before = slapd.search_count()
        assert followed.changes()
        assert slapd.search_count() - before - 1 == 2
        slapd.delete_person("user0030")
        slapd.set_members(PREMIUM, ["user0001"])
        followed.goes_on()


def test_changes_that_a_size_limit_cuts_are_not_told(slapd: Slapd) -> None:
    followed = Followed(slapd)
    for n in range(20, 26):
        slapd.modify_person(person_number(n).uid, title="x")
    slapd.cap_reader(4)
    assert followed.changes() is None


def test_so_many_changes_are_read_whole(tmp_path: Path) -> None:
    with running_slapd(tmp_path, people=300, overlays=SYNCPROV_LOG) as slapd:
        source = source_of(slapd)
        read = source.read()
        for n in range(205):
            slapd.modify_person(person_number(n).uid, title="x")
        assert isinstance(source, CanReadChanges)
        assert read.cursor
        assert source.changes(read.cursor) is None
