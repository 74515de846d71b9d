"""How we prove to a target who we are: a bearer token, a password, or OAuth 2 client credentials."""

import base64
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote_plus, urlencode

from idpsync.answers import Credential, NotJson, Response, read_json
from idpsync.core.errors import CredentialsRejected, Malformed, Transient, UnknownOutcome
from idpsync.core.ports import Clock
from idpsync.http import HttpClient
from idpsync.settings import Secret
from idpsync.targets.kinds import BasicAuth, BearerAuth, ClientCredentialsAuth, ScimAuth

LIFE = timedelta(minutes=5)  # of a token whose answer does not say
MARGIN = timedelta(seconds=30)  # a token is not used in its last seconds


class Bearer:
    """A token by reference; read again for every request, so that it may rotate."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token.reveal()}"}

    def renew(self, rejected: Mapping[str, str]) -> bool:
        return self.headers() != rejected

    def secrets(self) -> tuple[str, ...]:
        return (self._token.reveal(),)


class Basic:
    """User name and password (RFC 7617), in UTF-8."""

    def __init__(self, username: str, password: Secret) -> None:
        self._username, self._password = username, password

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Basic {self._pair()}"}

    def renew(self, rejected: Mapping[str, str]) -> bool:
        return self.headers() != rejected

    def secrets(self) -> tuple[str, ...]:
        return (self._password.reveal(), self._pair())

    def _pair(self) -> str:
        return base64.b64encode(f"{self._username}:{self._password.reveal()}".encode()).decode()


class ClientCredentials:
    """A token from an authorization server (RFC 6749 §4.4), fetched once for all threads."""

    def __init__(self, auth: ClientCredentialsAuth, http: HttpClient, clock: Clock) -> None:
        self._auth, self._http, self._clock = auth, http, clock
        self._lock = threading.Lock()
        self._token = ""
        self._until: datetime | None = None

    def headers(self) -> Mapping[str, str]:
        with self._lock:
            if self._until is None or self._clock.now() >= self._until:
                self._fetch()
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self, rejected: Mapping[str, str]) -> bool:
        """Whether another token could be had; threads that were rejected together fetch one."""
        with self._lock:
            if rejected == {"Authorization": f"Bearer {self._token}"}:
                self._fetch()
            return rejected != {"Authorization": f"Bearer {self._token}"}

    def secrets(self) -> tuple[str, ...]:
        return (self._token, self._auth.client_secret.reveal())

    def _fetch(self) -> None:
        form = {"grant_type": "client_credentials"}
        if self._auth.scope:
            form["scope"] = self._auth.scope
        response = self._ask(urlencode(form).encode())
        try:
            told = read_json(response.body)
        except NotJson as error:
            raise Malformed(self._http.system, "get access token", str(error)) from None
        token, life = told.get("access_token"), told.get("expires_in")
        if not isinstance(token, str) or not token:
            raise CredentialsRejected(self._http.system, "get access token", "no access_token came")
        seconds = int(life) if isinstance(life, int | str) and str(life).isdecimal() else None
        span = timedelta(seconds=seconds) if seconds is not None else LIFE
        self._token, self._until = token, self._clock.now() + max(span - MARGIN, span / 2)

    def _ask(self, form: bytes) -> Response:
        """Transient when the answer is lost: a token that nobody got changes nothing anywhere."""
        try:
            return self._http.request(
                "POST",
                self._auth.token_url,
                operation="get access token",
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                    "Authorization": f"Basic {self._client()}",
                },
                body=form,
                repeatable=True,
            )
        except UnknownOutcome as error:
            raise Transient(error.system, error.operation, error.reason) from error

    def _client(self) -> str:
        """Form-encoded before it is joined (RFC 6749 §2.3.1)."""
        secret = quote_plus(self._auth.client_secret.reveal())
        return base64.b64encode(f"{quote_plus(self._auth.client_id)}:{secret}".encode()).decode()


def credential_of(auth: ScimAuth | None, system: str, clock: Clock) -> Credential | None:
    """The credential that `auth` describes."""
    match auth:
        case BearerAuth():
            return Bearer(auth.token)
        case BasicAuth():
            return Basic(auth.username, auth.password)
        case ClientCredentialsAuth():
            return ClientCredentials(auth, HttpClient(f"{system} authorization", clock=clock), clock)
        case None:
            return None
