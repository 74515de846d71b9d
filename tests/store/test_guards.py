"""What the database itself refuses, whoever writes to it."""

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import DatabaseError

from idpsync.core.errors import StoreError
from idpsync.core.seats import Ladder
from idpsync.store import open_store
from tests.contracts.stores import Books
from tests.people import PREMIUM, STANDARD
from tests.store.conftest import StoreOpener
from tests.store.shell import run, shell

NOBODY = "INSERT INTO seat (organization, tier, seat_no) VALUES (:organization, :tier, :seat_no)"
SECOND = """
SET member = 'ada', state = 'claimed', door = 'jit', since = '2026-03-01T10:00:00.000000Z',
  account_id = 'acc-2'
"""
TAKEN = """
INSERT INTO seat (organization, tier, seat_no, state, overdrawn, member, door, since, expires_at,
  account_id)
VALUES (:organization, 'premium', 1000001, :state, true, 'eve', 'jit', '2026-03-01T10:00:00.000000Z',
  :expires_at, :account_id)
"""
INVITED = """
INSERT INTO invite (organization, id, member, email, tier, role, state, invited_by, invited_at,
  expires_at, ended_at, ticket)
VALUES (:organization, :id, 'bob', 'bob', 'standard', 'user', :state, 'cli:root',
  '2026-03-01T10:00:00.000000Z', '2026-03-22T10:00:00.000000Z', :ended_at, 1)
"""


@pytest.fixture
def books(opener: StoreOpener) -> Books:
    books = Books(opener, seats={PREMIUM: 1, STANDARD: 2})
    books.assign("ada", PREMIUM)
    return books


def refused(opener: StoreOpener, statement: str, **values: object) -> str:
    with pytest.raises(DatabaseError) as caught:
        run(opener.url, statement, organization=opener.organization, **values)
    return str(caught.value.orig)


@pytest.mark.parametrize(("tier", "seat_no"), [("premium", 2), ("standard", 3), ("nothing", 1)])
def test_no_seat_row_beyond_the_contract(
    books: Books, opener: StoreOpener, tier: str, seat_no: int
) -> None:
    refused(opener, NOBODY, tier=tier, seat_no=seat_no)

    assert books.store.seats.pool().purchased == {PREMIUM: 1, STANDARD: 2}


def test_an_overdrawn_seat_can_only_be_one_that_the_target_gave(
    books: Books, opener: StoreOpener
) -> None:
    reserved = {"state": "reserved", "expires_at": "2026-03-01T10:00:00.000000Z", "account_id": None}
    assert "no seat beyond the contract" in refused(opener, TAKEN, **reserved)

    run(
        opener.url,
        TAKEN,
        organization=opener.organization,
        state="claimed",
        expires_at=None,
        account_id="acc-eve",
    )
    assert books.store.seats.pool().balance(PREMIUM) == -1


@pytest.mark.parametrize(
    "change",
    [
        SECOND,
        "SET overdrawn = true",
        "SET seat_no = 3",
        "SET state = 'claimed'",  # by nobody
        "SET state = 'reserved', member = 'bob'",  # for ever
    ],
)
def test_a_seat_is_whole_and_a_member_has_one(books: Books, opener: StoreOpener, change: str) -> None:
    before = books.store.seats.holdings()
    where = "WHERE organization = :organization AND tier = 'standard' AND seat_no = 2"

    refused(opener, f"UPDATE seat {change} {where}")

    assert books.store.seats.holdings() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE capacity SET seats = seats - 1 WHERE organization = :organization",
        "UPDATE capacity SET tier = 'gold' WHERE organization = :organization",
        "DELETE FROM capacity WHERE organization = :organization",
        "UPDATE ledger SET actor = 'nobody' WHERE organization = :organization",
        "DELETE FROM ledger WHERE organization = :organization",
        "UPDATE ledger_seal SET sha = '' WHERE organization = :organization",
        "DELETE FROM ledger_seal WHERE organization = :organization",
    ],
)
def test_contract_ledger_and_seals_only_grow(books: Books, opener: StoreOpener, statement: str) -> None:
    books.store.ledger.seal()
    before = books.store.ledger.entries()

    refused(opener, statement)

    assert books.store.ledger.entries() == before
    assert books.store.seats.pool().purchased == {PREMIUM: 1, STANDARD: 2}
    assert books.store.ledger.verify().ok


@pytest.mark.server
@pytest.mark.parametrize("table", ["ledger", "ledger_seal"])
def test_the_ledger_cannot_be_emptied_at_once(postgres_opener: StoreOpener, table: str) -> None:
    Books(postgres_opener)

    with pytest.raises(DatabaseError, match="the ledger only grows"):
        run(postgres_opener.url, f"TRUNCATE {table}")


def test_an_unknown_tier_in_the_store_is_said_and_not_guessed(books: Books, opener: StoreOpener) -> None:
    other = open_store(
        opener.url,
        organization=opener.organization,
        ladder=Ladder.of("standard"),
        reserved={},
        clock=books.clock,
    )
    with pytest.raises(StoreError, match="'premium' that the configuration does not name"):
        other.seats.pool()
    other.close()


def test_a_member_has_one_pending_invite_and_an_end_has_its_time(
    books: Books, opener: StoreOpener
) -> None:
    run(opener.url, INVITED, organization=opener.organization, id="1", state="pending", ended_at=None)
    over = {"state": "withdrawn", "ended_at": "2026-03-02T10:00:00.000000Z"}

    assert "invite" in refused(opener, INVITED, id="2", state="pending", ended_at=None)
    assert "invite_states" in refused(opener, INVITED, id="2", state="lapsed", ended_at=None)
    assert "invite_states" in refused(opener, INVITED, id="2", **{**over, "state": "pending"})
    assert "invite_states" in refused(opener, INVITED, id="2", **{**over, "state": "lost"})

    run(opener.url, INVITED, organization=opener.organization, id="2", **over)
    assert [one.id for one in books.store.invites.invites()] == ["2", "1"]


def test_organizations_do_not_see_each_other(books: Books, opener: StoreOpener) -> None:
    other = Books(opener, seats={PREMIUM: 1})

    other.assign("ada", PREMIUM)

    assert len(other.store.seats.holdings()) == len(books.store.seats.holdings()) == 1
    with shell(opener.url) as connection:
        tables = inspect(connection)
        keyless = {
            name
            for name in tables.get_table_names()
            if "organization" not in {column["name"] for column in tables.get_columns(name)}
        }
    assert keyless == {"alembic_version"}
