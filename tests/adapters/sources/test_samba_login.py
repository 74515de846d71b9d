"""Logging in to a real Active Directory: encryption, refusals in words, what a check tells."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idpsync.core.errors import CredentialsRejected, Refused
from idpsync.core.ports import CanFind
from idpsync.sources import build
from tests.adapters.sources.samba_world import DISABLED, Folder, config_of
from tests.adapters.sources.test_samba_reads import ticks
from tests.fakes.source import SteadyClock
from tests.samba import Samba

pytestmark = pytest.mark.server

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(samba: Samba) -> Folder:
    folder = Folder(samba, "login")
    folder.add_person("ada")
    folder.add_group("Claude", ["ada"])
    return folder


# --- encryption


@pytest.fixture(params=["ldaps", "starttls"])
def encrypted(samba: Samba, request: pytest.FixtureRequest) -> Mapping[str, object]:
    ldaps = request.param == "ldaps"
    return {"url": samba.ldaps_url if ldaps else samba.ldap_url, "start_tls": not ldaps}


def test_the_right_authority_and_name_are_read(folder: Folder, encrypted: Mapping[str, object]) -> None:
    assert folder.source("Claude", **encrypted).read().complete


@pytest.mark.parametrize("authority", ["other-ca.pem", None])
def test_an_unknown_authority_is_refused(
    folder: Folder, encrypted: Mapping[str, object], authority: str | None
) -> None:
    ca_file = folder.samba.ca_file.with_name(authority) if authority else None
    with pytest.raises(Refused, match="certificate is not accepted"):
        folder.source("Claude", ca_file=ca_file, **encrypted).read()


def test_another_name_is_refused(folder: Folder, encrypted: Mapping[str, object]) -> None:
    with pytest.raises(Refused, match="certificate is not accepted"):
        folder.source("Claude", server_name=None, **encrypted).read()


def test_a_password_in_the_clear_is_refused_with_the_remedy(folder: Folder) -> None:
    with pytest.raises(Refused, match=r"strongerAuthRequired \(8\).*use ldaps:// or start_tls: true"):
        folder.source("Claude", url=folder.samba.ldap_url).read()


# --- refusals

REFUSALS: Mapping[str, tuple[dict[str, str], str]] = {
    "disabled": ({"userAccountControl": DISABLED}, "the account is disabled: enable it"),
    "expired": ({"accountExpires": ticks(LONG_AGO)}, "the account has expired"),
    "change demanded": ({"pwdLastSet": "0"}, "has to change its password first"),
    "logon hours": ({"logonHours": "\0" * 21}, "may not log in at this time"),
}


@pytest.mark.parametrize("why", REFUSALS)
def test_why_a_login_was_refused_is_told_in_words(folder: Folder, why: str) -> None:
    changes, told = REFUSALS[why]
    folder.add_person("reader", userPrincipalName="reader@lab.example.org", userAccountControl="512")
    folder.samba.load([("password", "reader", folder.samba.password)])
    source = folder.source("Claude", bind_dn="reader@lab.example.org")
    assert source.read().complete
    folder.modify("reader", **changes)
    with pytest.raises(CredentialsRejected, match=told):
        source.read()


def test_a_wrong_password_is_told_so_and_not_shown(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("hunter2")
    with pytest.raises(CredentialsRejected, match="bind_dn or password is wrong") as caught:
        folder.source("Claude", password=f"file:{tmp_path}/wrong").read()
    assert "hunter2" not in str(caught.value)


# --- what a check tells, and one person


def test_a_check_tells_who_we_are_what_is_seen_and_what_is_missing(folder: Folder) -> None:
    health = folder.source("Claude", "Never Made").probe()
    assert not health.ok
    assert health.missing == {"Never Made"}
    assert health.detail.startswith(f"logged in to {folder.samba.ldaps_url} as idpsync@lab.example.org")
    assert "would read 1 people" in health.detail
    assert "does not see exactly one group called Never Made" in health.detail
    assert f"Claude → {folder.id_of('Claude')}" in health.facts
    assert "changes are told by DirSync" in health.facts
    assert any(fact.startswith("TLSv1.3, certificate good for") for fact in health.facts)


def test_a_check_names_the_right_that_is_missing(folder: Folder) -> None:
    health = folder.source("Claude", bind_dn=folder.samba.limited).probe()
    assert health.ok
    (told,) = [fact for fact in health.facts if "reads everything" in fact]
    assert "lacks the right 'Replicating Directory Changes' on dc=lab,dc=example,dc=org" in told
    assert "Deleted Objects" in told


def test_a_check_tells_of_a_clock_that_is_wrong(folder: Folder) -> None:
    config, groups = config_of(folder.samba, folder.dn), frozenset({"Claude"})
    wrong = build(config, clock=SteadyClock(datetime.now(UTC).replace(year=2020)), groups=groups)
    assert any("s ahead of ours" in fact for fact in wrong.probe().facts)
    right = build(config, clock=SteadyClock(datetime.now(UTC)), groups=groups)
    assert not any("clock" in fact for fact in right.probe().facts)


@pytest.mark.parametrize(
    "name",
    ["*", "ada)(objectClass=*", "a*", "\\2a", "ada\0", "ada)(|(cn=*", "(", "", "*@lab.example.org"],
)
def test_a_name_is_a_name_and_never_a_filter(folder: Folder, name: str) -> None:
    for attribute in ("sAMAccountName", "userPrincipalName"):
        source = folder.source("Claude", user_name_attribute=attribute)
        assert isinstance(source, CanFind)
        assert source.find(name) is None
