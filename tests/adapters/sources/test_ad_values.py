"""How Active Directory writes things, and what becomes of what it does not say."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from idpsync.core.errors import CredentialsRejected
from idpsync.sources import LdapConfig
from idpsync.sources.ldap.ad_people import AdMarks
from idpsync.sources.ldap.ad_refusals import why_refused
from idpsync.sources.ldap.ad_values import (
    dns_name,
    domain_of,
    generalized,
    guid_filter,
    guid_of,
    is_guid,
    moment,
    named,
    part_of,
    plain_dn,
    rid_of,
)
from idpsync.sources.ldap.errors import result_error
from idpsync.sources.ldap.people import People, PlainMarks
from idpsync.sources.ldap.session import Entry, Unreadable

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GUID = "88370026-3a1d-4c7f-bbd9-ead270d950f2"
OCTETS = b"&\x007\x88\x1d:\x7fL\xbb\xd9\xea\xd2p\xd9P\xf2"
DN = "CN=ada,OU=people,DC=lab,DC=example"


def entry(**values: bytes | list[bytes]) -> Entry:
    whole = {name.lower(): [v] if isinstance(v, bytes) else v for name, v in values.items()}
    return Entry(DN, whole)


def config(**changes: object) -> LdapConfig:
    settings: dict[str, object] = {"kind": "ldap", "flavor": "ad", "url": "ldaps://dc1.lab.example"}
    bases = {"user_base": "OU=people,DC=lab,DC=example", "group_base": "OU=groups,DC=lab,DC=example"}
    return LdapConfig.model_validate(settings | bases | changes)


# --- ids


def test_an_id_is_written_as_windows_writes_it() -> None:
    assert guid_of(entry(objectGUID=OCTETS)) == GUID
    assert guid_filter(GUID) == r"(objectGUID=\26\00\37\88\1d\3a\7f\4c\bb\d9\ea\d2\70\d9\50\f2)"


@given(st.uuids())
def test_an_id_finds_its_object_again(guid: uuid.UUID) -> None:
    written = guid_of(entry(objectGUID=guid.bytes_le))
    octets = guid_filter(written).removeprefix("(objectGUID=").removesuffix(")").replace("\\", "")
    assert bytes.fromhex(octets) == guid.bytes_le
    assert is_guid(written)


@pytest.mark.parametrize("value", [{}, {"objectGUID": b"short"}, {"objectGUID": [OCTETS, OCTETS]}])
def test_an_entry_without_an_id_is_unreadable(value: Mapping[str, bytes]) -> None:
    with pytest.raises(Unreadable, match="shows no objectGUID"):
        guid_of(entry(**value))


def test_a_name_is_no_id() -> None:
    assert not is_guid("Claude Users")
    assert not is_guid("{88370026-3a1d-4c7f-bbd9-ead270d950f2}")


def test_only_a_group_of_the_domain_has_a_number() -> None:
    domain = bytes.fromhex("010500000000000515000000e99919daee8be3fc5458bf6f01020000")
    builtin = bytes.fromhex("01020000000000052000000020020000")
    assert rid_of(domain) == 513
    assert rid_of(builtin) is None
    assert rid_of(b"") is None


# --- members


def test_a_member_is_told_with_its_id() -> None:
    value = f"<GUID={GUID.upper()}>;<SID=S-1-5-21-1-2-3-4>;{DN}".encode()
    assert named(value) == (GUID, DN)
    assert named(f"<GUID={GUID}>;{DN}".encode()) == (GUID, DN)
    assert plain_dn(value.decode()) == DN
    assert plain_dn(DN) == DN


@pytest.mark.parametrize("value", [DN.encode(), b"<SID=S-1-5-21-1>;CN=x", b"<GUID=1>;CN=x", b""])
def test_a_member_without_an_id_is_unreadable(value: bytes) -> None:
    with pytest.raises(Unreadable, match="names nobody by GUID"):
        named(value)


def test_a_range_goes_on_until_the_star() -> None:
    assert part_of(Entry(DN, {"member;range=0-1499": [b"x"] * 1500})).following == 1500
    last = part_of(Entry(DN, {"member;range=1500-*": [b"x"]}))
    assert (last.start, last.following) == (1500, None)
    assert part_of(Entry(DN, {"member": [b"x"]})).following is None
    assert part_of(Entry(DN, {})).values == ()
    assert part_of(Entry(DN, {"member": [], "member;range=0-1499": [b"x"]})).following == 1500


def test_members_told_twice_are_unreadable() -> None:
    with pytest.raises(Unreadable, match="twice"):
        part_of(Entry(DN, {"member": [b"x"], "member;range=0-*": [b"x"]}))
    with pytest.raises(Unreadable, match="twice"):
        part_of(Entry(DN, {"member;range=0-9": [b"x"], "member;range=10-*": [b"x"]}))


# --- times and domains


def test_times_are_read_and_never_is_never() -> None:
    assert moment(116444736000000000) == datetime(1970, 1, 1, tzinfo=UTC)
    assert moment(0) is moment(2**63 - 1) is moment(2**63 - 2) is None
    assert generalized("20260115093000.0Z") == datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def test_the_domain_is_the_end_of_a_dn() -> None:
    assert domain_of("OU=People,DC=Lab,DC=Example") == "dc=lab,dc=example"
    assert domain_of(f"<GUID={GUID}>;{DN}") == "dc=lab,dc=example"
    assert domain_of("ou=people,o=acme") == ""
    assert dns_name("dc=lab,dc=example") == "lab.example"


# --- who is switched off


def marked(**values: bytes) -> bool | None:
    marks = AdMarks(config(), NOW, PlainMarks(config()))
    known = {"objectGUID": OCTETS, "sAMAccountName": b"ada"}
    return People(config(), "ldap", marks).user(entry(**{**known, **values})).active


def test_unknown_is_not_disabled() -> None:
    assert marked() is None
    assert marked(accountExpires=b"0") is None
    assert marked(userAccountControl=b"512") is True
    assert marked(userAccountControl=b"514") is False
    assert marked(userAccountControl=b"-2147483134") is False  # a signed number with the bit set


@pytest.mark.parametrize("flags", [b"yes", b"0x202", b"512.0"])
def test_a_state_that_is_no_number_makes_the_person_unreadable(flags: bytes) -> None:
    with pytest.raises(Unreadable, match="is no number"):
        marked(userAccountControl=flags)


def test_an_account_is_off_from_the_moment_of_its_end() -> None:
    def ends(at: datetime) -> bytes:
        return str(int((at - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10**7).encode()

    assert marked(userAccountControl=b"512", accountExpires=ends(NOW)) is False
    assert marked(userAccountControl=b"512", accountExpires=ends(NOW + timedelta(seconds=1))) is True
    assert marked(accountExpires=ends(NOW)) is False


# --- settings and refusals


def test_the_flavour_brings_its_own_words_and_they_may_be_replaced() -> None:
    assert config().id_attribute == "objectGUID"
    assert config().user_name_attribute == "userPrincipalName"
    assert config().user_filter == "(&(objectCategory=person)(objectClass=user))"
    assert config(user_name_attribute="sAMAccountName").user_name_attribute == "sAMAccountName"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"id_attribute": "entryUUID"}, "leave id_attribute out"), ({"page_size": 2000}, "at most 1000")],
)
def test_what_a_domain_controller_cannot_do_is_refused_at_once(
    wrong: dict[str, object], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        config(**wrong)


REFUSED = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {}, v1db1"


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("52e", "bind_dn or password is wrong"),
        ("532", "password has expired"),
        ("533", "is disabled"),
        ("701", "account has expired"),
        ("773", "change its password"),
        ("775", "is locked"),
    ],
)
def test_the_number_in_a_refusal_is_told_in_words(number: str, told: str) -> None:
    error = result_error(49, "invalidCredentials", REFUSED.format(number), "read directory")
    assert isinstance(error, CredentialsRejected)
    assert told in error.reason


def test_another_refusal_keeps_its_own_words() -> None:
    assert why_refused(REFUSED.format("fff")) == why_refused("no entry") == ""
    assert "bind_dn or password is wrong" in result_error(49, "invalidCredentials", "", "probe").reason
