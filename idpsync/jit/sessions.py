"""Who is signed in: a signed cookie that names a row in the store, so that signing out is final."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from idpsync.core.admission import Admission
from idpsync.core.journals import OnceOnly
from idpsync.core.model import Login
from idpsync.core.ports import Clock

LIFETIME = timedelta(hours=8)
"""Absolute: no activity prolongs it, the identity provider is asked again every working day."""

_KIND = "login.session"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who signed in.

    `groups` are those of the assertion, empty when it named none; `admin` is what the engine said
    when they signed in.
    """

    member: str
    user_name: str
    email: str
    name: str
    groups: tuple[str, ...]
    admin: bool
    until: datetime


class Sessions:
    """Opens, finds and ends sessions. StoreError when the store cannot be asked."""

    def __init__(self, once: OnceOnly, clock: Clock, secret: str, *, https: bool) -> None:
        if len(secret) < 16:
            raise ValueError("a session key has at least 16 characters")
        self._once = once
        self._clock = clock
        self._signer = URLSafeSerializer(secret, salt="idpsync.session")
        self._https = https
        # the prefix makes browsers refuse the cookie from a neighbouring host or over plain http
        self.cookie = "__Host-idpsync-session" if https else "idpsync-session"

    def open(self, login: Login, admission: Admission, response: Response) -> Visitor:
        """A new session for the person of `login`; always a new id (no fixation)."""
        until = (self._clock.now() + LIFETIME).replace(microsecond=0)
        profile = login.profile
        visitor = Visitor(
            member=admission.member,
            user_name=profile.user_name,
            email=profile.email or "",
            name=profile.display_name or f"{profile.given_name} {profile.family_name}".strip(),
            groups=tuple(sorted(login.groups or ())),
            admin=admission.admin,
            until=until,
        )
        session_id = secrets.token_urlsafe(32)
        self._once.remember(_KIND, session_id, _as_json(visitor), until)
        response.set_cookie(
            self.cookie,
            str(self._signer.dumps(session_id)),
            secure=self._https,
            httponly=True,
            samesite="Lax",
            path="/",
        )
        return visitor

    def visitor(self, cookies: Mapping[str, str]) -> Visitor | None:
        """Whose cookie this is; None without a valid, unexpired, not signed-out session."""
        session_id = self._session_id(cookies)
        if session_id is None:
            return None
        payload = self._once.recall(_KIND, session_id, self._clock.now())
        visitor = _from_json(payload) if payload else None
        return visitor if visitor and visitor.until > self._clock.now() else None

    def close(self, cookies: Mapping[str, str], response: Response) -> None:
        """Sign out: the session is gone from the store, and the cookie from the browser."""
        self.end(cookies)
        response.delete_cookie(self.cookie, path="/", secure=self._https, httponly=True, samesite="Lax")

    def end(self, cookies: Mapping[str, str]) -> None:
        """The session of this cookie is over, wherever else the cookie may be."""
        session_id = self._session_id(cookies)
        if session_id is not None:
            self._once.take(_KIND, session_id, self._clock.now())

    def _session_id(self, cookies: Mapping[str, str]) -> str | None:
        try:
            session_id = self._signer.loads(cookies.get(self.cookie, ""))
        except BadSignature:
            return None
        return session_id if isinstance(session_id, str) else None


def _as_json(visitor: Visitor) -> str:
    return json.dumps({**asdict(visitor), "until": visitor.until.timestamp()})


def _from_json(payload: str) -> Visitor:
    facts = json.loads(payload)
    facts["groups"] = tuple(facts["groups"])
    facts["until"] = datetime.fromtimestamp(facts["until"], UTC)
    return Visitor(**facts)
