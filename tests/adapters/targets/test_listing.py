"""When a listing counts as whole."""

from collections.abc import Callable

import pytest

from idpsync.scim_client.listing import Position, Unproven, read_whole
from idpsync.scim_client.messages import NotScim, Page, RemoteUser, read_page, read_user

Pages = Callable[[Position], Page[RemoteUser]]


def page(*ids: str, total: int | None, cursor: str | None = None) -> Page[RemoteUser]:
    return Page(tuple(RemoteUser(each, {}) for each in ids), total, cursor)


def by_index(pages: dict[int, Page[RemoteUser]]) -> Pages:
    return lambda position: pages[position.start]


def by_cursor(pages: dict[str | None, Page[RemoteUser]]) -> Pages:
    return lambda position: pages[position.cursor]


def ids(fetch: Pages) -> tuple[str, ...]:
    return read_whole(fetch, lambda user: user.id)


def test_pages_advance_by_what_was_received() -> None:
    pages = {1: page("a", "b", total=4), 3: page("c", total=4), 4: page("d", total=4)}
    assert ids(by_index(pages)) == ("a", "b", "c", "d")


def test_an_empty_provider_is_whole() -> None:
    assert ids(by_index({1: page(total=0)})) == ()


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param({1: page("a", total=3), 2: page(total=3)}, id="ends too early"),
        pytest.param({1: page("a", "b", total=3), 3: page("b", total=3)}, id="a row comes twice"),
        pytest.param({1: page("a", total=2), 2: page("b", total=3)}, id="the total changes"),
        pytest.param({1: page("a", "b", total=1)}, id="more than announced"),
        pytest.param({1: page("a", total=None), 2: page(total=None)}, id="no total"),
    ],
)
def test_what_is_not_proven_is_not_returned(pages: dict[int, Page[RemoteUser]]) -> None:
    with pytest.raises(Unproven):
        ids(by_index(pages))


def test_a_provider_that_gives_the_first_page_for_ever_is_noticed_at_once() -> None:
    asked: list[Position] = []

    def fetch(position: Position) -> Page[RemoteUser]:
        asked.append(position)
        return page("a", "b", total=9)

    with pytest.raises(Unproven):
        ids(fetch)
    assert len(asked) == 2


def test_a_listing_by_cursor_ends_where_no_cursor_comes() -> None:
    pages = {
        None: page("a", total=None, cursor="x"),
        "x": page(total=None, cursor="y"),
        "y": page("b", total=None),
    }
    assert ids(by_cursor(pages)) == ("a", "b")


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param({None: page("a", total=3, cursor="x"), "x": page("b", total=3)}, id="too few"),
        pytest.param({None: page("a", total=2, cursor="x"), "x": page("a", total=2)}, id="twice"),
        pytest.param(
            {None: page("a", total=2, cursor="x"), "x": page("b", total=2, cursor="x")},
            id="stands still",
        ),
    ],
)
def test_a_listing_by_cursor_is_proven_too(pages: dict[str | None, Page[RemoteUser]]) -> None:
    with pytest.raises(Unproven):
        ids(by_cursor(pages))


def test_a_provider_that_has_new_rows_for_ever_is_noticed_by_its_total() -> None:
    asked: list[Position] = []

    def fetch(position: Position) -> Page[RemoteUser]:
        asked.append(position)
        number = len(asked)
        return page(f"row {number}", total=3, cursor=f"after {number}")

    with pytest.raises(Unproven, match="4 resources came where there are 3"):
        ids(fetch)
    assert len(asked) == 4


def test_a_page_is_read_whatever_its_case_and_number_types() -> None:
    read = read_page({"totalresults": "1", "RESOURCES": [{"ID": 7}], "nextCursor": ""}, read_user)
    assert (read.total, read.next_cursor, [row.id for row in read.rows]) == (1, None, ["7"])


@pytest.mark.parametrize("body", [{}, {"totalResults": 1}, {"Resources": [{}]}, {"Resources": [3]}])
def test_a_page_that_cannot_be_counted_is_none(body: dict[str, object]) -> None:
    with pytest.raises(NotScim):
        read_page(body, read_user)
