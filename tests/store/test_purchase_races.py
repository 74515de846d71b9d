"""Logins, purchases and what the target says, all at once: every seat given is one that was bought."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date

import pytest
from sqlalchemy import text

from idpsync.core.contract import Contract, Item
from idpsync.core.errors import PurchaseRefused
from idpsync.core.pricing import quote
from idpsync.core.records import Cause, Seated
from idpsync.core.seats import Claim, Door
from idpsync.store import Store
from tests.contracts.contract_book import upgrade
from tests.contracts.stores import CAUSE, stock
from tests.people import LADDER, NOW, PREMIUM, STANDARD
from tests.store.claimants import open_for, storm
from tests.store.shell import shell

TAKES = """
UPDATE seat SET state = 'claimed', member = 'ada', door = 'jit', account_id = 'acc-ada',
  since = '2026-03-01T10:00:00Z', changed_at = '2026-03-01T10:00:00Z'
WHERE organization = :organization AND tier = 'standard' AND seat_no = 2
"""
BEYOND = """
INSERT INTO seat (organization, tier, seat_no, state, overdrawn, member, door, account_id, since)
VALUES (:organization, 'standard', 1000001, 'claimed', true, 'eve', 'sync', 'acc-eve',
  '2026-03-01T10:00:00Z')
