"""What a real OpenLDAP server says has changed: syncprov with and without a log, refint, odd cookies."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ldap3 import MODIFY_REPLACE

from tests.adapters.sources.following_slapd import PREMIUM, USERS, Followed, groups
from tests.adapters.sources.ldap_world import SlapdWorld, source_of
from tests.contracts.directory_changes import DirectoryChangesContract
from tests.contracts.directory_source import DirectorySourceContract, DirectoryWorld
from tests.slapd import (
    REFINT,
    SUFFIX,
    SYNCPROV,
    SYNCPROV_LOG,
    LdapGroup,
    LdapPerson,
    Slapd,
    entry_uuid,
    group_dn,
    person_number,
    running_slapd,
)

pytestmark = pytest.mark.server


class TestWithSessionLog(DirectorySourceContract, DirectoryChangesContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[DirectoryWorld]:
        with running_slapd(tmp_path, people=0, size_limit=2, overlays=SYNCPROV_LOG) as slapd:
            yield SlapdWorld(slapd)


class TestWithoutSessionLog(DirectoryChangesContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[DirectoryWorld]:
        with running_slapd(tmp_path, people=0, size_limit=2, overlays=SYNCPROV) as slapd:
            yield SlapdWorld(slapd)


@pytest.fixture(params=["log", "no log"])
def slapd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Slapd]:
    """Forty people, twenty of them in "Claude Users", four in "Claude Premium"; no refint."""
    overlays = SYNCPROV_LOG if request.param == "log" else SYNCPROV
    with running_slapd(tmp_path, people=40, groups=groups(), overlays=overlays) as server:
        yield server


@pytest.fixture
def mended(tmp_path: Path) -> Iterator[Slapd]:
    """The same, and groups follow their people without saying that they changed."""
    with running_slapd(
        tmp_path, people=40, groups=groups(), overlays=(*SYNCPROV_LOG, *REFINT)
    ) as server:
        yield server


# --- what it costs


def test_one_search_tells_that_nothing_changed(slapd: Slapd) -> None:
    followed = Followed(slapd)
    before = slapd.search_count()
    changes = followed.changes()
    assert slapd.search_count() - before == 2  # ours, and the one that counts
    assert changes is not None
    assert (changes.people, changes.groups, changes.cursor) == ({}, {}, followed.read.cursor)


def test_a_whole_read_asks_for_the_pages_and_one_cookie(slapd: Slapd) -> None:
    source = source_of(slapd, USERS, page_size=15)
    before = slapd.search_count()
    snapshot = source.read()
    assert slapd.search_count() - before - 1 == 3 + 1 + 1
    assert snapshot.requests == 6  # the login is one
    assert snapshot.users_proof is not None
    assert (snapshot.users_proof.ended_by, snapshot.users_proof.pages) == ("cookie empty", 3)
    (group,) = snapshot.groups
    assert group.proof is not None
    assert (group.proof.ended_by, group.proof.pages) == ("cookie empty", 1)


# --- what is told


def test_people_come_change_and_go(slapd: Slapd) -> None:
    followed = Followed(slapd)
    slapd.add_person(LdapPerson("zoe", "zoe@acme.example"))
    slapd.modify_person("user0030", mail="other@acme.example")
    slapd.delete_person("user0031")
    changes = followed.goes_on()
    told = {key: user.user_name if user else None for key, user in changes.people.items()}
    gone = entry_uuid("user0031")
    assert {name for name in told.values() if name} == {"zoe", "user0030"}
    assert told[gone] is None


def test_somebody_who_moves_out_of_the_base_is_gone(slapd: Slapd) -> None:
    followed = Followed(slapd, USERS)
    with slapd.root() as c:
        c.modify_dn(person_number(35).dn, "uid=user0035", new_superior=f"ou=services,{SUFFIX}")
    assert followed.goes_on().people == {entry_uuid("user0035"): None}


def test_somebody_whom_the_filter_finds_no_more_is_gone(slapd: Slapd) -> None:
    followed = Followed(slapd, USERS, user_filter="(&(objectClass=inetOrgPerson)(title=*))")
    slapd.modify_person("user0035", title="")
    assert followed.goes_on().people == {entry_uuid("user0035"): None}


def test_members_come_and_go(slapd: Slapd) -> None:
    followed = Followed(slapd)
    slapd.set_members(PREMIUM, ["user0001", "user0030"])
    changes = followed.goes_on()
    assert list(changes.groups) == [PREMIUM]
    assert changes.groups[PREMIUM].joined == {entry_uuid("user0030")}
    assert len(changes.groups[PREMIUM].left) == 3
    assert changes.people == {}


def test_a_person_who_is_named_before_they_are_there_is_in(slapd: Slapd) -> None:
    """The group is written first, the person afterwards, each told by itself."""
    followed = Followed(slapd)
    slapd.set_members(PREMIUM, ["user0001", "late"])
    followed.goes_on()
    slapd.add_person(LdapPerson("late", "late@acme.example"))
    changes = followed.goes_on()
    assert len(changes.groups[PREMIUM].joined) == 1


def test_names_that_groups_go_by_may_change(tmp_path: Path) -> None:
    posix = LdapGroup("posix", ("user0001", "user0002"), object_class="posixGroup")
    unique = LdapGroup("unique", ("user0003",), object_class="groupOfUniqueNames")
    with running_slapd(tmp_path, people=20, groups=[posix, unique], overlays=SYNCPROV_LOG) as slapd:
        followed = Followed(slapd, "posix", "unique")
        slapd.rename_person("user0002", "renamed")
        with slapd.root() as c:
            names = [(MODIFY_REPLACE, ["user0001", "renamed"])]
            c.modify(group_dn("posix"), {"memberUid": names})  # type: ignore[no-untyped-call]
        changes = followed.goes_on()
        assert (len(changes.people), changes.groups) == (1, {})
        slapd.rename_person("renamed", "again")  # and the group names nobody's name
        assert followed.changes() is None


@pytest.mark.parametrize("vanish", ["rename_group", "delete_group", "make_anew"])
def test_a_group_that_is_gone_or_another_is_not_told(slapd: Slapd, vanish: str) -> None:
    followed = Followed(slapd)
    if vanish == "rename_group":
        slapd.rename_group(PREMIUM, "Claude Gold")
    else:
        slapd.delete_group(PREMIUM)
    if vanish == "make_anew":
        slapd.add_group(PREMIUM, ["user0001"])
    assert followed.changes() is None


def test_members_by_the_groups_id_go_on(slapd: Slapd) -> None:
    wanted = entry_uuid(PREMIUM)
    followed = Followed(slapd, wanted)
    slapd.rename_group(PREMIUM, "Claude Gold")
    slapd.set_members("Claude Gold", ["user0001"])
    assert len(followed.goes_on().groups[wanted].left) == 3


def test_nested_groups_are_followed_while_their_names_stay(tmp_path: Path) -> None:
    nested = [
        LdapGroup("A", ("user0000",), ("B",)),
        LdapGroup("B", ("user0001",), ("A",)),
        LdapGroup("C", ("user0002",)),
    ]
    with running_slapd(tmp_path, people=20, groups=nested, overlays=SYNCPROV_LOG) as slapd:
        followed = Followed(slapd, "A", "C", nested_groups=True)
        slapd.set_members("B", ["user0005"])
        assert list(followed.goes_on().groups) == ["A"]
        slapd.rename_group("B", "B2")
        assert followed.changes() is None


# --- refint writes into groups without saying so


def test_somebody_who_is_deleted_is_out_of_every_group(mended: Slapd) -> None:
    followed = Followed(mended)
    for n in range(3):
        mended.delete_person(person_number(n).uid)
    mended.wait_for_members(PREMIUM, {"user0003"})
    changes = followed.goes_on()
    assert len(changes.groups[PREMIUM].left) == 3
    assert len(changes.groups[USERS].left) == 3


def test_somebody_who_is_renamed_stays_in_every_group(mended: Slapd) -> None:
    followed = Followed(mended)
    mended.rename_person("user0001", "renamed")
    mended.wait_for_members(PREMIUM, {"user0000", "renamed", "user0002", "user0003"})
    changes = followed.goes_on()
    assert changes.groups == {}
    assert [user.user_name for user in changes.people.values() if user] == ["renamed"]


def test_a_rename_that_no_group_follows_is_read_whole(slapd: Slapd) -> None:
    """Nobody can say whether the server is about to write the new name into the group."""
    followed = Followed(slapd)
    slapd.rename_person("user0001", "renamed")
    assert followed.changes() is None


def test_somebody_who_comes_back_under_the_same_name_is_not_in_the_old_groups(mended: Slapd) -> None:
    followed = Followed(mended)
    mended.delete_person("user0001")
    mended.wait_for_members(PREMIUM, {"user0000", "user0002", "user0003"})
    followed.goes_on()
    mended.add_person(LdapPerson("user0001", "user0001@acme.example"))
    assert followed.goes_on().groups == {}
