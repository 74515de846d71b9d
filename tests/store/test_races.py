"""Many ask at once: exactly as many seats as there are, nobody twice, everybody else on the list."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from idpsync.core.seats import Claim, Placement, WaitEntry
from idpsync.store import Store
from tests.contracts.stores import CAUSE as SYNC
from tests.contracts.stores import stock
from tests.people import NOW, PREMIUM, STANDARD
from tests.store.claimants import open_for, storm

SEATS = {PREMIUM: 3, STANDARD: 10}
PEOPLE = [f"p{n:02d}" for n in range(40)]
ROOT = Path(__file__).parents[2]


def stand_right(store: Store) -> None:
    """3 premium, 10 standard, 27 without; the 37 who wish for premium wait for it."""
    holdings = store.seats.holdings()
    assert Counter(holding.tier for holding in holdings) == SEATS
    assert max(Counter(holding.member for holding in holdings).values()) == 1
    waiting = {entry.member: entry for entry in store.waiting.entries()}
    premium = {holding.member for holding in holdings if holding.tier == PREMIUM}
    standard = {holding.member for holding in holdings if holding.tier == STANDARD}
    assert waiting.keys() == set(PEOPLE) - premium
    assert {member for member, entry in waiting.items() if entry.holds == STANDARD} == standard
    given = [entry for entry in store.ledger.entries() if entry.event == "seat.held"]
    assert Counter(entry.member for entry in given) == dict.fromkeys(premium | standard, 1)
    denied = {entry.member for entry in store.ledger.entries() if entry.event == "seat.denied"}
    assert denied == set(PEOPLE) - premium - standard


def opened(url: str, organization: str) -> Store:
    store = open_for(url, organization)
    stock(store, SEATS)
    return store


def by_processes(url: str, organization: str) -> list[str]:
    """Eight processes, each asking for every fifth person and the next; standard error of all."""
    shares = [[*PEOPLE[n::8], *PEOPLE[(n + 1) % 8 :: 8]] for n in range(8)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.store.claimants", url, organization, *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        for names in shares
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n", worker.communicate()[1]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return [worker.communicate()[1] for worker in workers]


def test_forty_threads_on_sqlite(sqlite_url: str) -> None:
    store = opened(sqlite_url, "threads")

    assert storm(store, PEOPLE) == []
    stand_right(store)
    store.close()


def test_eight_processes_on_sqlite(sqlite_url: str) -> None:
    store = opened(sqlite_url, "processes")

    assert by_processes(sqlite_url, "processes") == [""] * 8
    stand_right(store)
    store.close()


def test_eight_processes_make_the_tables_of_one_sqlite_store_once(sqlite_url: str) -> None:
    assert by_processes(sqlite_url, "fresh") == [""] * 8
    store = open_for(sqlite_url, "fresh")
    store.check()
    assert len(store.waiting.entries()) == len(PEOPLE)
    store.close()


@pytest.mark.server
def test_forty_threads_on_postgresql(postgres_url: str) -> None:
    store = opened(postgres_url, "threads")

    assert storm(store, PEOPLE) == []
    stand_right(store)
    store.close()


@pytest.mark.server
def test_eight_processes_on_postgresql(postgres_url: str) -> None:
    store = opened(postgres_url, "processes")

    assert by_processes(postgres_url, "processes") == [""] * 8
    stand_right(store)
    store.close()


def test_whoever_joins_a_reservation_has_it_also_when_its_maker_cancels(url: str) -> None:
    store = open_for(url, "join")
    stock(store, {PREMIUM: 1})
    for n in range(25):
        claim = Claim(f"p{n}", f"p{n}", (PREMIUM,))
        ticket = store.seats.hold(claim, SYNC).ticket
        assert ticket is not None

        given = at_once(
            partial(store.seats.cancel, claim.member, SYNC, ticket),
            partial(store.seats.hold, claim, SYNC),
        )

        assert [placement.tier for placement in given if placement] == [PREMIUM]
        assert [holding.member for holding in store.seats.holdings()] == [claim.member]
        store.seats.release(claim.member, SYNC)
    store.close()


def at_once(*calls: Callable[[], Placement | None]) -> list[Placement | None]:
    start = threading.Barrier(len(calls))

    def ask(call: Callable[[], Placement | None]) -> Placement | None:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(ask, calls))


@pytest.mark.server
def test_newcomers_at_once_never_take_what_somebody_waits_for(postgres_url: str) -> None:
    store = open_for(postgres_url, "queue")
    stock(store, {STANDARD: 2})
    waiting = WaitEntry("first", "first", STANDARD, NOW, priority=5, accepts=(STANDARD,))
    store.waiting.replace([waiting], SYNC)

    assert storm(store, [f"n{n}" for n in range(12)], times=1) == []

    assert len(store.seats.holdings()) == 1
    assert store.seats.pool().free(STANDARD) == 1
    store.close()
