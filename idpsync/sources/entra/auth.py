"""Signing in to Entra: client credentials (RFC 6749 §4.4) by secret, certificate, or federated token."""

import base64
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from cryptography import x509

from idpsync.answers import NotJson, Response, read_json, sent_at
from idpsync.core.errors import ConfigError, Malformed, Problem
from idpsync.core.ports import Clock
from idpsync.credentials import GET_TOKEN, FetchedToken
from idpsync.http import HttpClient
from idpsync.jws import certificate_thumbprint, private_key, sign
from idpsync.pace import Timer
from idpsync.sources.entra.errors import SYSTEM, sign_in_error
from idpsync.sources.entra.meter import Meter
from idpsync.sources.entra.settings import (
    CertificateAuth,
    ClientSecretAuth,
    EntraConfig,
    FederatedAuth,
)

ASSERTION_LIFE = timedelta(minutes=5)
EARLY = timedelta(seconds=60)  # an assertion is valid a little before now: clocks differ
SKEW = timedelta(seconds=60)
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 §2.2
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class SignIn:
    """The token endpoint of one tenant. `skew` is what the last answer's Date made of our clock."""

    def __init__(
        self, config: EntraConfig, *, clock: Clock, meter: Meter, timer: Timer | None = None
    ) -> None:
        self._config, self._clock = config, clock
        self._url = f"{config.place.login_url}/{config.tenant_id}/oauth2/v2.0/token"
        self._http = HttpClient(SYSTEM, clock=clock, quota=meter.measure, timer=timer)

    def credential(self) -> FetchedToken:
        return FetchedToken(self._ask, system=SYSTEM, clock=self._clock, kept=self._kept)

    def _ask(self) -> Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._config.auth.client_id,
            "scope": f"{self._config.place.graph_url}/.default",
            **self._proof(),
        }
        body = urlencode(form).encode()
        response = self._http.exchange(
            "POST", self._url, operation=GET_TOKEN, headers=FORM, body=body, repeatable=True
        )
        if response.ok:
            return response
        if not _is_json(response):
            reason = f"HTTP {response.status}, and no JSON: is login_url a sign-in server?"
            raise Malformed(SYSTEM, GET_TOKEN, reason)
        if response.status == 429 or response.status >= 500:
            raise self._http.refusal(self._http.question("GET", GET_TOKEN), response, "")
        raise sign_in_error(GET_TOKEN, response, told_skew(response, self._clock.now()))

    def _proof(self) -> Mapping[str, str]:
        match self._config.auth:
            case ClientSecretAuth(secret=secret):
                return {"client_secret": secret.reveal()}
            case CertificateAuth() as auth:
                signed = assertion(auth, audience=self._url, now=self._clock.now())
                return {"client_assertion_type": JWT_BEARER, "client_assertion": signed}
            case FederatedAuth(token_file=path):
                return {"client_assertion_type": JWT_BEARER, "client_assertion": _token_in(path)}

    def _kept(self) -> tuple[str, ...]:
        auth = self._config.auth
        return (auth.secret.reveal(),) if isinstance(auth, ClientSecretAuth) else ()


def assertion(auth: CertificateAuth, *, audience: str, now: datetime) -> str:
    """A statement that we hold the certificate's key (RFC 7523 §3; Microsoft: PS256 and `x5t#S256`)."""
    pem, where = _certificate_in(auth.certificate), str(auth.certificate)
    claims = {
        "aud": audience,
        "iss": auth.client_id,
        "sub": auth.client_id,
        "jti": str(uuid.uuid4()),
        "iat": int(now.timestamp()),
        "nbf": int((now - EARLY).timestamp()),
        "exp": int((now + ASSERTION_LIFE).timestamp()),
    }
    key = private_key(auth.key.reveal(), where=auth.key.reference)
    shown = {"x5t#S256": certificate_thumbprint(pem, where=where)}
    return sign(claims, key, algorithm="PS256", headers=shown)


def expires(auth: CertificateAuth | ClientSecretAuth | FederatedAuth) -> datetime | None:
    """When what we sign in with ends; None where only Entra knows."""
    if not isinstance(auth, CertificateAuth):
        return None
    pem = _certificate_in(auth.certificate).encode()
    try:
        return x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError:
        raise ConfigError(Problem(str(auth.certificate), "holds no certificate in PEM form")) from None


def told_skew(response: Response, now: datetime) -> str:
    """How far our clock is from the one that answered, "" within a minute."""
    sent = sent_at(response)
    if sent is None or abs(now - sent) <= SKEW:
        return ""
    seconds = round((now - sent).total_seconds())
    return f"the clock of this machine is {abs(seconds)} s {'fast' if seconds > 0 else 'slow'}: set it"


def roles_in(token: str) -> frozenset[str] | None:
    """The app roles that an access token claims, for telling only: nothing is verified.

    None where the token cannot be read: Graph may change its form at any time.
    """
    try:
        claims = token.split(".")[1]
        told = read_json(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except (IndexError, ValueError):
        return None
    roles = told.get("roles", [])
    if not isinstance(roles, list):
        return None
    return frozenset(role for role in roles if isinstance(role, str))


def _certificate_in(path: Path) -> str:
    return _text_in(path, "directory.auth.certificate")


def _token_in(path: Path) -> str:
    """The token of the workload, as it is now: whoever runs us rotates it."""
    key = "directory.auth.token_file"
    token = _text_in(path, key).strip()
    if not token:
        raise ConfigError(Problem(key, f"{path} is empty"))
    return token


def _text_in(path: Path, key: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or "not text"
        raise ConfigError(Problem(key, f"{path} cannot be read: {what}")) from None


def _is_json(response: Response) -> bool:
    try:
        read_json(response.body)
    except NotJson:
        return False
    return True
