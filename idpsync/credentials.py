"""How we prove to another system who we are: a bearer token, a password, or a token that is fetched."""

import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote_plus, urlencode

from idpsync.answers import Credential, NotJson, Response, read_json
from idpsync.core.errors import CredentialsRejected, Malformed, Transient, UnknownOutcome
from idpsync.core.ports import Clock
from idpsync.http import HttpClient
from idpsync.settings import BasicAuth, BearerAuth, ClientCredentialsAuth, ScimAuth, Secret

LIFE = timedelta(minutes=5)  # of a token whose answer does not say
LONGEST = timedelta(days=1)
MARGIN = timedelta(seconds=30)  # a token is not used in its last seconds
GET_TOKEN = "get access token"  # noqa: S105 -- what errors call it


class Bearer:
    """A token by reference; read again for every request, so that it may rotate.

    `scheme` is another word than Bearer where a provider has its own (Okta: SSWS).
    """

    def __init__(self, token: Secret, *, scheme: str = "Bearer") -> None:
        self._token, self._scheme = token, scheme

    def headers(self, method: str, url: str) -> Mapping[str, str]:  # noqa: ARG002 -- alike for all
        return self._shown()

    def renew(self, rejected: Mapping[str, str], answer: Response) -> bool:  # noqa: ARG002
        return self._shown() != rejected

    def secrets(self) -> tuple[str, ...]:
        return (self._token.reveal(),)

    def _shown(self) -> Mapping[str, str]:
        return {"Authorization": f"{self._scheme} {self._token.reveal()}"}


class Basic:
    """User name and password (RFC 7617), in UTF-8."""

    def __init__(self, username: str, password: Secret) -> None:
        self._username, self._password = username, password

    def headers(self, method: str, url: str) -> Mapping[str, str]:  # noqa: ARG002 -- alike for all
        return {"Authorization": f"Basic {self._pair()}"}

    def renew(self, rejected: Mapping[str, str], answer: Response) -> bool:  # noqa: ARG002
        return {"Authorization": f"Basic {self._pair()}"} != rejected

    def secrets(self) -> tuple[str, ...]:
        return (self._password.reveal(), self._pair())

    def _pair(self) -> str:
        return base64.b64encode(f"{self._username}:{self._password.reveal()}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Token:
    """An access token (RFC 6749 §5.1). `kind` is its `token_type`; it is not used after `until`."""

    value: str = field(repr=False)
    kind: str
    until: datetime
    scopes: frozenset[str] = frozenset()


class FetchedToken:
    """The access token that `ask` fetches: one for all threads, a new one when it ends.

    `kept` are the secrets that `ask` uses. CredentialsRejected where no token comes, Malformed where
    the answer is none, Transient where it is lost: a token that nobody got changes nothing anywhere.
    """

    def __init__(
        self,
        ask: Callable[[], Response],
        *,
        system: str,
        clock: Clock,
        kept: Callable[[], tuple[str, ...]],
    ) -> None:
        self._ask, self._system, self._clock, self._kept = ask, system, clock, kept
        self._lock = threading.Lock()
        self._token: Token | None = None

    def current(self) -> Token:
        with self._lock:
            if self._token is None or self._clock.now() >= self._token.until:
                self._token = self._fetched()
            return self._token

    def headers(self, method: str, url: str) -> Mapping[str, str]:  # noqa: ARG002 -- alike for all
        return _shown(self.current())

    def renew(self, rejected: Mapping[str, str], answer: Response) -> bool:  # noqa: ARG002
        """Whether another token could be had; threads that were rejected together fetch one."""
        with self._lock:
            if self._token is None or rejected == _shown(self._token):
                self._token = self._fetched()
            return rejected != _shown(self._token)

    def drop(self, rejected: Token) -> None:
        """The next to ask fetches another, unless somebody has done so already."""
        with self._lock:
            if self._token == rejected:
                self._token = None

    def secrets(self) -> tuple[str, ...]:
        token = self._token
        return (*((token.value,) if token else ()), *self._kept())

    def _fetched(self) -> Token:
        try:
            told = read_json(self._ask().body)
        except NotJson as error:
            raise Malformed(self._system, GET_TOKEN, str(error)) from None
        except UnknownOutcome as error:
            raise Transient(error.system, error.operation, error.reason) from error
        value, kind, scopes = (told.get(key) for key in ("access_token", "token_type", "scope"))
        if not isinstance(value, str) or not value:
            raise CredentialsRejected(self._system, GET_TOKEN, "no access_token came")
        span = _life(told.get("expires_in"))
        return Token(
            value=value,
            kind=kind if isinstance(kind, str) else "Bearer",
            until=self._clock.now() + max(span - MARGIN, span / 2),
            scopes=frozenset(scopes.split()) if isinstance(scopes, str) else frozenset(),
        )


def ask_for_token(
    http: HttpClient, url: str, form: bytes, headers: Mapping[str, str] | None = None
) -> Response:
    """POST a form to a token endpoint (RFC 6749 §3.2); asking twice does no harm."""
    usual = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return http.request(
        "POST",
        url,
        operation=GET_TOKEN,
        headers={**usual, **(headers or {})},
        body=form,
        repeatable=True,
    )


def _life(told: object) -> timedelta:
    """Nobody is believed who promises more than a day."""
    text = str(told) if isinstance(told, int | str) else ""
    if not text.isdecimal():
        return LIFE
    return min(timedelta(seconds=int(text)), LONGEST) if len(text) < 10 else LONGEST


def _shown(token: Token) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token.value}"}


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
