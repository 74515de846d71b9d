"""A store of an earlier version is brought up to date with everything that is in it."""

from datetime import timedelta

import pytest
from alembic import command
from alembic.config import Config

from idpsync.core.errors import StoreError
from idpsync.core.membership import Assignment, Invite
from idpsync.store import open_store
from tests.contracts.stores import CAUSE, stock, wish
from tests.people import LADDER, NOW, PREMIUM, STANDARD, StoppedClock
from tests.postgres import new_database
from tests.store.shell import shell


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def before_invites(request: pytest.FixtureRequest) -> str:
    """A store that was made before there were invites."""
    if request.param == "sqlite":
        url = str(request.getfixturevalue("sqlite_url"))
    else:
        url = new_database(request.getfixturevalue("postgres_cluster"), "before_invites")
    config = Config()
    config.set_main_option("script_location", "idpsync.store:migrations")
    config.set_main_option("path_separator", "os")
    with shell(url) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    return url


def test_a_store_without_invites_gets_them_and_keeps_its_seats(before_invites: str) -> None:
    store = open_store(
        before_invites, organization="acme", ladder=LADDER, reserved={}, clock=StoppedClock()
    )
    stock(store, {PREMIUM: 1, STANDARD: 2})
    store.seats.hold(wish("bob", STANDARD), CAUSE)
    seats = store.seats.holdings()
    with pytest.raises(StoreError, match=r"at version 0004.*`idpsync store upgrade`"):
        store.check()

    store.upgrade()

    store.check()
    assert store.seats.holdings() == seats
    assert store.invites.invites() == ()
    ticket = store.seats.hold(wish("ada", PREMIUM), CAUSE).ticket
    assert ticket is not None
    invite = Invite("1", "ada", "ada", PREMIUM, "cli:root", NOW, NOW + timedelta(days=21))
    store.invites.open(invite, ticket, CAUSE)
    given = Assignment("bob", None, "cli:root", NOW)
    store.assignments.put(given, CAUSE)
    assert (store.invites.pending("ada"), store.assignments.all()) == (invite, {"bob": given})
    store.close()
