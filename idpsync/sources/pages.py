"""Listings that come page by page over HTTP: read to their own end mark, or known not to be whole."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from idpsync.core.errors import Malformed, RemoteError
from idpsync.core.model import Coverage, Proof

MAX_PAGES = 100_000  # beyond this a directory hands out pages for ever

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. `following` is where the next one is; without it, `ended_by` is the end mark."""

    rows: Sequence[Row]
    following: str | None
    ended_by: str = ""


@dataclass(slots=True)
class Pages:
    """What one listing gave. `error` says why it is not whole."""

    rows: list[Row] = field(default_factory=list)
    count: int = 0
    ended_by: str = ""
    error: RemoteError | None = None

    @property
    def coverage(self) -> Coverage:
        if self.error is None:
            return Coverage.COMPLETE
        return Coverage.PARTIAL if self.rows else Coverage.FAILED

    @property
    def reason(self) -> str:
        return str(self.error) if self.error else ""

    def proof(self, expected: int | None = None) -> Proof:
        """How it ended: by the mark of its protocol, or by what cut it."""
        return Proof(self.ended_by or f"cut: {self.reason}", self.count, expected)

    def whole(self) -> list[Row]:
        """The rows, if they are all; raises what went wrong otherwise."""
        if self.error:
            raise self.error
        return self.rows


def follow(first: str, ask: Callable[[str], Page], *, system: str, operation: str) -> Pages:
    """Every page from `first` on. Whatever cuts it short is in `error`; what came before is kept.

    A page that points back to one already read would never end: Malformed.
    """
    pages, place, seen = Pages(), first, set[str]()
    while True:
        if place in seen or pages.count >= MAX_PAGES:
            pages.error = Malformed(system, operation, "the pages never end: one points back")
            return pages
        seen.add(place)
        try:
            page = ask(place)
        except RemoteError as error:
            pages.error = error
            return pages
        pages.rows += page.rows
        pages.count += 1
        if page.following is None:
            pages.ended_by = page.ended_by
            return pages
        place = page.following


def rows_of(value: object, *, system: str, operation: str) -> list[Row]:
    """A list of JSON objects; Malformed for anything else, since half a list is no list."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Malformed(system, operation, "the answer is not a list of objects")
    return value


def text(row: Row, *path: str) -> str:
    """The text at `path`, "" where there is none."""
    value: Any = row
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value.strip() if isinstance(value, str) else ""


def tolerated(expected: int) -> int:
    """How far a listing and an independent count may lie apart: both lag, each by itself."""
    return max(2, expected // 100)


def judged(members: Iterable[str], expected: int | None) -> tuple[Coverage, str]:
    """Whether a listing that ended well agrees with the count; the reason where it does not."""
    found = len(set(members))
    if expected is None or abs(expected - found) <= tolerated(expected):
        return Coverage.COMPLETE, ""
    return Coverage.SUSPECT, f"shows {found} members where the directory itself counts {expected}"
