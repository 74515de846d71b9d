"""Several servers in order, and the ways to log in: password, certificate, UNIX socket, nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from idpsync.core.errors import CredentialsRejected, NotFound, Refused, Transient
from idpsync.core.model import Coverage
from idpsync.sources import LdapConfig
from tests.adapters.sources.ldap_world import config_of, source_of
from tests.adapters.sources.wire import broken_wire
from tests.slapd import SUFFIX, Slapd, free_port, running_slapd

NOBODY_THERE = f"ldap://127.0.0.1:{free_port()}"
BARE: dict[str, object] = {"bind_dn": None, "password": None}


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    """Ten people, five of them in "Claude Users"."""
    groups = {"Claude Users": [f"user{n:04d}" for n in range(5)]}
    with running_slapd(tmp_path, people=10, groups=groups) as server:
        yield server


@pytest.fixture
def by_certificate(slapd: Slapd) -> dict[str, object]:
    return {
        **BARE,
        "url": slapd.ldaps_url,
        "ca_file": slapd.ca_file,
        "client_certificate": slapd.client_certificate,
        "client_key": slapd.client_key,
    }


# --- several servers


@pytest.mark.server
def test_the_next_server_is_asked_where_one_cannot_be_reached(slapd: Slapd) -> None:
    source = source_of(slapd, "Claude Users", url=None, urls=[NOBODY_THERE, slapd.url])
    with capture_logs() as lines:
        assert source.read().complete
    assert [(line["event"], line["url"]) for line in lines] == [("server.unreachable", NOBODY_THERE)]
    assert f"logged in to {slapd.url}" in source.probe().detail


@pytest.mark.server
def test_the_next_server_is_asked_where_one_does_not_answer(slapd: Slapd, tmp_path: Path) -> None:
    with running_slapd(tmp_path, people=10) as frozen:
        frozen.freeze()
        urls = [frozen.url, slapd.url]
        assert source_of(slapd, url=None, urls=urls, receive_timeout="1s").read().complete


@pytest.mark.server
def test_where_no_server_can_be_reached_all_are_named(slapd: Slapd) -> None:
    slapd.stop()
    source = source_of(slapd, url=None, urls=[NOBODY_THERE, slapd.url])
    with pytest.raises(Transient, match=f"{NOBODY_THERE}: .*refused; {slapd.url}: .*refused"):
        source.read()


@pytest.mark.server
def test_a_wrong_certificate_is_told_though_another_server_is_there(slapd: Slapd) -> None:
    urls = [slapd.ldaps_url, slapd.url]
    source = source_of(slapd, url=None, urls=urls, ca_file=slapd.ca_file.with_name("other-ca.pem"))
    with pytest.raises(Refused, match="certificate is not accepted"):
        source.read()


@pytest.mark.server
def test_a_server_that_rejects_us_is_told_though_another_is_there(slapd: Slapd, tmp_path: Path) -> None:
    with running_slapd(tmp_path, people=10) as other:
        urls = [slapd.url, other.url]
        (tmp_path / "wrong").write_text("hunter2")
        source = source_of(slapd, url=None, urls=urls, password=f"file:{tmp_path}/wrong")
        with pytest.raises(CredentialsRejected):
            source.read()


@pytest.mark.server
def test_a_read_that_has_begun_stays_on_its_server(slapd: Slapd) -> None:
    def freeze(request: int) -> None:
        if request == 4:  # logged in, asked for changes, read a page
            slapd.freeze()

    with broken_wire(slapd.port, before_request=freeze) as wire:
        urls = [wire.url, slapd.url]
        snapshot = source_of(slapd, url=None, urls=urls, receive_timeout="1s").read()
    assert (len(snapshot.users), snapshot.users_coverage) == (4, Coverage.PARTIAL)


def test_the_scope_names_every_server() -> None:
    bases = {"kind": "ldap", "user_base": SUFFIX, "group_base": SUFFIX}
    one = LdapConfig.model_validate(bases | {"url": "ldaps://ONE.example"})
    both = {"urls": ["ldaps://one.example", "ldaps://two.example:1636"]}
    assert "server=one.example:636 " in one.scope
    told = LdapConfig.model_validate(bases | both).scope
    assert "server=one.example:636,two.example:1636 " in told


# --- logging in


@pytest.mark.server
def test_a_client_certificate_logs_in(by_certificate: dict[str, object], slapd: Slapd) -> None:
    source = source_of(slapd, "Claude Users", **by_certificate)
    assert source.read().complete


@pytest.mark.server
def test_a_client_certificate_logs_in_over_starttls(
    by_certificate: dict[str, object], slapd: Slapd
) -> None:
    over = by_certificate | {"url": f"ldap://localhost:{slapd.port}", "start_tls": True}
    assert source_of(slapd, "Claude Users", **over).read().complete


@pytest.mark.server
def test_the_server_is_checked_where_a_client_certificate_logs_in(
    by_certificate: dict[str, object], slapd: Slapd
) -> None:
    other = slapd.ca_file.with_name("other-ca.pem")
    with pytest.raises(Refused, match="certificate is not accepted"):
        source_of(slapd, **(by_certificate | {"ca_file": other})).read()


@pytest.mark.server
def test_a_certificate_that_cannot_be_used_is_named(
    by_certificate: dict[str, object], slapd: Slapd
) -> None:
    wrong = by_certificate | {"client_key": slapd.ca_file.with_name("server.key")}
    with pytest.raises(CredentialsRejected, match=r"client_certificate .*client\.pem, client_key"):
        source_of(slapd, **wrong).read()
    with pytest.raises(Refused, match="ca_file /nowhere cannot be used"):
        source_of(slapd, **(by_certificate | {"ca_file": "/nowhere"})).read()


@pytest.mark.server
def test_the_user_of_this_process_logs_in_over_a_unix_socket(slapd: Slapd) -> None:
    source = source_of(slapd, "Claude Users", **BARE, url=slapd.ldapi_url, bind="external")
    assert source.read().complete


@pytest.mark.server
def test_nobody_logs_in_where_the_bind_is_anonymous(slapd: Slapd) -> None:
    config = config_of(slapd, **BARE)
    assert config.login == "anonymous"
    with pytest.raises(NotFound, match="does not exist, or this bind DN may not see it"):
        source_of(slapd, **BARE).read()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "give the server as url, or several"),
        ({"url": "ldaps://a", "urls": ["ldaps://b"]}, "give the server as url, or several"),
        ({"urls": ["ldaps://a", "ldaps://a"]}, "each server once"),
        ({"urls": ["ldaps://a", "ldap://b"]}, "cleartext"),
        ({"urls": ["ldaps://a", "https://b"]}, "ldap://host"),
        ({"urls": ["ldap://a", "ldaps://b"], "start_tls": True}, "start_tls belongs"),
        ({"url": "ldaps://a", "bind": "simple"}, "needs bind_dn and password"),
        ({"url": "ldaps://a", "bind": "external"}, "needs client_certificate"),
        ({"url": "ldaps://a", "client_certificate": "/c"}, "client_key go together"),
        (
            {"url": "ldapi://%2Fs", "bind": "external", "bind_dn": "cn=x", "password": "env:X"},
            "takes no bind_dn",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, object], says: str) -> None:
    bases = {"kind": "ldap", "user_base": SUFFIX, "group_base": SUFFIX}
    with pytest.raises(ValidationError, match=says):
        LdapConfig.model_validate(bases | settings)
