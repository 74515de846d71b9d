"""What `directory:` may say of Microsoft Entra ID."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from idpsync.settings import Secret, Settings


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
