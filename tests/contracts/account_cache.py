"""Contract of `AccountCache`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.drift import IN_DOUBT, drift, facts_of
from idpsync.core.errors import LeaseLost
from tests.contracts.stores import CAUSE, Books, Opener
from tests.people import NOW, PREMIUM, account

LATER = NOW + timedelta(hours=1)


class AccountCacheContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh)

    def test_an_empty_cache_knows_no_account_and_no_consent(self, books: Books) -> None:
        known = books.store.known.recall(NOW)

        assert (known.lines, known.saved, known.taken_over) == ({}, False, False)

    def test_a_listing_replaces_the_one_before(self, books: Books) -> None:
        books.store.known.replace([account("ada"), account("bob")], (), CAUSE, NOW)
        moved = account("bob", PREMIUM)

        books.store.known.replace([moved, account("cyd")], (), CAUSE, LATER)

        known = books.store.known.recall(LATER)
        assert known.lines == {"acc-bob": facts_of(moved), "acc-cyd": facts_of(account("cyd"))}
        assert known.saved

    def test_a_write_of_ours_is_known_without_a_listing(self, books: Books) -> None:
        books.store.known.note(account("ada"))
        books.store.known.note(account("ada", PREMIUM))
        books.store.known.note(account("bob"))
        books.store.known.forget("acc-bob")

        known = books.store.known.recall(NOW)
        assert known.lines == {"acc-ada": facts_of(account("ada", PREMIUM))}
        assert not known.saved

    def test_what_was_written_after_the_listing_is_in_doubt_and_outlives_it(self, books: Books) -> None:
        books.store.known.replace([account("ada"), account("bob"), account("cyd")], (), CAUSE, NOW)
        books.clock.advance(timedelta(hours=2))
        books.store.known.note(account("ada", PREMIUM))
        books.store.known.note(account("zoe"))
        books.store.known.doubt("acc-cyd")

        assert books.store.known.recall(LATER).lines == {
            "acc-ada": IN_DOUBT,
            "acc-bob": facts_of(account("bob")),
            "acc-cyd": IN_DOUBT,
            "acc-zoe": IN_DOUBT,
        }
        books.store.known.replace([account("ada"), account("cyd")], (), CAUSE, LATER)

        assert books.store.known.recall(books.clock.now()).lines == {
            "acc-ada": facts_of(account("ada", PREMIUM)),
            "acc-cyd": IN_DOUBT,
            "acc-zoe": facts_of(account("zoe")),
        }

    def test_a_listing_after_the_write_ends_the_doubt(self, books: Books) -> None:
        books.store.known.doubt("acc-ada")
        books.store.known.doubt("bob")

        books.store.known.replace([account("ada")], (), CAUSE, LATER)

        assert books.store.known.recall(LATER).lines == {"acc-ada": facts_of(account("ada"))}

    def test_what_was_seen_stands_in_the_ledger_with_before_and_after(self, books: Books) -> None:
        before, now = account("ada"), account("ada", PREMIUM)
        seen = drift({before.id: facts_of(before)}, [now])

        books.store.known.replace([now], seen, CAUSE, NOW)

        (row,) = books.store.ledger.entries("ada@acme.example")
        assert (row.event, row.account_id, row.run_id) == ("drift.seen", "acc-ada", "run-1")
        assert row.because == ("ada@acme.example: tier standard → premium",)
        assert row.detail == {
            "kind": "tier",
            "attribute": "tier",
            "before": "standard",
            "after": "premium",
        }

    def test_consent_is_put_down_once(self, books: Books) -> None:
        books.store.known.replace([account("ada")], (), CAUSE, NOW)
        books.store.known.take_over(CAUSE)
        books.store.known.take_over(CAUSE)

        known = books.store.known.recall(NOW)
        assert known.taken_over
        assert known.saved
        assert books.events() == ["target.adopted"]

    def test_a_stale_leader_keeps_nothing(self, books: Books) -> None:
        books.store.lease.acquire("leader", "somebody else", timedelta(seconds=60))
        stale = replace(CAUSE, token=99)

        with pytest.raises(LeaseLost):
            books.store.known.replace([account("ada")], (), stale, NOW)
        with pytest.raises(LeaseLost):
            books.store.known.take_over(stale)
        assert books.store.known.recall(NOW).lines == {}
        assert not books.store.known.recall(NOW).taken_over
