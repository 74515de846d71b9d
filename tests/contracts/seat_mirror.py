"""Contract of `SeatBook.mirror`: the rows follow the target, and nobody's reservation is lost."""

from datetime import timedelta

import pytest

from idpsync.core.records import Seated
from idpsync.core.seats import Door
from tests.contracts.stores import CAUSE, Books, Opener, stock, wish
from tests.people import PREMIUM, STANDARD, account

SEATS = {PREMIUM: 1, STANDARD: 2}
LATER = timedelta(minutes=16)


def seated(name: str, tier: object = STANDARD) -> Seated:
    assert tier in {PREMIUM, STANDARD}
    return Seated(name, f"acc-{name}", PREMIUM if tier == PREMIUM else STANDARD)


class SeatMirrorContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh, seats=SEATS)

    def test_agreement_changes_nothing_and_says_nothing(self, books: Books) -> None:
        books.assign("ada", PREMIUM)
        before = books.events()

        assert books.store.seats.mirror([seated("ada", PREMIUM)], CAUSE) == ()
        assert books.events() == before

    def test_seats_that_the_target_knows_are_assigned(self, books: Books) -> None:
        (said,) = books.store.seats.mirror([seated("ada", PREMIUM)], CAUSE)

        assert said.startswith("ada")
        holding = books.store.seats.holding("ada")
        assert holding is not None
        assert (holding.tier, holding.account_id, holding.settled) == (PREMIUM, "acc-ada", True)
        assert books.store.seats.mirror([seated("ada", PREMIUM)], CAUSE) == ()

    def test_seats_that_the_target_does_not_know_are_freed(self, books: Books) -> None:
        books.assign("ada", PREMIUM)

        assert len(books.store.seats.mirror([], CAUSE)) == 1
        assert books.free(PREMIUM) == 1

    def test_a_live_reservation_stays_and_an_expired_one_is_freed(self, books: Books) -> None:
        books.store.seats.hold(wish("ada"), CAUSE)

        assert books.store.seats.mirror([], CAUSE) == ()
        assert books.tier_of("ada") == PREMIUM
        books.clock.advance(LATER)
        assert len(books.store.seats.mirror([], CAUSE)) == 1
        assert books.tier_of("ada") is None

    def test_a_reservation_that_the_target_confirms_is_assigned(self, books: Books) -> None:
        books.store.seats.hold(wish("ada"), CAUSE)
        books.clock.advance(LATER)

        assert len(books.store.seats.mirror([seated("ada", PREMIUM)], CAUSE)) == 1
        holding = books.store.seats.holding("ada")
        assert holding is not None
        assert (holding.settled, holding.door) == (True, Door.JIT)

    def test_a_tier_changed_at_the_target_is_followed(self, books: Books) -> None:
        books.assign("ada", PREMIUM)

        assert books.store.seats.mirror([seated("ada")], CAUSE) != ()
        assert books.tier_of("ada") == STANDARD
        assert (books.free(PREMIUM), books.free(STANDARD)) == (1, 1)

    def test_two_who_changed_places_are_followed(self, open_fresh: Opener) -> None:
        books = Books(open_fresh, seats={PREMIUM: 1, STANDARD: 1})
        books.assign("ada", PREMIUM)
        books.assign("bob", STANDARD)

        books.store.seats.mirror([seated("ada"), seated("bob", PREMIUM)], CAUSE)

        assert (books.tier_of("ada"), books.tier_of("bob")) == (STANDARD, PREMIUM)
        assert books.store.seats.pool().balance(PREMIUM) == 0

    def test_a_move_that_arrived_is_settled(self, books: Books) -> None:
        books.assign("ada", STANDARD)
        books.store.seats.move("ada", PREMIUM, CAUSE)

        books.store.seats.mirror([seated("ada", PREMIUM)], CAUSE)

        (holding,) = books.store.seats.holdings()
        assert (holding.tier, holding.settled) == (PREMIUM, True)

    def test_a_move_under_way_stays_until_it_expires(self, books: Books) -> None:
        books.assign("ada", STANDARD)
        books.store.seats.move("ada", PREMIUM, CAUSE)

        assert books.store.seats.mirror([seated("ada")], CAUSE) == ()
        assert len(books.store.seats.holdings()) == 2
        books.clock.advance(LATER)
        books.store.seats.mirror([seated("ada")], CAUSE)
        (holding,) = books.store.seats.holdings()
        assert (holding.tier, holding.moving) == (STANDARD, False)

    def test_an_exchange_cut_short_keeps_the_seat_that_is_on_its_way(self, books: Books) -> None:
        books.assign("ada", PREMIUM)
        books.assign("bob", STANDARD)
        books.store.seats.release("ada", CAUSE, yield_to="bob")
        books.store.seats.settle("bob", "acc-bob", CAUSE, yield_to="ada")

        # the target still has ada in premium: her move down was never carried out
        books.store.seats.mirror([seated("ada", PREMIUM), seated("bob", PREMIUM)], CAUSE)

        on_its_way = books.store.seats.holding("ada")
        assert on_its_way is not None
        assert (on_its_way.tier, on_its_way.moving) == (STANDARD, True)
        assert books.store.seats.pool().balance(PREMIUM) == -1

    def test_more_than_purchased_is_representable_and_opens_nothing(self, books: Books) -> None:
        names = ["ada", "bob", "cyd"]
        books.store.seats.mirror([seated(name, PREMIUM) for name in names], CAUSE)

        pool = books.store.seats.pool()
        assert (pool.assigned[PREMIUM], pool.balance(PREMIUM), pool.free(PREMIUM)) == (3, -2, 0)
        refused = books.store.seats.hold(wish("dan", PREMIUM), CAUSE)
        assert refused.because[-1] == "premium is full (3 of 1)"

    def test_overdrawn_seats_vanish_when_released(self, books: Books) -> None:
        names = ["ada", "bob", "cyd"]
        books.store.seats.mirror([seated(name, PREMIUM) for name in names], CAUSE)

        balances = []
        for name in names:
            books.store.seats.release(name, CAUSE)
            balances.append(books.store.seats.pool().balance(PREMIUM))

        assert balances == [-1, 0, 1]
        assert books.store.seats.hold(wish("dan", PREMIUM), CAUSE).tier == PREMIUM

    def test_buying_covers_what_was_overdrawn(self, books: Books) -> None:
        books.store.seats.mirror([seated(name, PREMIUM) for name in ("ada", "bob", "cyd")], CAUSE)

        stock(books.store, {PREMIUM: 4})

        assert books.free(PREMIUM) == 1
        books.store.seats.release("ada", CAUSE)
        assert books.free(PREMIUM) == 2

    def test_an_overdrawn_seat_can_be_handed_over_and_confirmed(self, books: Books) -> None:
        books.store.seats.mirror([seated("ada", PREMIUM), seated("bob", PREMIUM)], CAUSE)
        books.assign("cyd", STANDARD)

        books.store.seats.release("bob", CAUSE, yield_to="cyd")
        books.store.seats.settle("cyd", "acc-cyd", CAUSE)

        assert books.tier_of("cyd") == PREMIUM
        assert books.store.seats.pool().balance(PREMIUM) == -1

    def test_a_seat_newer_than_the_listing_is_left_alone(self, books: Books) -> None:
        listed_at = books.clock.now()
        books.clock.advance(timedelta(seconds=1))
        books.assign("ada", PREMIUM)

        assert books.store.seats.mirror([], CAUSE, listed_at) == ()
        assert books.tier_of("ada") == PREMIUM
        books.clock.advance(timedelta(seconds=1))
        assert books.store.seats.mirror([], CAUSE, books.clock.now()) != ()

    def test_a_seat_as_old_as_the_listing_is_left_alone(self, books: Books) -> None:
        books.assign("ada", PREMIUM)

        assert books.store.seats.mirror([], CAUSE, books.clock.now()) == ()
        assert books.store.seats.mirror([seated("ada")], CAUSE, books.clock.now()) == ()
        assert books.tier_of("ada") == PREMIUM

    def test_a_reservation_newer_than_the_listing_that_confirms_it_is_assigned(
        self, books: Books
    ) -> None:
        listed_at = books.clock.now()
        books.clock.advance(timedelta(seconds=1))
        books.store.seats.hold(wish("ada"), CAUSE)
        books.store.seats.hold(wish("bob"), CAUSE)

        said = books.store.seats.mirror([seated("ada", PREMIUM)], CAUSE, listed_at)

        assert len(said) == 1
        assert [(h.member, h.settled) for h in books.store.seats.holdings()] == [
            ("ada", True),
            ("bob", False),
        ]

    def test_a_move_newer_than_the_listing_that_confirms_it_is_settled(self, books: Books) -> None:
        books.assign("ada", STANDARD)
        books.clock.advance(timedelta(seconds=1))
        listed_at = books.clock.now()
        books.clock.advance(timedelta(seconds=1))
        books.store.seats.move("ada", PREMIUM, CAUSE)

        assert books.store.seats.mirror([seated("ada")], CAUSE, listed_at) == ()
        books.store.seats.mirror([seated("ada", PREMIUM)], CAUSE, listed_at)

        (holding,) = books.store.seats.holdings()
        assert (holding.tier, holding.settled) == (PREMIUM, True)

    def test_a_seat_just_settled_is_not_given_up_for_a_move_that_arrived(self, books: Books) -> None:
        listed_at = books.clock.now()
        books.assign("ada", STANDARD)
        books.store.seats.move("ada", PREMIUM, CAUSE)

        assert books.store.seats.mirror([seated("ada", PREMIUM)], CAUSE, listed_at) == ()
        assert len(books.store.seats.holdings()) == 2

    def test_each_difference_is_a_ledger_row_of_its_member(self, books: Books) -> None:
        books.assign("ada", PREMIUM)

        said = books.store.seats.mirror([seated("bob")], CAUSE)

        rows = [e for e in books.store.ledger.entries() if e.event == "seat.corrected"]
        assert [(row.member, row.because) for row in rows] == [
            ("ada", (said[0],)),
            ("bob", (said[1],)),
        ]

    def test_an_account_without_a_seat_at_the_target_has_none_here(self, books: Books) -> None:
        invited = account("ada", tier=None)
        books.assign("ada", STANDARD)

        told = [Seated(a.member, a.id, a.tier) for a in [invited] if a.tier]

        books.store.seats.mirror(told, CAUSE)
        assert books.tier_of("ada") is None
