"""What a real OpenLDAP server holds: groups and people of every kind, and one person looked up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idpsync.core.errors import (
    ConfigError,
    Malformed,
    NotFound,
)
from idpsync.core.model import Coverage
from idpsync.core.ports import CanFind
from idpsync.settings import Secret
from idpsync.sources import LdapConfig, build
from tests.adapters.sources.ldap_world import source_of
from tests.contracts.directory_source import (
    group_of,
    member_names,
)
from tests.fakes.source import SteadyClock
from tests.slapd import (
    GROUPS,
    PEOPLE,
    SUFFIX,
    LdapGroup,
    LdapPerson,
    Slapd,
    entry_uuid,
    group_dn,
    person_number,
    running_slapd,
)

pytestmark = pytest.mark.server


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    """Ten people (user0000…), five of them in "Claude Users"; three entries per search for capped_dn."""
    groups = {"Claude Users": [f"user{n:04d}" for n in range(5)]}
    with running_slapd(tmp_path, people=10, groups=groups, size_limit=3) as server:
        yield server


# --- groups


def test_nested_groups_are_closed_through_circles(tmp_path: Path) -> None:
    groups = [
        LdapGroup("A", ("user0000",), ("B",)),
        LdapGroup("B", ("user0001",), ("C",)),
        LdapGroup("C", ("user0002",), ("A", "C")),
        LdapGroup("Empty middle", (), ("Inner",)),
        LdapGroup("Inner", ("user0003",)),
    ]
    with running_slapd(tmp_path, people=5, groups=groups) as slapd:
        flat = source_of(slapd, "A", "Empty middle").read()
        nested_source = source_of(slapd, "A", "B", "Empty middle", nested_groups=True)
        nested = nested_source.read()
        assert isinstance(nested_source, CanFind)
        found = nested_source.find("user0002")
    assert flat.complete
    assert nested.complete
    assert member_names(flat, "A") == {"user0000"}
    assert member_names(flat, "Empty middle") == set()
    assert member_names(nested, "A") == member_names(nested, "B") == {"user0000", "user0001", "user0002"}
    assert member_names(nested, "Empty middle") == {"user0003"}
    assert found is not None
    assert found[1] == {"A", "B"}


def test_a_nested_group_that_cannot_be_read_makes_its_parents_suspect(tmp_path: Path) -> None:
    groups = [LdapGroup("A", ("user0000",), ("Hidden",)), LdapGroup("Hidden", ("user0001",))]
    hide = (
        f'access to dn.base="{group_dn("Hidden")}" by dn.exact="{Slapd.limited_dn}" none by users read'
    )
    with running_slapd(tmp_path, people=5, groups=groups, access=[hide]) as slapd:
        snapshot = source_of(slapd, "A", nested_groups=True, bind_dn=slapd.limited_dn).read()
    group = group_of(snapshot, "A")
    assert group.coverage is Coverage.SUSPECT
    assert "could not be read" in group.reason


def test_every_kind_of_group_is_read(tmp_path: Path) -> None:
    groups = [
        LdapGroup("unique", ("user0000",), object_class="groupOfUniqueNames"),
        LdapGroup("posix", ("user0001", "USER0002"), object_class="posixGroup"),
        LdapGroup("empty", object_class="posixGroup"),
    ]
    with running_slapd(tmp_path, people=5, groups=groups) as slapd:
        source = source_of(slapd, "unique", "posix", "empty")
        snapshot = source.read()
        assert isinstance(source, CanFind)
        found = [source.find(uid) for uid in ("user0000", "user0001")]
    assert snapshot.complete, snapshot.problems
    assert member_names(snapshot, "unique") == {"user0000"}
    assert member_names(snapshot, "posix") == {"user0001", "user0002"}
    assert member_names(snapshot, "empty") == set()
    assert [set(f[1]) for f in found if f] == [{"unique"}, {"posix"}]


def test_two_groups_of_one_name_are_not_guessed_between(slapd: Slapd) -> None:
    slapd.add_group(LdapGroup("Claude Gold"))
    twin = f"cn=Claude Gold,{slapd.people_base}"
    with slapd.root() as c:
        attributes = LdapGroup("Claude Gold").attributes()
        c.add(twin, attributes=attributes)  # type: ignore[no-untyped-call]
    group = group_of(source_of(slapd, "Claude Gold", group_base=SUFFIX).read(), "Claude Gold")
    assert (group.coverage, group.members) == (Coverage.FAILED, None)
    assert twin in group.reason


def test_group_names_compare_without_case_and_keep_the_policys_spelling(slapd: Slapd) -> None:
    snapshot = source_of(slapd, "CLAUDE users").read()
    assert len(member_names(snapshot, "CLAUDE users")) == 5
    assert group_of(snapshot, "CLAUDE users").external_id == entry_uuid("Claude Users")


def test_members_are_matched_however_their_names_are_written(tmp_path: Path) -> None:
    odd = ["o, comma", "p+plus", 'q"quote', "r\\back", "#hash", "Ünï", "two  spaces", "s=t;u"]
    spelled = tuple(f"UID={uid} ,  OU=People,{SUFFIX}" for uid in (r"O\2C Comma", r"P\2BPlus"))
    groups = [LdapGroup("odd", tuple(odd)), LdapGroup("spelled", member_dns=spelled)]
    people = [LdapPerson(uid, f"x{n}@acme.example") for n, uid in enumerate(odd)]
    with running_slapd(tmp_path, people=people, groups=groups) as slapd:
        source = source_of(slapd, "odd", "spelled")
        snapshot = source.read()
        assert isinstance(source, CanFind)
        found = {uid: source.find(uid) for uid in odd}
    assert snapshot.complete, snapshot.problems
    assert len(group_of(snapshot, "odd").members or ()) == len(odd)
    assert member_names(snapshot, "spelled") == set(odd[:2])
    assert {uid for uid, hit in found.items() if hit and "odd" in hit[1]} == set(odd)


# --- people


def test_ids_are_entry_uuids_and_survive_a_rename(slapd: Slapd) -> None:
    slapd.rename_person("user0000", "renamed")
    slapd.set_members("Claude Users", ["renamed"])
    snapshot = source_of(slapd, "Claude Users").read()
    people = {u.user_name: u.external_id for u in snapshot.users}
    assert people["renamed"] == entry_uuid("user0000")
    assert set(group_of(snapshot, "Claude Users").members or ()) == {entry_uuid("user0000")}


def test_somebody_without_a_user_name_makes_the_read_partial(slapd: Slapd) -> None:
    snapshot = source_of(slapd, user_name_attribute="employeeNumber").read()
    assert snapshot.users == ()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert "shows no employeeNumber" in snapshot.problems[0]
    slapd.modify_person("user0003", mail="")
    by_mail = source_of(slapd, user_name_attribute="mail").read()
    assert len(by_mail.users) == 9
    assert by_mail.problems == (f"{person_number(3).dn} shows no mail",)


def test_two_people_with_one_id_are_both_left_out(slapd: Slapd) -> None:
    for uid in ("user0001", "user0002"):
        slapd.modify_person(uid, employeeNumber="7")
    slapd.modify_person("user0003", employeeNumber="8")
    chosen = "(employeeNumber=*)"
    snapshot = source_of(slapd, id_attribute="employeeNumber", user_filter=chosen).read()
    assert [u.external_id for u in snapshot.users] == ["8"]
    assert snapshot.users_coverage is Coverage.PARTIAL


def test_switched_off_people_are_read_as_inactive(slapd: Slapd) -> None:
    slapd.modify_person("user0001", employeeType="Locked", title="")
    by_value = source_of(slapd, active_attribute="employeeType", inactive_values=["locked"]).read()
    assert {u.user_name for u in by_value.users if u.active is False} == {"user0001"}
    by_presence = source_of(slapd, active_attribute="title").read()
    assert {u.user_name for u in by_presence.users if u.active is True} == {"user0001"}


def test_extra_attributes_are_carried(slapd: Slapd) -> None:
    source = source_of(slapd, extra_attributes=["title", "roomNumber"])
    person = next(u for u in source.read().users if u.user_name == "user0001")
    assert person.attributes == {"title": "Engineer 1"}


@pytest.mark.parametrize("name", ["*", "user*", "user0001)(uid=*", "\\2a", "user0001\x00", ")(", "*)(&"])
def test_a_user_name_cannot_change_the_filter(slapd: Slapd, name: str) -> None:
    source = source_of(slapd, "Claude Users")
    assert isinstance(source, CanFind)
    assert source.find(name) is None


def test_finding_is_not_certain_while_the_answer_is_cut(slapd: Slapd) -> None:
    source = source_of(slapd, group_base=f"ou=grups,{SUFFIX}")
    assert isinstance(source, CanFind)
    with pytest.raises(NotFound):
        source.find("user0001")


def test_two_people_of_one_user_name_are_not_guessed_between(slapd: Slapd) -> None:
    slapd.modify_person("user0002", mail="user0001@acme.example")
    source = source_of(slapd, user_name_attribute="mail")
    assert isinstance(source, CanFind)
    with pytest.raises(Malformed, match="2 people"):
        source.find("user0001@acme.example")


# --- referrals


def add_referral(slapd: Slapd) -> None:
    reference = {"objectClass": ["referral", "extensibleObject"], "ou": ["elsewhere"]}
    reference["ref"] = ["ldap://127.0.0.1:9/ou=people,dc=other"]
    with slapd.root() as c:
        dn = f"ou=elsewhere,{slapd.people_base}"
        c.add(dn, attributes=reference)  # type: ignore[no-untyped-call]


def test_a_referral_makes_the_read_partial_unless_it_may_be_ignored(slapd: Slapd) -> None:
    add_referral(slapd)
    snapshot = source_of(slapd, page_size=100).read()
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert "referral to ldap://127.0.0.1:9/" in snapshot.problems[0]
    assert source_of(slapd, referrals="ignore").read().complete


# --- probing and building


def test_probing_tells_what_is_missing(slapd: Slapd) -> None:
    health = source_of(slapd, "Claude Users", "Claude Gold").probe()
    assert not health.ok
    assert "does not see the groups Claude Gold" in health.detail
    blind = source_of(slapd, "Claude Users", user_base=f"ou=services,{SUFFIX}").probe()
    assert not blind.ok
    assert "sees nobody" in blind.detail
    with pytest.raises(NotFound):
        source_of(slapd, user_base=f"ou=peple,{SUFFIX}").probe()


def test_wrong_filters_are_config_faults_and_both_are_told() -> None:
    config = LdapConfig(
        kind="ldap",
        url="ldap://localhost",
        user_base=PEOPLE,
        group_base=GROUPS,
        user_filter="(uid=*",
        group_filter="cn=x",
    )
    with pytest.raises(ConfigError) as caught:
        build(config, clock=SteadyClock(), groups=frozenset())
    assert [p.path for p in caught.value.problems] == ["directory.user_filter", "directory.group_filter"]


def test_a_missing_secret_is_a_config_fault(slapd: Slapd) -> None:
    source = source_of(slapd, password=Secret("env:IDPSYNC_NO_SUCH_SECRET").reference)
    with pytest.raises(ConfigError, match="IDPSYNC_NO_SUCH_SECRET"):
        source.read()
