"""Okta's management API: what may be asked, how its pages end, and what its refusals mean."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import NoReturn
from urllib.parse import urlsplit

import structlog

from idpsync.answers import origin, scrubbed
from idpsync.core.errors import CredentialsRejected, Malformed, NotFound, RemoteError
from idpsync.core.ports import Clock
from idpsync.credentials import Bearer
from idpsync.http import Credential, HttpClient, Limits, Response
from idpsync.pace import Deadline, Timer
from idpsync.sources.okta.auth import SYSTEM, OktaToken
from idpsync.sources.okta.quota import AT_ONCE, Crowd, Tally, quota
from idpsync.sources.okta.settings import ApiTokenAuth, OktaConfig
from idpsync.sources.pages import Page, Pages, Row, follow, rows_of

log = structlog.get_logger()

SCOPES: Mapping[str, str] = {
    "apps": "okta.apps.read",
    "groups": "okta.groups.read",
    "users": "okta.users.read",
}
"""Each family of calls has limits of its own, and a scope."""
MANAGE_GROUPS = "okta.groups.manage"

LIMITS = Limits(
    read=60,  # a page of 1000 people takes Okta its time
    deadline=90,
    patience=300,  # limits count per minute
    attempts=3,
    body=64 * 1024 * 1024,
    concurrency=AT_ONCE,
)
END = "no rel=next"
NONCES = 2  # a lane that is late may have put the one from before back

_LINK = re.compile(r"<([^>]*)>([^<]*)")  # RFC 8288 §3
_NEXT = re.compile(r';\s*rel\s*=\s*"?[^";]*\bnext\b', re.IGNORECASE)


class Api:
    """Every call to one organisation. Errors are by remedy; none shows a token."""

    def __init__(
        self, config: OktaConfig, *, clock: Clock, writes: bool = False, timer: Timer | None = None
    ) -> None:
        self._config, self._clock = config, clock
        self.tally, self.crowd = Tally(), Crowd()
        self.deadline = Deadline(timer or Timer())
        needed = {SCOPES["groups"], SCOPES["users"]}
        needed |= {SCOPES["apps"]} if config.app_id else set()
        needed |= {MANAGE_GROUPS} if writes else set()
        self._credential = self._credentials(frozenset(needed), timer)
        self._hosts = _hosts(config)
        self._clients = {family: self._client(timer, self._credential) for family in SCOPES}
        own = Deadline(timer or Timer())
        self._swift = {family: self._client(timer, self._credential, own) for family in SCOPES}
        self._lane = threading.local()

    def _client(
        self, timer: Timer | None, credential: Credential | None, deadline: Deadline | None = None
    ) -> HttpClient:
        return HttpClient(
            SYSTEM,
            self._config.url,
            clock=self._clock,
            credential=credential,
            limits=LIMITS,
            ca_file=self._config.ca_file,
            timer=timer,
            quota=quota(self._config.rate_share, self.crowd, self.tally),
            trusts=self.is_ours,
            deadline=deadline or self.deadline,
        )

    def _credentials(self, scopes: frozenset[str], timer: Timer | None) -> Credential:
        auth = self._config.auth
        if isinstance(auth, ApiTokenAuth):
            log.warning("credential.personal", reason="an API token dies with the account of its maker")
            return Bearer(auth.token, scheme="SSWS")
        http = self._client(timer, None)
        return OktaToken(auth, scopes, http=http, url=self._config.url, clock=self._clock)

    @property
    def who(self) -> str:
        auth = self._config.auth
        return "the maker of the API token" if isinstance(auth, ApiTokenAuth) else auth.client_id

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """What this thread asks for in the block waits for no read: not for room, pauses or deadlines.

        It is for a login, which is a handful of calls; their own answers still slow them down.
        """
        before, self._lane.swift = self._is_ahead, True
        try:
            yield
        finally:
            self._lane.swift = before

    @property
    def _is_ahead(self) -> bool:
        return getattr(self._lane, "swift", False)

    # --- reading ----------------------------------------------------------------------------------

    def pages(self, path: str, *, operation: str, keep: Callable[[Row], Row] = lambda row: row) -> Pages:
        """Every row from `path` on, of each what `keep` leaves; what cut the listing is in `error`.

        CredentialsRejected is raised: what we may not read is never half a listing.
        """
        pages = follow(
            path, lambda place: self._page(place, operation, keep), system=SYSTEM, operation=operation
        )
        if isinstance(pages.error, CredentialsRejected):
            raise pages.error
        return pages

    def one(self, path: str, *, operation: str) -> Row | None:
        """One object, None where there is none."""
        try:
            value = _json(self.get(path, operation=operation), operation)
        except NotFound:
            return None
        return rows_of([value], system=SYSTEM, operation=operation)[0]

    def get(self, place: str, *, operation: str) -> Response:
        return self._ask("GET", place, operation)

    def write(self, method: str, path: str, *, operation: str) -> None:
        self._ask(method, path, operation)

    def is_ours(self, url: str) -> bool:
        """Whether a link leads to this organisation: only there our token may go."""
        there, home = origin(url), origin(self._config.url)
        if there is None or home is None:
            return False
        return (there[0], there[2]) == (home[0], home[2]) and there[1] in self._hosts

    def _page(self, place: str, operation: str, keep: Callable[[Row], Row]) -> Page:
        answer = self.get(place, operation=operation)
        rows = rows_of(_json(answer, operation), system=SYSTEM, operation=operation)
        following = _next(answer.headers.get("link", ""))
        if following is not None and not self.is_ours(following):
            raise Malformed(SYSTEM, operation, _foreign(following))
        return Page([keep(row) for row in rows], following, END)

    def _ask(self, method: str, place: str, operation: str) -> Response:
        family = _family(place)
        client = (self._swift if self._is_ahead else self._clients)[family]
        with nullcontext() if self._is_ahead else self.crowd.joined():
            answer = client.exchange(method, place, operation=operation, headers=ACCEPT)
            for _ in range(NONCES):
                if answer.status != 400 or not self._has_new_nonce(answer):
                    break
                answer = client.exchange(method, place, operation=operation, headers=ACCEPT)
        if answer.ok:
            return answer
        error = client.refusal(client.question(method, operation), answer, _summary(answer))
        raise self._explained(error, answer, family)

    def _has_new_nonce(self, answer: Response) -> bool:
        return isinstance(self._credential, OktaToken) and self._credential.take_nonce(answer)

    def _explained(self, error: RemoteError, answer: Response, family: str) -> RemoteError:
        """The error with what to do about it."""
        match answer.status, self._config.auth:
            case 401, ApiTokenAuth():
                remedy = "the API token is wrong or expired, or its maker's account was deactivated"
            case 401, _:
                remedy = "Okta does not accept the access token it gave; is the app still active?"
            case 403, ApiTokenAuth():
                remedy = f"give the token's maker an admin role that may read {family}"
            case 403, _:
                wanted = re.search(r'scope="([^"]*)"', answer.headers.get("www-authenticate", ""))
                scope = wanted[1] if wanted else SCOPES[family]
                remedy = f"the app needs the scope {scope} and an admin role that may read {family}"
            case _:
                return error
        return type(error)(error.system, error.operation, f"{error.reason}; {remedy}")


ACCEPT = {"Accept": "application/json"}


def _hosts(config: OktaConfig) -> frozenset[str]:
    """The organisation's host with and without -admin, and its custom domains."""
    home = origin(config.url)
    host = home[1] if home else ""
    first, dot, rest = host.partition(".")
    plain = first.removesuffix("-admin")
    return frozenset({host, f"{plain}{dot}{rest}", f"{plain}-admin{dot}{rest}", *config.custom_domains})


