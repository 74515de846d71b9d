"""How we prove to a target who we are, as its configuration says."""

import base64
from urllib.parse import quote_plus, urlencode

from idpsync.answers import Credential
from idpsync.core.ports import Clock
from idpsync.credentials import Basic, Bearer, FetchedToken, ask_for_token
from idpsync.http import HttpClient
from idpsync.targets.kinds import BasicAuth, BearerAuth, ClientCredentialsAuth, ScimAuth


def credential_of(auth: ScimAuth | None, system: str, clock: Clock) -> Credential | None:
    """The credential that `auth` describes."""
    match auth:
        case BearerAuth():
            return Bearer(auth.token)
        case BasicAuth():
            return Basic(auth.username, auth.password)
        case ClientCredentialsAuth():
            return client_credentials(auth, HttpClient(f"{system} authorization", clock=clock), clock)
        case None:
            return None


def client_credentials(auth: ClientCredentialsAuth, http: HttpClient, clock: Clock) -> FetchedToken:
    """A token from an authorization server (RFC 6749 §4.4)."""
    form = {"grant_type": "client_credentials"} | ({"scope": auth.scope} if auth.scope else {})
    return FetchedToken(
        lambda: ask_for_token(
            http, auth.token_url, urlencode(form).encode(), {"Authorization": f"Basic {_client(auth)}"}
        ),
        system=http.system,
        clock=clock,
        kept=lambda: (auth.client_secret.reveal(),),
    )


def _client(auth: ClientCredentialsAuth) -> str:
    """Form-encoded before it is joined (RFC 6749 §2.3.1)."""
    secret = quote_plus(auth.client_secret.reveal())
    return base64.b64encode(f"{quote_plus(auth.client_id)}:{secret}".encode()).decode()
