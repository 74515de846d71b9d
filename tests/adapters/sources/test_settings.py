"""Every kind of directory that the configuration page names is understood; mistakes are refused."""

import pytest
from pydantic import TypeAdapter, ValidationError

from idpsync.sources import DirectoryConfig, build
from tests.fakes.source import SteadyClock

CONFIG: TypeAdapter[DirectoryConfig] = TypeAdapter(DirectoryConfig)
KEY, SECRET = "file:/run/secrets/key", "env:SOME_SECRET"
LDAP = {"kind": "ldap", "user_base": "ou=people,dc=x", "group_base": "ou=groups,dc=x"}
OKTA = {"kind": "okta", "url": "https://acme.okta.com", "app_id": "0oa1", "rate_share": 0.5}
ENTRA = {"kind": "entra", "tenant_id": "t", "cloud": "usgov", "service_principal_id": "s"}


@pytest.mark.parametrize(
    "settings",
    [
        OKTA | {"auth": {"kind": "private_key_jwt", "client_id": "c", "key": KEY}},
        OKTA | {"auth": {"kind": "ssws", "token": SECRET}},
        ENTRA | {"auth": {"kind": "client_secret", "client_id": "c", "secret": SECRET}},
        ENTRA | {"auth": {"kind": "certificate", "client_id": "c", "certificate": "/c", "key": KEY}},
        ENTRA | {"auth": {"kind": "federated", "client_id": "c", "token_file": "/t"}},
        LDAP | {"url": "ldaps://x.example", "flavor": "ad"},
    ],
)
def test_each_kind_is_understood_and_built_without_looking_at_its_secrets(
    settings: dict[str, object],
) -> None:
    config = CONFIG.validate_python(settings)
    assert build(config, clock=SteadyClock(), groups=frozenset()).kind == settings["kind"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "ldap://ldap.acme.example"}, "cleartext"),
        ({"url": "ldap://10.0.0.1", "bind_dn": "cn=x", "password": SECRET}, "cleartext"),
        ({"url": "ldaps://x.example", "start_tls": True}, "start_tls belongs to ldap://"),
        ({"url": "ldaps://x.example", "bind_dn": "cn=x"}, "go together"),
        ({"url": "ldaps://x.example", "bind_dn": "cn=x", "password": "hunter2"}, "by reference"),
        ({"url": "https://x.example"}, "ldap://host"),
        ({"url": "ldaps://x.example/dc=x"}, "names the server only"),
        ({"url": "ldaps://x.example:0"}, "port 0"),
        ({"url": "ldaps://x.example", "receive_timeout": "0s"}, "at least 1s"),
        ({"url": "ldaps://x.example", "inactive_values": ["x"]}, "needs active_attribute"),
        ({"url": "ldaps://x.example", "page_size": 0}, "greater than or equal to 1"),
        ({"url": "ldaps://x.example", "user_bse": "x"}, "Extra inputs"),
    ],
)
def test_mistakes_are_refused_in_words(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        CONFIG.validate_python(LDAP | settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "ldap://127.0.0.1:1389"},
        {"url": "ldap://[::1]"},
        {"url": "ldap://localhost"},
        {"url": "ldap://x.example", "start_tls": True},
        {"url": "ldap://x.example", "allow_cleartext": True},
        {"url": "ldaps://x.example"},
    ],
)
def test_encrypted_or_local_servers_are_accepted(settings: dict[str, object]) -> None:
    assert CONFIG.validate_python(LDAP | settings).kind == "ldap"
