"""A real OpenLDAP server as directory: whole, cut in every way that was measured, and lying."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from idpsync.core.errors import (
    ConfigError,
    CredentialsRejected,
    Malformed,
    NotFound,
    Refused,
    RemoteError,
    Transient,
)
from idpsync.core.model import Coverage
from idpsync.core.ports import CanFind, DirectorySource
from idpsync.settings import Secret
from idpsync.sources import LdapConfig, build
from tests.adapters.sources.wire import broken_wire
from tests.contracts.directory_source import (
    DirectorySourceContract,
    DirectoryWorld,
    Sample,
    group_of,
    member_names,
)
from tests.fakes.source import SteadyClock
from tests.slapd import (
    GROUPS,
    HIDE_MEMBERS,
    PEOPLE,
    SUFFIX,
    LdapGroup,
    LdapPerson,
    Slapd,
    entry_uuid,
    group_dn,
    hide_people,
    person_number,
    running_slapd,
)

pytestmark = pytest.mark.server


def config_of(slapd: Slapd, **changes: object) -> LdapConfig:
    settings: dict[str, object] = {
        "kind": "ldap",
        "url": slapd.url,
        "bind_dn": slapd.bind_dn,
        "password": f"file:{slapd.password_file}",
        "user_base": slapd.people_base,
        "group_base": slapd.groups_base,
        "page_size": 4,
    }
    return LdapConfig.model_validate(settings | changes)


def source_of(slapd: Slapd, *groups: str, **changes: object) -> DirectorySource:
    return build(config_of(slapd, **changes), clock=SteadyClock(), groups=frozenset(groups))


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    """Ten people (user0000…), five of them in "Claude Users"; three entries per search for capped_dn."""
    groups = {"Claude Users": [f"user{n:04d}" for n in range(5)]}
    with running_slapd(tmp_path, people=10, groups=groups, size_limit=3) as server:
        yield server


class SlapdWorld:
    """Groups keep `cn=nobody` as a member, since a groupOfNames cannot be empty."""

    def __init__(self, slapd: Slapd) -> None:
        self.slapd = slapd
        self.groups: dict[str, list[str]] = {}
        self.bind_dn = slapd.bind_dn

    def put(self, person: Sample) -> None:
        self.slapd.add_person(
            LdapPerson(person.uid, person.email, person.given_name, person.family_name)
        )

    def remove(self, uid: str) -> None:
        self.slapd.delete_person(uid)
        for name, members in self.groups.items():
            if uid in members:
                self.put_group(name, [m for m in members if m != uid])

    def put_group(self, name: str, members: Iterable[str]) -> None:
        write = self.slapd.set_members if name in self.groups else self.slapd.add_group
        self.groups[name] = list(members)
        write(name, self.groups[name])

    def rename_group(self, name: str, to: str) -> None:
        self.slapd.rename_group(name, to)

    def cut(self) -> None:
        self.bind_dn = self.slapd.capped_dn

    def go_away(self) -> None:
        self.slapd.stop()

    def source(self, *groups: str) -> DirectorySource:
        return source_of(self.slapd, *groups, bind_dn=self.bind_dn)


class TestSlapd(DirectorySourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[DirectoryWorld]:
        with running_slapd(tmp_path, people=0, size_limit=2) as slapd:
            yield SlapdWorld(slapd)


# --- the failures that ldap3's own paged search hides


def test_a_size_limit_gives_a_partial_read_and_names_the_remedy(slapd: Slapd) -> None:
    snapshot = source_of(slapd, "Claude Users", bind_dn=slapd.capped_dn).read()
    assert len(snapshot.users) == 3
    assert snapshot.users_coverage is Coverage.PARTIAL
    assert "sizeLimitExceeded (4)" in snapshot.problems[0]
    assert "lift it" in snapshot.problems[0]
    assert group_of(snapshot, "Claude Users").coverage is Coverage.PARTIAL


@pytest.mark.parametrize("nested", [False, True])
def test_a_size_limit_on_the_groups_leaves_none_of_them_looking_gone(
    tmp_path: Path, nested: bool
) -> None:
    groups = {f"Group {n}": ["user0000"] for n in range(6)}
    with running_slapd(tmp_path, people=2, groups=groups, size_limit=3) as slapd:
        source = source_of(slapd, *groups, bind_dn=slapd.capped_dn, nested_groups=nested)
        snapshot = source.read()
    assert snapshot.users_coverage is Coverage.COMPLETE
    unread = [g for g in snapshot.groups if g.coverage is Coverage.FAILED]
    assert len(unread) == 3
    assert {g.members for g in unread} == {None}
    # a nested group that was not read could hold anybody
    rest = {g.coverage for g in snapshot.groups} - {Coverage.FAILED}
    assert rest == {Coverage.PARTIAL if nested else Coverage.COMPLETE}


def test_a_mistyped_user_base_raises(slapd: Slapd) -> None:
    with pytest.raises(NotFound, match=r"ou=peple.* does not exist"):
        source_of(slapd, user_base=f"ou=peple,{SUFFIX}").read()


def test_a_user_base_without_people_is_suspect(slapd: Slapd) -> None:
    snapshot = source_of(slapd, "Claude Users", user_base=f"ou=services,{SUFFIX}").read()
    assert snapshot.users_coverage is Coverage.SUSPECT
    assert "nobody matches" in snapshot.problems[0]


def test_a_mistyped_group_base_makes_every_group_gone(slapd: Slapd) -> None:
    snapshot = source_of(slapd, "Claude Users", group_base=f"ou=grups,{SUFFIX}").read()
    assert len(snapshot.users) == 10
    group = group_of(snapshot, "Claude Users")
    assert (group.coverage, group.members) == (Coverage.GONE, None)
    assert "does not exist" in group.reason


def test_a_wrong_password_is_said_so_and_not_shown(slapd: Slapd, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("hunter2")
    with pytest.raises(CredentialsRejected, match="invalidCredentials") as caught:
        source_of(slapd, password=f"file:{tmp_path}/wrong").read()
    assert "hunter2" not in str(caught.value)


def test_an_empty_password_is_not_taken_for_a_login(slapd: Slapd, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(CredentialsRejected, match="is empty"):
        source_of(slapd, password=f"file:{tmp_path}/empty").read()


def test_an_anonymous_bind_that_may_see_nothing_raises(slapd: Slapd) -> None:
    with pytest.raises(NotFound, match="may not see it"):
        source_of(slapd, bind_dn=None, password=None).read()


def test_a_restart_between_pages_gives_a_partial_read(slapd: Slapd) -> None:
    def restart(request: int) -> None:
        if request == 3:  # bind, first page, second page
            slapd.restart()

    with broken_wire(slapd.port, before_request=restart) as wire:
        snapshot = source_of(slapd, "Claude Users", url=wire.url).read()
    assert len(snapshot.users) == 4
    assert snapshot.users_coverage is Coverage.PARTIAL
    group = group_of(snapshot, "Claude Users")
    assert (group.coverage, group.members) == (Coverage.FAILED, None)


def test_a_server_that_stops_answering_is_given_up(slapd: Slapd) -> None:
    source = source_of(slapd, receive_timeout=timedelta(seconds=1))
    slapd.freeze()
    with pytest.raises(Transient):
        source.read()
    slapd.thaw()
    assert len(source.read().users) == 10


def test_a_server_that_stops_between_pages_gives_a_partial_read(slapd: Slapd) -> None:
    def freeze(request: int) -> None:
        if request == 3:
            slapd.freeze()

    with broken_wire(slapd.port, before_request=freeze) as wire:
        source = source_of(slapd, url=wire.url, receive_timeout=timedelta(seconds=1))
        snapshot = source.read()
    assert len(snapshot.users) == 4
    assert snapshot.users_coverage is Coverage.PARTIAL


def test_answers_cut_after_any_byte_never_look_complete(slapd: Slapd) -> None:
    with broken_wire(slapd.port) as wire:
        assert source_of(slapd, "Claude Users", url=wire.url).read().complete
        whole = wire.answered
    for size in range(1, whole, 97):
        with broken_wire(slapd.port, answer_limit=size) as wire:
            try:
                snapshot = source_of(slapd, "Claude Users", url=wire.url).read()
            except RemoteError:
                continue
        assert not snapshot.complete, (size, whole)
        assert group_of(snapshot, "Claude Users").coverage is not Coverage.GONE


def test_a_server_that_does_not_speak_ldap_raises(slapd: Slapd) -> None:
    with pytest.raises(RemoteError):
        source_of(slapd, url=f"ldap://127.0.0.1:{slapd.tls_port}", receive_timeout="1s").read()
    with pytest.raises(RemoteError):
        source_of(slapd, url=f"ldaps://127.0.0.1:{slapd.port}", receive_timeout="1s").read()


# --- rights that hide things while the server says success


@pytest.mark.parametrize("nested", [False, True])
def test_hidden_members_make_groups_and_the_people_list_suspect(tmp_path: Path, nested: bool) -> None:
    groups = {"Claude Premium": ["user0001"], "Claude Users": ["user0001", "user0002"]}
    with running_slapd(tmp_path, people=5, groups=groups, access=[HIDE_MEMBERS]) as slapd:
        source = source_of(slapd, *groups, bind_dn=slapd.limited_dn, nested_groups=nested)
        snapshot = source.read()
    assert len(snapshot.users) == 5
    assert snapshot.users_coverage is Coverage.SUSPECT  # rights that hide members may hide people too
    assert {g.coverage for g in snapshot.groups} == {Coverage.SUSPECT}
    assert "shows no member: hidden from this bind DN?" in snapshot.problems[1]


def test_hidden_people_make_their_groups_and_the_people_list_suspect(tmp_path: Path) -> None:
    groups = {"Claude Users": [f"user{n:04d}" for n in range(85)]}
    access = [hide_people("(title=Engineer 3)")]
    with running_slapd(tmp_path, people=85, groups=groups, access=access) as slapd:
        assert source_of(slapd, "Claude Users").read().complete
        snapshot = source_of(slapd, "Claude Users", bind_dn=slapd.limited_dn).read()
    assert len(snapshot.users) == 80
    assert snapshot.users_coverage is Coverage.SUSPECT
    group = group_of(snapshot, "Claude Users")
    assert group.coverage is Coverage.SUSPECT
    assert "names 5 people" in group.reason


def test_people_whom_the_user_filter_leaves_out_do_not_make_a_group_suspect(tmp_path: Path) -> None:
    groups = {"Claude Users": [f"user{n:04d}" for n in range(85)]}
    with running_slapd(tmp_path, people=85, groups=groups) as slapd:
        chosen = "(&(objectClass=inetOrgPerson)(!(title=Engineer 3)))"
        snapshot = source_of(slapd, "Claude Users", user_filter=chosen).read()
    assert snapshot.complete, snapshot.problems
    assert len(member_names(snapshot, "Claude Users")) == 80


def test_a_few_dangling_members_are_told_and_tolerated(slapd: Slapd) -> None:
    slapd.delete_person("user0001")
    snapshot = source_of(slapd, "Claude Users").read()
    assert snapshot.complete
    assert snapshot.problems == (
        f"group 'Claude Users': names 1 unknown people under {slapd.people_base}",
    )
    for uid in ("user0002", "user0003"):
        slapd.delete_person(uid)
    assert group_of(source_of(slapd, "Claude Users").read(), "Claude Users").coverage is (
        Coverage.SUSPECT
    )
    assert source_of(slapd, "Claude Users", unknown_members="ignore").read().complete


# --- TLS


@pytest.mark.parametrize("how", ["ldaps", "starttls"])
def test_encrypted_connections_are_read(slapd: Slapd, how: str) -> None:
    url = slapd.ldaps_url if how == "ldaps" else f"ldap://localhost:{slapd.port}"
    changes = {"url": url, "ca_file": slapd.ca_file, "start_tls": how == "starttls"}
    assert source_of(slapd, "Claude Users", **changes).read().complete


@pytest.mark.parametrize("how", ["ldaps", "starttls"])
@pytest.mark.parametrize("ca", ["other-ca.pem", None])
def test_a_certificate_of_an_unknown_authority_is_refused(
    slapd: Slapd, how: str, ca: str | None
) -> None:
    url = slapd.ldaps_url if how == "ldaps" else slapd.url
    ca_file = slapd.ca_file.with_name(ca) if ca else None
    source = source_of(slapd, url=url, ca_file=ca_file, start_tls=how == "starttls")
    with pytest.raises(Refused, match="certificate is not accepted"):
        source.read()


@pytest.mark.parametrize("how", ["ldaps", "starttls"])
def test_a_certificate_of_another_name_is_refused_unless_the_name_is_given(
    slapd: Slapd, how: str
) -> None:
    scheme, port = ("ldaps", slapd.tls_port) if how == "ldaps" else ("ldap", slapd.port)
    url = f"{scheme}://127.1:{port}"  # another spelling of 127.0.0.1, and not in the certificate
    changes = {"url": url, "ca_file": slapd.ca_file, "start_tls": how == "starttls"}
    with pytest.raises(Refused, match="certificate is not accepted"):
        source_of(slapd, **changes).read()
    assert source_of(slapd, server_name="localhost", **changes).read().complete


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
