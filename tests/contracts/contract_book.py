"""Contract of `ContractBook`: what is bought counts once, on its day, and nobody loses a seat by it."""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from idpsync.core.contract import Contract, Item, Proration, Purchase, Quote
from idpsync.core.errors import LeaseLost, PurchaseRefused
from idpsync.core.pricing import quote
from idpsync.core.records import Cause
from idpsync.core.seats import Ladder
from tests.contracts.stores import CAUSE, Books, Opener, wish
from tests.people import NOW, PREMIUM, STANDARD

YEAR = Contract(
    date(2026, 1, 1),
    date(2026, 12, 31),
    seats={PREMIUM: 0, STANDARD: 100},
    prices={PREMIUM: Decimal(100), STANDARD: Decimal(20)},
)
TODAY = NOW.date()
LATER = TODAY + timedelta(days=30)
SEEDS = (Item(STANDARD, 5), Item(PREMIUM, 10, upgraded_from=STANDARD))
BUYER = Cause("cli:root", ("the new team",))


def upgrade(number: int) -> Item:
    return Item(PREMIUM, number, upgraded_from=STANDARD)


def offer(books: Books, *items: Item, on: date = TODAY) -> Quote:
    contracts = books.store.contracts
    contract = contracts.contract()
    assert contract is not None
    return quote(contract, contracts.purchases(), items, on)


def buy(books: Books, *items: Item, on: date = TODAY) -> Purchase:
    return books.store.contracts.record(offer(books, *items, on=on), BUYER)


def seated(books: Books, names: Iterable[str]) -> None:
    """In standard seats, one after another."""
    for name in names:
        books.clock.advance(timedelta(minutes=1))
        books.assign(name, STANDARD)


