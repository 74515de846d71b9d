"""A stateful Okta on loopback: tokens, paging by Link, limits by the minute, and faults on order."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from idpsync.core.ports import Clock
from tests.twins.okta.organisation import Organisation, Team
from tests.twins.okta.tokens import PublicKey, Tokens
from tests.twins.sockets import Connection, Wire, listening

Headers = list[tuple[str, str]]
PER_MINUTE = {"apps": 100, "groups": 500, "users": 600, "logs": 120, "token": 150}
MOST = {"apps": 500, "groups": 10_000, "members": 1000, "users": 200, "logs": 1000}
USUAL = {"apps": 50, "groups": 10_000, "members": 1000, "users": 200, "logs": 100}
TOO_MANY = {
    "errorCode": "E0000047",
    "errorSummary": "API call exceeded rate limit due to too many requests.",
}
READS = {
    "apps": frozenset({"okta.apps.read"}),
    "groups": frozenset({"okta.groups.read", "okta.groups.manage"}),
    "users": frozenset({"okta.users.read"}),
    "logs": frozenset({"okta.logs.read"}),
}


@dataclass
class Answer:
    """What leaves; `cut` sends only so many bytes of the body and closes."""

    status: int
    body: object = None
    headers: Headers = field(default_factory=list)
    raw: bytes | None = None
    cut: int | None = None

    def bytes(self, date: datetime) -> bytes:
        body = self.raw if self.raw is not None else b"" if self.body is None else _json(self.body)
        head = [("Date", format_datetime(date, usegmt=True)), ("Content-Length", str(len(body)))]
        lines = "".join(f"{name}: {value}\r\n" for name, value in [*head, *self.headers])
        sent = f"HTTP/1.1 {self.status} Twin\r\n{lines}\r\n".encode() + body
        return sent if self.cut is None else sent[: len(sent) - len(body) + self.cut]


@dataclass
class Fault:
    """What happens to the next `times` requests whose target holds `about`, after `skip` of them.

    Those whose target holds `unless` are let pass.
    `spoil` is given the right answer, which was carried out, and makes another of it.
    """

    about: str
    spoil: Callable[[Answer], Answer]
    times: int = 1
    skip: int = 0
    method: str = "GET"
    unless: str = ""

    def takes(self, wire: Wire) -> bool:
        target = unquote(wire.target)
        if wire.method != self.method or self.about not in target or not self.times:
            return False
        if self.unless and self.unless in target:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class OktaTwin:
    """State and behaviour; `running_okta` puts it onto a socket. `ahead` is how wrong its clock is."""

    def __init__(self, clock: Clock, key: PublicKey) -> None:
        self.clock, self.org, self.tokens = clock, Organisation(clock), Tokens(key)
        self.url = ""
        self.api_token: str | None = None
        self.per_minute = dict(PER_MINUTE)
        self.faults: list[Fault] = []
        self.seen: list[Wire] = []
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.most_in_a_minute: Counter[str] = Counter()
        self.largest_page = 10_000
        self.before: Callable[[Wire], None] = lambda _wire: None
        self.after: Callable[[Wire, Answer], None] = lambda _wire, _answer: None
        self._windows: dict[str, tuple[int, int]] = {}
        self._lock = threading.RLock()

    def now(self) -> datetime:
        return self.clock.now()

    def serve(self, connection: Connection, wire: Wire) -> bool:
        with self._lock:
            self.before(wire)
            self.seen.append(wire)
            answer = self._limited(wire)
            fault = next((fault for fault in self.faults if fault.takes(wire)), None)
            answer = fault.spoil(answer) if fault else answer
            self.statuses[answer.status] += 1
            self.after(wire, answer)
            sent = answer.bytes(self.now())
        connection.send(sent)
        return answer.cut is None

    # --- limits -----------------------------------------------------------------------------------

    def _limited(self, wire: Wire) -> Answer:
        parts = urlsplit(wire.target).path.strip("/").split("/")
        family = "token" if parts[0] == "oauth2" else parts[2] if len(parts) > 2 else "users"
        self.calls[family] += 1
        limit, minute = self.per_minute.get(family, 600), int(self.now().timestamp()) // 60
        began, used = self._windows.get(family, (minute, 0))
        used = used + 1 if began == minute else 1
        self._windows[family] = minute, used
        self.most_in_a_minute[family] = max(used, self.most_in_a_minute[family])
        told = [
            ("x-rate-limit-limit", str(limit)),
            ("x-rate-limit-remaining", str(max(0, limit - used))),
            ("x-rate-limit-reset", str((minute + 1) * 60)),
        ]
        answer = Answer(429, TOO_MANY) if used > limit else self._answer(wire, family, parts)
        answer.headers = [*told, ("Content-Type", "application/json"), *answer.headers]
        return answer

    # --- what is asked ----------------------------------------------------------------------------

    def _answer(self, wire: Wire, family: str, parts: Sequence[str]) -> Answer:  # noqa: C901 -- the routes
        url = self.url + urlsplit(wire.target).path
        if family == "token":
            status, body, headers = self.tokens.answer(wire, url, self.now())
            return Answer(status, body, list(headers.items()))
        if refused := self._refusal(wire, url, family):
            return refused
        query = {name: values[0] for name, values in parse_qs(urlsplit(wire.target).query).items()}
        rest = [unquote(part) for part in parts[3:]]
        match family, rest, wire.method:
            case "apps", [app, "users"], "GET":
                return self._app_users(app, query)
            case "apps", [app, "users", one], "GET":
                return self._single(self.org.apps.get(app, {}).get(one))
            case "groups", [], "GET":
                return self._groups(query)
            case "groups", [team, "users"], "GET":
                return self._members(team, query)
            case "groups", [team, "users", one], _:
                return self._write(wire.method, team, one)
            case "users", [], "GET":
                return self._users(query)
            case "users", [one], "GET":
                return self._single(self.org.people.get(one) or self.org.named(one))
            case "users", [one, "groups"], "GET":
                return Answer(200, [t.row for t in self.org.teams.values() if one in t.members])
            case _:
                return missing(wire.target)

    def _refusal(self, wire: Wire, url: str, family: str) -> Answer | None:
        if self.api_token:
            good = wire.headers.get("authorization") == f"SSWS {self.api_token}"
            words = {"errorCode": "E0000011", "errorSummary": "Invalid token provided"}
            return None if good else Answer(401, words)
        scopes = READS[family] if wire.method == "GET" else frozenset({"okta.groups.manage"})
        refusal = self.tokens.refusal(wire, url, scopes, self.now())
        return Answer(refusal[0], refusal[1], list(refusal[2].items())) if refusal else None

    def _single(self, row: dict[str, Any] | None) -> Answer:
        return Answer(200, row) if row else missing("resource")

    def _app_users(self, app: str, query: dict[str, str]) -> Answer:
        if app not in self.org.apps:
            return missing(app)
        rows = list(self.org.apps[app].values())
        if query.get("expand") == "user":
            rows = [{**row, "_embedded": {"user": self.org.people[row["id"]]}} for row in rows]
        return self._paged(f"/api/v1/apps/{app}/users", rows, query, "apps")

    def _members(self, team: str, query: dict[str, str]) -> Answer:
        if team not in self.org.teams:
            return missing(team)
        if int(query.get("limit", "1000")) > self.largest_page:
            return Answer(500, {"errorCode": "E0000009", "errorSummary": "Internal Server Error"})
        rows = [self.org.people[one] for one in self.org.teams[team].members]
        return self._paged(f"/api/v1/groups/{team}/users", rows, query, "members")

    def _users(self, query: dict[str, str]) -> Answer:
        since = re.fullmatch(r'lastUpdated gt "([^"]+)"', query.get("filter", ""))
        people = self.org.people.values()
        if since:
            rows = [row for row in people if row["lastUpdated"] > since[1]]
        elif "filter" in query:
            return invalid("filter")
        else:
            rows = [row for row in people if row["status"] != "DEPROVISIONED"]
        return self._paged("/api/v1/users", rows, query, "users")

    def _groups(self, query: dict[str, str]) -> Answer:
        teams = list(self.org.teams.values())
        try:
            if "filter" in query:
                teams = [team for team in teams if _filtered(team, query["filter"])]
            if "search" in query:
                teams = [team for team in teams if self._searched(team, query["search"])]
        except ValueError as error:
            return invalid(str(error))
        counted = query.get("expand") == "stats"
        rows = [_row(team, counted=counted) for team in teams]
        if "search" in query and self.org.indexed is not None:  # rows as they were indexed
            rows = [{**row, "profile": {"name": self.org.indexed[row["id"]]}} for row in rows]
        return self._paged("/api/v1/groups", rows, query, "groups")

    def _searched(self, team: Team, search: str) -> bool:
        index = self.org.indexed
        name = team.name if index is None else index.get(team.row["id"])
        return any(
            name is not None and name.lower() == value.lower()
            for value in _values(search, "profile.name eq")
        )

    def _write(self, method: str, team: str, one: str) -> Answer:
        if team not in self.org.teams or one not in self.org.people:
            return missing(team if team not in self.org.teams else one)
        name = self.org.teams[team].name
        if method == "PUT":
            self.org.join(name, [one])
        elif method == "DELETE":
            self.org.leave(name, [one])
        return Answer(204)

    def _paged(
        self, path: str, rows: list[dict[str, Any]], query: dict[str, str], listing: str
    ) -> Answer:
        limit = int(query.get("limit", USUAL[listing]))
        if limit > MOST[listing]:
            return invalid(f"limit must be <= {MOST[listing]}")
        rows = sorted(rows, key=lambda row: str(row["id"]))
        rest = [row for row in rows if str(row["id"]) > query.get("after", "")]
        page = rest[:limit]
        links = [f'<{self.url}{path}?{urlencode({**query, "limit": str(limit)})}>; rel="self"']
        if len(rest) > limit:
            after = urlencode({**query, "after": page[-1]["id"], "limit": str(limit)})
            links.append(f'<{self.url}{path}?{after}>; rel="next"')
        return Answer(200, page, [("link", link) for link in links])


def _row(team: Team, *, counted: bool) -> dict[str, Any]:
    if not counted:
        return team.row
    stats = {"usersCount": len(team.members), "appsCount": 0, "groupPushMappingsCount": 0}
    return {**team.row, "_embedded": {"stats": {**stats, "hasAdminPrivilege": False}}}


def _filtered(team: Team, asked: str) -> bool:
    since = re.fullmatch(r'lastUpdated gt "([^"]+)" or lastMembershipUpdated gt "([^"]+)"', asked)
    if since:
        row = team.row
        return bool(row["lastUpdated"] > since[1] or row["lastMembershipUpdated"] > since[2])
    return team.row["id"] in _values(asked, "id eq")


def _values(asked: str, before: str) -> list[str]:
    """The texts in `before "…" or before "…"`; ValueError for any other expression."""
    one = re.escape(before) + r' ("(?:[^"\\]|\\.)*")'
    if not re.fullmatch(f"{one}(?: or {one})*", asked):
        raise ValueError(f"unsupported expression: {asked}")
    return [str(json.loads(found)) for found in re.findall(one, asked)]


def missing(what: str) -> Answer:
    return Answer(
        404, {"errorCode": "E0000007", "errorSummary": f"Not found: Resource not found: {what}"}
    )


def invalid(why: str) -> Answer:
    return Answer(400, {"errorCode": "E0000001", "errorSummary": f"Api validation failed: {why}"})


def _json(body: object) -> bytes:
    return json.dumps(body).encode()


@contextmanager
def running_okta(clock: Clock, key: PublicKey | None = None) -> Iterator[OktaTwin]:
    twin = OktaTwin(clock, key or ec.generate_private_key(ec.SECP256R1()).public_key())
    with listening(twin.serve) as port:
        twin.url = f"http://127.0.0.1:{port}"
        yield twin
