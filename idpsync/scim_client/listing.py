"""Listing with a proof of completeness: everybody is in it, or it is known not to be whole."""

from collections.abc import Callable
from dataclasses import dataclass, field
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
    fetch: Callable[[Position], Page[R]], keep: Callable[[R], T], first: Position | None = None
) -> Listing[T]:
    """One pass from `first` on. Whatever cuts it short is in `error`; what came before is kept.

    Proof by index: totalResults stays the same over all pages and equals the number of distinct ids.
    Proof by cursor: a page without nextCursor came, and totalResults, if told, agrees. Unproven
    otherwise: rows moved between pages, or the provider does not page as the standard says.
    """
    listing: Listing[T] = Listing()
    try:
        _walk(listing, fetch, keep, first or Position())
    except (RemoteError, Unproven) as error:
        listing.error = error
    return listing


def _walk(
    listing: Listing[T], fetch: Callable[[Position], Page[R]], keep: Callable[[R], T], position: Position
) -> None:
    cursors: set[str] = set()
    while listing.pages < PAGES:
        page = fetch(position)
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
