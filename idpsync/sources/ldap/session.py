"""One bound LDAP connection, and a search that knows whether it saw everything.

ldap3's own paged search ends without any error where a server's size limit, a restart or a failed bind
cut it short; this loop calls a listing complete only after the server's own end mark (RFC 2696 §3: an
empty cookie with result 0).
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from ldap3 import BASE, DEREF_NEVER, SUBTREE
from ldap3.operation.search import parse_filter
from ldap3.utils.conv import escape_filter_chars

from idpsync.core.errors import Malformed, NotFound, RemoteError, Transient
from idpsync.core.model import Coverage, Proof
from idpsync.sources.ldap.connection import LIBRARY_ERRORS, close, open_connection
from idpsync.sources.ldap.errors import NO_SUCH_OBJECT, SYSTEM, result_error, translated
from idpsync.sources.ldap.settings import LdapConfig

T = TypeVar("T")

PAGING = "1.2.840.113556.1.4.319"
MAX_PAGES = 100_000
END_MARK = "cookie empty"


class Unreadable(ValueError):
    """One entry lacks what it needs; the text says what."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the server sent it: attribute names in lower case, values as bytes."""

    dn: str
    values: Mapping[str, Sequence[bytes]]

    def texts(self, attribute: str) -> tuple[str, ...]:
        """All values as text; Unreadable when one is not UTF-8 (RFC 4512 §2.5)."""
        try:
            return tuple(value.decode() for value in self.values.get(_lowered(attribute), ()))
        except UnicodeDecodeError as error:
            raise Unreadable(f"{attribute} of {self.dn} is not UTF-8") from error

    def text(self, attribute: str) -> str:
        """The first value without surrounding space; "" when there is none."""
        values = self.values.get(_lowered(attribute))
        if not values:
            return ""
        try:
            return values[0].decode().strip()
        except UnicodeDecodeError as error:
            raise Unreadable(f"{attribute} of {self.dn} is not UTF-8") from error


