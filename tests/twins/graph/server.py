"""Microsoft Graph's directory over real sockets: pages, rounds of changes, quotas, rights, faults."""

import json
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

from tests.twins.graph.faults import FOREIGN, Cut, Fault, spoilt
from tests.twins.graph.tenant import GROUP, PROPERTIES, USER, Json, Team, Tenant, split
from tests.twins.graph.tokens import Denied, Door
from tests.twins.sockets import Connection, Wire, listening

T = TypeVar("T")

BUCKET = 10.0  # seconds after which the quota is whole again
CLAUSE = re.compile(r"(\w+) eq '((?:[^']|'')*)'")


class Refusal(Exception):
    """Graph's own answer to a request that is wrong or not allowed."""

    def __init__(self, status: int, code: str, text: str = "", **headers: str) -> None:
        self.status, self.code, self.text, self.headers = status, code, text, headers
        super().__init__(code)


@dataclass
class Answer:
    status: int
    body: Json | str | None
    cost: int = 1
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Asked:
    """One request to Graph, taken apart."""

    method: str
    path: str
    query: dict[str, str]
    eventual: bool
    body: Json
    priority: str = ""

    def top(self, most: int) -> int:
        return min(int(self.query.get("$top", "100")), 999, most)


class GraphTwin:
    """One tenant behind login and Graph on one port.

    `page` and `delta_page` are the most that a page of a list, or of a round, holds. `counts` are the
    requests by endpoint. `fault` may spoil the answer to a request by its number, from 1. The quota is
    `quota` units in ten seconds by `now`; above it 429 comes, with Retry-After unless it is `curt`.
    """

    def __init__(self) -> None:
        self.tenant, self.door = Tenant(), Door()
        self.page = self.delta_page = 999
        self.replays = self.empty_pages = self.bin_first = False
        self.counts: Counter[str] = Counter()
        self.seen: list[Asked] = []
        self.fault: Callable[[int, Asked], Fault | None] = lambda _number, _asked: None
        self.elsewhere = FOREIGN  # where the link of that fault leads
        self.skew = 0.0
        self.quota = 8000
        self.curt = False
        self.filled = ""  # what is told of it, if not the truth
        self.anybody = False  # the door stands open: no token is asked for
        self.now: Callable[[], float] = time.monotonic
        self.url = ""
        self.silent: set[str] = set()  # groups that are counted and whose members no list shows
        self.unseen: set[str] = set()  # people whom getByIds leaves out
        self.minimal = False  # later rounds tell a surname and nothing else of a person
        self.forgotten = False  # every state token is refused from now on
        self._rounds: dict[str, tuple[list[list[Json]], int, dict[str, str]]] = {}
        self._links: dict[str, tuple[int, dict[str, str]]] = {}
        self._lists: dict[str, tuple[list[Json], int, int]] = {}
        self._spent, self._since = 0, 0.0
        self._lock = threading.RLock()

    @property
    def requests(self) -> int:
        return sum(self.counts.values())

    @property
    def throttles(self) -> int:
        return self.counts["429"]

    # --- the wire

    def serve(self, connection: Connection, wire: Wire) -> bool:
        with self._lock:
            parts = urlsplit(wire.target)
            if parts.path.endswith("/oauth2/v2.0/token"):
                self.counts["token"] += 1
                connection.send(self._written(self._token(parts.path, wire)))
                return True
            answer, fault = self._answered(wire)
        try:
            connection.send(
                spoilt(
                    self._written(answer),
                    fault,
                    answer.body,
                    self._written_raw,
                    here=f"{self.url}{wire.target}",
                    elsewhere=self.elsewhere,
                )
            )
        except Cut as cut:
            connection.send(cut.sent)
            return False
        return True

    def _token(self, path: str, wire: Wire) -> Answer:
        try:
            url = f"{self.url}{path}"
            return Answer(200, self.door.token(url, path.split("/")[1], wire.body, self.url))
        except Denied as denied:
            return Answer(denied.status, denied.body)

    def _answered(self, wire: Wire) -> tuple[Answer, Fault | None]:
        asked = _taken_apart(wire)
        self.seen.append(asked)
        fault = self.fault(len(self.seen), asked)
        try:
            token = wire.headers.get("authorization", "").removeprefix("Bearer ")
            self._let_in(token)
            self._charge()
            answer = self._route(asked)
            self._spent += answer.cost
        except Refusal as no:
            body: Json = {"error": {"code": no.code, "message": no.text}}
            answer = Answer(no.status, body, headers=tuple(no.headers.items()))
        filled = self._spent / max(self.quota, 1)
        told = [("x-ms-resource-unit", str(answer.cost))]
        if self.filled or filled >= 0.8:
            told.append(("x-ms-throttle-limit-percentage", self.filled or f"{filled:.2f}"))
        answer.headers = (*answer.headers, *told)
        return answer, fault

    def _let_in(self, token: str) -> None:
        if not self.anybody and token not in self.door.valid:
            raise Refusal(401, "InvalidAuthenticationToken", "Access token has expired.")

    def _charge(self) -> None:
        if self.now() - self._since >= BUCKET:
            self._spent, self._since = 0, self.now()
        if self._spent >= self.quota:
            self.counts["429"] += 1
            after = {} if self.curt else {"Retry_After": str(round(BUCKET))}
            raise Refusal(429, "TooManyRequests", "Too many requests", **after)

    def _written(self, answer: Answer) -> bytes:
        body = answer.body
        plain = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        return self._written_raw(answer.status, plain.encode(), answer.headers)

    def _written_raw(
        self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = (), kind: str = ""
    ) -> bytes:
        lines = [
            f"HTTP/1.1 {status} Whatever",
            f"Date: {formatdate(time.time() + self.skew, usegmt=True)}",
        ]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers]
        lines.append(f"Content-Type: {kind or 'application/json'}")
        if status != 204:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    # --- what each address does

    def _route(self, asked: Asked) -> Answer:
        method, path = asked.method, asked.path
        for verb, pattern, endpoint, role, serve in ROUTES:
            if verb == method and (match := re.fullmatch(pattern, path)):
                self.counts[endpoint] += 1
                if role and role not in self.door.roles and not self.anybody:
                    raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges.")
                return serve(self, asked, *match.groups())
        raise Refusal(400, "BadRequest", f"Resource not found for the segment '{path}'.")

    def list_assigned(self, asked: Asked, which: str) -> Answer:
        by_app = which.removeprefix("(appId='").removesuffix("')")
        if which != f"/{self.tenant.application}" and by_app != self.tenant.application_id:
            raise Refusal(404, "Request_ResourceNotFound", "Resource does not exist.")
        names = {key: team.name for key, team in self.tenant.groups.items()}
        rows = [
            {"principalId": key, "principalType": kind, "principalDisplayName": names.get(key, "")}
            for kind, key in self.tenant.assigned
        ]
        return self._list(asked, rows)

    def list_groups(self, asked: Asked) -> Answer:
        return self._list(asked, [_head(team) for team in self._filtered(asked, self._heads(), 15)])

    def _heads(self) -> list[tuple[Json, Team]]:
        return [(_head(team), team) for team in self.tenant.standing()]

    def show_group(self, asked: Asked, key: str) -> Answer:
        team = self._team(key)
        return Answer(200, {**_head(team), "visibility": "HiddenMembership" if team.hides else "Public"})

    def list_members(self, asked: Asked, key: str) -> Answer:
        return self._list(asked, self._rows(self._members(self._team(key)), asked), cost=2)

    def list_flat(self, asked: Asked, key: str) -> Answer:
        if not asked.eventual or "$count" not in asked.query:
            raise Refusal(400, "Request_UnsupportedQuery", "ConsistencyLevel is missing.")
        team = self._team(key)
        inside = {} if self._is_hidden(team) else dict.fromkeys(self.tenant.flat(team), USER)
        rows = self._rows({k: t for k, t in inside.items() if k in self.tenant.people}, asked)
        return self._list(asked, rows, cost=4, advanced=True)

    def count_members(self, asked: Asked, key: str) -> Answer:
        if not asked.eventual:
            raise Refusal(400, "Request_UnsupportedQuery", "ConsistencyLevel is missing.")
        return Answer(200, str(len(self.tenant.shown(self._team(key)))))

    def list_parents(self, asked: Asked, kind: str, key: str) -> Answer:
        """Groups that hold this one, through any depth (people: `memberOf` is the direct ones)."""
        if key not in (self.tenant.groups if kind == "groups" else self.tenant.people):
            raise Refusal(404, "Request_ResourceNotFound", "Resource does not exist.")
        direct = asked.path.endswith("/memberOf")
        held = [
            team
            for team in self.tenant.standing()
            if key in (self.tenant.shown(team) if direct else self.tenant.flat(team))
        ]
        rows = [{"@odata.type": GROUP, **_head(team)} for team in held]
        return self._list(asked, rows, advanced="microsoft.graph.group" in asked.path)

    def list_users(self, asked: Asked) -> Answer:
        heads = [({"id": p.id, **p.properties}, p) for p in self.tenant.living()]
        chosen = dict.fromkeys(person.id for person in self._filtered(asked, heads, 15))
        return self._list(asked, self._rows(dict.fromkeys(chosen, USER), asked))

    def count_users(self, asked: Asked) -> Answer:
        if not asked.eventual:
            raise Refusal(400, "Request_UnsupportedQuery", "ConsistencyLevel is missing.")
        return Answer(200, str(len(self.tenant.living())))

    def show_user(self, asked: Asked, key: str) -> Answer:
        person = self.tenant.people.get(key)
        if person is None or person.deleted:
            raise Refusal(404, "Request_ResourceNotFound", f"Resource '{key}' does not exist.")
        (row,) = self._rows({key: USER}, asked)
        return Answer(200, row)

    def get_by_ids(self, asked: Asked) -> Answer:
        ids = asked.body["ids"]
        if len(ids) > 1000:
            raise Refusal(400, "Request_BadRequest", "Too many ids.")
        living = {person.id for person in self.tenant.living()} - self.unseen
        there = [key for key in ids if key in living]
        return Answer(200, {"value": self._rows(dict.fromkeys(there, USER), asked)}, cost=3)

    def add_member(self, asked: Asked, key: str) -> Answer:
        team, person = self._team(key), str(asked.body["@odata.id"]).rpartition("/")[2]
        if person not in self.tenant.people or self.tenant.people[person].deleted:
            raise Refusal(404, "Request_ResourceNotFound", f"Resource '{person}' does not exist.")
        if person in team.members:
            told = "One or more added object references already exist for: 'members'."
            raise Refusal(400, "Request_BadRequest", told)
        self.tenant.join(team, person)
        return Answer(204, None)

    def remove_member(self, asked: Asked, key: str, person: str) -> Answer:
        team = self._team(key)
        if person not in self.tenant.shown(team):
            raise Refusal(404, "Request_ResourceNotFound", f"Resource '{person}' does not exist.")
        self.tenant.leave(team, person)
        return Answer(204, None)

    # --- rounds of changes

    def users_delta(self, asked: Asked) -> Answer:
        return self._delta(asked, self._people)

    def _people(self, since: int | None, query: dict[str, str]) -> list[Json]:
        select = query.get("$select", "userPrincipalName").split(",")
        if self.minimal and since is not None:
            select = ["surname"]
        told = self.tenant.people_told(since, self.bin_first)
        return [row if "@removed" in row else _selected(row, select) for row in told]

    def groups_delta(self, asked: Asked) -> Answer:
        return self._delta(asked, self._groups)

    def _groups(self, since: int | None, query: dict[str, str]) -> list[Json]:
        ids = [value for _, value in _clauses(query["$filter"], 50)] if "$filter" in query else None
        told = self.tenant.groups_told(since, ids)
        return [
            {**row, "members@delta": []}
            if "members@delta" in row and self._is_hidden(self.tenant.groups[row["id"]])
            else row
            for row in told
        ]

    def _delta(self, asked: Asked, told: Callable[[int | None, dict[str, str]], list[Json]]) -> Answer:
        options = {name.casefold(): value for name, value in asked.query.items()}
        if (skip := options.get("$skiptoken")) is not None:
            if self.forgotten or skip not in self._rounds:
                raise Refusal(410, "resyncRequired", Location=f"{self.url}{asked.path}?$deltatoken=")
            return self._page_of_round(asked, skip)
        token, query = options.get("$deltatoken"), asked.query
        since: int | None = None
        if token and token != "latest":
            if self.forgotten or token not in self._links:
                raise Refusal(400, "syncStateNotFound", "The state is not found.")
            since, query = self._links[token]
        rows = [] if token == "latest" else told(since, query)
        pages = list(split(rows, self.delta_page))
        if self.replays and len(pages) > 1:
            pages.append(pages[0])
        if self.empty_pages:
            pages = [page for pair in pages for page in ([], pair)]
        name = uuid.uuid4().hex
        self._rounds[f"{name}.0"] = pages, len(self.tenant.log), query
        return self._page_of_round(asked, f"{name}.0")

    def _page_of_round(self, asked: Asked, token: str) -> Answer:
        pages, end, query = self._rounds[token]
        name, _, number = token.partition(".")
        at = int(number)
        body: Json = {"value": pages[at]}
        if at + 1 < len(pages):
            self._rounds[f"{name}.{at + 1}"] = pages, end, query
            body["@odata.nextLink"] = f"{self.url}/v1.0{asked.path}?$skiptoken={name}.{at + 1}"
        else:
            link = uuid.uuid4().hex
            self._links[link] = end, query
            body["@odata.deltaLink"] = f"{self.url}/v1.0{asked.path}?$deltatoken={link}"
        return Answer(200, body)

    # --- lists

    def _list(self, asked: Asked, rows: list[Json], cost: int = 1, *, advanced: bool = False) -> Answer:
        counts = len(rows) if asked.query.get("$count") == "true" and asked.eventual else None
        size, start = asked.top(self.page), 0
        if skip := asked.query.get("$skiptoken"):
            rows, start, size = self._lists[skip]
            counts = None
        elif self.empty_pages:
            return self._empty_first(asked, rows, size, cost)
        body: Json = {"value": rows[start : start + size]}
        if counts is not None:
            hidden = next((t for t in self.tenant.standing() if t.hides and t.id in asked.path), None)
            body["@odata.count"] = len(self.tenant.flat(hidden)) if hidden else counts
        if start + size < len(rows):
            body["@odata.nextLink"] = self._next(asked, rows, start + size, size)
        return Answer(200, body, cost)

    def _empty_first(self, asked: Asked, rows: list[Json], size: int, cost: int) -> Answer:
        return Answer(200, {"value": [], "@odata.nextLink": self._next(asked, rows, 0, size)}, cost)

    def _next(self, asked: Asked, rows: list[Json], start: int, size: int) -> str:
        token = uuid.uuid4().hex
        self._lists[token] = rows, start, size
        count = "&$count=true" if "$count" in asked.query else ""
        return f"{self.url}/v1.0{asked.path}?$skiptoken={token}{count}"

    def _filtered(self, asked: Asked, heads: Sequence[tuple[Json, T]], most: int) -> list[T]:
        if "$filter" not in asked.query:
            return [thing for _, thing in heads]
        wanted = [(name, value.casefold()) for name, value in _clauses(asked.query["$filter"], most)]
        return [
            thing
            for row, thing in heads
            if any(str(row.get(name) or "").casefold() == value for name, value in wanted)
        ]

    def _rows(self, members: dict[str, str], asked: Asked) -> list[Json]:
        """Rows of what is in a group; without the right to read people, ids and nulls."""
        select = asked.query.get("$select", "userPrincipalName,displayName,mail").split(",")
        may = "User.Read.All" in self.door.roles or self.anybody
        rows = []
        for key, kind in members.items():
            row: Json = {"@odata.type": kind, "id": key}
            if key in self.tenant.people:
                told = _selected({"id": key, **self.tenant.people[key].properties}, select)
                row |= told if may else dict.fromkeys(told) | {"id": key}
            rows.append(row)
        return rows

    def _members(self, team: Team) -> dict[str, str]:
        return {} if self._is_hidden(team) else self.tenant.shown(team)

    def _is_hidden(self, team: Team) -> bool:
        hides = team.hides and "Member.Read.Hidden" not in self.door.roles
        return hides or team.name in self.silent

    def _team(self, key: str) -> Team:
        team = self.tenant.groups.get(key)
        if team is None or team.deleted:
            raise Refusal(404, "Request_ResourceNotFound", f"Resource '{key}' does not exist.")
        return team