def _foreign(link: str) -> str:
    there = origin(link)
    if there is None:
        return f"the address of the next page is none: {scrubbed(link)}"
    reason = f"the next page is at {there[1]}, which is not this organisation's"
    return f"{reason}; if it is, name it in directory.custom_domains"


def _family(place: str) -> str:
    """Which limits a call counts against."""
    parts = urlsplit(place).path.strip("/").split("/")  # api/v1/…
    return parts[2] if len(parts) > 2 and parts[2] in SCOPES else "users"


def _next(links: str) -> str | None:
    """Where the next page is. Of several `self` links and other relations none matters."""
    return next((m[1] for m in _LINK.finditer(links) if _NEXT.search(m[2])), None)


def _json(answer: Response, operation: str) -> object:
    """The JSON in an answer; Malformed for anything else, a page of HTML among it."""
    if answer.body.lstrip()[:1] == b"<":
        reason = "answers with a web page instead of JSON: check directory.url, and any proxy in between"
        raise Malformed(SYSTEM, operation, reason)
    try:
        value: object = json.loads(answer.body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Malformed(SYSTEM, operation, "the answer is cut short or is not JSON") from None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _summary(answer: Response) -> str:
    """Okta's own words for what is wrong."""
    try:
        told = json.loads(answer.body)
        return f"{told['errorCode']} {told['errorSummary']}"
    except (ValueError, LookupError, TypeError, RecursionError):
        return answer.body[:200].decode("utf-8", "replace")
