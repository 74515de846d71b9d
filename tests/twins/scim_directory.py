"""A small stateful SCIM provider read as a directory: people, groups, paging two ways, and faults."""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.twins.scim import LIST, TOKEN, Answer, Body, Request, encoded, error
from tests.twins.sockets import Connection, Wire, listening

Instead = Callable[[bytes], bytes]


@dataclass
class Habits:
    """How this provider differs from the standard, or uses the room that the standard leaves."""

    page_size: int = 100
    cursors: bool = False
    tells_total: bool = True
    hides_members: bool = False  # never, in no answer
    lists_members: bool = True  # in lists; a single group shows them all the same
    filters: bool = True
    aligned: bool = False  # knows whole pages only, as the number of the row had been that of a page
    between_pages: Callable[[int], None] | None = None  # after each page of a list, with its number
    surplus: int = 0  # added to every totalResults


@dataclass
class ScimDirectoryTwin:
    """State and behaviour; `running` puts it onto a socket.

    `fault` may turn the answer to a request, and its number from 0 on, into other bytes; `denied` are
    endpoints that are answered 403.
    """

    base_url: str = ""
    habits: Habits = field(default_factory=Habits)
    people: dict[str, Body] = field(default_factory=dict)
    groups: dict[str, Body] = field(default_factory=dict)
    seen: list[Request] = field(default_factory=list)
    fault: Callable[[int, Request], Instead | None] = lambda _number, _request: None
    denied: tuple[str, ...] = ()
    token: str = TOKEN
    _lock: Any = field(default_factory=threading.RLock)

    def person(self, name: str, /, **attributes: Any) -> Body:
        """Somebody new, or changed."""
        user = {"id": f"u-{name}", "userName": name, "active": True, **attributes}
        user.setdefault("emails", [{"value": f"{name}@acme.example", "primary": True}])
        self.people[user["id"]] = user
        return user

    def group(self, name: str, members: Iterable[str], *, groups: Iterable[str] = ()) -> Body:
        """The group, with people by their names and groups by theirs."""
        ids = [{"value": f"u-{who}", "type": "User"} for who in members]
        ids += [{"value": f"g-{what}", "type": "Group"} for what in groups]
        self.groups[f"g-{name}"] = {"id": f"g-{name}", "displayName": name, "members": ids}
        return self.groups[f"g-{name}"]

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.seen)

    def serve(self, connection: Connection, wire: Wire) -> bool:
        parts = urlsplit(wire.target)
        query = {name: values[0] for name, values in parse_qs(parts.query, True).items()}
        request = Request(wire.method, parts.path.removeprefix("/scim/v2"), query, wire.headers, None)
        with self._lock:
            number = len(self.seen)
            self.seen.append(request)
            sent = encoded(self._answer(request))
        change = self.fault(number, request)
        connection.send(change(sent) if change else sent)
        return change is None

    def _answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return error(401, "not a valid credential")
        kind, _, identifier = request.path.strip("/").partition("/")
        if kind in self.denied:
            return error(403, f"no right to read {kind}")
        if kind == "ServiceProviderConfig":
            return Answer(200, {"pagination": {"cursor": self.habits.cursors, "index": True}})
        if kind not in {"Users", "Groups"}:
            return error(404, "no such endpoint")
        rows = self.people if kind == "Users" else self.groups
        if not identifier:
            return self._list(request, list(rows.values()), kind)
        row = rows.get(unquote(identifier))
        return Answer(200, self._shown(row, members=True)) if row else error(404, "no such resource")

    def _list(self, request: Request, rows: list[Body], kind: str) -> Answer:
        if wanted := request.query.get("filter"):
            if not self.habits.filters:
                return error(400, "filters are not supported", "invalidFilter")
            rows = [row for row in rows if _matches(row, wanted)]
        size = min(int(request.query.get("count", "100")), self.habits.page_size)
        by_cursor = "cursor" in request.query
        start = int(request.query.get("cursor") or 0) if by_cursor else 0
        start = start if by_cursor else int(request.query.get("startIndex", "1")) - 1
        start = start // size * size if self.habits.aligned else start
        members = self.habits.lists_members and "members" not in request.query.get(
            "excludedAttributes", ""
        )
        page = [self._shown(row, members=members) for row in rows[start : start + size]]
        body: Body = {"schemas": [LIST], "Resources": page}
        if self.habits.tells_total:
            body["totalResults"] = len(rows) + self.habits.surplus
        if by_cursor and start + size < len(rows):
            body["nextCursor"] = str(start + size)
        if self.habits.between_pages and kind == "Users":
            self.habits.between_pages(start // size)
        return Answer(200, body)

    def _shown(self, row: Body, *, members: bool) -> Body:
        if "members" not in row or (members and not self.habits.hides_members):
            return row
        return {name: value for name, value in row.items() if name != "members"}


def _matches(row: Body, wanted: str) -> bool:
    match = re.fullmatch(r'(\w+) eq ("(?:[^"\\]|\\.)*")', wanted)
    assert match, wanted
    said, value = row.get(match[1]), json.loads(match[2])
    return bool(isinstance(said, str) and said.casefold() == value.casefold())


# other bytes than the provider's own


def html(_: bytes) -> bytes:
    page = b"<html><body>Sign in to continue</body></html>"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
    return head % len(page) + page


def truncated_json(sent: bytes) -> bytes:
    """Half of the body, and a length that agrees with it."""
    body = sent.partition(b"\r\n\r\n")[2]
    half = body[: len(body) // 2]
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(half) + half


def cut_off(sent: bytes) -> bytes:
    """The connection ends inside the body."""
    return sent[:-7]


def status(code: int, head: str = "") -> Instead:
    line = f"HTTP/1.1 {code} Whatever\r\n{head}Content-Length: 0\r\n\r\n"
    return lambda _: line.encode()


@contextmanager
def running(twin: ScimDirectoryTwin | None = None) -> Iterator[ScimDirectoryTwin]:
    """The twin on an ephemeral loopback port until the block ends."""
    twin = twin or ScimDirectoryTwin()
    with listening(twin.serve) as port:
        twin.base_url = f"http://127.0.0.1:{port}/scim/v2"
        yield twin
