"""People who are moved with the folder they lie in: a real OpenLDAP server tells of the folder alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ldap3 import MODIFY_ADD, MODIFY_DELETE

from idpsync.core.ports import CanReadChanges
from tests.adapters.sources.following_slapd import PREMIUM, USERS, Followed
from tests.adapters.sources.ldap_world import source_of
from tests.slapd import (
    PEOPLE,
    SUFFIX,
    SYNCPROV,
    SYNCPROV_LOG,
    LdapPerson,
    Slapd,
    group_dn,
    running_slapd,
)

pytestmark = pytest.mark.server

SALES, OTHER = f"ou=sales,{PEOPLE}", f"ou=other,{PEOPLE}"
AWAY = f"ou=services,{SUFFIX}"


@pytest.fixture(params=["log", "no log"])
def slapd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Slapd]:
    """Twelve people; user0001 lies in the folder `SALES`, and is in "Claude Users" as such."""
    overlays = SYNCPROV_LOG if request.param == "log" else SYNCPROV
    groups = {USERS: ["user0000"], PREMIUM: ["user0002"]}
    with running_slapd(tmp_path, people=12, groups=groups, overlays=overlays) as server:
        with server.root() as c:
            for dn in (SALES, OTHER):
                c.add(dn, "organizationalUnit")  # type: ignore[no-untyped-call]
        move(server, LdapPerson("user0001").dn, SALES)
        name(server, f"uid=user0001,{SALES}")
        yield server


def move(slapd: Slapd, dn: str, into: str) -> None:
    with slapd.root() as c:
        c.modify_dn(dn, dn.partition(",")[0], new_superior=into)


def name(slapd: Slapd, dn: str, instead_of: str = "") -> None:
    changes = [(MODIFY_ADD, [dn]), *([(MODIFY_DELETE, [instead_of])] if instead_of else [])]
    with slapd.root() as c:
        c.modify(group_dn(USERS), {"member": changes})  # type: ignore[no-untyped-call]


def test_a_folder_that_is_renamed_or_moved_is_read_whole(slapd: Slapd) -> None:
    followed = Followed(slapd)
    move(slapd, SALES, OTHER)
    assert followed.changes() is None


def test_a_folder_whose_people_are_named_anew_is_read_whole(slapd: Slapd) -> None:
    followed = Followed(slapd)
    move(slapd, SALES, OTHER)
    name(slapd, f"uid=user0001,ou=sales,{OTHER}", instead_of=f"uid=user0001,{SALES}")
    assert followed.changes() is None
    whole = followed.source.read()
    assert whole.complete
    assert [len(group.members or ()) for group in whole.groups if group.name == USERS] == [2]


def test_a_folder_that_leaves_the_base_takes_its_people_along(slapd: Slapd) -> None:
    followed = Followed(slapd)
    name(slapd, LdapPerson("user0003").dn, instead_of=f"uid=user0001,{SALES}")
    move(slapd, SALES, AWAY)
    if (changes := followed.changes()) is not None:  # without a log, whoever is not there is known
        assert list(changes.people.values()) == [None]


def test_a_folder_that_leaves_what_is_followed_takes_its_people_along(slapd: Slapd) -> None:
    """Without groups only the people's base is followed; of the folder no more than its id is told."""
    source = source_of(slapd)
    read = source.read()
    assert read.cursor
    move(slapd, SALES, AWAY)
    assert isinstance(source, CanReadChanges)
    if (changes := source.changes(read.cursor)) is not None:
        assert list(changes.people.values()) == [None]


def test_a_folder_that_comes_into_the_base_brings_its_people(slapd: Slapd) -> None:
    move(slapd, SALES, AWAY)
    name(slapd, LdapPerson("user0003").dn, instead_of=f"uid=user0001,{SALES}")
    followed = Followed(slapd)
    move(slapd, f"ou=sales,{AWAY}", PEOPLE)
    assert followed.changes() is None


def test_somebody_else_who_is_deleted_costs_a_look_at_the_folders(slapd: Slapd) -> None:
    slapd.add_group("Not Ours", ["user0001"])
    followed = Followed(slapd)
    slapd.delete_group("Not Ours")
    slapd.delete_person("user0009")
    assert len(followed.goes_on().people) == 1


def test_somebody_under_whom_others_lie_is_read_whole_when_they_are_renamed(slapd: Slapd) -> None:
    move(slapd, LdapPerson("user0005").dn, LdapPerson("user0004").dn)
    followed = Followed(slapd)
    slapd.rename_person("user0004", "renamed")
    assert followed.changes() is None
