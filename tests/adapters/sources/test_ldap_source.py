"""A real OpenLDAP server as directory: whole, cut in every way that was measured, and lying."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from idpsync.core.errors import (
    CredentialsRejected,
    NotFound,
    Refused,
    RemoteError,
    Transient,
)
from idpsync.core.model import Coverage
from tests.adapters.sources.ldap_world import SlapdWorld, source_of
from tests.adapters.sources.wire import broken_wire
from tests.contracts.directory_source import (
    DirectorySourceContract,
    DirectoryWorld,
    group_of,
)
from tests.slapd import (
    HIDE_MEMBERS,
    SUFFIX,
    LdapPerson,
    Slapd,
    entry_uuid,
    running_slapd,
)

pytestmark = pytest.mark.server


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    """Ten people (user0000…), five of them in "Claude Users"; three entries per search for capped_dn."""
    groups = {"Claude Users": [f"user{n:04d}" for n in range(5)]}
    with running_slapd(tmp_path, people=10, groups=groups, size_limit=3) as server:
        yield server


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
        if request == 4:  # logged in, asked for changes, read a page  # bind, first page, second page
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
        if request == 4:  # logged in, asked for changes, read a page
            slapd.freeze()

    with broken_wire(slapd.port, before_request=freeze) as wire:
        source = source_of(slapd, url=wire.url, receive_timeout=timedelta(seconds=1))
        snapshot = source.read()
    assert len(snapshot.users) == 4
    assert snapshot.users_coverage is Coverage.PARTIAL


def test_whoever_stays_is_read_while_others_come_and_go_between_pages(slapd: Slapd) -> None:
    """Nobody who was there all the time may be missing from a read that calls itself whole."""
    happened: list[int] = []

    def happen(request: int) -> None:
        if request == 4 and not happened:  # logged in, asked for changes, read a page of four
            happened.append(request)
            for n in (0, 1):
                slapd.delete_person(f"user{n:04d}")
            slapd.rename_person("user0002", "another")
            slapd.rename_person("user0009", "first")
            slapd.add_person(LdapPerson("zoe", "zoe@acme.example"))

    with broken_wire(slapd.port, before_request=happen) as wire:
        snapshot = source_of(slapd, url=wire.url).read()
    assert happened
    assert snapshot.users_coverage is Coverage.COMPLETE
    stayed = {entry_uuid(f"user{n:04d}") for n in range(3, 9)}
    assert stayed <= {user.external_id for user in snapshot.users}


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
