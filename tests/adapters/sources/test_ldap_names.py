"""One name, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idpsync.sources.ldap.names import lies_under, normal, without_uid


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uid=Ada,OU=People,dc=acme", "UID=ada,ou=people,DC=ACME"),
        ("uid=ada,ou=people", "uid = ada , ou = people"),
        (r"cn=a\2C b,dc=x", r"cn=a\, b, dc=X"),
        (r"cn=a\2C b,dc=x", 'cn="a, b",dc=x'),
        (r"cn=\23hash", r"cn=\#hash"),
        ("cn=two  spaces", "cn=two spaces"),
        (r"cn=Z\C3\B6e,dc=x", "cn=zöe,dc=x"),
        ("cn=zo\u0308e", "cn=zöe"),
        ("cn=a+sn=b,dc=x", "sn=B + cn=A,dc=x"),
        ("cn=a;dc=x", "cn=a,dc=x"),
        (r"cn=back\\slash", r"cn=back\5Cslash"),
        (r"cn=a\=b", "cn=a=b"),
        ("", "  "),
    ],
)
def test_spellings_of_one_name_are_equal(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"cn=a\,dc\=x", "cn=a,dc=x"),
        (r"cn=a\+sn\=b", "cn=a+sn=b"),
        (r"cn=\23 04", "cn=#04"),
        (r"cn=\5c2c", r"cn=\2c"),
        ("cn=ab", "cn=a b"),
    ],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert normal(one) != normal(other)


def test_being_inside_a_base_is_not_fooled_by_escapes_or_endings() -> None:
    base = normal("ou=people,dc=acme")
    assert lies_under(normal("uid=a,ou=People, dc=acme"), base)
    assert lies_under(base, base)
    assert not lies_under(normal("uid=a,ou=groups,dc=acme"), base)
    assert not lies_under(normal("uid=a,cou=people,dc=acme"), base)
    assert not lies_under(normal(r"uid=a\,ou\=people\,dc\=acme"), base)
    assert lies_under("dc=anything", "")


def test_the_optional_uid_of_a_unique_member_is_dropped() -> None:
    assert without_uid("cn=a,dc=x#'0101'B") == "cn=a,dc=x"
    assert without_uid("cn=a#b,dc=x") == "cn=a#b,dc=x"


@given(st.text())
def test_no_text_makes_it_fail_and_the_form_is_final(text: str) -> None:
    assert normal(normal(text)) == normal(text)


values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1).map(
    lambda text: " ".join(text.split()) or "x"
)


@given(values)
def test_hex_and_backslash_escapes_of_any_value_are_equal(value: str) -> None:
    hexed = "".join(f"\\{byte:02X}" for byte in value.encode())
    slashed = "".join(f"\\{c}" if c in ' ,+"\\<>;=#' else c for c in value)
    assert normal(f"cn={hexed},dc=x") == normal(f"CN={slashed}, DC=x")
