"""Contract of `Assignments`: what was given by hand is kept until it is given otherwise."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.errors import LeaseLost
from idpsync.core.membership import Assignment
from idpsync.core.records import Cause
from idpsync.core.seats import Tier
from tests.contracts.stores import CAUSE, Books, Opener
from tests.people import NOW, PREMIUM, STANDARD


def given(name: str, tier: Tier | None = PREMIUM) -> Assignment:
    return Assignment(name, tier, "cli:root", NOW)


class AssignmentsContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh)

    def test_a_tier_and_no_seat_are_both_kept(self, books: Books) -> None:
        for one in (given("bob", None), given("ada")):
            books.store.assignments.put(one, CAUSE)

        assert books.store.assignments.all() == {"ada": given("ada"), "bob": given("bob", None)}
        (row,) = books.store.ledger.entries("bob")
        assert (row.event, row.because) == ("member.assigned", CAUSE.because)
        assert row.detail == {"tier": None, "by": "cli:root"}

    def test_several_are_given_at_once(self, books: Books) -> None:
        books.store.assignments.put(given("bob"), CAUSE, given("ada", STANDARD), given("cyd", None))

        found = {name: one.tier for name, one in books.store.assignments.all().items()}
        assert found == {"ada": STANDARD, "bob": PREMIUM, "cyd": None}
        assert books.events().count("member.assigned") == 3

    def test_what_was_given_last_counts(self, books: Books) -> None:
        later = Assignment("ada", STANDARD, "cli:eve", NOW + timedelta(days=1))
        books.store.assignments.put(given("ada"), CAUSE)

        books.store.assignments.put(later, CAUSE)

        assert books.store.assignments.all() == {"ada": later}
        assert [row.detail["tier"] for row in books.store.ledger.entries("ada")] == [
            "premium",
            "standard",
        ]

    def test_the_same_given_twice_is_recorded_once(self, books: Books) -> None:
        for _ in range(2):
            books.store.assignments.put(given("ada"), CAUSE)

        assert books.events("ada") == ["member.assigned"]

    def test_what_is_dropped_is_gone(self, books: Books) -> None:
        for name in ("ada", "bob"):
            books.store.assignments.put(given(name), CAUSE)

        for _ in range(2):
            books.store.assignments.drop("ada", CAUSE)

        assert books.store.assignments.all() == {"bob": given("bob")}
        assert books.events("ada") == ["member.assigned", "member.unassigned"]

    def test_it_follows_a_new_name(self, books: Books) -> None:
        books.store.assignments.put(given("ada"), CAUSE)

        for _ in range(2):
            books.store.seats.rename("ada", "adele", CAUSE)

        assert books.store.assignments.all() == {"adele": given("adele")}
        assert books.events("adele") == ["member.renamed"]

    @pytest.mark.parametrize("days", [-1, 1])
    def test_of_two_for_one_person_the_newer_counts(self, books: Books, days: int) -> None:
        theirs = replace(given("adele", STANDARD), at=NOW + timedelta(days=days))
        books.store.assignments.put(given("ada"), CAUSE)
        books.store.assignments.put(theirs, CAUSE)

        books.store.seats.rename("ada", "adele", CAUSE)

        newer = theirs if days > 0 else given("adele")
        assert books.store.assignments.all() == {"adele": newer}

    def test_it_follows_the_account_it_was_given_to(self, books: Books) -> None:
        for one in (given("ada"), given("bob", None)):
            books.store.assignments.put(one, CAUSE)
        ada, bob = replace(given("ada"), account_id="1"), replace(given("bob", None), account_id="2")

        books.store.assignments.follow({"1": "ada", "2": "bob", "3": "cyd"}, CAUSE)
        assert books.store.assignments.all() == {"ada": ada, "bob": bob}

        for _ in range(2):
            books.store.assignments.follow({"1": "adele", "2": "ada"}, CAUSE)
        renamed = {"adele": replace(ada, member="adele"), "ada": replace(bob, member="ada")}
        assert books.store.assignments.all() == renamed
        assert books.events("adele") == ["member.renamed"]

    @pytest.mark.parametrize("days", [-1, 1])
    def test_of_two_that_meet_under_one_name_the_newer_counts(self, books: Books, days: int) -> None:
        mine = replace(given("ada"), account_id="1")
        theirs = replace(given("adele", STANDARD), at=NOW + timedelta(days=days))
        for one in (mine, theirs):
            books.store.assignments.put(one, CAUSE)

        books.store.assignments.follow({"1": "adele"}, CAUSE)

        newer = theirs if days > 0 else mine
        expected = replace(newer, member="adele", account_id="1")
        assert books.store.assignments.all() == {"adele": expected}

    def test_an_account_that_is_gone_leaves_it_to_its_name(self, books: Books) -> None:
        books.store.assignments.put(replace(given("ada"), account_id="1"), CAUSE)

        books.store.assignments.follow({"2": "bob"}, CAUSE)
        assert books.store.assignments.all() == {"ada": replace(given("ada"), account_id="1")}

        books.store.assignments.follow({"3": "ada"}, CAUSE)
        assert books.store.assignments.all() == {"ada": replace(given("ada"), account_id="3")}

    def test_a_stale_leader_gives_nothing(self, books: Books) -> None:
        books.store.assignments.put(given("ada"), CAUSE)
        old = books.store.lease.acquire("leader", "one", timedelta(0))
        books.store.lease.acquire("leader", "two", timedelta(hours=1))
        stale = Cause("sync", token=old)

        with pytest.raises(LeaseLost):
            books.store.assignments.put(given("ada", None), stale)
        with pytest.raises(LeaseLost):
            books.store.assignments.drop("ada", stale)
        with pytest.raises(LeaseLost):
            books.store.assignments.follow({"1": "ada"}, stale)

        assert books.store.assignments.all() == {"ada": given("ada")}
