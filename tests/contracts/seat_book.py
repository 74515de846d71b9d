"""Contract of `SeatBook`: what every seat book does, whatever it is made of."""

from datetime import timedelta

import pytest

from idpsync.core.errors import Conflict, LeaseLost
from idpsync.core.records import Cause, Seated
from idpsync.core.seats import Claim, Door, Ladder
from tests.contracts.stores import CAUSE, Books, Opener, wish
from tests.people import NOW, PREMIUM, STANDARD

SEATS = {PREMIUM: 1, STANDARD: 2}
TTL = timedelta(minutes=15)


class SeatBookContract:
    """Holding, waiting, settling and giving back."""

    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        return Books(open_fresh, seats=SEATS)

    def test_the_best_open_option_is_reserved(self, books: Books) -> None:
        placement = books.store.seats.hold(wish("ada"), CAUSE)

        assert (placement.tier, placement.waits_for) == (PREMIUM, None)
        holding = books.store.seats.holding("ada")
        assert holding is not None
        assert (holding.tier, holding.door, holding.account_id) == (PREMIUM, Door.JIT, None)
        assert (holding.since, holding.expires_at) == (NOW, NOW + TTL)
        assert books.store.seats.pool().held == {PREMIUM: 1, STANDARD: 0}
        assert books.events("ada") == ["seat.held"]

    def test_a_full_tier_gives_the_next_one_and_a_place_in_the_queue(self, books: Books) -> None:
        books.store.seats.hold(wish("ada"), CAUSE)

        placement = books.store.seats.hold(wish("bob"), CAUSE)

        assert (placement.tier, placement.waits_for) == (STANDARD, PREMIUM)
        assert placement.because[-1] == "premium is full (1 of 1)"
        (entry,) = books.store.waiting.entries()
        assert (entry.member, entry.wants, entry.holds, entry.accepts) == (
            "bob",
            PREMIUM,
            STANDARD,
            (PREMIUM,),
        )
        assert (entry.since, entry.door, entry.user_name) == (NOW, Door.JIT, "bob@acme.example")

    def test_whoever_is_content_with_any_tier_does_not_wait(self, books: Books) -> None:
        books.store.seats.hold(wish("ada"), CAUSE)

        placement = books.store.seats.hold(wish("bob", flexible=True), CAUSE)

        assert (placement.tier, placement.waits_for) == (STANDARD, None)
        assert books.store.waiting.entries() == ()

    def test_without_a_seat_the_wish_is_kept_and_the_refusal_recorded(self, books: Books) -> None:
        for name in ("ada", "bob", "cyd"):
            books.store.seats.hold(wish(name), CAUSE)

        placement = books.store.seats.hold(wish("dan"), CAUSE)

        assert (placement.tier, placement.waits_for) == (None, PREMIUM)
        assert placement.because[1:] == ("premium is full (1 of 1)", "standard is full (2 of 2)")
        entry = books.store.waiting.entries()[-1]
        assert (entry.member, entry.holds, entry.accepts) == ("dan", None, (PREMIUM, STANDARD))
        (row,) = books.store.ledger.entries("dan")
        assert (row.event, row.outcome, row.because) == ("seat.denied", "refused", placement.because)

    def test_asking_again_gives_the_same_seat_and_takes_no_second_one(self, books: Books) -> None:
        first = books.store.seats.hold(wish("ada"), CAUSE)
        books.clock.advance(timedelta(minutes=5))

        again = books.store.seats.hold(wish("ada"), CAUSE)

        assert again.tier == first.tier
        assert len(books.store.seats.holdings()) == 1
        holding = books.store.seats.holding("ada")
        assert holding is not None
        assert holding.expires_at == NOW + timedelta(minutes=20)

    def test_a_wish_that_is_repeated_keeps_its_place(self, books: Books) -> None:
        books.assign("ada", PREMIUM)
        books.store.seats.hold(wish("bob", PREMIUM), CAUSE)
        books.clock.advance(timedelta(hours=1))
        books.store.seats.hold(wish("cyd", PREMIUM), CAUSE)

        books.store.seats.hold(wish("bob", PREMIUM), CAUSE)

        assert [(e.member, e.since) for e in books.store.waiting.entries()] == [
            ("bob", NOW),
            ("cyd", NOW + timedelta(hours=1)),
        ]

    def test_nobody_new_overtakes_the_waiting(self, books: Books) -> None:
        books.assign("ada", PREMIUM)
        books.store.seats.hold(wish("bob", PREMIUM), CAUSE)
        books.store.seats.release("ada", CAUSE)

        newcomer = books.store.seats.hold(wish("cyd"), CAUSE)

        assert newcomer.tier == STANDARD
        assert newcomer.because[-1] == "the free premium seats are waited for by others"
        bob = Claim("bob", "bob", (PREMIUM,), since=NOW)
        assert books.store.seats.hold(bob, CAUSE).tier == PREMIUM
        assert [e.member for e in books.store.waiting.entries()] == ["cyd"]

    def test_a_higher_priority_goes_before_the_waiting(self, books: Books) -> None:
        books.assign("ada", PREMIUM)
        books.store.seats.hold(wish("bob", PREMIUM, priority=1), CAUSE)
        books.store.seats.release("ada", CAUSE)

        assert books.store.seats.hold(wish("cyd", PREMIUM, priority=2), CAUSE).tier == PREMIUM

    def test_the_longer_wait_goes_first_among_equals(self, books: Books) -> None:
        books.assign("ada", PREMIUM)
        books.store.seats.hold(wish("bob", PREMIUM), CAUSE)
        books.clock.advance(timedelta(hours=1))
        books.store.seats.hold(wish("cyd", PREMIUM), CAUSE)
        books.store.seats.release("ada", CAUSE)

        late = Claim("cyd", "cyd", (PREMIUM,), since=NOW + timedelta(hours=1))
        early = Claim("bob", "bob", (PREMIUM,), since=NOW)

        assert books.store.seats.hold(late, CAUSE).tier is None
        assert books.store.seats.hold(early, CAUSE).tier == PREMIUM

    def test_the_reserve_is_closed_to_sync_alone(self, open_fresh: Opener) -> None:
        books = Books(open_fresh, seats=SEATS, reserved={STANDARD: 2})

        refused = books.store.seats.hold(wish("ada", STANDARD, door=Door.SYNC), CAUSE)

        assert refused.tier is None
        assert refused.because[-1] == "the last 2 standard seats are kept for logins"
        assert books.store.seats.hold(wish("bob", STANDARD, priority=1), CAUSE).tier == STANDARD

    def test_settling_assigns_the_seat(self, books: Books) -> None:
        books.store.seats.hold(wish("ada"), CAUSE)

        books.store.seats.settle("ada", "acc-ada", CAUSE)
        books.store.seats.settle("ada", "acc-ada", CAUSE)

        holding = books.store.seats.holding("ada")
        assert holding is not None
        assert (holding.account_id, holding.expires_at, holding.settled) == ("acc-ada", None, True)
        pool = books.store.seats.pool()
        assert (pool.assigned[PREMIUM], pool.held[PREMIUM]) == (1, 0)

    def test_settling_without_a_seat_is_recorded_as_failed(self, books: Books) -> None:
        books.store.seats.settle("ada", "acc-ada", CAUSE)

        assert books.store.seats.holding("ada") is None
        (row,) = books.store.ledger.entries("ada")
        assert (row.event, row.outcome, row.account_id) == ("seat.settled", "failed", "acc-ada")

    def test_a_move_keeps_the_old_seat_until_it_is_settled(self, books: Books) -> None:
        books.assign("ada", STANDARD)

        assert books.store.seats.move("ada", PREMIUM, CAUSE)

        holding = books.store.seats.holding("ada")
        assert holding is not None
        assert (holding.tier, holding.moving, holding.account_id) == (PREMIUM, True, None)
        assert [(h.tier, h.moving) for h in books.store.seats.holdings()] == [
            (STANDARD, False),
            (PREMIUM, True),
        ]
        books.store.seats.settle("ada", "acc-ada", CAUSE)
        (after,) = books.store.seats.holdings()
        assert (after.tier, after.moving, after.account_id) == (PREMIUM, False, "acc-ada")
        assert books.free(STANDARD) == 2

    def test_a_move_into_a_full_tier_is_refused_and_one_made_twice_is_made_once(
        self, books: Books
    ) -> None:
        books.assign("ada", STANDARD)
        books.assign("bob", STANDARD)

        assert books.store.seats.move("ada", PREMIUM, CAUSE)
        assert books.store.seats.move("ada", PREMIUM, CAUSE)
        assert not books.store.seats.move("bob", PREMIUM, CAUSE)
        assert len(books.store.seats.holdings()) == 3

    def test_a_wish_ends_when_the_move_to_it_is_settled(self, books: Books) -> None:
        books.assign("ada", PREMIUM)
        books.store.seats.hold(wish("bob"), CAUSE)
        books.store.seats.settle("bob", "acc-bob", CAUSE)
        books.store.seats.release("ada", CAUSE)

        books.store.seats.move("bob", PREMIUM, CAUSE)
        assert [e.member for e in books.store.waiting.entries()] == ["bob"]
        books.store.seats.settle("bob", "acc-bob", CAUSE)

        assert books.store.waiting.entries() == ()

    def test_a_release_gives_every_seat_back(self, books: Books) -> None:
        books.assign("ada", STANDARD)
        books.store.seats.move("ada", PREMIUM, CAUSE)

        books.store.seats.release("ada", CAUSE)
        books.store.seats.release("ada", CAUSE)

        assert books.store.seats.holdings() == ()
        assert books.events("ada").count("seat.released") == 1

    def test_a_cancelled_reservation_is_free_again_and_an_assigned_seat_stays(
        self, books: Books
    ) -> None:
        made = [books.store.seats.hold(wish(name, STANDARD), CAUSE) for name in ("ada", "bob")]
        books.store.seats.settle("bob", "acc-bob", CAUSE)

        for name, placement in zip(("ada", "bob"), made, strict=True):
            books.store.seats.cancel(name, CAUSE, placement.ticket)

        assert [(h.member, h.tier) for h in books.store.seats.holdings()] == [("bob", STANDARD)]

    def test_a_cancelled_move_leaves_the_old_seat(self, books: Books) -> None:
        books.assign("ada", STANDARD)
        books.store.seats.move("ada", PREMIUM, CAUSE)

        books.store.seats.cancel("ada", CAUSE)

        assert books.tier_of("ada") == STANDARD
        assert books.free(PREMIUM) == 1

    def test_a_yielded_seat_is_never_free_in_between(self, books: Books) -> None:
        books.assign("ada", PREMIUM)
        books.assign("bob", STANDARD)
        books.assign("cyd", STANDARD)

        books.store.seats.release("ada", CAUSE, yield_to="bob")
        books.store.seats.settle("bob", "acc-bob", CAUSE, yield_to="ada")

        assert books.tier_of("bob") == PREMIUM
        given = books.store.seats.holding("ada")
        assert given is not None
        assert (given.tier, given.moving, given.account_id) == (STANDARD, False, None)
        assert books.free(PREMIUM) == books.free(STANDARD) == 0

    def test_whoever_yields_is_owed_a_seat_before_everybody(self, books: Books) -> None:
        books.assign("ada", PREMIUM)
        books.assign("bob", STANDARD)
        books.store.seats.hold(wish("cyd", PREMIUM, priority=9), CAUSE)

        books.store.seats.release("ada", CAUSE, yield_to="bob")

        first = books.store.waiting.entries()[0]
        assert (first.member, first.owed, first.wants, first.holds) == ("ada", True, PREMIUM, None)

    def test_seat_and_wish_follow_a_new_name(self, books: Books) -> None:
        books.assign("ada", PREMIUM)
        books.store.seats.hold(wish("bob"), CAUSE)

        books.store.seats.rename("bob", "robert", CAUSE)
        books.store.seats.rename("bob", "robert", CAUSE)

        assert books.tier_of("bob") is None
        assert books.tier_of("robert") == STANDARD
        assert [e.member for e in books.store.waiting.entries()] == ["robert"]
        assert books.store.seats.hold(wish("cyd", PREMIUM), CAUSE).tier is None

    def test_a_name_that_has_a_seat_is_not_taken_over(self, books: Books) -> None:
        books.assign("ada", STANDARD)
        books.assign("bob", STANDARD)

        with pytest.raises(Conflict):
            books.store.seats.rename("ada", "bob", CAUSE)

    def test_an_empty_ladder_rung_is_full(self, open_fresh: Opener) -> None:
        three = Ladder.of("max", "premium", "standard")
        top, _, low = three.tiers
        books = Books(open_fresh, ladder=three, seats={low: 1})

        assert books.store.seats.hold(wish("ada", *three.tiers), CAUSE).tier == low
        assert books.store.seats.pool().purchased[top] == 0

    def test_a_claim_without_options_gets_nothing_and_waits_for_nothing(self, books: Books) -> None:
        placement = books.store.seats.hold(Claim("ada", "ada", ()), CAUSE)

        assert (placement.tier, placement.waits_for) == (None, None)
        assert books.store.waiting.entries() == ()

    def test_a_stale_leader_writes_nothing(self, books: Books) -> None:
        store = books.store
        old = store.lease.acquire("leader", "one", timedelta(0))
        new = store.lease.acquire("leader", "two", timedelta(hours=1))
        stale, present = Cause("sync", token=old), Cause("sync", token=new)

        for write in (
            lambda: store.seats.hold(wish("ada"), stale),
            lambda: store.seats.move("ada", PREMIUM, stale),
            lambda: store.seats.settle("ada", "acc-ada", stale),
            lambda: store.seats.release("ada", stale),
            lambda: store.seats.mirror([Seated("ada", "acc-ada", PREMIUM)], stale),
            lambda: store.seats.mirror([], stale),
        ):
            with pytest.raises(LeaseLost):
                write()
        assert store.seats.holdings() == ()
        assert store.seats.hold(wish("ada"), present).tier == PREMIUM