@lru_cache(maxsize=256)  # few names, asked for again in every entry, which share the result
def _lowered(attribute: str) -> str:
    return attribute.lower()


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """What one search gave, each entry as it was kept. `error` says why it is not COMPLETE."""

    entries: tuple[T, ...]
    coverage: Coverage = Coverage.COMPLETE
    error: RemoteError | None = None
    pages: int = 0

    @property
    def reason(self) -> str:
        return self.error.reason if self.error else ""

    @property
    def base_missing(self) -> bool:
        return isinstance(self.error, NotFound)

    @property
    def proof(self) -> Proof:
        """The server's own end mark (RFC 2696 §3), or what cut the listing."""
        return Proof(f"cut: {self.error}" if self.error else END_MARK, self.pages)

    def whole(self) -> tuple[T, ...]:
        """The entries, if they are all; raises what went wrong otherwise."""
        if self.error:
            raise self.error
        return self.entries


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for. `operation` names it in errors; `controls` are OID, criticality and value."""

    operation: str
    base: str
    filter: str
    attributes: tuple[str, ...]
    whole_tree: bool = True
    page_size: int | None = None
    controls: tuple[tuple[str, bool, bytes | None], ...] = ()


def escaped(text: str) -> str:
    """`text` as an assertion value inside a filter (RFC 4515 §3)."""
    return escape_filter_chars(text)


def is_filter(text: str) -> bool:
    """Whether `text` is a filter in parentheses."""
    try:
        parse_filter(text, None, True, True, None, False)  # type: ignore[no-untyped-call]  # noqa: FBT003
    except LIBRARY_ERRORS:
        return False
    return True


class Session:
    """A context manager: inside, one server is connected, encrypted as configured and logged in to.

    `requests` counts what was asked of it, the login included. CredentialsRejected, Refused
    (certificate, missing encryption), Transient (no server can be reached) on entry.
    """

    def __init__(self, config: LdapConfig, operation: str, *, writing: bool = False) -> None:
        self._config, self._operation, self._writing = config, operation, writing
        self.requests = 0
        self._until = math.inf

    def __enter__(self) -> Self:
        self.connection, self.server = open_connection(
            self._config, self._operation, writing=self._writing
        )
        self.requests = 2 if self._config.start_tls else 1
        self._until = time.monotonic() + self._config.read_deadline.total_seconds()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(*LIBRARY_ERRORS):
            self.connection.unbind()
        close(self.connection)

    def read_all(self, search: Search) -> Listing[Entry]:
        """Every entry of `search`, page by page; COMPLETE only with the end mark."""
        return self.read_each(search, lambda entry: entry)

    def read_each(self, search: Search, keep: Callable[[Entry], T]) -> Listing[T]:
        """What `keep` makes of every entry, so that no more than a page of entries is in memory."""
        entries: list[T] = []
        seen, shown = set[bytes](), set[str]()
        cookie: bytes | None = None
        for page in range(1, MAX_PAGES + 1):
            try:
                found, failure, cookie = self._page(search, cookie)
            except RemoteError as error:
                return _cut(entries, error, page - 1)
            entries += map(keep, found)
            if failure:
                return _cut(entries, failure, page)
            if not cookie:
                return Listing(tuple(entries), pages=page)
            # 389-ds gives one cookie for all pages, so only a page without anybody new proves a circle
            if cookie in seen:
                dns = {entry.dn for entry in found}
                if dns <= shown:
                    break
                shown |= dns
            seen.add(cookie)
        circle = Malformed(SYSTEM, search.operation, "the server's pages never end")
        return _cut(entries, circle, len(seen))

    def exchange(self, search: Search) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
        """One search without pages, for controls that have an end mark of their own: result, answers.

        Raises when the search fails; whether the answers are all of them is for the caller to prove.
        """
        self.requests += 1
        try:
            self.connection.search(
                search.base,
                search.filter,
                SUBTREE if search.whole_tree else BASE,
                DEREF_NEVER,
                attributes=list(search.attributes),
                controls=list(search.controls) or None,
            )
            result, response = self.connection.result, self.connection.response or []
            if result["result"] != 0:
                raise _failure(result, search)
        except LIBRARY_ERRORS as error:
            raise translated(error, search.operation) from error
        return result, response

    def first(self, search: Search) -> Entry | None:
        """One entry that `search` finds, or None; raises when the search fails."""
        entries, failure, _ = self._page(replace(search, page_size=1), None)
        if failure:
            raise failure
        return entries[0] if entries else None

    def entry_at(self, dn: str, attributes: tuple[str, ...]) -> tuple[Entry | None, str]:
        """The entry of this name; without one the nearest above it that exists, "" if that is not told.

        The second is matchedDN (RFC 4511 §4.1.9), which OpenLDAP leaves out for an entry that is hidden.
        """
        search = Search("look again", dn, "(objectClass=*)", attributes, whole_tree=False)
        listing = self.read_all(search)
        if listing.base_missing:
            return None, str(self.connection.result.get("dn") or "")
        return next(iter(listing.whole()), None), ""

    def _page(
        self, search: Search, cookie: bytes | None
    ) -> tuple[list[Entry], RemoteError | None, bytes | None]:
        """The entries of one page, what is wrong with it, and the cookie of the next."""
        self._ask(search, cookie)
        result, response = self.connection.result, self.connection.response or []
        try:
            entries = entries_of(response)
            if result["result"] != 0:
                return entries, _failure(result, search), None
            if self._config.referrals == "fail" and (uri := _referral(response)):
                return entries, _pointed_elsewhere(search, uri), None
            control = (result.get("controls") or {}).get(PAGING)
            if control is None:
                what = "no paging control in the answer (RFC 2696)"
                return entries, Malformed(SYSTEM, search.operation, what), None
            return entries, None, control["value"]["cookie"]
        except (LookupError, TypeError) as error:
            raise translated(error, search.operation) from error

    def _ask(self, search: Search, cookie: bytes | None) -> None:
        if time.monotonic() >= self._until:
            raise Transient(SYSTEM, search.operation, "the time for all of it is over")
        self.requests += 1
        try:
            self.connection.search(
                search.base,
                search.filter,
                SUBTREE if search.whole_tree else BASE,
                DEREF_NEVER,
                attributes=list(search.attributes),
                controls=list(search.controls) or None,
                paged_size=search.page_size or self._config.page_size,
                paged_criticality=True,
                paged_cookie=cookie,
            )
        except LIBRARY_ERRORS as error:
            raise translated(error, search.operation) from error


def _cut(entries: Iterable[T], error: RemoteError, pages: int) -> Listing[T]:
    kept = tuple(entries)
    return Listing(kept, Coverage.PARTIAL if kept else Coverage.FAILED, error, pages)


def _failure(result: Mapping[str, Any], search: Search) -> RemoteError:
    if result["result"] == NO_SUCH_OBJECT:
        message = f"{search.base} does not exist, or this bind DN may not see it"
    else:
        message = str(result.get("message") or "")
    return result_error(result["result"], str(result["description"]), message, search.operation)


def _pointed_elsewhere(search: Search, uri: str) -> RemoteError:
    told = f"referral to {uri}; `referrals: ignore` reads on without what lies there"
    return Malformed(SYSTEM, search.operation, told)


def _referral(response: Iterable[Mapping[str, Any]]) -> str:
    uris = (str(uri) for r in response if r["type"] == "searchResRef" for uri in r["uri"])
    return ", ".join(uris)


def entries_of(response: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """The entries among the messages of one answer."""
    return [_entry(message) for message in response if message["type"] == "searchResEntry"]


def _entry(response: Mapping[str, Any]) -> Entry:
    raw = response["raw_attributes"]
    if "attributes" in response:  # ldap3's own, with names as the server spells them
        raw = {_lowered(name): values for name, values in raw.items()}
    return Entry(response["dn"], raw)
