"""A login door around a forged identity provider, and a browser that walks through it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idpsync.core.admission import (
    DEACTIVATED,
    DOMAIN_NOT_VERIFIED,
    NO_SEAT,
    NOT_ASSIGNED,
    Admission,
    Presence,
)
from idpsync.core.errors import IdpSyncError
from idpsync.core.model import Login
from idpsync.core.seats import Tier
from idpsync.jit.app import build_app
from idpsync.jit.door import Parts
from idpsync.jit.settings import JitConfig
from idpsync.jit.trust import trusted_idp
from tests.fakes.marks import FakeOnceOnly
from tests.jit.forge import BASE, NOW, Draft, key, metadata_xml, request_of, signed
from tests.people import PREMIUM, StoppedClock


@dataclass
class Members:
    """Accounts, seats and a wait list, as the engine would keep them; also what forward auth asks."""

    seats: int = 10
    domain: str = "acme.example"
    required: str | None = None
    accounts: dict[str, Tier] = field(default_factory=dict)
    deactivated: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)
    admins: set[str] = field(default_factory=set)
    fault: IdpSyncError | None = None
    logins: list[Login] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, login: Login) -> Admission:
        if self.fault is not None:
            raise self.fault
        with self.lock:
            self.logins.append(login)
            return self._answer(login)

    def _answer(self, login: Login) -> Admission:
        member = login.member
        if not member.endswith(f"@{self.domain}"):
            return self._refusal(login, DOMAIN_NOT_VERIFIED)
        if member in self.deactivated:
            return self._refusal(login, DEACTIVATED)
        if self.required is not None and self.required not in (login.groups or ()):
            return self._refusal(login, NOT_ASSIGNED)
        if member not in self.accounts and len(self.accounts) >= self.seats:
            if member not in self.waiting:
                self.waiting.append(member)
            return self._refusal(login, NO_SEAT, position=self.waiting.index(member) + 1)
        tier = self.accounts.setdefault(member, PREMIUM)
        name = login.profile.user_name
        return Admission(True, None, member, name, tier=tier, admin=member in self.admins)

    def _refusal(self, login: Login, reason: str, position: int | None = None) -> Admission:
        return Admission(
            let_in=False,
            reason=reason,
            member=login.member,
            user_name=login.profile.user_name,
            waits_for=PREMIUM if position else None,
            position=position,
        )

    def presence(self, member: str) -> Presence | None:
        if self.fault is not None:
            raise self.fault
        tier = self.accounts.get(member)
        return None if tier is None or member in self.deactivated else Presence(tier)


class Idp:
    """The other side: publishes metadata, and can be down."""

    def __init__(self) -> None:
        self.document = metadata_xml(key("idp").certificate_base64)
        self.fault: IdpSyncError | None = None
        self.reads = 0

    def fetch(self, url: str) -> bytes:
        self.reads += 1
        if self.fault is not None:
            raise self.fault
        return self.document


class World:
    """One door with everything around it, and time that stands still."""

    def __init__(self, **jit: object) -> None:
        self.clock = StoppedClock(NOW)
        self.once = FakeOnceOnly(self.clock)
        self.members = Members()
        self.idp = Idp()
        self.jit = JitConfig.model_validate(
            {"base_url": BASE, "idp": {"metadata_url": "https://idp.acme.example/metadata"}, **jit}
        )
        self.parts = Parts(
            admits=self.members,
            once=self.once,
            clock=self.clock,
            idp=trusted_idp(self.jit.idp, self.once, self.clock, fetch=self.idp.fetch),
            session_key="a key of sixteen or more characters",
            presence=self.members.presence,
            organization="Acme Ltda",
        )
        self.app = build_app(self.jit, self.parts)

    def browser(self) -> "Browser":
        return Browser(self)


@dataclass
class Started:
    """A login that waits for its answer."""

    request_id: str
    relay_state: str


class Browser:
    """One browser with its cookies."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client: FlaskClient = world.app.test_client()

    def get(self, path: str, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, base_url=self.world.jit.base_url, headers=named)

    def post(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        return self.client.post(
            path, base_url=self.world.jit.base_url, data=dict(form), headers=dict(headers or {})
        )

    def start(self, next_path: str | None = None) -> Started:
        query = {"next": next_path} if next_path is not None else None
        answer = self.client.get("/saml/login", base_url=self.world.jit.base_url, query_string=query)
        assert answer.status_code == 302, answer.text
        location = answer.headers["Location"]
        relay_state = parse_qs(urlsplit(location).query)["RelayState"][0]
        return Started(str(request_of(location).get("ID")), relay_state)

    def answer(self, started: Started, draft: Draft | None = None, **headers: str) -> TestResponse:
        """The identity provider's honest answer, posted by this browser."""
        asked = (draft or Draft()).but(
            in_response_to=started.request_id, response_in_response_to=started.request_id
        )
        form = {"SAMLResponse": signed(asked), "RelayState": started.relay_state}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post("/saml/acs", form, named)

    def log_in(
        self, draft: Draft | None = None, next_path: str | None = None, **headers: str
    ) -> TestResponse:
        return self.answer(self.start(next_path), draft, **headers)
