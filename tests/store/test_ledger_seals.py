"""A ledger that was written to behind our back is found out, and the first bad row is named."""

import time
from threading import Thread

import pytest
from sqlalchemy import text

from idpsync.core.records import LedgerProof
from tests.contracts.ledger import entry
from tests.contracts.stores import Books
from tests.store.conftest import StoreOpener
from tests.store.shell import shell, without_guards


@pytest.fixture
def books(opener: StoreOpener) -> Books:
    """Ten rows under three seals, and one that is open."""
    books = Books(opener)
    for first, last in ((0, 4), (4, 7), (7, 10)):
        books.store.ledger.append([entry(n) for n in range(first, last)])
        assert books.store.ledger.seal() == last - first
    books.store.ledger.append([entry(10)])
    return books


def seqs(books: Books) -> list[int]:
    return [row.seq for row in books.store.ledger.entries() if row.seq is not None]


def tampered(
    books: Books, opener: StoreOpener, statement: str, table: str = "ledger", **values: object
) -> LedgerProof:
    without_guards(opener.url, table, statement, organization=opener.organization, **values)
    proof = books.store.ledger.verify()
    assert not proof.ok
    assert proof.problem
    return proof


@pytest.mark.parametrize("n", [0, 5, 9])
@pytest.mark.parametrize(
    "change",
    ["actor = 'eve'", "because = '[]'", "member = NULL", "detail = '{}'", "outcome = 'failed'"],
)
def test_a_changed_row_is_named(books: Books, opener: StoreOpener, n: int, change: str) -> None:
    seq = seqs(books)[n]

    proof = tampered(
        books,
        opener,
        f"UPDATE ledger SET {change} WHERE organization = :organization AND seq = :seq",
        seq=seq,
    )

    assert proof.first_bad == seq
    assert proof.sealed == {0: 0, 5: 4, 9: 7}[n]


@pytest.mark.parametrize("n", [0, 3, 5, 9])
def test_a_removed_row_is_named(books: Books, opener: StoreOpener, n: int) -> None:
    seq = seqs(books)[n]

    proof = tampered(
        books, opener, "DELETE FROM ledger WHERE organization = :organization AND seq = :seq", seq=seq
    )

    assert proof.first_bad == seq


def test_a_row_slipped_in_is_named(books: Books, opener: StoreOpener) -> None:
    lowest = min(seqs(books))

    proof = tampered(
        books,
        opener,
        "INSERT INTO ledger SELECT :seq, organization, at, actor, event, member, account_id, outcome,"
        " because, detail, run_id FROM ledger WHERE organization = :organization AND seq = :copied",
        seq=-lowest,
        copied=lowest,
    )

    assert proof.first_bad == -lowest


def test_two_rows_that_changed_places_are_found(books: Books, opener: StoreOpener) -> None:
    first, second, *_ = seqs(books)

    proof = tampered(
        books,
        opener,
        "UPDATE ledger SET detail = CASE seq"
        " WHEN :first THEN (SELECT detail FROM ledger WHERE seq = :second)"
        " ELSE (SELECT detail FROM ledger WHERE seq = :first) END"
        " WHERE organization = :organization AND seq IN (:first, :second)",
        first=first,
        second=second,
    )

    assert proof.first_bad == first


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_seal SET marks = '' WHERE organization = :organization AND n = 2",
        "UPDATE ledger_seal SET sha = 'x' WHERE organization = :organization AND n = 2",
        "UPDATE ledger_seal SET batch_sha = 'x' WHERE organization = :organization AND n = 2",
        "DELETE FROM ledger_seal WHERE organization = :organization AND n = 2",
    ],
)
def test_a_seal_that_was_touched_is_found(books: Books, opener: StoreOpener, change: str) -> None:
    proof = tampered(books, opener, change, table="ledger_seal")

    assert proof.sealed == 4
    assert proof.first_bad == seqs(books)[4]


def test_an_open_row_is_not_yet_protected_and_says_so(books: Books, opener: StoreOpener) -> None:
    assert books.store.ledger.verify().unsealed == 1

    statement = "DELETE FROM ledger WHERE organization = :organization AND seq = :seq"
    without_guards(
        opener.url, "ledger", statement, organization=opener.organization, seq=max(seqs(books))
    )

    assert books.store.ledger.verify().ok


@pytest.mark.server
def test_no_row_appears_below_a_seal(postgres_opener: StoreOpener) -> None:
    """A transaction that took its number early and commits late is waited for, or nothing is sealed."""
    books = Books(postgres_opener)
    columns = "organization, at, actor, event, outcome, because, detail"
    slow = text(
        f"INSERT INTO ledger ({columns})"
        " VALUES (:organization, now(), 'cli:slow', 'seat.held', 'done', '[]', '{}')"
    )
    sealed: list[int] = []
    sealer = Thread(target=lambda: sealed.append(books.store.ledger.seal()))
    with shell(postgres_opener.url) as connection:
        connection.execute(slow, {"organization": postgres_opener.organization})
        books.store.ledger.append([entry(1)])  # a higher number, committed first
        sealer.start()
        time.sleep(0.2)
        assert sealed == []
    sealer.join()

    assert sealed == [2]
    assert [row.actor for row in books.store.ledger.entries()] == ["cli:slow", "cli:ada"]
    assert books.store.ledger.verify().ok


@pytest.mark.server
def test_nothing_is_sealed_while_somebody_keeps_writing(postgres_opener: StoreOpener) -> None:
    books = Books(postgres_opener)
    columns = "organization, at, actor, event, outcome, because, detail"
    with shell(postgres_opener.url) as connection:
        connection.execute(
            text(
                f"INSERT INTO ledger ({columns})"
                " VALUES ('somebody else', now(), 'x', 'x', 'done', '[]', '{}')"
            )
        )
        books.store.ledger.append([entry(1)])
        assert books.store.ledger.seal() == 0
    assert books.store.ledger.seal() == 1
