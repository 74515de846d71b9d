"""The two paginations of the Claude Admin API, read to their own end mark."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idpsync.core.errors import Malformed

MOST_PAGES = 2_000  # beyond it an answer is taken to have no end

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Whose answers these are, for errors."""

    system: str
    operation: str

    def malformed(self, reason: str) -> Malformed:
        return Malformed(self.system, self.operation, reason)


@dataclass(frozen=True, slots=True)
class Page:
    """`following` leads to the next page; None is the end that the API itself marks."""

    rows: Sequence[Row]
    following: str | None


def read_all(ask: Callable[[str | None], Page], place: Place) -> list[Row]:
    """Every row; Malformed unless the end mark was seen. A page may hold fewer rows than asked for."""
    rows: list[Row] = []
    seen: set[str] = set()
    following: str | None = None
    for _ in range(MOST_PAGES):
        page = ask(following)
        rows += page.rows
        following = page.following
        if following is None:
            return rows
        if following in seen:
            raise place.malformed("the pages never end: one points back")
        seen.add(following)
    raise place.malformed(f"no end after {MOST_PAGES} pages")


def page_by_id(answer: Mapping[str, object], place: Place) -> Page:
    """Users, invites, activities: on from `last_id` while `has_more`."""
    if not _more(answer, place):
        return Page(_rows(answer, place), None)
    return Page(_rows(answer, place), _cursor(answer.get("last_id"), "last_id", place))


def page_by_cursor(answer: Mapping[str, object], place: Place) -> Page:
    """Everything else: on from `next_page` until it is null; `has_more` need not be told."""
    if "next_page" not in answer:
        raise place.malformed("neither next_page nor its absence is told")
    following = answer["next_page"]
    if "has_more" in answer and _more(answer, place) != (following is not None):
        raise place.malformed("has_more and next_page contradict each other")
    rows = _rows(answer, place)
    return Page(rows, None if following is None else _cursor(following, "next_page", place))


def _rows(answer: Mapping[str, object], place: Place) -> list[Row]:
    rows = answer.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise place.malformed("`data` is not a list of objects")
    return rows


def _more(answer: Mapping[str, object], place: Place) -> bool:
    more = answer.get("has_more")
    if not isinstance(more, bool):
        raise place.malformed("`has_more` does not say whether this is the end")
    return more


def _cursor(value: object, name: str, place: Place) -> str:
    if not isinstance(value, str) or not value:
        raise place.malformed(f"there is more, and no {name} to go on from")
    return value
