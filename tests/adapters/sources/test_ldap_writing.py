"""Groups of a real OpenLDAP server, written one member at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ldap3 import MODIFY_ADD, MODIFY_DELETE

from idpsync.core.errors import CredentialsRejected, NotFound, Refused
from idpsync.sources.ldap.source import LdapSource
from tests.adapters.sources.ldap_world import SlapdWorld, config_of
from tests.contracts.group_writing import OURS, GroupWritingContract, WritingWorld
from tests.fakes.source import SteadyClock
from tests.slapd import (
    HIDE_MEMBERS,
    SUFFIX,
    LdapGroup,
    LdapPerson,
    Slapd,
    entry_uuid,
    group_dn,
    running_slapd,
)

pytestmark = pytest.mark.server


class TestSlapdWriting(GroupWritingContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[WritingWorld]:
        with running_slapd(tmp_path, people=0, access=[HIDE_MEMBERS]) as slapd:
            yield SlapdWorld(slapd)


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    """Ten people and groups of each class, user0001 in each of them."""
    classes = ("groupOfNames", "groupOfUniqueNames", "posixGroup")
    groups = [LdapGroup(name, ("user0001",), object_class=name) for name in classes]
    with running_slapd(tmp_path, people=10, groups=groups) as server:
        yield server


def writer(slapd: Slapd, *owned: str, **changes: object) -> LdapSource:
    config = config_of(slapd, **({"bind_dn": slapd.writer_dn} | changes))
    return LdapSource(config, clock=SteadyClock(), groups=frozenset(owned), owned=frozenset(owned))


@pytest.mark.parametrize("name", ["groupOfNames", "groupOfUniqueNames", "posixGroup"])
def test_every_class_of_group_is_written(slapd: Slapd, name: str) -> None:
    groups = writer(slapd, name)
    one, two = entry_uuid("user0001"), entry_uuid("user0002")
    for _ in range(2):
        groups.add_member(name, two)
    assert groups.members_of(name) == {one, two}
    assert groups.read().groups[0].members == frozenset({one, two})
    for _ in range(2):
        groups.remove_member(name, one)
    assert groups.members_of(name) == {two}


@pytest.mark.parametrize("name", ["groupOfNames", "groupOfUniqueNames"])
def test_the_last_member_needs_a_placeholder(slapd: Slapd, name: str) -> None:
    with pytest.raises(Refused, match=r"user0001 is the last member of .*put a placeholder into it"):
        writer(slapd, name).remove_member(name, entry_uuid("user0001"))


def test_a_group_of_posix_users_may_become_empty(slapd: Slapd) -> None:
    groups = writer(slapd, "posixGroup")
    groups.remove_member("posixGroup", entry_uuid("user0001"))
    assert groups.members_of("posixGroup") == frozenset()


def test_a_group_of_members_may_become_empty(tmp_path: Path) -> None:
    group = LdapGroup(OURS, ("user0001",), object_class="groupOfMembers")
    with running_slapd(tmp_path, people=3, groups=[group]) as slapd:
        groups = writer(slapd, OURS, group_filter="(objectClass=groupOfMembers)")
        groups.remove_member(OURS, entry_uuid("user0001"))
        assert groups.members_of(OURS) == frozenset()
        groups.add_member(OURS, entry_uuid("user0002"))
        assert groups.members_of(OURS) == {entry_uuid("user0002")}


def test_a_bind_dn_that_may_not_write_is_told(slapd: Slapd) -> None:
    groups = writer(slapd, "groupOfNames", bind_dn=slapd.bind_dn)
    with pytest.raises(CredentialsRejected, match="insufficientAccessRights"):
        groups.add_member("groupOfNames", entry_uuid("user0002"))


def test_a_group_that_was_written_goes_by_its_id(slapd: Slapd) -> None:
    slapd.add_group(OURS, ["user0001"])
    groups = writer(slapd, OURS)
    groups.add_member(OURS, entry_uuid("user0002"))
    slapd.rename_group(OURS, "Claude Gold")
    groups.add_member(OURS, entry_uuid("user0003"))
    assert slapd.members_of("Claude Gold") == {"user0001", "user0002", "user0003"}
    slapd.delete_group("Claude Gold")
    slapd.add_group(OURS, ["user0001"])
    with pytest.raises(NotFound):
        groups.add_member(OURS, entry_uuid("user0003"))


@pytest.mark.parametrize("uid", ["o, comma", "p+plus", "#hash", "Ünï", "*", "x)(uid=*"])
def test_odd_names_are_written_as_they_are(slapd: Slapd, uid: str) -> None:
    slapd.add_person(LdapPerson(uid, "odd@acme.example"))
    groups = writer(slapd, "groupOfNames", "posixGroup")
    (odd,) = (user.external_id for user in groups.read().users if user.user_name == uid)
    names = ("groupOfNames", "posixGroup")
    for name in names if uid.isascii() else names[:1]:  # memberUid is ASCII (RFC 2307)
        groups.add_member(name, odd)
        assert groups.members_of(name) == {odd, entry_uuid("user0001")}


@pytest.mark.parametrize("wanted", ["*", "group*", "x)(cn=*"])
def test_the_name_of_a_group_cannot_change_the_filter(slapd: Slapd, wanted: str) -> None:
    with pytest.raises(NotFound):
        writer(slapd, wanted).add_member(wanted, entry_uuid("user0002"))


@pytest.mark.parametrize("wanted", ["*", "user*", "x)(entryUUID=*"])
def test_the_id_of_a_person_cannot_change_the_filter(slapd: Slapd, wanted: str) -> None:
    with pytest.raises(NotFound):
        writer(slapd, "groupOfNames").add_member("groupOfNames", wanted)


# --- people whom the configuration does not mean any more


LEFT = "(&(objectClass=inetOrgPerson)(!(title=former)))"


@pytest.mark.parametrize("name", ["groupOfNames", "groupOfUniqueNames", "posixGroup"])
@pytest.mark.parametrize("leaves", ["filter", "base"])
def test_whoever_left_the_people_is_still_in_and_can_be_taken_out(
    slapd: Slapd, name: str, leaves: str
) -> None:
    groups, left = writer(slapd, name, user_filter=LEFT), entry_uuid("user0001")
    groups.add_member(name, entry_uuid("user0002"))
    if leaves == "filter":
        slapd.modify_person("user0001", title="former")
    else:
        move_out(slapd, "user0001", name)
    assert left not in {user.external_id for user in groups.read().users}
    assert groups.members_of(name) == {left, entry_uuid("user0002")}
    groups.remove_member(name, left)
    assert groups.members_of(name) == {entry_uuid("user0002")}


def move_out(slapd: Slapd, uid: str, group: str) -> None:
    """Out of the base of the people; the group names them by the new DN, as with refint."""
    away = f"ou=services,{SUFFIX}"
    attribute = "uniqueMember" if group == "groupOfUniqueNames" else "member"
    with slapd.root() as c:
        c.modify_dn(LdapPerson(uid).dn, f"uid={uid}", new_superior=away)
        if group != "posixGroup":
            moved = [(MODIFY_DELETE, [LdapPerson(uid).dn]), (MODIFY_ADD, [f"uid={uid},{away}"])]
            c.modify(group_dn(group), {attribute: moved})  # type: ignore[no-untyped-call]


def test_members_are_looked_up_one_by_one_where_they_are_few(tmp_path: Path) -> None:
    with running_slapd(tmp_path, people=60, groups={OURS: ["user0001", "user0059"]}) as slapd:
        groups = writer(slapd, OURS)  # fifteen pages of people
        before = slapd.search_count()
        assert len(groups.members_of(OURS)) == 2
        assert slapd.search_count() - before - 1 == 1 + 2


def test_many_members_are_looked_up_among_all_and_the_rest_one_by_one(tmp_path: Path) -> None:
    everybody = [f"user{n:04d}" for n in range(120)]
    with running_slapd(tmp_path, people=120, groups={OURS: everybody}) as slapd:
        move_out(slapd, "user0005", OURS)
        groups = writer(slapd, OURS, page_size=50)
        before = slapd.search_count()
        assert groups.members_of(OURS) == set(map(entry_uuid, everybody))
        assert slapd.search_count() - before - 1 == 1 + 3 + 1
