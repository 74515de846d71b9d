"""A small stateful SCIM provider on plain sockets that misbehaves as providers in the field do.

It keeps real state behind every fault, so that a test can ask what really happened.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.twins.sockets import Connection, Wire, listening

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
TOKEN = "twin-token"

Body = dict[str, Any]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Body | None


@dataclass(frozen=True)
class Answer:
    status: int
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def error(status: int, detail: str, scim_type: str | None = None, **headers: str) -> Answer:
    body: Body = {"schemas": [ERROR], "status": str(status), "detail": detail}
    if scim_type:
        body["scimType"] = scim_type
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class Fault:
    """What happens to the next `times` requests of `method` whose path or body holds `about`.

    `instead` answers without doing anything; otherwise the request is carried out, and `wire` sends
    its answer as it likes, or not at all.
    """

    method: str
    about: str = ""
    times: int = 1
    instead: Answer | None = None
    wire: Callable[[Connection, bytes], None] | None = None

    def takes(self, request: Request) -> bool:
        text = request.path + json.dumps(request.body)
        return self.times > 0 and request.method == self.method and self.about in text


@dataclass
class Quirks:
    """How this provider differs from the standard."""

    filter: str = "works"  # works | ignored | empty | denied
    page_size: int = 100
    between_pages: Callable[[], None] | None = None
    patch: str = "works"  # works | none (501) | no_paths
    seats: int | None = None  # active users beyond it are refused
    premium_seats: int | None = None  # beyond it people silently get Standard
    terse: bool = False  # answers hold only the id, PATCH answers 204
    stale: bool = False  # writes are answered with how things were before, without entitlements
    unique: bool = True
    on_write: Callable[[], None] | None = None  # after a write was carried out, before its answer


class ScimTwin:
    """State and behaviour; `running_twin` puts it onto a socket."""

    def __init__(self) -> None:
        self.base_url = ""
        self.quirks = Quirks()
        self.faults: list[Fault] = []
        self.seen: list[Request] = []
        self.users: dict[str, Body] = {}
        self._lock = threading.RLock()

    def put(self, user_name: str, **attributes: Any) -> Body:
        user = {"id": uuid.uuid4().hex, "userName": user_name, "active": True, **attributes}
        self.users[user["id"]] = user
        return user

    def count(self, method: str, path: str = "/Users") -> int:
        return sum(r.method == method and r.path.startswith(path) for r in self.seen)

    def serve(self, connection: Connection, wire: Wire) -> bool:
        """One request; False when the connection is used up."""
        parts = urlsplit(wire.target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = json.loads(wire.body) if wire.body else None
        request = Request(wire.method, parts.path.removeprefix("/scim/v2"), query, wire.headers, body)
        with self._lock:
            self.seen.append(request)
            fault = next((f for f in self.faults if f.takes(request)), None)
            if fault:
                fault.times -= 1
            answer = fault.instead if fault and fault.instead else self._answer(request)
        if fault and fault.wire:
            fault.wire(connection, encoded(answer))
            return False
        connection.send(encoded(answer))
        return True

    def _answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return error(401, f"not a valid credential: {request.headers.get('authorization')}")
        if not request.path.startswith("/Users"):
            return error(404, "no such endpoint")
        identifier = unquote(request.path.removeprefix("/Users").removeprefix("/"))
        if not identifier:
            return self._create(request) if request.method == "POST" else self._list(request)
        user = self.users.get(identifier)
        if user is None:
            return error(404, "no such user")
        return self._single(request, user)

    def _single(self, request: Request, user: Body) -> Answer:
        match request.method:
            case "GET":
                return Answer(200, user)
            case "DELETE":
                del self.users[user["id"]]
                return Answer(204)
            case "PATCH":
                return self._patch(user, request.body or {})
            case "PUT":
                return self._replace(user, {**(request.body or {}), "id": user["id"]})
            case _:
                return error(405, "not here")

    def _create(self, request: Request) -> Answer:
        wanted = dict(request.body or {})
        taken = any(_fold(u["userName"]) == _fold(wanted["userName"]) for u in self.users.values())
        if taken and self.quirks.unique:
            return error(409, "User already exists", "uniqueness")
        user = {"id": uuid.uuid4().hex, **wanted}
        refusal = self._settle({}, user)
        if refusal:
            return refusal
        self.users[user["id"]] = user
        self._written()
        told = {"id": user["id"]} if self.quirks.terse else user
        return Answer(201, _without_lever(told) if self.quirks.stale else told)

    def _replace(self, user: Body, wanted: Body) -> Answer:
        refusal = self._settle(user, wanted)
        if refusal:
            return refusal
        self.users[user["id"]] = wanted
        self._written()
        told = _without_lever(user) if self.quirks.stale else wanted
        return Answer(204) if self.quirks.terse else Answer(200, told)

    def _written(self) -> None:
        if self.quirks.on_write:
            self.quirks.on_write()

    def _settle(self, before: Body, after: Body) -> Answer | None:
        """Refuse for want of seats, or quietly give less."""
        active = [u for u in self.users.values() if u["active"] and u is not before]
        newcomer = after.get("active") and not before.get("active")
        if newcomer and self.quirks.seats is not None and len(active) >= self.quirks.seats:
            return error(403, f"User limit reached ({self.quirks.seats} max)")
        premium = sum(_tier(u) == "Premium" for u in active)
        if self.quirks.premium_seats is not None and premium >= self.quirks.premium_seats:
            for element in after.get("entitlements", []):
                element["value"] = element["value"].replace("Premium", "Standard")
        return None

    def _patch(self, user: Body, message: Body) -> Answer:
        if self.quirks.patch == "none":
            return error(501, "PATCH is not supported")
        wanted = json.loads(json.dumps(user))
        for operation in message["Operations"]:
            path, value = operation.get("path"), operation.get("value")
            if path and self.quirks.patch == "no_paths":
                return error(400, "path is not understood", "invalidPath")
            for place, each in ({path: value} if path else value).items():
                _write(wanted, place, None if operation["op"] == "remove" else each)
        return self._replace(user, wanted)

    def _list(self, request: Request) -> Answer:
        wanted = request.query.get("filter")
        rows = list(self.users.values())
        if wanted and self.quirks.filter == "denied":
            return error(400, "filters are not supported", "invalidFilter")
        if wanted and self.quirks.filter == "empty":
            rows = []
        if wanted and self.quirks.filter == "works":
            rows = [row for row in rows if _matches(row, wanted)]
        start = int(request.query.get("startIndex", "1"))
        size = min(int(request.query.get("count", "100")), self.quirks.page_size)
        page = rows[start - 1 : start - 1 + size]
        if self.quirks.between_pages:
            self.quirks.between_pages()
        return Answer(
            200, {"schemas": [LIST], "totalResults": len(rows), "startIndex": start, "Resources": page}
        )


def _matches(row: Body, wanted: str) -> bool:
    match = re.fullmatch(r'(\w+) eq ("(?:[^"\\]|\\.)*")', wanted)
    assert match, wanted
    value = json.loads(match[2])
    if match[1] == "userName":
        return _fold(row["userName"]) == _fold(value)
    return bool(row.get(match[1]) == value)


def _write(user: Body, path: str, value: Any) -> None:
    *outer, name = path.rsplit(":", 1) if path.startswith("urn:") else path.split(".")
    for step in outer:
        user = user.setdefault(step, {})
    if isinstance(value, dict) and isinstance(user.get(name), dict):
        user[name].update(value)
    elif value in (None, []):
        user.pop(name, None)
    else:
        user[name] = value


def _without_lever(user: Body) -> Body:
    return {name: value for name, value in user.items() if name != "entitlements"}


def _tier(user: Body) -> str | None:
    return next((e["value"] for e in user.get("entitlements", [])), None)


def _fold(text: str) -> str:
    return text.casefold()


def encoded(answer: Answer) -> bytes:
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    headers = {"Content-Type": "application/scim+json", **answer.headers}
    if answer.status != 204:
        headers["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} Whatever\r\n{head}\r\n".encode() + body


# ways of not answering


def cut(connection: Connection, answer: bytes) -> None:
    """Not a byte, and the connection is closed."""


def cut_in_headers(connection: Connection, answer: bytes) -> None:
    connection.send(answer[: answer.index(b"\r\n") + 8])


def cut_in_body(connection: Connection, answer: bytes) -> None:
    connection.send(answer[:-5])


def without_body(connection: Connection, answer: bytes) -> None:
    first_line = answer[: answer.index(b"\r\n")]
    connection.send(first_line + b"\r\nContent-Length: 0\r\n\r\n")


def drip(connection: Connection, answer: bytes) -> None:
    """One byte at a time, so slowly that only a deadline ends it."""
    for byte in answer:
        connection.send(bytes([byte]))
        if connection.waits(0.05):
            return


@contextmanager
def running_twin() -> Iterator[ScimTwin]:
    """The twin on an ephemeral loopback port until the block ends."""
    twin = ScimTwin()
    with listening(twin.serve) as port:
        twin.base_url = f"http://127.0.0.1:{port}/scim/v2"
        yield twin