MEMBERS, PEOPLE, APPS = "GroupMember.Read.All", "User.Read.All", "Application.Read.All"
WRITES = "GroupMember.ReadWrite.All"
ID = r"([0-9a-f-]{36})"
FLAT, PARENTS = "transitiveMembers/microsoft.graph.user", "transitiveMemberOf/microsoft.graph.group"
ASSIGNED = r"/servicePrincipals(/[\w-]+|\(appId='[^']*'\))/appRoleAssignedTo"
Serve = Callable[..., Answer]

# method, address, what it is counted as, the role it needs, what answers
ROUTES: tuple[tuple[str, str, str, str, Serve], ...] = (
    ("GET", ASSIGNED, "assigned", APPS, GraphTwin.list_assigned),
    ("GET", "/groups", "groups", MEMBERS, GraphTwin.list_groups),
    ("GET", "/groups/delta", "groups/delta", MEMBERS, GraphTwin.groups_delta),
    ("GET", f"/groups/{ID}", "group", MEMBERS, GraphTwin.show_group),
    ("GET", f"/groups/{ID}/members", "members", MEMBERS, GraphTwin.list_members),
    ("GET", rf"/groups/{ID}/members/\$count", "$count", MEMBERS, GraphTwin.count_members),
    ("GET", f"/groups/{ID}/{FLAT}", "transitiveMembers", MEMBERS, GraphTwin.list_flat),
    ("GET", f"/(groups)/{ID}/{PARENTS}", "parents", MEMBERS, GraphTwin.list_parents),
    ("GET", f"/(users)/{ID}/(?:m|transitiveM)emberOf", "memberOf", MEMBERS, GraphTwin.list_parents),
    ("GET", "/users", "users", PEOPLE, GraphTwin.list_users),
    ("GET", r"/users/\$count", "users/$count", PEOPLE, GraphTwin.count_users),
    ("GET", f"/users/{ID}", "user", PEOPLE, GraphTwin.show_user),
    ("GET", "/users/delta", "users/delta", PEOPLE, GraphTwin.users_delta),
    ("POST", "/directoryObjects/getByIds", "getByIds", "", GraphTwin.get_by_ids),
    ("POST", rf"/groups/{ID}/members/\$ref", "add", WRITES, GraphTwin.add_member),
    ("DELETE", rf"/groups/{ID}/members/{ID}/\$ref", "remove", WRITES, GraphTwin.remove_member),
)


