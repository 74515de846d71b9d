"""What a read asks for: another text for whatever decides who is seen, the same for the rest."""

from pathlib import Path

import pytest

from idpsync.core.suspicion import SCOPE_PARTS
from idpsync.sources import FileConfig, LdapConfig

SETTINGS: dict[str, object] = {
    "kind": "ldap",
    "url": "ldaps://LDAP.acme.example",
    "user_base": "ou=people,dc=acme",
    "group_base": "ou=groups,dc=acme",
    "bind_dn": "cn=reader,dc=acme",
    "password": "env:HUNTER2",
}


def scope(**changes: object) -> str:
    return LdapConfig.model_validate(SETTINGS | changes).scope


@pytest.mark.parametrize(
    "change",
    [
        {"url": "ldaps://other.acme.example"},
        {"url": "ldaps://ldap.acme.example:1636"},
        {"user_base": "ou=staff,dc=acme"},
        {"user_filter": "(objectClass=person)"},
        {"group_base": "ou=teams,dc=acme"},
        {"group_filter": "(objectClass=groupOfNames)"},
        {"nested_groups": True},
        {"bind_dn": "cn=other,dc=acme"},
        {"id_attribute": "objectGUID"},
        {"user_name_attribute": "mail"},
        {"group_name_attribute": "ou"},
        {"active_attribute": "loginShell"},
        {"active_attribute": "loginShell", "inactive_values": ["/bin/false"]},
    ],
)
def test_whatever_decides_who_is_seen_is_another_scope(change: dict[str, object]) -> None:
    assert scope(**change) != scope()
    assert scope(**change) == scope(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "ldaps://ldap.acme.example:636"},
        {"page_size": 7},
        {"connect_timeout": "9s"},
        {"password": "env:OTHER"},
        {"display_name_attribute": "cn"},
    ],
)
def test_how_it_is_asked_is_not(change: dict[str, object]) -> None:
    assert scope(**change) == scope()


def test_people_can_read_it_and_it_holds_no_secret() -> None:
    parts = scope().split(SCOPE_PARTS)

    assert parts[0] == "ldap"
    assert {"server=ldap.acme.example:636", "user_base=ou=people,dc=acme"} <= set(parts)
    assert "HUNTER2" not in scope()


def test_a_scope_too_long_to_be_told_is_still_told_apart() -> None:
    long = [f"(|{'(uid=a)' * 100}(uid={last}))" for last in "xy"]
    one, other = (scope(user_filter=text) for text in long)

    assert len(one) < 450
    assert one != other


def test_another_file_is_another_scope() -> None:
    one, other = (FileConfig(kind="file", path=Path(f"{name}.csv")) for name in "ab")

    assert one.scope != other.scope
    assert one.scope.startswith(f"file{SCOPE_PARTS}path=a.csv")
