"""What `directory:` may say of Okta."""

from typing import Annotated, Literal

from pydantic import Field

from idpsync.settings import Secret, Settings

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