"""
WEIGHS = "SELECT tier FROM capacity WHERE organization = :organization ORDER BY tier FOR UPDATE"
WAITING = """
SELECT 1 FROM pg_locks AS l LEFT JOIN pg_class AS c ON c.oid = l.relation
WHERE NOT l.granted AND (c.relname = 'seat' OR l.locktype = 'transactionid')
"""
PEOPLE = [f"p{n:02d}" for n in range(30)]


def buy(store: Store, *items: Item) -> None:
    contract = store.contracts.contract()
    assert contract is not None
    offer = quote(contract, store.contracts.purchases(), items, contract.starts)
    store.contracts.record(offer, CAUSE)


def patiently(store: Store, *items: Item) -> None:
    """Again while too many are on their way to a seat."""
    for _ in range(1000):
        with suppress(PurchaseRefused):
            return buy(store, *items)
    pytest.fail("the reservations never ended")


def log_in(store: Store, member: str) -> None:
    if store.seats.hold(Claim(member, member, LADDER.tiers, door=Door.JIT), Cause("jit")).tier:
        store.seats.settle(member, f"acc-{member}", Cause("jit"))


def all_at_once(*calls: Callable[[], object]) -> None:
    start = threading.Barrier(len(calls))

    def go(call: Callable[[], object]) -> None:
        start.wait()
        call()

    with ThreadPoolExecutor(len(calls)) as threads:
        list(threads.map(go, calls))


def test_every_seat_that_logins_get_beside_an_upgrade_was_bought(url: str) -> None:
    store = open_for(url, "upgraded")
    stock(store, {STANDARD: 20})

    logins = [lambda member=member: log_in(store, member) for member in PEOPLE]
    all_at_once(
        *logins[:15],
        lambda: patiently(store, upgrade(6)),
        *logins[15:],
        lambda: patiently(store, upgrade(3), Item(STANDARD, 2)),
    )

    pool, holdings = store.seats.pool(), store.seats.holdings()
    assert pool.purchased == {PREMIUM: 9, STANDARD: 13}
    assert max(Counter(holding.member for holding in holdings).values()) == 1
    assert len(holdings) <= 22
    events = Counter(entry.event for entry in store.ledger.entries())
    assert events["seat.held"] == events["seat.settled"] == len(holdings)
    # beyond the contract are only people who sat in a seat when it was upgraded
    assert pool.assigned[PREMIUM] <= 9
    assert pool.assigned[STANDARD] <= 13 + events["seat.overdrawn"]
    given = {holding.member for holding in holdings}
    waiting = {entry.member for entry in store.waiting.entries()}
    assert given | waiting == set(PEOPLE)
    for holding in holdings:
        store.seats.release(holding.member, CAUSE)
    assert [store.seats.pool().free(tier) for tier in LADDER] == [9, 13]
    store.close()


def test_seats_bought_during_a_storm_are_given_in_it_and_after_it(url: str) -> None:
    store = open_for(url, "stormy")
    stock(store, {STANDARD: 5})
    faults: list[str] = []

    all_at_once(
        lambda: faults.extend(storm(store, PEOPLE[:20], times=1)),
        lambda: buy(store, Item(STANDARD, 5)),
        lambda: buy(store, Item(PREMIUM, 5)),
    )

    assert faults == []
    held = Counter(holding.tier for holding in store.seats.holdings())
    assert held[STANDARD] <= 10
    assert held[PREMIUM] <= 5
    assert store.seats.pool().purchased == {PREMIUM: 5, STANDARD: 10}
    store.close()


def test_a_listing_and_an_upgrade_at_once_agree_in_the_end(url: str) -> None:
    store = open_for(url, "listed")
    stock(store, {STANDARD: 10})
    told = [Seated(member, f"acc-{member}", STANDARD) for member in PEOPLE[:10]]

    all_at_once(
        lambda: store.seats.mirror(told, CAUSE),
        lambda: patiently(store, upgrade(4)),
        lambda: store.seats.mirror(told, CAUSE),
        lambda: patiently(store, upgrade(2)),
    )

    pool = store.seats.pool()
    assert (pool.purchased, pool.assigned[STANDARD]) == ({PREMIUM: 6, STANDARD: 4}, 10)
    assert store.seats.mirror(told, CAUSE) == ()
    store.close()


def test_listings_at_once_make_the_tiers_of_a_new_store_once(url: str) -> None:
    stores = [open_for(url, "empty") for _ in range(4)]
    told = [Seated("ada", "acc-ada", STANDARD)]

    all_at_once(*(lambda store=store: store.seats.mirror(told, CAUSE) for store in stores))

    assert stores[0].seats.pool().balance(STANDARD) == -1
    for store in stores:
        store.close()


@pytest.mark.server
def test_an_upgrade_waits_for_whoever_is_just_taking_a_seat(postgres_url: str) -> None:
    store = open_for(postgres_url, "waits")
    stock(store, {STANDARD: 2})

    beside(store, postgres_url, "waits", TAKES, "SELECT 1")

    assert [holding.member for holding in store.seats.holdings()] == ["ada"]
    assert store.seats.pool().purchased == {PREMIUM: 2, STANDARD: 0}
    store.close()


@pytest.mark.server
def test_an_upgrade_waits_for_whoever_weighs_a_seat_against_wishes(postgres_url: str) -> None:
    """Claims that weigh lock the capacities, then a seat: in another order they would lock us out."""
    store = open_for(postgres_url, "weighs")
    stock(store, {STANDARD: 2})

    beside(store, postgres_url, "weighs", WEIGHS, TAKES)

    assert [holding.member for holding in store.seats.holdings()] == ["ada"]
    assert store.seats.pool().balance(STANDARD) == -1
    store.close()


@pytest.mark.server
def test_a_login_that_found_room_looks_again_when_people_were_put_beyond_meanwhile(
    postgres_url: str,
) -> None:
    """Two seats, one of them free; while the login takes it, the other tier gets one person too many."""
    store = open_for(postgres_url, "again")
    stock(store, {PREMIUM: 1, STANDARD: 1})
    log_in(store, "bob")  # who takes premium, and gives way
    store.seats.mirror([Seated("bob", "acc-bob", STANDARD)], CAUSE)
    waits = Claim("cyd", "cyd", (PREMIUM,), door=Door.JIT, since=NOW)

    with ThreadPoolExecutor(1) as threads:
        with shell(postgres_url) as connection:
            connection.execute(text("LOCK TABLE seat IN EXCLUSIVE MODE"))
            given = threads.submit(store.seats.hold, waits, CAUSE)
            while not connection.execute(text(WAITING)).first() and not given.done():
                pass
            connection.execute(text(BEYOND), {"organization": "again"})
        placement = given.result()

    assert placement.tier is None
    assert store.seats.pool().total_balance == 0
    store.close()


def beside(store: Store, url: str, organization: str, before: str, after: str) -> None:
    """Upgrade 2 while somebody has done one thing and, once we wait for them, does another."""
    values = {"organization": organization}
    with ThreadPoolExecutor(1) as threads:
        with shell(url) as connection:
            connection.execute(text(before), values)
            bought = threads.submit(buy, store, upgrade(2))
            while not connection.execute(text(WAITING)).first() and not bought.done():
                pass
            connection.execute(text(after), values)
        bought.result()


def test_programs_that_open_a_new_store_at_once_seed_it_once(url: str) -> None:
    stores = [open_for(url, "new") for _ in range(4)]
    contract = Contract(date(2026, 1, 1), date(2026, 12, 31), {PREMIUM: 2, STANDARD: 3})
    seeded: list[bool] = []

    all_at_once(
        *(lambda store=store: seeded.append(store.contracts.seed(contract, CAUSE)) for store in stores)
    )

    assert sorted(seeded) == [False, False, False, True]
    assert stores[0].seats.pool().purchased == contract.seats
    for store in stores:
        store.close()


def test_a_purchase_whose_day_has_come_counts_once_whoever_notices(url: str) -> None:
    stores = [open_for(url, "due") for _ in range(4)]
    stock(stores[0], {STANDARD: 5})
    contract = stores[0].contracts.contract()
    assert contract is not None
    later = date(2026, 6, 1)
    stores[0].contracts.record(quote(contract, (), (upgrade(2),), later), CAUSE)
    applied: list[int] = []

    all_at_once(
        *(
            lambda store=store: applied.append(len(store.contracts.apply_due(later, CAUSE)))
            for store in stores
        )
    )

    assert sorted(applied) == [0, 0, 0, 1]
    assert stores[0].seats.pool().purchased == {PREMIUM: 2, STANDARD: 3}
    for store in stores:
        store.close()
