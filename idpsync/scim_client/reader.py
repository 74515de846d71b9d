"""Reading from a service provider: what it can do, its listings, its answers as messages."""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import structlog

from idpsync.answers import NotJson, Response, read_json, unreadable
from idpsync.core.errors import Conflict, Malformed, Refused, RemoteError, SeatsExhausted
from idpsync.http import HttpClient
from idpsync.scim_client.listing import Aligned, Listing, Position, Unproven, read_through
from idpsync.scim_client.messages import NotScim, Page, R, Resource, read_error, read_page
from idpsync.scim_client.profile import USUAL_PAGE, ScimProfile
from idpsync.scim_client.refusals import is_seat_refusal

log = structlog.get_logger()
T = TypeVar("T")

HEADERS = {"Accept": "application/scim+json, application/json;q=0.9"}
BODY_HEADERS = {**HEADERS, "Content-Type": "application/scim+json"}
PASSES = 3  # readings of a list that keeps moving
CURSOR_GONE = ("invalidCursor", "expiredCursor")  # RFC 9865 §2.1: begin again with the first page


class ScimReader:
    """Listings of one service provider, for any number of threads.

    What it learns about the provider holds for its own life.
    """

    def __init__(self, http: HttpClient, profile: ScimProfile) -> None:
        self.http, self.profile = http, profile
        self._lock = threading.Lock()
        self._discovered = False

    def discover(self) -> None:
        """Take the ServiceProviderConfig as a hint, once; a provider without one is fine."""
        if self._discovered:
            return
        try:
            response = self.ask("GET", "/ServiceProviderConfig", "read capabilities")
            self.learn(self.profile.hinted(read_json(response.body)))
        except (RemoteError, NotJson) as error:
            log.debug("capabilities.unknown", system=self.http.system, reason=str(error))
        self._discovered = True

    def listing(
        self,
        place: str,
        make: Callable[[object], R],
        keep: Callable[[R], T],
        *,
        query: str = "",
        overlap: int = 0,
    ) -> Listing[T]:
        """What `keep` makes of every resource at `place`, read again while its pages move.

        `overlap` is that of `read_through`, given up where the provider knows whole pages only. What is
        still not proven whole then has its `error`: Malformed, or what cut the last pass.
        """
        self.discover()
        operation = f"list {place.strip('/').lower()}"
        for passes_left in reversed(range(PASSES)):
            first = Position(cursor="") if self.profile.cursors else Position()
            fetch = partial(self._page_of, place, make, query)
            found = read_through(fetch, keep, first, overlap=overlap)
            overlap = 0 if isinstance(found.error, Aligned) else overlap
            if found.error is None or not (passes_left and self._may_try_again(found.error)):
                break
            log.info("listing.unproven", system=self.http.system, reason=str(found.error))
        if isinstance(found.error, Unproven):
            reason = f"not proven complete: {found.error}"
            found.error = Malformed(self.http.system, operation, reason)
        return found

    def _may_try_again(self, error: RemoteError | Unproven) -> bool:
        """After pages that moved, a cursor that is gone, or a page that was too large to give."""
        if isinstance(error, Unproven):
            return True
        if not isinstance(error, Refused | Malformed):
            return False
        if any(word in error.reason for word in CURSOR_GONE):
            return True
        if self.profile.page_size <= USUAL_PAGE:
            return False
        self.learn(replace(self.profile, page_size=USUAL_PAGE))
        return True

    def _page_of(self, place: str, make: Callable[[object], R], query: str, at: Position) -> Page[R]:
        return self.page(place, at, make, query=query)

    def page(
        self,
        place: str,
        position: Position,
        make: Callable[[object], R],
        *,
        count: int | None = None,
        query: str = "",
    ) -> Page[R]:
        """One page of the resources at `place`."""
        where = f"startIndex={position.start}"
        if position.cursor is not None:
            where = f"cursor={quote(position.cursor, safe='')}"
        path = f"{place}?{where}&count={count or self.profile.page_size}{query}"
        operation = f"list {place.strip('/').lower()}"
        answer = self.ask("GET", path, operation)
        return self.read("GET", operation, answer, lambda body: read_page(body, make))

    def ask(self, method: str, path: str, operation: str, body: bytes | None = None) -> Response:
        """A successful answer; RemoteError by remedy otherwise."""
        headers = HEADERS if body is None else BODY_HEADERS
        response = self.http.exchange(method, path, operation=operation, headers=headers, body=body)
        if not response.ok:
            raise self.error(method, operation, response)
        return response

    def error(self, method: str, operation: str, response: Response) -> RemoteError:
        """What an unsuccessful answer means; SeatsExhausted where it says that seats are used up."""
        asked, told = self.http.question(method, operation), read_error(response.body)
        detail = f"{told.scim_type}: {told.detail}" if told.scim_type else told.detail
        if asked.writes and is_seat_refusal(response):
            reason = f"HTTP {response.status}: {self.http.scrub(detail)}"
            return SeatsExhausted(asked.system, operation, reason)
        error = self.http.refusal(asked, response, detail)
        if isinstance(error, Conflict):
            return Conflict(asked.system, operation, error.reason, told.scim_type)
        return error

    def read(self, method: str, operation: str, response: Response, read: Callable[[Resource], T]) -> T:
        """The message in an answer; Malformed, or after a write UnknownOutcome, where it is none."""
        try:
            return read(read_json(response.body))
        except (NotJson, NotScim) as error:
            asked = self.http.question(method, operation)
            raise unreadable(asked, f"HTTP {response.status}: {error}") from None

    def learn(self, profile: ScimProfile) -> None:
        with self._lock:
            if profile != self.profile:
                new = profile.differences(self.profile)
                log.info("provider.learned", system=self.http.system, **new)
                self.profile = profile
