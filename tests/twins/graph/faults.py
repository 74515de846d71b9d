"""What can go wrong with one answer on its way."""

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any

FOREIGN = "https://graph.example.net/v1.0/groups"


class Fault(StrEnum):
    """How an answer is spoilt."""

    HTML = "a page of a proxy, with 200"
    TRUNCATED = "half of the JSON"
    CUT = "the connection ends inside the body"
    FOREIGN = "a next link to another host"
    NO_LIST = "no list where one belongs"
    NOTHING = "a JSON object with nothing in it"
    BACK = "a next link to a page that was read"
    UNLINKED = "neither a next link nor a delta link, though more was to come"
    BUSY = "429"
    DOWN = "503"
    BROKEN = "500"
    DENIED = "403"
    STRANGER = "401"
    GONE = "410"
    LOST = "404"


class Cut(Exception):
    """The connection is to end after these bytes."""

    def __init__(self, sent: bytes) -> None:
        self.sent = sent
        super().__init__()


STATUS = {
    Fault.DOWN: (503, "ServiceUnavailable"),
    Fault.BROKEN: (500, "InternalServerError"),
    Fault.DENIED: (403, "Authorization_RequestDenied"),
    Fault.STRANGER: (401, "InvalidAuthenticationToken"),
    Fault.GONE: (410, "resyncRequired"),
    Fault.LOST: (404, "Request_ResourceNotFound"),
}


def spoilt(
    whole: bytes,
    fault: Fault | None,
    body: Any,
    write: Callable[..., bytes],
    *,
    here: str,
    elsewhere: str,
) -> bytes:
    """`whole`, or what comes in its place; Cut. `here` is what was asked for."""
    match fault:
        case None:
            return whole
        case Fault.HTML:
            return write(200, b"<html><body>Please sign in</body></html>", kind="text/html")
        case Fault.CUT:
            raise Cut(whole[: len(whole) - len(whole) // 4])
        case Fault.BUSY:
            told = json.dumps({"error": {"code": "TooManyRequests", "message": ""}})
            return write(429, told.encode(), (("Retry-After", "7"),))
        case Fault.TRUNCATED:
            return write(200, json.dumps(body).encode()[:-9])
        case Fault.FOREIGN:
            return write(200, json.dumps({**_of(body), "@odata.nextLink": elsewhere}).encode())
        case Fault.NOTHING:
            return write(200, b"{}")
        case Fault.NO_LIST:
            return write(200, json.dumps({**_of(body), "value": {}}).encode())
        case Fault.BACK | Fault.UNLINKED:
            return write(
                200, json.dumps(_relinked(_of(body), here if fault is Fault.BACK else None)).encode()
            )
        case other:
            status, code = STATUS[other]
            return write(status, json.dumps({"error": {"code": code, "message": ""}}).encode())


def _relinked(body: dict[str, Any], place: str | None) -> dict[str, Any]:
    links = {"@odata.nextLink", "@odata.deltaLink"}
    rest = {name: value for name, value in body.items() if name not in links}
    return rest if place is None else {**rest, "@odata.nextLink": place}


def _of(body: Any) -> dict[str, Any]:
    return body if isinstance(body, dict) else {}
