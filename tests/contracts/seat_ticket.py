"""Contract of `SeatBook.cancel`: a reservation is given back by whoever made it, while it is theirs."""

from datetime import timedelta

import pytest

from tests.contracts.stores import CAUSE, Books, Opener, wish
from tests.people import PREMIUM, STANDARD

TTL = timedelta(minutes=15)


class SeatTicketContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh, seats={PREMIUM: 1, STANDARD: 2})

    def test_nobody_cancels_a_reservation_without_the_ticket_of_its_maker(self, books: Books) -> None:
        ticket = books.store.seats.hold(wish("ada"), CAUSE).ticket
        assert ticket is not None

        books.store.seats.cancel("ada", CAUSE)
        books.store.seats.cancel("ada", CAUSE, ticket + 1)

        assert books.tier_of("ada") == PREMIUM
        assert "seat.cancelled" not in books.events("ada")
        books.store.seats.cancel("ada", CAUSE, ticket)
        assert books.tier_of("ada") is None

    def test_a_reservation_that_somebody_joined_is_nobodys_to_cancel(self, books: Books) -> None:
        made = books.store.seats.hold(wish("ada"), CAUSE)

        joined = books.store.seats.hold(wish("ada"), CAUSE)

        assert (joined.tier, joined.ticket) == (PREMIUM, None)
        for ticket in (made.ticket, joined.ticket):
            books.store.seats.cancel("ada", CAUSE, ticket)
        assert books.tier_of("ada") == PREMIUM

    def test_a_ticket_opens_no_later_reservation_of_its_member(self, books: Books) -> None:
        old = books.store.seats.hold(wish("ada", STANDARD), CAUSE)
        books.clock.advance(TTL)
        books.store.seats.mirror([], CAUSE)
        new = books.store.seats.hold(wish("ada"), CAUSE)
        assert None not in {old.ticket, new.ticket}

        books.store.seats.cancel("ada", CAUSE, old.ticket)

        assert books.tier_of("ada") == PREMIUM
        books.store.seats.cancel("ada", CAUSE, new.ticket)
        assert books.tier_of("ada") is None

    def test_a_seat_handed_over_is_freed_by_no_ticket(self, books: Books) -> None:
        books.assign("ada", PREMIUM)
        books.store.seats.hold(wish("bob", PREMIUM), CAUSE)
        books.store.seats.release("ada", CAUSE, yield_to="bob")

        books.store.seats.cancel("bob", CAUSE)

        assert books.tier_of("bob") == PREMIUM

    def test_whoever_gets_no_seat_has_no_ticket(self, books: Books) -> None:
        books.assign("ada", PREMIUM)

        assert books.store.seats.hold(wish("bob", PREMIUM), CAUSE).ticket is None
        assert books.store.seats.hold(wish("ada"), CAUSE).ticket is None
