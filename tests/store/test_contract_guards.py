"""What the database itself refuses of the contract and of seats that are upgraded."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from idpsync.core.contract import Item
from tests.contracts.contract_book import buy, upgrade
from tests.contracts.stores import Books
from tests.people import PREMIUM, STANDARD
from tests.store.conftest import StoreOpener
from tests.store.shell import shell

MINE = "WHERE organization = :organization"
COUNTS = f"UPDATE purchase SET applied_at = '2026-03-01T10:00:00.000000Z' {MINE} AND number = 2"
MADE = f"UPDATE capacity SET seats = 3 {MINE} AND tier = 'premium'"
EMPTIED = f"DELETE FROM seat {MINE} AND tier = 'standard' AND seat_no > 3 AND state = 'free'"
SHRINKS = f"UPDATE capacity SET seats = 3 {MINE} AND tier = 'standard'"
TOO_MUCH = f"UPDATE capacity SET seats = 2 {MINE} AND tier = 'standard'"
LINE = """
INSERT INTO purchase_line (organization, number, line, what, tier, upgraded_from, quantity, periods)
VALUES (:organization, :number, 9, :what, 'premium', :upgraded_from, :quantity, '10')
"""


@pytest.fixture
def books(opener: StoreOpener) -> Books:
    """5 standard seats and, bought with invoice 1, 1 premium; invoice 2 upgrades 2 of them later."""
    books = Books(opener, seats={STANDARD: 5})
    buy(books, Item(PREMIUM, 1))
    buy(books, upgrade(2), on=date(2026, 5, 1))
    return books


def by_hand(opener: StoreOpener, *statements: str, **values: object) -> None:
    """One transaction past all our code."""
    with shell(opener.url) as connection:
        for statement in statements:
            connection.execute(text(statement), {"organization": opener.organization, **values})


def refused(opener: StoreOpener, *statements: str, **values: object) -> str:
    with pytest.raises(DatabaseError) as caught:
        by_hand(opener, *statements, **values)
    return str(caught.value.orig)


@pytest.mark.parametrize(
    "statements",
    [
        (EMPTIED, SHRINKS),  # nothing is upgraded
        (MADE, EMPTIED, SHRINKS),  # its day has not come
        (COUNTS, EMPTIED, SHRINKS),  # the seats upgraded to are not there
        (COUNTS, MADE, SHRINKS),  # the rows are still there
        (COUNTS, MADE, EMPTIED, TOO_MUCH),
        (COUNTS, MADE, EMPTIED, SHRINKS, TOO_MUCH),
    ],
)
def test_a_tier_shrinks_by_an_upgrade_that_counts_and_by_nothing_else(
    books: Books, opener: StoreOpener, statements: tuple[str, ...]
) -> None:
    assert "a contract never shrinks" in refused(opener, *statements)

    assert books.store.seats.pool().purchased == {PREMIUM: 1, STANDARD: 5}


def test_a_tier_shrinks_by_an_upgrade_that_counts(books: Books, opener: StoreOpener) -> None:
    by_hand(opener, COUNTS, MADE, EMPTIED, SHRINKS)

    assert books.store.seats.pool().purchased == {PREMIUM: 3, STANDARD: 3}


def test_a_tier_does_not_shrink_below_the_rows_that_people_sit_in(
    books: Books, opener: StoreOpener
) -> None:
    for name in ("ada", "bob", "cyd", "dan", "eve"):
        books.assign(name, STANDARD)

    assert "a contract never shrinks" in refused(opener, COUNTS, MADE, EMPTIED, SHRINKS)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contract SET ends = '2100-01-01'",
        "UPDATE contract SET seats = '{}'",
        "DELETE FROM contract",
        "UPDATE purchase SET currency = 'EUR'",
        "UPDATE purchase SET on_day = '2026-01-01'",
        "UPDATE purchase SET applied_at = NULL",
        "UPDATE purchase SET applied_at = '2026-04-01T10:00:00.000000Z'",  # invoice 1 has it already
        "DELETE FROM purchase",
        "UPDATE purchase_line SET quantity = 1",
        "UPDATE purchase_line SET amount = '0.00'",
        "DELETE FROM purchase_line",
    ],
)
def test_contract_and_purchases_are_written_once(
    books: Books, opener: StoreOpener, statement: str
) -> None:
    before = books.store.contracts.contract(), books.store.contracts.purchases()

    assert "written once" in refused(opener, f"{statement} {MINE}")

    assert (books.store.contracts.contract(), books.store.contracts.purchases()) == before


def test_a_purchase_that_counts_gets_no_more_lines(books: Books, opener: StoreOpener) -> None:
    more = {"what": "upgrade", "upgraded_from": "standard", "quantity": 3}

    assert "gets no more lines" in refused(opener, LINE, number=1, **more)
    by_hand(opener, LINE, number=2, **more)


@pytest.mark.parametrize(
    ("what", "upgraded_from", "quantity"),
    [
        ("add", None, 0),
        ("add", None, -5),
        ("add", "standard", 1),
        ("upgrade", None, 1),
        ("upgrade", "premium", 1),
        ("give", None, 1),
    ],
)
def test_a_line_is_an_addition_or_an_upgrade(
    books: Books, opener: StoreOpener, what: str, upgraded_from: str | None, quantity: int
) -> None:
    before = books.store.contracts.purchases()

    refused(opener, LINE, number=2, what=what, upgraded_from=upgraded_from, quantity=quantity)

    assert books.store.contracts.purchases() == before


@pytest.mark.server
@pytest.mark.parametrize("tables", ["purchase_line", "contract, purchase, purchase_line"])
def test_what_was_bought_cannot_be_emptied_at_once(postgres_opener: StoreOpener, tables: str) -> None:
    Books(postgres_opener)

    assert "written once" in refused(postgres_opener, f"TRUNCATE {tables}")
