"""Requests and answers of the Claude Admin API, and what may go wrong on the way."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.twins.claude.organization import Body
from tests.twins.sockets import Connection


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    version: str
    body: Body

    def first(self, name: str) -> str | None:
        return next((value for key, value in self.query if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]


@dataclass(frozen=True)
class Answer:
    status: int
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)


def refused(status: int, kind: str, message: str, code: str | None = None, **headers: str) -> Answer:
    error: Body = {"type": kind, "message": message}
    if code:
        error["details"] = {"error_code": code}
    body = {"type": "error", "error": error, "request_id": f"req_{uuid.uuid4().hex[:8]}"}
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def bad(message: str, code: str | None = None) -> Answer:
    return refused(400, "invalid_request_error", message, code)


def overloaded() -> Answer:
    return refused(529, "overloaded_error", "Overloaded")


@dataclass
class Fault:
    """What happens to the next `times` requests of `method` whose path or body holds `about`.

    `instead` answers and does nothing; `wire` sends the true answer as it likes, or not at all.
    """

    method: str
    about: str = ""
    times: int = 1
    instead: Answer | None = None
    wire: Callable[[Connection, bytes], None] | None = None

    def takes(self, request: Request) -> bool:
        text = f"{request.path}?{request.query}{json.dumps(request.body)}"
        return self.times > 0 and request.method == self.method and self.about in text


def encoded(answer: Answer) -> bytes:
    body = json.dumps(answer.body).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **answer.headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} Whatever\r\n{head}\r\n".encode() + body


def matching(rows: list[Body], request: Request) -> list[Body]:
    """By address, as the API does it: without case, and `jane+x@` finds `jane@`."""
    wanted = request.first("email")
    return [row for row in rows if wanted is None or _plain(row["email"]) == _plain(wanted)]


def _plain(email: str) -> str:
    return re.sub(r"\+[^@]*@", "@", email.casefold())


def none(what: str) -> Answer:
    return refused(404, "not_found_error", f"no such {what}")


def endpoint(path: str) -> str:
    return re.sub(r"/(user|invite|rbac_group)_[^/]+", "/{id}", path).removeprefix("/v1/")