class ContractBookContract:
    @pytest.fixture
    def books(self, open_fresh: Opener) -> Books:
        books = Books(open_fresh)
        assert books.store.contracts.seed(YEAR, CAUSE)
        return books

    @pytest.fixture
    def small(self, open_fresh: Opener) -> Books:
        """Five standard seats."""
        books = Books(open_fresh)
        books.store.contracts.seed(replace(YEAR, seats={PREMIUM: 0, STANDARD: 5}), CAUSE)
        return books

    # --- the contract ---

    def test_before_it_is_seeded_there_is_nothing_and_nothing_can_be_bought(
        self, open_fresh: Opener
    ) -> None:
        books = Books(open_fresh)
        contracts = books.store.contracts

        assert (contracts.contract(), contracts.purchases()) == (None, ())
        assert contracts.apply_due(TODAY, CAUSE) == ()
        with pytest.raises(PurchaseRefused, match="no contract yet"):
            contracts.record(quote(YEAR, (), SEEDS, TODAY), BUYER)

    def test_a_contract_makes_its_seats_and_is_kept_as_it_was(self, books: Books) -> None:
        assert books.store.contracts.contract() == YEAR
        assert books.store.seats.pool().purchased == YEAR.seats
        assert books.store.seats.hold(wish("ada"), CAUSE).tier == STANDARD
        (row,) = [e for e in books.store.ledger.entries() if e.event == "contract.seeded"]
        assert (row.actor, row.because) == (CAUSE.actor, CAUSE.because)

    def test_a_contract_without_prices_and_with_its_own_terms_is_kept_too(
        self, open_fresh: Opener
    ) -> None:
        terms = Contract(
            date(2026, 2, 28),
            date(2027, 2, 27),
            seats={PREMIUM: 3, STANDARD: 0},
            currency="JPY",
            proration=Proration.DAYS_EXCLUSIVE,
            auto_renew=False,
        )
        books = Books(open_fresh)
        books.store.contracts.seed(terms, CAUSE)

        assert books.store.contracts.contract() == terms
        assert buy(books, Item(STANDARD, 1)).quote.total is None
        assert books.store.contracts.purchases()[0].quote.lines[0].unit is None

    def test_only_the_first_contract_counts(self, books: Books) -> None:
        more = replace(YEAR, seats={STANDARD: 500}, currency="EUR")

        assert not books.store.contracts.seed(more, CAUSE)

        assert books.store.contracts.contract() == YEAR
        assert books.store.seats.pool().purchased == YEAR.seats
        assert books.events().count("contract.seeded") == 1

    # --- buying ---

    def test_what_is_bought_today_is_in_the_pool_at_once(self, books: Books) -> None:
        asked = offer(books, *SEEDS)
        purchase = books.store.contracts.record(asked, BUYER)

        pool = books.store.seats.pool()
        assert pool.purchased == {PREMIUM: 10, STANDARD: 95}
        assert pool.total_purchased == 105
        assert purchase == Purchase(1, asked, NOW, "cli:root", ("the new team",), applied_at=NOW)
        assert purchase.invoice == "INV-0001"
        assert purchase.quote.total == Decimal("9000.00")
        assert books.store.contracts.purchases() == (purchase,)
        assert books.store.seats.hold(wish("ada"), CAUSE).tier == PREMIUM

    def test_months_that_are_no_whole_number_are_kept_exactly(self, open_fresh: Opener) -> None:
        books = Books(open_fresh)
        books.store.contracts.seed(replace(YEAR, proration=Proration.DAYS_INCLUSIVE), CAUSE)
        asked = offer(books, *SEEDS)

        assert books.store.contracts.record(asked, BUYER).quote == asked
        assert books.store.contracts.purchases()[0].quote == asked
        assert asked.total == Decimal("9054.25")

    def test_every_purchase_is_in_the_ledger_in_words(self, books: Books) -> None:
        buy(books, *SEEDS)

        rows = {entry.event: entry for entry in books.store.ledger.entries()}
        bought = "5 standard, 10 standard upgraded to premium"
        assert rows["purchase.recorded"].because == (
            f"bought: {bought} for 9000.00 USD (estimate), invoice INV-0001",
            "the new team",
        )
        assert rows["purchase.applied"].because == (f"INV-0001: {bought}",)
        assert {rows[event].actor for event in ("purchase.recorded", "purchase.applied")} == {"cli:root"}

    def test_purchases_are_numbered_and_listed_as_they_were_recorded(self, books: Books) -> None:
        bought = [
            buy(books, Item(STANDARD, 1), on=LATER),
            buy(books, Item(STANDARD, 2)),
            buy(books, upgrade(3)),
        ]

        assert [one.invoice for one in bought] == ["INV-0001", "INV-0002", "INV-0003"]
        assert books.store.contracts.purchases() == tuple(bought)

    def test_a_day_that_is_over_counts_at_once(self, books: Books) -> None:
        purchase = buy(books, Item(PREMIUM, 2), on=YEAR.starts)

        assert (purchase.on, purchase.applied_at) == (YEAR.starts, NOW)
        assert books.store.seats.pool().purchased[PREMIUM] == 2

    def test_the_last_day_of_the_term_is_in_it(self, books: Books) -> None:
        buy(books, Item(PREMIUM, 2), on=YEAR.ends)

        assert len(books.store.contracts.apply_due(YEAR.ends, CAUSE)) == 1

    def test_a_tier_between_others_can_be_bought_and_upgraded_in_one_order(
        self, open_fresh: Opener
    ) -> None:
        ladder = Ladder.of("max", "premium", "standard")
        top, middle, low = ladder.tiers
        books = Books(open_fresh, ladder=ladder)
        books.store.contracts.seed(replace(YEAR, seats={low: 5}, prices={}), CAUSE)

        buy(books, Item(middle, 4, upgraded_from=low), Item(top, 3, upgraded_from=middle))

        assert books.store.seats.pool().purchased == {top: 3, middle: 1, low: 1}

    @pytest.mark.parametrize(
        ("items", "on"),
        [
            ((upgrade(6),), TODAY),
            ((Item(STANDARD, 1),), YEAR.ends + timedelta(days=1)),
            ((Item(STANDARD, 1),), YEAR.starts - timedelta(days=1)),
            ((Item(STANDARD, 1, upgraded_from=PREMIUM),), TODAY),
            ((Item(STANDARD, -1),), TODAY),
            ((), TODAY),
        ],
    )
    def test_what_the_contract_does_not_allow_leaves_no_trace(
        self, small: Books, items: tuple[Item, ...], on: date
    ) -> None:
        allowed = offer(small, Item(STANDARD, 1))
        lines = tuple(replace(allowed.lines[0], item=item) for item in items)
        before = small.store.seats.pool(), small.events()

        with pytest.raises(PurchaseRefused):
            small.store.contracts.record(replace(allowed, on=on, lines=lines), BUYER)

        assert small.store.contracts.purchases() == ()
        assert (small.store.seats.pool(), small.events()) == before

    def test_an_offer_is_checked_against_what_was_bought_since(self, small: Books) -> None:
        early, late = offer(small, upgrade(3)), offer(small, upgrade(3))
        grown = offer(small, Item(STANDARD, 1))
        small.store.contracts.record(early, BUYER)

        with pytest.raises(PurchaseRefused):
            small.store.contracts.record(late, BUYER)

        assert grown.seats_after == {PREMIUM: 0, STANDARD: 6}
        kept = small.store.contracts.record(grown, BUYER)
        assert kept.quote.seats_after == {PREMIUM: 3, STANDARD: 3}

    def test_a_seat_bought_for_later_cannot_be_upgraded_twice(self, small: Books) -> None:
        asked = offer(small, upgrade(3))
        buy(small, upgrade(3), on=LATER)

        with pytest.raises(PurchaseRefused):
            small.store.contracts.record(asked, BUYER)

    # --- on their day ---

    def test_a_purchase_for_later_counts_on_its_day_and_once(self, books: Books) -> None:
        purchase = buy(books, *SEEDS, on=LATER)
        assert purchase.applied_at is None
        assert books.store.seats.pool().purchased == YEAR.seats
        assert books.store.contracts.apply_due(LATER - timedelta(days=1), CAUSE) == ()

        books.clock.advance(timedelta(days=30))
        (applied,) = books.store.contracts.apply_due(LATER, CAUSE)

        assert applied == replace(purchase, applied_at=books.clock.now())
        assert books.store.contracts.apply_due(LATER, CAUSE) == ()
        assert books.store.contracts.purchases() == (applied,)
        assert books.store.seats.pool().purchased == {PREMIUM: 10, STANDARD: 95}
        assert books.events().count("purchase.applied") == 1

    def test_a_new_purchase_may_build_on_one_whose_day_has_come(self, small: Books) -> None:
        buy(small, Item(STANDARD, 10), on=LATER)
        small.clock.advance(timedelta(days=30))

        buy(small, upgrade(15), on=LATER)

        assert small.store.seats.pool().purchased == {PREMIUM: 15, STANDARD: 0}
        assert all(one.applied_at for one in small.store.contracts.purchases())

    def test_what_is_due_counts_together_whatever_was_recorded_first(self, small: Books) -> None:
        buy(small, upgrade(5), on=LATER)
        buy(small, Item(STANDARD, 5), on=LATER)
        buy(small, upgrade(5), on=LATER - timedelta(days=1))

        applied = small.store.contracts.apply_due(LATER, CAUSE)

        assert [one.number for one in applied] == [3, 1, 2]
        assert small.store.seats.pool().purchased == {PREMIUM: 10, STANDARD: 0}

    def test_several_purchases_are_recorded_all_or_none(self, small: Books) -> None:
        good, bad = offer(small, Item(STANDARD, 1)), offer(small, upgrade(5))
        rows = len(small.store.ledger.entries())
        purchased = small.store.seats.pool().purchased

        with pytest.raises(PurchaseRefused):
            small.store.contracts.record_all([(good, ("one",)), (bad, ()), (bad, ())], BUYER)

        assert small.store.contracts.purchases() == ()
        assert (small.store.seats.pool().purchased, len(small.store.ledger.entries())) == (
            purchased,
            rows,
        )
        both = small.store.contracts.record_all([(good, ("one",)), (good, ("two",))], BUYER)
        assert [(one.number, one.because) for one in both] == [(1, ("one",)), (2, ("two",))]
        assert all(one.applied_at for one in both)
        assert small.store.seats.pool().purchased[STANDARD] == purchased[STANDARD] + 2

    # --- people in the seats ---

    def test_free_seats_are_upgraded_first(self, small: Books) -> None:
        seated(small, ["ada", "bob"])
        small.store.seats.release("ada", CAUSE)  # bob sits in a later row
        before = small.store.seats.holdings()

        buy(small, upgrade(4))

        assert small.store.seats.holdings() == before
        assert [small.free(tier) for tier in (PREMIUM, STANDARD)] == [4, 0]
        assert "seat.overdrawn" not in small.events()
        small.store.seats.release("bob", CAUSE)
        assert small.free(STANDARD) == 1

    def test_nobody_loses_a_seat_that_was_upgraded_and_the_newest_are_beyond(self, small: Books) -> None:
        seated(small, ["eve", "dan", "cyd", "bob", "ada"])
        before = small.store.seats.holdings()

        buy(small, upgrade(2))

        pool = small.store.seats.pool()
        assert small.store.seats.holdings() == before
        assert (pool.purchased, pool.balance(STANDARD)) == ({PREMIUM: 2, STANDARD: 3}, -2)
        beyond = [e for e in small.store.ledger.entries() if e.event == "seat.overdrawn"]
        assert {(e.member, e.account_id) for e in beyond} == {("ada", "acc-ada"), ("bob", "acc-bob")}
        assert small.store.seats.hold(wish("kim", STANDARD), CAUSE).tier is None

    def test_an_upgraded_seat_is_no_room_for_one_more(self, small: Books) -> None:
        seated(small, ["eve", "dan", "cyd", "bob", "ada"])
        buy(small, upgrade(2))

        refused = small.store.seats.hold(wish("lea", PREMIUM), CAUSE)

        assert refused.tier is None
        assert (
            refused.because[-1] == "premium has room, but 5 people sit in 5 seats of all tiers together"
        )
        assert small.store.seats.move("ada", PREMIUM, CAUSE)  # who has a seat may take the better one
        small.store.seats.settle("ada", "acc-ada", CAUSE)
        small.store.seats.release("bob", CAUSE)
        assert small.store.seats.hold(wish("lea", PREMIUM), CAUSE).tier == PREMIUM

    @pytest.mark.parametrize("names", [["ada", "bob", "cyd"], ["cyd", "bob", "ada"]])
    def test_seats_beyond_vanish_as_people_leave(self, small: Books, names: list[str]) -> None:
        seated(small, ["cyd", "bob", "ada"])
        buy(small, upgrade(4))

        balances = []
        for name in names:
            small.store.seats.release(name, CAUSE)
            balances.append(small.store.seats.pool().balance(STANDARD))

        assert balances == [-1, 0, 1]
        assert small.store.seats.hold(wish("dan", STANDARD), CAUSE).tier == STANDARD
        assert small.store.seats.hold(wish("eve", STANDARD), CAUSE).tier is None

    def test_those_beyond_have_a_seat_again_when_more_are_bought(self, small: Books) -> None:
        seated(small, ["ada", "bob", "cyd", "dan", "eve"])
        buy(small, upgrade(5))

        buy(small, Item(STANDARD, 6))

        assert small.free(STANDARD) == 1
        small.store.seats.release("ada", CAUSE)
        assert small.free(STANDARD) == 2

    def test_a_seat_beyond_that_is_handed_over_stands_in_nobodys_way(self, small: Books) -> None:
        seated(small, ["ada", "bob"])
        buy(small, upgrade(5))

        small.store.seats.release("bob", CAUSE, yield_to="cyd")
        buy(small, Item(PREMIUM, 1))

        assert small.store.seats.pool().purchased == {PREMIUM: 6, STANDARD: 0}
        assert [(h.member, h.tier) for h in small.store.seats.holdings()] == [
            ("ada", STANDARD),
            ("cyd", STANDARD),
        ]

    def test_a_second_upgrade_tells_only_who_is_beyond_by_it(self, small: Books) -> None:
        seated(small, ["ada", "bob", "cyd"])
        buy(small, upgrade(3))
        buy(small, upgrade(1))

        told = [e.member for e in small.store.ledger.entries() if e.event == "seat.overdrawn"]
        assert told == ["cyd", "bob"]
        assert small.store.seats.pool().balance(STANDARD) == -2

    def test_whoever_moves_up_into_an_upgraded_seat_leaves_none_behind(self, small: Books) -> None:
        seated(small, ["ada", "bob", "cyd", "dan", "eve"])
        buy(small, upgrade(1))

        assert small.store.seats.move("ada", PREMIUM, CAUSE)
        small.store.seats.settle("ada", "acc-ada", CAUSE)

        pool = small.store.seats.pool()
        assert (pool.balance(PREMIUM), pool.balance(STANDARD)) == (0, 0)

    def test_reservations_keep_their_seats(self, small: Books) -> None:
        seated(small, ["ada", "bob", "cyd"])
        small.clock.advance(timedelta(minutes=1))
        tickets = [small.store.seats.hold(wish(name, STANDARD), CAUSE).ticket for name in ("dan", "eve")]
        before = small.store.seats.holdings()

        buy(small, upgrade(3))

        assert small.store.seats.holdings() == before
        assert small.store.seats.pool().balance(STANDARD) == -3
        small.store.seats.settle("dan", "acc-dan", CAUSE)
        small.store.seats.cancel("eve", CAUSE, tickets[1])
        assert small.tier_of("dan") == STANDARD
        assert small.tier_of("eve") is None
        assert small.store.seats.pool().balance(STANDARD) == -2

    def test_reserved_seats_are_not_upgraded(self, small: Books) -> None:
        for name in ("ada", "bob"):
            small.store.seats.hold(wish(name, STANDARD), CAUSE)
        before = small.store.seats.pool(), small.events()

        with pytest.raises(PurchaseRefused, match="2 standard seats are reserved for people on their"):
            buy(small, upgrade(4))

        assert small.store.contracts.purchases() == ()
        assert (small.store.seats.pool(), small.events()) == before
        buy(small, upgrade(3))

    def test_a_due_upgrade_waits_for_reservations_and_holds_up_nothing_else(self, small: Books) -> None:
        buy(small, upgrade(4), on=LATER)
        buy(small, Item(PREMIUM, 1), on=LATER)
        made = [small.store.seats.hold(wish(name, STANDARD), CAUSE) for name in ("ada", "bob")]

        (applied,) = small.store.contracts.apply_due(LATER, CAUSE)

        assert applied.items == (Item(PREMIUM, 1),)
        assert small.store.contracts.apply_due(LATER, CAUSE) == ()
        assert small.store.seats.pool().purchased == {PREMIUM: 1, STANDARD: 5}
        small.store.seats.cancel("bob", CAUSE, made[1].ticket)
        assert len(small.store.contracts.apply_due(LATER, CAUSE)) == 1
        assert small.store.seats.pool().purchased == {PREMIUM: 5, STANDARD: 1}

    # --- at once ---

    def test_two_purchases_at_once_both_count(self, books: Books) -> None:
        start = threading.Barrier(4)
        asked = offer(books, Item(STANDARD, 1))

        def ask(_: int) -> int:
            start.wait()
            return books.store.contracts.record(asked, BUYER).number

        with ThreadPoolExecutor(4) as threads:
            numbers = sorted(threads.map(ask, range(4)))

        assert numbers == [1, 2, 3, 4]
        assert books.store.seats.pool().purchased == {PREMIUM: 0, STANDARD: 104}

    def test_of_two_upgrades_at_once_of_the_same_seats_one_is_refused(self, small: Books) -> None:
        start = threading.Barrier(2)
        asked = offer(small, upgrade(3))

        def ask(_: int) -> bool:
            start.wait()
            try:
                small.store.contracts.record(asked, BUYER)
            except PurchaseRefused:
                return False
            return True

        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(ask, range(2))) == [False, True]
        assert small.store.seats.pool().purchased == {PREMIUM: 3, STANDARD: 2}
        assert len(small.store.contracts.purchases()) == 1

    def test_a_stale_leader_buys_and_applies_nothing(self, open_fresh: Opener) -> None:
        books = Books(open_fresh)
        store = books.store
        old = store.lease.acquire("leader", "one", timedelta(0))
        new = store.lease.acquire("leader", "two", timedelta(days=60))
        stale, present = Cause("sync", token=old), Cause("sync", token=new)

        with pytest.raises(LeaseLost):
            store.contracts.seed(YEAR, stale)
        assert store.contracts.seed(YEAR, present)
        asked = offer(books, *SEEDS, on=LATER)
        with pytest.raises(LeaseLost):
            store.contracts.record(asked, stale)
        store.contracts.record(asked, present)
        with pytest.raises(LeaseLost):
            store.contracts.apply_due(LATER, stale)
        assert store.seats.pool().purchased == YEAR.seats
        assert len(store.contracts.apply_due(LATER, present)) == 1
