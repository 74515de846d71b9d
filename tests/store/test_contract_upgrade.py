"""A store from before there were contracts: its seats go on, and are what the contract began with."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DatabaseError

from idpsync.core.contract import Item
from idpsync.core.pricing import quote
from idpsync.core.seats import Holding
from idpsync.store import Store, open_store
from tests.contracts.contract_book import TODAY, YEAR, upgrade
from tests.contracts.stores import CAUSE, wish
from tests.people import LADDER, PREMIUM, STANDARD, StoppedClock
from tests.postgres import new_database
from tests.store.shell import run, shell

CAPACITY = "INSERT INTO capacity (organization, tier, seats) VALUES ('acme', :tier, :seats)"
FREE = "INSERT INTO seat (organization, tier, seat_no) VALUES ('acme', :tier, :seat_no)"
CLAIMED = """
UPDATE seat SET state = 'claimed', member = 'ada', door = 'sync', account_id = 'acc-ada',
  since = '2025-11-01T10:00:00.000000Z', changed_at = '2025-11-01T10:00:00.000000Z'
WHERE tier = 'standard' AND seat_no = 3
"""
SEATS = {PREMIUM: 1, STANDARD: 3}
_numbers = itertools.count(1)


def make_version_0003(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", "idpsync.store:migrations")
    config.set_main_option("path_separator", "os")
    with shell(url) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    for tier, seats in SEATS.items():
        run(url, CAPACITY, tier=tier.name, seats=seats)
        for number in range(1, seats + 1):
            run(url, FREE, tier=tier.name, seat_no=number)
    run(url, CLAIMED)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def older_url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        url = str(request.getfixturevalue("sqlite_url"))
    else:
        name = f"before_contracts_{next(_numbers)}"
        url = new_database(request.getfixturevalue("postgres_cluster"), name)
    make_version_0003(url)
    return url


@pytest.fixture
def older(older_url: str) -> Iterator[Store]:
    """Brought up to date."""
    store = open_store(older_url, organization="acme", ladder=LADDER, reserved={}, clock=StoppedClock())
    store.upgrade()
    store.check()
    yield store
    store.close()


def holding_of_ada(store: Store) -> Holding:
    (holding,) = store.seats.holdings()
    assert (holding.member, holding.tier, holding.account_id) == ("ada", STANDARD, "acc-ada")
    return holding


def test_seats_and_people_of_an_older_store_go_on(older: Store) -> None:
    assert older.contracts.contract() is None
    assert older.seats.pool().purchased == SEATS
    holding_of_ada(older)
    assert older.seats.hold(wish("bob"), CAUSE).tier == PREMIUM


def test_nothing_shrinks_before_there_is_a_contract(older_url: str, older: Store) -> None:
    run(older_url, "DELETE FROM seat WHERE tier = 'premium'")

    with pytest.raises(DatabaseError, match="a contract never shrinks"):
        run(older_url, "UPDATE capacity SET seats = 0 WHERE tier = 'premium'")
    assert older.seats.pool().purchased == SEATS


def test_the_contract_of_an_older_store_began_with_the_seats_that_are_there(older: Store) -> None:
    assert older.contracts.seed(replace(YEAR, seats={PREMIUM: 40, STANDARD: 0}), CAUSE)

    contract = older.contracts.contract()
    assert contract == replace(YEAR, seats=SEATS)
    assert older.seats.pool().purchased == SEATS
    assert contract is not None
    before = holding_of_ada(older)
    older.contracts.record(quote(contract, (), (upgrade(3), Item(PREMIUM, 1)), TODAY), CAUSE)
    assert older.seats.pool().purchased == {PREMIUM: 5, STANDARD: 0}
    assert holding_of_ada(older) == before
