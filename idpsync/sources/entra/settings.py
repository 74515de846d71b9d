"""What `directory:` may say of Microsoft Entra ID."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from idpsync.settings import Secret, Settings
from idpsync.sources.naming import DirectorySettings
from idpsync.sources.scope import scope


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where one of Microsoft's clouds signs in, and where it answers. Tokens hold in one only."""

    login_url: str
    graph_url: str


CLOUDS = {
    "global": Cloud("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    "usgov": Cloud("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    "usgov_dod": Cloud("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    "china": Cloud("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
}
"""learn.microsoft.com, "Microsoft Graph: national cloud deployments"."""


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


class EntraConfig(DirectorySettings):
    """Microsoft Entra ID by Graph. Without `nested_groups` only direct members count, as Entra's own
    application assignment does.

    `service_principal_id` is the enterprise application (its object id, or its application id): then
    only people who are assigned to it are read, directly or by a group. Without it everybody is.
    `login_url` and `graph_url` stand in place of `cloud`, both or none.
    """

    kind: Literal["entra"]
    tenant_id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9.-]+$")
    cloud: Literal["global", "usgov", "usgov_dod", "china"] = "global"
    login_url: str | None = None
    graph_url: str | None = None
    service_principal_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$")
    auth: Annotated[ClientSecretAuth | CertificateAuth | FederatedAuth, Field(discriminator="kind")]
    nested_groups: bool = False

    @property
    def place(self) -> Cloud:
        """Where to sign in and where to ask."""
        if self.login_url and self.graph_url:
            return Cloud(self.login_url.rstrip("/"), self.graph_url.rstrip("/"))
        return CLOUDS[self.cloud]

    @property
    def scope(self) -> str:
        """Whatever decides who is seen, and by whose rights."""
        return scope(
            self.kind,
            graph=self.place.graph_url.lower(),
            tenant=self.tenant_id.lower(),
            application=(self.service_principal_id or "").lower(),
            nested_groups=self.nested_groups,
            client_id=self.auth.client_id.lower(),
        )

    @field_validator("login_url", "graph_url")
    @classmethod
    def _is_safe(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("give a full URL: https://graph.microsoft.com")
        if parts.path.strip("/") or parts.query or parts.username:
            raise ValueError("the URL names the server only: no path, no query, no user")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("http:// would send the credential in the clear: use https://")
        return url

    @model_validator(mode="after")
    def _names_one_cloud(self) -> Self:
        if (self.login_url is None) != (self.graph_url is None):
            raise ValueError("login_url and graph_url go together; leave out both to go by cloud")
        if self.login_url and "cloud" in self.model_fields_set:
            raise ValueError("give either cloud, or login_url and graph_url")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
