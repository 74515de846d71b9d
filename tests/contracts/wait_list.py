"""Contract of `WaitList`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import LeaseLost
from idpsync.core.seats import Door, WaitEntry
from tests.contracts.stores import CAUSE, Books, Opener, wish
from tests.people import NOW, PREMIUM, STANDARD


def entry(member: str, minutes: int = 0, priority: int = 0) -> WaitEntry:
    return WaitEntry(
        member=member,
        user_name=f"{member}@acme.example",
        wants=PREMIUM,
        since=NOW + timedelta(minutes=minutes),
        holds=STANDARD,
        priority=priority,
        because=("premium is full (1 of 1)",),
        accepts=(PREMIUM,),
        door=Door.JIT,
    )


class WaitListContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh, seats={PREMIUM: 1, STANDARD: 5})

    def test_entries_come_back_whole_and_in_queue_order(self, books: Books) -> None:
        owed = replace(entry("eve", 9), owed=True)
        waiting = [entry("ada", 2), entry("bob", 1), entry("cyd", 3, priority=5), owed]

        books.store.waiting.replace(waiting, CAUSE)

        assert books.store.waiting.entries() == (owed, waiting[2], waiting[1], waiting[0])
        assert books.store.seats.pool().waiting == books.store.waiting.entries()

    def test_an_entry_that_stays_keeps_its_place_and_takes_its_new_facts(self, books: Books) -> None:
        books.store.waiting.replace([entry("ada")], CAUSE)

        books.store.waiting.replace([replace(entry("ada", 60), priority=3)], CAUSE)

        assert books.store.waiting.entries() == (replace(entry("ada"), priority=3),)
        assert books.events("ada") == ["wish.queued"]

    def test_whoever_is_not_named_any_more_is_gone(self, books: Books) -> None:
        books.store.waiting.replace([entry("ada"), entry("bob")], CAUSE)

        books.store.waiting.replace([entry("bob")], CAUSE)

        assert [e.member for e in books.store.waiting.entries()] == ["bob"]
        assert books.events("ada") == ["wish.queued", "wish.dropped"]

    def test_a_wish_made_after_the_plan_stays(self, books: Books) -> None:
        books.store.waiting.replace([entry("ada", 0), entry("bob", 5)], CAUSE)

        books.store.waiting.replace([], CAUSE, NOW + timedelta(minutes=1))

        assert [e.member for e in books.store.waiting.entries()] == ["bob"]

    def test_dropping_ends_a_wish_once(self, books: Books) -> None:
        books.store.waiting.replace([entry("ada")], CAUSE)

        books.store.waiting.drop("ada", CAUSE)
        books.store.waiting.drop("ada", CAUSE)

        assert books.store.waiting.entries() == ()
        assert books.events("ada") == ["wish.queued", "wish.dropped"]

    def test_every_accepted_tier_is_kept_from_newcomers(self, books: Books) -> None:
        both = replace(entry("ada"), holds=None, accepts=(PREMIUM, STANDARD))
        books.store.waiting.replace([both], CAUSE)

        assert books.store.seats.hold(wish("bob", PREMIUM), CAUSE).tier is None
        assert books.store.waiting.entries()[0] == both

        books.store.waiting.replace([both], CAUSE)
        assert books.store.seats.hold(wish("cyd", PREMIUM), CAUSE).tier is None
        books.store.waiting.replace([], CAUSE)
        assert books.store.seats.hold(wish("bob", PREMIUM), CAUSE).tier == PREMIUM

    def test_what_is_owed_is_put_down_and_stands_first(self, books: Books) -> None:
        debt = replace(entry("ada", 5), wants=STANDARD, holds=STANDARD, accepts=(STANDARD,))
        books.store.waiting.replace([entry("bob", priority=9)], CAUSE)

        books.store.waiting.owe(debt, CAUSE)
        books.store.waiting.owe(debt, CAUSE)

        assert books.store.waiting.entries()[0] == replace(debt, owed=True)
        assert books.events("ada") == ["wish.owed"]
        assert books.store.seats.pool().waiting[0].member == "ada"

    def test_a_wish_that_is_there_keeps_its_place_and_is_owed_the_tier_too(self, books: Books) -> None:
        old = entry("ada", priority=3)
        books.store.waiting.replace([old], CAUSE)

        books.store.waiting.owe(replace(entry("ada", 60), wants=STANDARD), CAUSE)

        owed = replace(old, owed=True, accepts=(PREMIUM, STANDARD))
        assert books.store.waiting.entries() == (owed,)
        for number in range(4):
            assert books.store.seats.hold(wish(f"n{number}", STANDARD), CAUSE).tier == STANDARD
        assert books.store.seats.hold(wish("n4", STANDARD), CAUSE).tier is None

    def test_what_was_owed_before_it_was_given_up_stays_as_it_is(self, books: Books) -> None:
        books.assign("ada", STANDARD)
        debt = replace(entry("ada"), wants=STANDARD, holds=None, accepts=(STANDARD, PREMIUM))
        books.store.waiting.owe(debt, CAUSE)

        books.store.seats.release("ada", CAUSE, yield_to="bob")

        assert books.store.waiting.entries() == (replace(debt, owed=True),)

    def test_a_seat_given_up_is_among_what_somebody_waiting_accepts(self, books: Books) -> None:
        books.assign("ada", STANDARD)
        books.store.waiting.replace([entry("ada")], CAUSE)

        books.store.seats.release("ada", CAUSE, yield_to="bob")

        owed = replace(entry("ada"), owed=True, holds=None, accepts=(PREMIUM, STANDARD))
        assert books.store.waiting.entries() == (owed,)

    def test_a_debt_is_paid_by_any_seat_it_accepts(self, books: Books) -> None:
        debt = replace(entry("ada"), accepts=(PREMIUM, STANDARD))
        books.store.waiting.owe(debt, CAUSE)
        books.store.seats.move("ada", STANDARD, CAUSE)

        books.store.seats.settle("ada", "acc-ada", CAUSE)

        assert books.store.waiting.entries() == ()

    def test_nobody_seated_is_owed_and_a_wish_for_better_stays(self, books: Books) -> None:
        books.store.waiting.owe(replace(entry("ada"), holds=None), CAUSE)
        books.store.seats.move("ada", STANDARD, CAUSE)

        books.store.seats.settle("ada", "acc-ada", CAUSE)

        assert books.store.waiting.entries() == (entry("ada"),)

    def test_a_stale_leader_puts_no_debt_down(self, books: Books) -> None:
        books.store.lease.acquire("leader", "one", timedelta(hours=1))

        with pytest.raises(LeaseLost):
            books.store.waiting.owe(entry("ada"), replace(CAUSE, token=99))

        assert books.store.waiting.entries() == ()
