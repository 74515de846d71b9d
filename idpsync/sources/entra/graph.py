"""Microsoft Graph: lists that end without a next link, rounds of changes that end at a delta link."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import quote

from idpsync.answers import NotJson, Response, origin, read_json, same_origin
from idpsync.core.errors import CredentialsRejected, Malformed, RemoteError, Transient, UnknownOutcome
from idpsync.core.ports import Clock
from idpsync.credentials import FetchedToken
from idpsync.http import HttpClient, Limits
from idpsync.pace import Deadline, Timer
from idpsync.sources.entra.auth import SignIn, roles_in, told_skew
from idpsync.sources.entra.errors import SYSTEM, StateLost, graph_code, graph_detail, lacks
from idpsync.sources.entra.meter import Meter
from idpsync.sources.entra.settings import EntraConfig
from idpsync.sources.pages import Page, Pages, Row, follow, rows_of

T = TypeVar("T")
R = TypeVar("R")

MOST = 999  # $top of a list of directory objects
DIGITS = 18  # of a count; more are not read as a number
LANES = 4  # lists that are read at the same time
LIMITS = Limits(patience=180.0, concurrency=LANES, body=32 * 1024 * 1024)
HEADERS = {"Accept": "application/json", "x-ms-throttle-priority": "low"}
EVENTUAL = {"ConsistencyLevel": "eventual"}  # for advanced queries, on each of their pages
NEXT, DELTA, COUNT = "@odata.nextLink", "@odata.deltaLink", "@odata.count"


@dataclass(frozen=True, slots=True)
class Listing:
    """A list to its end. `count` is how many there are by the index behind it, where that was asked."""

    pages: Pages
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One round of changes; `link` is where the next one begins, "" where this one was cut."""

    pages: Pages
    link: str = ""


