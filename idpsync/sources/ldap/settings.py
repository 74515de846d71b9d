"""What `directory:` may say of an LDAP server."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from idpsync.settings import Duration, Secret
from idpsync.sources.ldap.address import Address
from idpsync.sources.naming import DirectorySettings
from idpsync.sources.scope import scope

AD_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "id_attribute": "objectGUID",
        "user_name_attribute": "userPrincipalName",
        "user_filter": "(&(objectCategory=person)(objectClass=user))",
        "group_filter": "(objectClass=group)",
    }
)
AD_PAGE = 1000  # MaxPageSize of a domain controller (MS-ADTS 3.1.1.3.4.6)


class LdapConfig(DirectorySettings):
    """An LDAP directory (RFC 4511).

    `url` is the server; `urls` instead are several of one content, and the next is asked where one
    cannot be reached. `ca_file` is the CA that signed their certificates (the system's CAs without it);
    certificates are always verified. `server_name` is the name in the certificate where it is not the
    host of the URL.

    `bind: simple` logs in with `bind_dn` and `password`, `external` with what the connection proves
    (SASL EXTERNAL: `client_certificate` and `client_key`, or the user of this process over ldapi://),
    `anonymous` not at all; left out, it follows from what is given.

    `active_attribute` marks people as switched off: either by
    presence (ppolicy's `pwdAccountLockedTime`), or by one of `inactive_values`. Each `…_attribute` can
    be renamed for other schemas; `id_attribute` must never change during a person's life.

    `flavor: ad` reads Active Directory: what is not given here is then as people and groups are written
    down there, ids are objectGUID, and disabled and expired accounts are switched off.

    `referrals: ignore` reads on where the server points to another one; `fail` calls the read partial.
    `unknown_members: ignore` accepts groups that name people under `user_base` whom nobody finds
    (a server without referential integrity); `suspect` takes them for hidden and removes nothing.
    """

    kind: Literal["ldap"]
    url: str | None = None
    urls: tuple[str, ...] = ()
    start_tls: bool = False
    ca_file: Path | None = None
    server_name: str | None = None
    allow_cleartext: bool = False
    bind: Literal["simple", "external", "anonymous"] | None = None
    bind_dn: str | None = None
    password: Secret | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None

    user_base: str = Field(min_length=1)
    user_filter: str = "(objectClass=inetOrgPerson)"
    group_base: str = Field(min_length=1)
    group_filter: str = (
        "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"
    )
    nested_groups: bool = False
    flavor: Literal["ad", "openldap"] = "openldap"

    id_attribute: str = "entryUUID"
    user_name_attribute: str = "uid"
    email_attribute: str = "mail"
    given_name_attribute: str = "givenName"
    family_name_attribute: str = "sn"
    display_name_attribute: str = "displayName"
    group_name_attribute: str = "cn"
    active_attribute: str | None = None
    inactive_values: tuple[str, ...] = ()
    extra_attributes: tuple[str, ...] = ()

    page_size: int = Field(default=1000, ge=1, le=10_000)
    connect_timeout: Duration = timedelta(seconds=5)
    receive_timeout: Duration = timedelta(seconds=60)
    referrals: Literal["fail", "ignore"] = "fail"
    unknown_members: Literal["suspect", "ignore"] = "suspect"

    @property
    def servers(self) -> tuple[Address, ...]:
        """In the order in which they are asked."""
        return tuple(Address(url) for url in self.urls or (self.url or "",))

    @property
    def login(self) -> Literal["simple", "external", "anonymous"]:
        if self.bind:
            return self.bind
        if self.bind_dn:
            return "simple"
        return "external" if self.client_certificate else "anonymous"

    @property
    def scope(self) -> str:
        """Whatever decides who is seen, and under which id."""
        return scope(
            self.kind,
            server=",".join(server.named for server in self.servers),
            user_base=self.user_base,
            user_filter=self.user_filter,
            group_base=self.group_base,
            group_filter=self.group_filter,
            nested_groups=self.nested_groups,
            bind_dn=self.bind_dn,
            client_certificate=self.client_certificate if self.login == "external" else None,
            id_attribute=self.id_attribute,
            user_name_attribute=self.user_name_attribute,
            group_name_attribute=self.group_name_attribute,
            active_attribute=self.active_attribute,
            inactive_values=",".join(self.inactive_values),
        )

    @model_validator(mode="before")
    @classmethod
    def _fill_in_by_flavor(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("flavor") != "ad":
            return given
        return {**AD_DEFAULTS, **given}

    @field_validator("url")
    @classmethod
    def _is_ldap_url(cls, url: str | None) -> str | None:
        return None if url is None else Address(url).checked().url

    @field_validator("urls")
    @classmethod
    def _are_ldap_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(urls)) < len(urls):
            raise ValueError("each server once")
        return tuple(Address(url).checked().url for url in urls)

    @field_validator("connect_timeout", "receive_timeout")
    @classmethod
    def _takes_time(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError("a timeout is at least 1s; without one a stopped server would hang the run")
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        faults = (*self._faults_of_servers(), *self._faults_of_login(), *self._faults_of_flavor())
        if self.inactive_values and not self.active_attribute:
            faults += ("inactive_values needs active_attribute",)
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _faults_of_servers(self) -> Iterator[str]:
        if (self.url is None) == (not self.urls):
            yield "give the server as url, or several in order as urls"
            return
        if self.start_tls and any(server.scheme != "ldap" for server in self.servers):
            yield "start_tls belongs to ldap://; ldaps:// is encrypted from the first byte"
        open_ones = [
            s.url for s in self.servers if not (s.is_encrypted or self.start_tls or s.stays_here)
        ]
        if open_ones and not self.allow_cleartext:
            yield (
                "this would send password and people in cleartext: use ldaps:// or start_tls: true "
                "(or say allow_cleartext: true)"
            )

    def _faults_of_login(self) -> Iterator[str]:
        if (self.bind_dn is None) != (self.password is None):
            yield "bind_dn and password go together; leave out both to bind anonymously"
        elif self.bind_dn is None and self.bind == "simple":
            yield "bind: simple needs bind_dn and password"
        elif self.bind_dn is not None and self.bind not in {None, "simple"}:
            yield f"bind: {self.bind} takes no bind_dn and password"
        if (self.client_certificate is None) != (self.client_key is None):
            yield "client_certificate and client_key go together"
        proven = self.client_certificate is not None or all(s.is_local for s in self.servers)
        if self.bind == "external" and not proven:
            yield "bind: external needs client_certificate and client_key, or ldapi://"

    def _faults_of_flavor(self) -> Iterator[str]:
        if self.flavor != "ad":
            return
        if self.id_attribute.lower() != "objectguid":
            yield "flavor: ad knows people by objectGUID; leave id_attribute out"
        if self.page_size > AD_PAGE:
            yield f"page_size is at most {AD_PAGE} with flavor: ad; a domain controller gives no more"
