"""Who we are to Okta: an API token, or a token that is fetched with a signed assertion.

The token may be bound to a key of ours (DPoP, RFC 9449); Okta says so when it refuses to give another.
https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/
https://developer.okta.com/docs/guides/dpop/oktaresourceserver/main/
"""

import hashlib
import uuid
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode, urlsplit, urlunsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idpsync import jws
from idpsync.answers import NotJson, Response, read_json, scrubbed, sent_at
from idpsync.core.errors import CredentialsRejected, RemoteError
from idpsync.core.ports import Clock
from idpsync.credentials import GET_TOKEN, FetchedToken, Token
from idpsync.http import HttpClient
from idpsync.sources.okta.settings import PrivateKeyAuth

SYSTEM = "okta directory"
TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105 -- an address
LIFE = timedelta(minutes=5)  # of an assertion; Okta takes up to an hour
SKEW = timedelta(seconds=60)
BY_ASSERTION = {
    "grant_type": "client_credentials",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
}


class OktaToken:
    """The access token of an API services app, shown with a fresh proof each time where it is bound."""

    def __init__(
        self, auth: PrivateKeyAuth, scopes: frozenset[str], *, http: HttpClient, url: str, clock: Clock
    ) -> None:
        self._auth, self._scopes, self._http, self._clock = auth, scopes, http, clock
        self._url = url + TOKEN_PATH
        self._key: ec.EllipticCurvePrivateKey | None = None  # made when Okta asks for a bound token
        self._token_nonce: str | None = None
        self._api_nonce: str | None = None
        self._fetched = FetchedToken(
            self._ask, system=SYSTEM, clock=clock, kept=lambda: (auth.key.reveal(),)
        )

    # --- as a credential --------------------------------------------------------------------------

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        token = self._current()
        shown = {"Authorization": _authorization(token)}
        if not _is_bound(token):
            return shown
        return {**shown, "DPoP": self._proof(method, url, nonce=self._api_nonce, token=token)}

    def renew(self, rejected: Mapping[str, str], answer: Response) -> bool:
        if self.take_nonce(answer):
            return True
        shown, token = rejected.get("Authorization"), self._fetched.current()
        if _authorization(token) == shown:
            self._fetched.drop(token)
        return _authorization(self._current()) != shown

    def take_nonce(self, answer: Response) -> bool:
        """Whether the answer asks for another nonce in the proof, and names it (RFC 9449 §9).

        Calls in several lanes are refused for the same old nonce, each is made again.
        """
        nonce = answer.headers.get("dpop-nonce")
        told = answer.headers.get("www-authenticate", "") + answer.body[:2000].decode("utf-8", "replace")
        if not nonce or "use_dpop_nonce" not in told:
            return False  # a nonce known already is news to the proof of another lane
        self._api_nonce = nonce
        return True

    def secrets(self) -> tuple[str, ...]:
        return self._fetched.secrets()

    def _current(self) -> Token:
        token = self._fetched.current()
        if token.scopes and (lacking := self._scopes - token.scopes):
            raise CredentialsRejected(SYSTEM, GET_TOKEN, _ungranted(lacking))
        return token

    # --- the token --------------------------------------------------------------------------------

    def _ask(self) -> Response:
        answer = self._post(self._scopes)
        for _ in range(2):  # the first proof without a nonce, then with the one that was named
            error, _said = _told(answer)
            unbound = error == "invalid_dpop_proof" and self._key is None
            if not unbound and error != "use_dpop_nonce":
                break
            self._key = self._key or jws.new_key()
            self._token_nonce = answer.headers.get("dpop-nonce") or self._token_nonce
            answer = self._post(self._scopes)
        if answer.ok:
            return answer
        raise self._refusal(answer)

    def _post(self, scopes: frozenset[str]) -> Response:
        form = {**BY_ASSERTION, "scope": " ".join(sorted(scopes)), "client_assertion": self._assertion()}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._key:
            headers["DPoP"] = self._proof("POST", self._url, nonce=self._token_nonce)
        return self._http.exchange(
            "POST",
            self._url,
            operation=GET_TOKEN,
            headers=headers,
            body=urlencode(form).encode(),
            repeatable=True,
        )

    def _assertion(self) -> str:
        auth, now = self._auth, int(self._clock.now().timestamp())
        key = jws.private_key(auth.key.reveal(), where=auth.key.reference)
        claims = {
            "iss": auth.client_id,
            "sub": auth.client_id,
            "aud": self._url,
            "iat": now,
            "exp": now + int(LIFE.total_seconds()),
            "jti": uuid.uuid4().hex,
        }
        return jws.sign(
            claims,
            key,
            algorithm="RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256",
            headers={"kid": auth.key_id} if auth.key_id else {},
        )

    def _proof(self, method: str, url: str, *, nonce: str | None, token: Token | None = None) -> str:
        """That the key is ours, for this one request (RFC 9449 §4.2)."""
        assert self._key is not None  # noqa: S101 -- no token is bound to a key we never made
        claims: dict[str, object] = {
            "jti": uuid.uuid4().hex,
            "htm": method,
            "htu": urlunsplit((*urlsplit(url)[:3], "", "")),
            "iat": int(self._clock.now().timestamp()),
        }
        if nonce:
            claims["nonce"] = nonce
        if token:
            claims["ath"] = jws.base64url(hashlib.sha256(token.value.encode()).digest())
        head = {"typ": "dpop+jwt", "jwk": jws.public_jwk(self._key)}
        return jws.sign(claims, self._key, algorithm="ES256", headers=head)

    # --- why there is none ------------------------------------------------------------------------

    def _refusal(self, answer: Response) -> RemoteError:
        error, said = _told(answer)
        if answer.status not in {400, 401, 403}:
            return self._http.refusal(self._http.question("POST", GET_TOKEN), answer)
        if error == "invalid_scope":
            return CredentialsRejected(SYSTEM, GET_TOKEN, _ungranted(self._lacking() or self._scopes))
        reason = f"HTTP {answer.status} {scrubbed(f'{error}: {said}')}; {self._remedy(answer)}"
        return CredentialsRejected(SYSTEM, GET_TOKEN, reason)

    def _lacking(self) -> frozenset[str]:
        """Those scopes that Okta refuses alone, too."""
        if len(self._scopes) == 1:
            return self._scopes
        answers = {scope: self._post(frozenset([scope])) for scope in sorted(self._scopes)}
        return frozenset(scope for scope, a in answers.items() if _told(a)[0] == "invalid_scope")

    def _remedy(self, answer: Response) -> str:
        sent = sent_at(answer)
        if sent and abs(self._clock.now() - sent) > SKEW:
            return skewed(self._clock.now() - sent)
        return (
            f"check client_id {self._auth.client_id} and that the public half of "
            f"{self._auth.key.reference} is an active key of this app"
        )


def skewed(ahead: timedelta) -> str:
    """How far our clock is from Okta's, as a sentence that says what to do."""
    seconds = round(ahead.total_seconds())
    side = "ahead of" if seconds > 0 else "behind"
    return f"this machine's clock is {abs(seconds)} s {side} Okta's: set it"


def _ungranted(scopes: frozenset[str]) -> str:
    return f"the app lacks {', '.join(sorted(scopes))}: grant it in the app under Okta API Scopes"


def _told(answer: Response) -> tuple[str, str]:
    """`error` and `error_description` (RFC 6749 §5.2); both "" for a success."""
    if answer.ok:
        return "", ""
    try:
        told = read_json(answer.body)
    except NotJson:
        return "", answer.body[:200].decode("utf-8", "replace")
    error = told.get("error") or told.get("errorCode") or ""
    return str(error), str(told.get("error_description") or told.get("errorSummary") or "")


def _is_bound(token: Token) -> bool:
    return token.kind.casefold() == "dpop"


def _authorization(token: Token) -> str:
    return f"{'DPoP' if _is_bound(token) else 'Bearer'} {token.value}"
