"""Contract of `Ledger`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import LeaseLost
from idpsync.core.records import Cause, LedgerEntry
from tests.contracts.stores import Books, Opener
from tests.people import NOW


def entry(n: int, member: str | None = "ada") -> LedgerEntry:
    return LedgerEntry(
        at=NOW + timedelta(minutes=n, microseconds=n),
        actor="cli:ada",
        event="account.created",
        member=member,
        account_id="acc-1",
        outcome="done",
        because=("group 'Prämien' → premium", "it's so"),
        detail={"n": n, "nested": {"b": [1, None, True], "a": "x"}},
        run_id="run-1",
    )


class LedgerContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh)

    def test_rows_come_back_whole_and_in_order(self, books: Books) -> None:
        books.store.ledger.append([entry(1), entry(2)])
        books.store.ledger.append([entry(3, None)])

        found = books.store.ledger.entries()

        assert [row.detail["n"] for row in found] == [1, 2, 3]
        first = found[0]
        assert first == replace(entry(1), seq=first.seq)
        seqs = [row.seq for row in found if row.seq is not None]
        assert seqs == sorted(set(seqs))

    def test_rows_can_be_asked_for_by_member_time_and_number(self, books: Books) -> None:
        books.store.ledger.append([entry(n, "ada" if n % 2 else "bob") for n in range(6)])
        read = books.store.ledger.entries

        assert [row.detail["n"] for row in read(member="ada")] == [1, 3, 5]
        assert [row.detail["n"] for row in read(since=NOW + timedelta(minutes=4))] == [4, 5]
        assert [row.detail["n"] for row in read(limit=2)] == [4, 5]
        assert [row.detail["n"] for row in read(member="bob", limit=1)] == [4]
        assert read(limit=0) == ()

    def test_sealing_covers_what_is_not_sealed_yet(self, books: Books) -> None:
        books.store.ledger.append([entry(1), entry(2)])

        assert books.store.ledger.seal() == 2
        assert books.store.ledger.seal() == 0
        first = books.store.ledger.verify()
        books.store.ledger.append([entry(3)])
        open_ones = books.store.ledger.verify()
        assert books.store.ledger.seal() == 1
        second = books.store.ledger.verify()

        assert (first.ok, first.sealed, first.unsealed) == (True, 2, 0)
        assert (open_ones.ok, open_ones.unsealed, open_ones.head) == (True, 1, first.head)
        assert (second.ok, second.sealed) == (True, 3)
        assert len({first.head, second.head, ""}) == 3

    def test_an_empty_ledger_is_in_order(self, books: Books) -> None:
        proof = books.store.ledger.verify()

        assert (proof.ok, proof.sealed, proof.unsealed, proof.head) == (True, 0, 0, "")

    def test_a_stale_leader_records_nothing(self, books: Books) -> None:
        token = books.store.lease.acquire("leader", "one", timedelta(0))

        with pytest.raises(LeaseLost):
            books.store.ledger.append([entry(1)], Cause("sync", token=token))
        assert books.store.ledger.entries() == ()
