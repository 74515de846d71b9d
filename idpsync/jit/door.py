"""The login door without its web framework: begin a login, finish it, say who may pass."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from idpsync.core.admission import Admission, Presence
from idpsync.core.errors import AssertionRejected
from idpsync.core.journals import OnceOnly
from idpsync.core.model import Login
from idpsync.core.ports import Clock
from idpsync.jit.attributes import AttributeMap
from idpsync.jit.saml import Assertion, KeyPair, ServiceProvider
from idpsync.jit.sessions import Sessions
from idpsync.jit.settings import JitConfig
from idpsync.jit.trust import TrustedIdp

log = structlog.get_logger()

PATIENCE = timedelta(minutes=10)
"""How long somebody may take to sign in at the identity provider."""

_REQUEST, _ASSERTION = "saml.request", "saml.assertion"


class Admits(Protocol):
    """The engine's side of the door: same policy, same count as every other way in."""

    def admit(self, login: Login) -> Admission:
        """Let somebody in or say why not. RemoteError, StoreError: nobody can say now."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the wiring hands to the door. The engine answers for `require_group` and `tier`.

    `presence` tells what a signed-in member has right now, None when they have no account any more.
    """

    admits: Admits
    once: OnceOnly
    clock: Clock
    idp: TrustedIdp
    session_key: str
    presence: Callable[[str], Presence | None]
    keys: KeyPair | None = None
    organization: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """Send the browser to `url`, and bind the answer to it with the cookie value `browser`."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody came back from the identity provider. `next` is a local path, None for the landing."""

    login: Login
    admission: Admission
    next: str | None


@dataclass(frozen=True, slots=True)
class _Pending:
    request_id: str | None
    next: str | None = None


class LoginDoor:
    """One organisation's login door; safe to share between threads."""

    def __init__(self, jit: JitConfig, parts: Parts) -> None:
        self.jit = jit
        self.organization = parts.organization
        self.provider = ServiceProvider(jit.base_url, parts.keys, skew=jit.clock_skew)
        self.sessions = Sessions(parts.once, parts.clock, parts.session_key, https=jit.https)
        self._parts = parts
        self._attributes = AttributeMap(jit.attributes, jit.preset)

    def begin(self, next_path: str | None, browser: str | None) -> Start:
        """Start a login for the browser with this binding; a new binding when it has none."""
        now = self._parts.clock.now()
        bound = browser if browser and _is_token(browser) else secrets.token_urlsafe(32)
        token = secrets.token_urlsafe(32)
        request = self.provider.start(self._parts.idp.current(), token, now)
        pending = {"id": request.request_id, "next": next_path, "browser": _digest(bound)}
        self._parts.once.remember(_REQUEST, token, json.dumps(pending), now + PATIENCE)
        return Start(url=request.url, browser=bound)

    def finish(self, saml_response: str, relay_state: str, browser: str | None) -> Arrival:
        """The end of a login. AssertionRejected when it is not to be trusted; then nothing was done."""
        pending = self._pending(relay_state, browser)
        assertion = self._verified(saml_response, pending.request_id)
        self._use_up(assertion)
        login = self._attributes.login(assertion)
        return Arrival(login, self._parts.admits.admit(login), pending.next)

    def presence(self, member: str) -> Presence | None:
        """What a signed-in member has right now."""
        return self._parts.presence(member)

    def _pending(self, relay_state: str, browser: str | None) -> _Pending:
        now = self._parts.clock.now()
        stored = self._parts.once.take(_REQUEST, relay_state, now) if _is_token(relay_state) else None
        if stored is None:
            if self.jit.allow_idp_initiated:
                return _Pending(request_id=None)
            raise AssertionRejected("no login of ours is pending under this RelayState")
        pending = json.loads(stored)
        if not browser or not hmac.compare_digest(_digest(browser), pending["browser"]):
            raise AssertionRejected("the login was begun in another browser")
        return _Pending(request_id=pending["id"], next=pending["next"])

    def _verified(self, saml_response: str, request_id: str | None) -> Assertion:
        now = self._parts.clock.now()
        idp = self._parts.idp.current()
        try:
            return self.provider.verify(idp, saml_response, request_id, now)
        except AssertionRejected:
            renewed = self._parts.idp.renewed(idp)
            if renewed is None:
                raise
            log.info("idp_metadata.renewed", entity_id=renewed.entity_id)
            return self.provider.verify(renewed, saml_response, request_id, now)

    def _use_up(self, assertion: Assertion) -> None:
        """SAML profiles §4.1.4.5: the id of the signed element, for as long as it could be accepted."""
        used = _digest(f"{assertion.issuer}\n{assertion.assertion_id}")
        until = assertion.not_on_or_after + self.jit.clock_skew
        if not self._parts.once.claim(_ASSERTION, used, until):
            raise AssertionRejected("the assertion was used before")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_token(text: str) -> bool:
    """Whether `text` could be one of ours; anything else never reaches the store."""
    return len(text) == 43 and text.isascii() and text.replace("-", "").replace("_", "").isalnum()
