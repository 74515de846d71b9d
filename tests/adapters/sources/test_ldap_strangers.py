"""People whom groups of a real OpenLDAP server name and whom the search for people has not shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idpsync.core.model import Coverage, DirectorySnapshot
from tests.adapters.sources.ldap_world import source_of
from tests.adapters.sources.wire import broken_wire
from tests.slapd import LdapGroup, LdapPerson, Slapd, entry_uuid, hide_people, running_slapd

pytestmark = pytest.mark.server

USERS = "Claude Users"
FIVE = [f"user{n:04d}" for n in range(5)]


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    """Five people, all in one group; two of them are hidden from `limited_dn`."""
    access = [hide_people("(|(uid=user0003)(uid=user0004))")]
    with running_slapd(tmp_path, people=5, groups={USERS: FIVE}, access=access) as server:
        yield server


def coverage(snapshot: DirectorySnapshot) -> Coverage:
    (group,) = snapshot.groups
    return group.coverage


def members(snapshot: DirectorySnapshot) -> frozenset[str]:
    (group,) = snapshot.groups
    return group.members or frozenset()


def test_hidden_people_make_their_groups_and_the_people_list_suspect(tmp_path: Path) -> None:
    groups = {USERS: [f"user{n:04d}" for n in range(85)]}
    access = [hide_people("(title=Engineer 3)")]
    with running_slapd(tmp_path, people=85, groups=groups, access=access) as slapd:
        assert source_of(slapd, USERS).read().complete
        source = source_of(slapd, USERS, bind_dn=slapd.limited_dn)
        source.read()
        snapshot = source.read()  # a second time, and they are too many all the same
    assert len(snapshot.users) == 80
    assert snapshot.users_coverage is Coverage.SUSPECT
    assert coverage(snapshot) is Coverage.SUSPECT
    assert "names 5 people" in snapshot.groups[0].reason


def test_two_hidden_people_of_five_are_believed_only_when_two_reads_say_the_same(slapd: Slapd) -> None:
    source = source_of(slapd, USERS, bind_dn=slapd.limited_dn)
    first, second = source.read(), source.read()
    assert not first.complete
    assert (first.users_coverage, coverage(first)) == (Coverage.SUSPECT, Coverage.SUSPECT)
    assert "names 2 people" in first.groups[0].reason
    assert second.complete
    assert "names 2 unknown people" in second.problems[0]


def test_another_stranger_than_at_the_read_before_is_no_second_word(slapd: Slapd) -> None:
    slapd.set_members(USERS, FIVE[:4])
    source = source_of(slapd, USERS, bind_dn=slapd.limited_dn)
    source.read()
    slapd.set_members(USERS, FIVE)
    assert not source.read().complete
    assert source.read().complete


def test_hidden_people_may_be_ignored_by_configuration(slapd: Slapd) -> None:
    source = source_of(slapd, USERS, bind_dn=slapd.limited_dn, unknown_members="ignore")
    assert source.read().complete


def test_people_whom_the_user_filter_leaves_out_do_not_make_a_group_suspect(tmp_path: Path) -> None:
    groups = {USERS: [f"user{n:04d}" for n in range(85)]}
    with running_slapd(tmp_path, people=85, groups=groups) as slapd:
        chosen = "(&(objectClass=inetOrgPerson)(!(title=Engineer 3)))"
        snapshot = source_of(slapd, USERS, user_filter=chosen).read()
    assert snapshot.complete, snapshot.problems
    assert len(members(snapshot)) == 80


def test_deleted_people_whom_a_group_still_names_are_nobody(slapd: Slapd) -> None:
    """A server without referential integrity; who is not there has no seat."""
    for uid in FIVE[:3]:
        slapd.delete_person(uid)
    snapshot = source_of(slapd, USERS).read()
    assert snapshot.complete
    assert members(snapshot) == {entry_uuid("user0003"), entry_uuid("user0004")}
    told = f"group '{USERS}': names 3 people under {slapd.people_base} who do not exist"
    assert snapshot.problems == (told,)


def test_a_name_under_a_folder_that_is_gone_proves_nothing(slapd: Slapd) -> None:
    """The folder may have been renamed, and the people with it."""
    group = LdapGroup("G", ("user0000",), member_dns=(f"uid=x,ou=sales,{slapd.people_base}",))
    slapd.add_group(group)
    assert coverage(source_of(slapd, "G").read()) is Coverage.SUSPECT


def test_somebody_who_is_renamed_between_the_two_searches_stays_a_member(slapd: Slapd) -> None:
    def rename(request: int) -> None:
        if request == 4:  # after the login, the question for a cookie, and the people
            slapd.rename_person("user0001", "renamed")
            slapd.set_members(USERS, ["renamed", *FIVE[2:]])

    with broken_wire(slapd.port, before_request=rename) as wire:
        snapshot = source_of(slapd, USERS, url=wire.url, page_size=100).read()
    assert snapshot.complete, snapshot.problems
    assert members(snapshot) == set(map(entry_uuid, FIVE[1:]))


def test_user_names_that_nobody_has_are_believed_when_two_reads_say_the_same(slapd: Slapd) -> None:
    slapd.add_group(LdapGroup("posix", ("user0001", "nobody-here"), object_class="posixGroup"))
    source = source_of(slapd, "posix")
    assert [source.read().complete for _ in range(2)] == [False, True]


def test_each_stranger_is_asked_for_once_and_only_where_there_are_any(slapd: Slapd) -> None:
    slapd.add_group("Other", FIVE)
    source = source_of(slapd, USERS, "Other", page_size=100)
    assert source.read().requests == 1 + 1 + 2  # the login, the question for a cookie
    slapd.delete_person("user0001")
    assert source.read().requests == 1 + 1 + 2 + 1
    slapd.add_person(LdapPerson("user0001", "user0001@acme.example"))
    assert source.read().requests == 1 + 1 + 2
