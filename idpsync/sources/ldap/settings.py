"""What `directory:` may say of an LDAP server."""

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator

from idpsync.settings import Duration, Secret, Settings
from idpsync.sources.scope import scope


class LdapConfig(Settings):
    """An LDAP directory (RFC 4511).

    `ca_file` is the CA that signed the server's certificate (the system's CAs without it); certificates
    are always verified. `server_name` is the name in the certificate where it is not the host of `url`.
    Without `bind_dn` the bind is anonymous. `active_attribute` marks people as switched off: either by
    presence (ppolicy's `pwdAccountLockedTime`), or by one of `inactive_values`. Each `…_attribute` can
    be renamed for other schemas; `id_attribute` must never change during a person's life.

    `referrals: ignore` reads on where the server points to another one; `fail` calls the read partial.
    `unknown_members: ignore` accepts groups that name many people under `user_base` whom nobody finds
    (a server without referential integrity); `suspect` takes them for hidden and removes nothing.
    """

    kind: Literal["ldap"]
    url: str
    start_tls: bool = False
    ca_file: Path | None = None
    server_name: str | None = None
    allow_cleartext: bool = False
    bind_dn: str | None = None
    password: Secret | None = None

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
    def address(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def host(self) -> str:
        return self.address.hostname or ""

    @property
    def port(self) -> int:
        return self.address.port or (636 if self.address.scheme == "ldaps" else 389)

    @property
    def scope(self) -> str:
        """Whatever decides who is seen, and under which id."""
        return scope(
            self.kind,
            server=f"{self.host.lower()}:{self.port}",
            user_base=self.user_base,
            user_filter=self.user_filter,
            group_base=self.group_base,
            group_filter=self.group_filter,
            nested_groups=self.nested_groups,
            bind_dn=self.bind_dn,
            id_attribute=self.id_attribute,
            user_name_attribute=self.user_name_attribute,
            group_name_attribute=self.group_name_attribute,
            active_attribute=self.active_attribute,
            inactive_values=",".join(self.inactive_values),
        )

    @field_validator("url")
    @classmethod
    def _is_ldap_url(cls, url: str) -> str:
        address = urlsplit(url)
        if address.scheme not in {"ldap", "ldaps"} or not address.hostname:
            raise ValueError("give the server as ldap://host[:port] or ldaps://host[:port]")
        if address.path.strip("/") or address.query or address.username:
            raise ValueError(
                "the URL names the server only; bases, filters and bind DN have their own keys"
            )
        if address.port == 0:
            raise ValueError("port 0 is not a port")
        return url

    @field_validator("connect_timeout", "receive_timeout")
    @classmethod
    def _takes_time(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError("a timeout is at least 1s; without one a stopped server would hang the run")
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        secure = self.address.scheme == "ldaps" or self.start_tls
        if self.address.scheme == "ldaps" and self.start_tls:
            raise ValueError("start_tls belongs to ldap://; ldaps:// is encrypted from the first byte")
        if (self.bind_dn is None) != (self.password is None):
            raise ValueError("bind_dn and password go together; leave out both to bind anonymously")
        if not (secure or self.allow_cleartext or _is_loopback(self.host)):
            raise ValueError(
                "this would send password and people in cleartext: use ldaps:// or start_tls: true "
                "(or say allow_cleartext: true)"
            )
        if self.inactive_values and not self.active_attribute:
            raise ValueError("inactive_values needs active_attribute")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
