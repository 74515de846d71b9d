"""Groups of a real OpenLDAP server, written one member at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idpsync.core.errors import CredentialsRejected, NotFound, Refused
from idpsync.sources.ldap.source import LdapSource
from tests.adapters.sources.ldap_world import SlapdWorld, config_of
from tests.contracts.group_writing import OURS, GroupWritingContract, WritingWorld
from tests.fakes.source import SteadyClock
from tests.slapd import HIDE_MEMBERS, LdapGroup, LdapPerson, Slapd, entry_uuid, running_slapd

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
