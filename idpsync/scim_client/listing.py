"""Listing with a proof of completeness: everybody is in it, or it is not returned."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from idpsync.scim_client.messages import Page, RemoteUser

T = TypeVar("T")
PAGES = 100_000  # beyond this a provider hands out pages for ever


@dataclass(frozen=True, slots=True)
class Position:
    """Where the next page starts: by 1-based index, or by cursor (RFC 9865)."""

    start: int = 1
    cursor: str | None = None


class Unproven(Exception):
    """This pass may have missed somebody; the text says why."""


def read_whole(fetch: Callable[[Position], Page], keep: Callable[[RemoteUser], T]) -> tuple[T, ...]:
    """What `keep` makes of every user, in the order of listing.

    Proof by index: totalResults stays the same over all pages and equals the number of distinct ids.
    Proof by cursor: a page without nextCursor came, and totalResults, if told, agrees. Unproven
    otherwise: rows moved between pages, or the provider does not page as the standard says.
    """
    kept: dict[str, T] = {}
    position, total = Position(), None
    for number in range(PAGES):
        page = fetch(position)
        if number and page.total != total:
            raise Unproven(f"totalResults went from {total} to {page.total}")
        total = page.total
        for row in page.rows:
            if row.id in kept:
                raise Unproven("a resource came twice: the pages moved while they were read")
            kept[row.id] = keep(row)
        if page.next_cursor:
            if page.next_cursor == position.cursor:
                raise Unproven("the cursor does not advance")
            position = Position(cursor=page.next_cursor)
        elif position.cursor or not page.rows or (total is not None and len(kept) >= total):
            break
        else:  # by what was received: a page may be smaller than asked for
            position = Position(start=position.start + len(page.rows))
    else:
        raise Unproven(f"more than {PAGES} pages")
    _prove(len(kept), total, by_cursor=position.cursor is not None)
    return tuple(kept.values())


def _prove(received: int, total: int | None, *, by_cursor: bool) -> None:
    if total is None and by_cursor:
        return
    if total is None:
        raise Unproven("no totalResults")
    if received != total:
        raise Unproven(f"{received} of {total} resources came")
