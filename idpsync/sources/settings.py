"""What `directory:` may say, one model per kind. Kinds without an adapter are validated all the same."""

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator

from idpsync.settings import Duration, Secret, Settings

Share = Annotated[float, Field(gt=0, le=1)]


class PrivateKeyAuth(Settings):
    """Okta API services app: client credentials with a signed assertion (RFC 7523)."""

    kind: Literal["private_key_jwt"]
    client_id: str
    key: Secret


class ApiTokenAuth(Settings):
    """Okta's long-lived token: it dies with the account of the person who made it."""

    kind: Literal["ssws"]
    token: Secret


class OktaConfig(Settings):
    """Okta by its management API. `rate_share` is our part of the organisation-wide limits."""

    kind: Literal["okta"]
    url: str
    app_id: str | None = None
    auth: Annotated[PrivateKeyAuth | ApiTokenAuth, Field(discriminator="kind")]
    rate_share: Share = 0.5


class ClientSecretAuth(Settings):
    """Entra app registration with a client secret."""

    kind: Literal["client_secret"]
    client_id: str
    secret: Secret


class CertificateAuth(Settings):
    """Entra app registration with a certificate; `key` is its private key."""

    kind: Literal["certificate"]
    client_id: str
    certificate: Path
    key: Secret


class FederatedAuth(Settings):
    """Entra workload identity: the token file is read anew each time, since it rotates."""

    kind: Literal["federated"]
    client_id: str
    token_file: Path


class EntraConfig(Settings):
    """Microsoft Entra ID by Graph. Without `nested_groups` only direct members count, as Entra's own
    application assignment does.
    """

    kind: Literal["entra"]
    tenant_id: str
    cloud: Literal["global", "usgov", "china"] = "global"
    service_principal_id: str | None = None
    auth: Annotated[ClientSecretAuth | CertificateAuth | FederatedAuth, Field(discriminator="kind")]
    nested_groups: bool = False


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


class ScimDirectoryConfig(Settings):
    """A SCIM 2.0 service provider read as a directory (RFC 7644)."""

    kind: Literal["scim"]
    url: str
    token: Secret


class FileConfig(Settings):
    """A people file: CSV with a header, or JSON lines where the suffix is .jsonl or .ndjson.

    A line `#group NAME` says that a group exists though nobody may be in it; a group that no line names
    counts as vanished, which forbids removals. With `require_trailer` the last line must be `#complete`.
    """

    kind: Literal["file"]
    path: Path
    require_trailer: bool = False


DirectoryConfig = Annotated[
    OktaConfig | EntraConfig | LdapConfig | ScimDirectoryConfig | FileConfig,
    Field(discriminator="kind"),
]
