"""Listing with a proof of completeness: everybody is in it, or it is known not to be whole."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from idpsync.core.errors import RemoteError
from idpsync.scim_client.messages import Page, R

T = TypeVar("T")
PAGES = 100_000  # beyond this a provider hands out pages for ever


@dataclass(frozen=True, slots=True)
class Position:
    """Where the next page starts: by 1-based index, or by cursor (RFC 9865; the first one is "")."""

    start: int = 1
    cursor: str | None = None


class Unproven(Exception):
    """This pass may have missed somebody; the text says why."""


class Aligned(Unproven):
    """The provider knows whole pages only: asked for one row earlier it gives the last page again."""


@dataclass(slots=True)
class Listing(Generic[T]):
    """What one pass gave, by id. `error` says why it is not whole: cut off, or Unproven."""

    kept: dict[str, T] = field(default_factory=dict)
    total: int | None = None
    pages: int = 0
    ended_by: str = ""
    error: RemoteError | Unproven | None = None

    def whole(self) -> tuple[T, ...]:
        """Everything, in the order of listing; raises what cut the pass short, or Unproven."""
        if self.error:
            raise self.error
        return tuple(self.kept.values())


def read_whole(fetch: Callable[[Position], Page[R]], keep: Callable[[R], T]) -> tuple[T, ...]:
    """What `keep` makes of every resource; what `fetch` raises, or Unproven (see `read_through`)."""
    return read_through(fetch, keep).whole()


def read_through(
    fetch: Callable[[Position], Page[R]],
    keep: Callable[[R], T],
    first: Position | None = None,
    *,
    overlap: int = 0,
) -> Listing[T]:
    """One pass from `first` on. Whatever cuts it short is in `error`; what came before is kept.

    Proof by index: totalResults stays the same over all pages and equals the number of distinct ids.
    Where one goes and one comes between two pages that is so, too, and somebody is missing all the
    same: with an `overlap` of 1 each page has to begin with the last row of the one before. Proof by
    cursor: a page without nextCursor came, and totalResults, if told, agrees. Unproven otherwise.
    """
    listing: Listing[T] = Listing()
    try:
        _walk(listing, _Pages(fetch, overlap), keep, first or Position())
    except (RemoteError, Unproven) as error:
        listing.error = error
    return listing


class _Pages(Generic[R]):
    """Page after page; of one that overlaps the rows that are new."""

    def __init__(self, fetch: Callable[[Position], Page[R]], overlap: int) -> None:
        self._fetch, self._overlap = fetch, overlap
        self._last: Page[R] | None = None

    def at(self, position: Position) -> Page[R]:
        last, back = self._last, self._back
        if position.cursor is not None or last is None or not back:
            self._last = self._fetch(position)
            return self._last
        page = self._last = self._fetch(Position(start=position.start - back))
        if not page.rows or page.rows[0].id != last.rows[-1].id:
            again = bool(page.rows) and page.rows[0].id == last.rows[0].id
            raise (Aligned if again else Unproven)("the pages moved while they were read")
        return replace(page, rows=page.rows[back:])

    @property
    def _back(self) -> int:
        """How many rows are asked for twice: none after a page of one, which would never end."""
        return self._overlap if self._last and len(self._last.rows) > 1 else 0


def _walk(listing: Listing[T], pages: _Pages[R], keep: Callable[[R], T], position: Position) -> None:
    cursors: set[str] = set()
    while listing.pages < PAGES:
        page = pages.at(position)
        if listing.pages and page.total != listing.total:
            raise Unproven(f"totalResults went from {listing.total} to {page.total}")
        listing.total, listing.pages = page.total, listing.pages + 1
        for row in page.rows:
            if row.id in listing.kept:
                raise Unproven("a resource came twice: the pages moved while they were read")
            listing.kept[row.id] = keep(row)
        _refuse_surplus(listing)
        if page.next_cursor:
            if page.next_cursor in cursors:
                raise Unproven("the cursor does not advance")
            cursors.add(page.next_cursor)
            position = Position(cursor=page.next_cursor)
        elif position.cursor is not None or not page.rows or _has_all(listing):
            return _prove(listing, by_cursor=position.cursor is not None)
        else:  # by what was received: a page may be smaller than asked for
            position = Position(start=position.start + len(page.rows))
    raise Unproven(f"more than {PAGES} pages")


def _has_all(listing: Listing[T]) -> bool:
    return listing.total is not None and len(listing.kept) >= listing.total


def _refuse_surplus(listing: Listing[T]) -> None:
    if listing.total is not None and len(listing.kept) > listing.total:
        raise Unproven(f"{len(listing.kept)} resources came where there are {listing.total}")


def _prove(listing: Listing[T], *, by_cursor: bool) -> None:
    received, total = len(listing.kept), listing.total
    if total is None and not by_cursor:
        raise Unproven("no totalResults")
    if total is not None and received != total:
        raise Unproven(f"{received} of {total} resources came")
    listing.ended_by = "no nextCursor" if by_cursor else "totalResults distinct ids"