@contextmanager
def running_graph() -> Iterator[GraphTwin]:
    twin = GraphTwin()
    with listening(twin.serve) as port:
        twin.url = f"http://127.0.0.1:{port}"
        yield twin


def _taken_apart(wire: Wire) -> Asked:
    parts = urlsplit(wire.target)
    query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    path = re.sub(r"/(microsoft\.graph\.)?delta(\(\))?$", "/delta", parts.path.removeprefix("/v1.0"))
    body = json.loads(wire.body) if wire.body else {}
    eventual = wire.headers.get("consistencylevel", "").casefold() == "eventual"
    priority = wire.headers.get("x-ms-throttle-priority", "")
    return Asked(wire.method, path, query, eventual, body, priority)


def _clauses(text: str, most: int) -> list[tuple[str, str]]:
    """`name eq 'value' or …`; 400 for another filter, or one of too many clauses."""
    found = list(CLAUSE.finditer(text))
    if " or ".join(match[0] for match in found) != text or len(found) > most:
        raise Refusal(400, "Request_BadRequest", "Invalid filter clause.")
    return [(match[1], match[2].replace("''", "'")) for match in found]


def _selected(row: Json, select: list[str]) -> Json:
    return {"id": row["id"]} | {name: row[name] for name in PROPERTIES if name in select and name in row}


def _head(team: Team) -> Json:
    return {"id": team.id, "displayName": team.name}