class Graph:
    """Requests to Graph, from any number of threads. Errors name the app role that is missing."""

    def __init__(self, config: EntraConfig, *, clock: Clock, timer: Timer | None = None) -> None:
        self._clock = clock
        self.meter = Meter()
        self.deadline = Deadline(timer or Timer())
        self.token: FetchedToken = SignIn(
            config, clock=clock, meter=self.meter, timer=timer
        ).credential()
        self.base = f"{config.place.graph_url}/v1.0"
        self.skew = ""  # how wrong our clock is, as the last answer has it
        self._http = HttpClient(
            SYSTEM,
            self.base,
            clock=clock,
            credential=self.token,
            limits=LIMITS,
            timer=timer,
            quota=self.meter.measure,
            deadline=self.deadline,
        )

    def roles(self) -> frozenset[str] | None:
        """The app roles that our token claims, for telling only; None where it cannot be read."""
        return roles_in(self.token.current().value)

    def listing(self, path: str, operation: str, *, role: str, eventual: bool = False) -> Listing:
        """Every page of a list; 401 and 403 raise, whatever else cuts it is in its pages."""
        counts: list[int] = []

        def ask(url: str) -> Page:
            told = self.get(url, operation, role=role, eventual=eventual)
            if isinstance(count := told.get(COUNT), int):
                counts.append(count)
            return Page(_rows(told, operation), self._following(told, NEXT, operation), "no nextLink")

        pages = follow(path, ask, system=SYSTEM, operation=operation)
        raised_if_rejected(pages.error)
        return Listing(pages, counts[0] if counts else None)

    def round(self, place: str, operation: str, *, role: str) -> Round:
        """Every page up to the delta link, without which nothing is whole. StateLost raises."""
        links: list[str] = []

        def ask(url: str) -> Page:
            told = self.get(url, operation, role=role)
            following = self._following(told, NEXT, operation)
            if following is None:
                link = self._following(told, DELTA, operation)
                if link is None:
                    raise Malformed(SYSTEM, operation, "a page has neither nextLink nor deltaLink")
                links.append(link)
            return Page(_rows(told, operation), following, "deltaLink")

        pages = follow(place, ask, system=SYSTEM, operation=operation)
        raised_if_rejected(pages.error)
        if isinstance(pages.error, StateLost):
            raise pages.error
        return Round(pages, links[0] if links else "")

    def first_round(self, path: str, operation: str, *, role: str) -> Round:
        """The whole state; begun once more where Graph loses its own place in it (410)."""
        try:
            return self.round(path, operation, role=role)
        except StateLost:
            pass
        try:
            return self.round(path, operation, role=role)
        except StateLost as error:
            return Round(Pages(error=error))

    def get(self, url: str, operation: str, *, role: str, eventual: bool = False) -> Mapping[str, Any]:
        return self._read(self._ask("GET", url, operation, role=role, eventual=eventual), operation)

    def count(self, path: str, operation: str, *, role: str) -> int:
        """A bare number, as `/$count` answers."""
        answer = self._ask("GET", path, operation, role=role, eventual=True)
        text = answer.body.decode("utf-8-sig", "replace").strip()
        if not text.isdecimal() or len(text) > DIGITS:
            raise Malformed(SYSTEM, operation, "the answer is not a number")
        return int(text)

    def post(self, path: str, body: object, operation: str, *, role: str) -> Mapping[str, Any]:
        """A question too long for an address; it changes nothing."""
        try:
            answer = self._ask("POST", path, operation, role=role, body=body)
        except UnknownOutcome as error:
            raise Transient(error.system, error.operation, error.reason) from error
        return self._read(answer, operation)

    def write(self, method: str, path: str, operation: str, *, body: object = None) -> Response:
        """The final answer to a write that may be sent twice, whatever its status."""
        return self._http.exchange(
            method,
            path,
            operation=operation,
            headers=_headers(body),
            body=_encoded(body),
            repeatable=True,
        )

    def refusal(self, method: str, operation: str, response: Response) -> RemoteError:
        """The error for an answer that is not a success."""
        asked = self._http.question(method, operation)
        return self._http.refusal(asked, response, self._http.scrub(graph_detail(response)))

    def at_once(self, ask: Callable[[T], R], many: Iterable[T]) -> list[R]:
        """`ask` of each, several at a time, in their order; the first error raises."""
        with ThreadPoolExecutor(LANES, thread_name_prefix="entra") as lanes:
            return list(lanes.map(ask, many))

    def _ask(
        self,
        method: str,
        url: str,
        operation: str,
        *,
        role: str,
        eventual: bool = False,
        body: object = None,
    ) -> Response:
        response = self._http.exchange(
            method,
            url,
            operation=operation,
            headers={**_headers(body), **(EVENTUAL if eventual else {})},
            body=_encoded(body),
            repeatable=True,
        )
        self.skew = told_skew(response, self._clock.now())
        if response.ok:
            return response
        code = graph_code(response)
        if response.status == 410 or code.casefold().startswith("syncstate"):
            reason = f"HTTP {response.status}: {code or 'gone'}: everything is to be read again"
            raise StateLost(SYSTEM, operation, reason)
        if response.status == 403:
            raise lacks(operation, role)
        raise self.refusal(method, operation, response)

    def _read(self, response: Response, operation: str) -> Mapping[str, Any]:
        try:
            return read_json(response.body)
        except NotJson as error:
            reason = f"HTTP {response.status}, but {error}: does a proxy answer in place of Graph?"
            raise Malformed(SYSTEM, operation, reason) from None

    def _following(self, told: Mapping[str, Any], key: str, operation: str) -> str | None:
        """Where it goes on; Malformed for another host, to which the token never goes."""
        link = told.get(key)
        if link is None:
            return None
        if not isinstance(link, str) or not same_origin(link, self.base):
            reason = f"{key} leads to {_place(link)}, not to {_place(self.base)}: not followed"
            raise Malformed(SYSTEM, operation, reason)
        return link


def query(path: str, **options: str) -> str:
    """An address with OData options, each given without its `$`."""
    told = "&".join(f"${name}={quote(value, safe=',()')}" for name, value in options.items())
    return f"{path}?{told}"


def quoted(text: str) -> str:
    """A text as OData writes it in a filter: a quote inside is doubled (OData 4.01 §5.1.1.6.1)."""
    return "'" + text.replace("'", "''") + "'"


def among(attribute: str, values: Iterable[str]) -> str:
    """A filter for any of `values`."""
    return " or ".join(f"{attribute} eq {quoted(value)}" for value in values)


def chunks(names: Iterable[str], size: int) -> Iterator[list[str]]:
    """`names` by so many at a time."""
    rest = iter(names)
    while chunk := list(islice(rest, size)):
        yield chunk


def raised_if_rejected(error: RemoteError | None) -> RemoteError | None:
    """401 and 403 are about all of it: nothing that came before is believed."""
    if isinstance(error, CredentialsRejected):
        raise error
    return error


def _encoded(body: object) -> bytes | None:
    return None if body is None else json.dumps(body, allow_nan=False).encode()


def _headers(body: object) -> Mapping[str, str]:
    return HEADERS if body is None else {**HEADERS, "Content-Type": "application/json"}


def _place(link: object) -> str:
    """The server that an address names, for telling only."""
    named = origin(link) if isinstance(link, str) else None
    return "{}://{}:{}".format(*named) if named else "no plain address"


def _rows(told: Mapping[str, Any], operation: str) -> list[Row]:
    return rows_of(told.get("value"), system=SYSTEM, operation=operation)
