"""A process killed between the hold and the settling leaves a reservation, which `mirror` resolves."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from idpsync.core.records import Seated
from tests.contracts.stores import CAUSE, Books, wish
from tests.people import PREMIUM
from tests.store.conftest import StoreOpener

ROOT = Path(__file__).parents[2]
DIES = """
import os, signal, sys
from tests.store.claimants import claim, open_for
store = open_for(sys.argv[1], sys.argv[2])
assert claim(store, "ada") == "premium"
os.kill(os.getpid(), signal.SIGKILL)
"""
DIES_WRITING = """
import os, signal, sys
from tests.store.claimants import CAUSE, open_for
store = open_for(sys.argv[1], sys.argv[2])
with store._database.writing() as connection:
    connection.exec_driver_sql("UPDATE seat SET state = 'reserved', member = 'ada', door = 'jit',"
        " since = '2026-03-01T10:00:00.000000Z', expires_at = '2026-03-01T10:00:00.000000Z'"
        " WHERE organization = '" + sys.argv[2] + "' AND tier = 'premium'")
    os.kill(os.getpid(), signal.SIGKILL)
"""

INVITES = """
import os, signal, sys
from datetime import timedelta
from idpsync.core.membership import Invite
from idpsync.core.seats import Claim, Door
from idpsync.store import invite_changes
from tests.people import NOW, PREMIUM
from tests.store.claimants import CAUSE, open_for
store = open_for(sys.argv[1], sys.argv[2])
ticket = store.seats.hold(Claim("ada", "ada", (PREMIUM,), door=Door.MANUAL), CAUSE).ticket
invite = Invite("inv-ada", "ada", "ada", PREMIUM, "cli:root", NOW, NOW + timedelta(days=21))
"""
DIES_AFTER_THE_INVITE = (
    INVITES
    + """
store.invites.open(invite, ticket, CAUSE)
os.kill(os.getpid(), signal.SIGKILL)
"""
)
DIES_INSIDE_THE_INVITE = (
    INVITES
    + """
with store.invites._booking.open(CAUSE, "ada") as page:
    invite_changes.send(page, invite, ticket)
    os.kill(os.getpid(), signal.SIGKILL)
"""
)


@pytest.fixture
def books(opener: StoreOpener) -> Books:
    return Books(opener, seats={PREMIUM: 1})


def die(opener: StoreOpener, program: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", program, opener.url, opener.organization],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def test_the_reservation_outlives_the_process_and_is_kept_for_its_member(
    books: Books, opener: StoreOpener
) -> None:
    die(opener, DIES)

    assert books.store.seats.mirror([], CAUSE) == ()
    assert books.store.seats.hold(wish("bob", PREMIUM), CAUSE).tier is None
    assert books.store.seats.hold(wish("ada", PREMIUM), CAUSE).tier == PREMIUM


def test_the_account_was_made_and_the_seat_is_assigned(books: Books, opener: StoreOpener) -> None:
    die(opener, DIES)

    books.store.seats.mirror([Seated("ada", "acc-ada", PREMIUM)], CAUSE)

    holding = books.store.seats.holding("ada")
    assert holding is not None
    assert holding.settled


def test_no_account_was_made_and_the_seat_is_free_when_its_time_is_over(
    books: Books, opener: StoreOpener
) -> None:
    die(opener, DIES)
    books.clock.advance(timedelta(minutes=15))

    books.store.seats.mirror([], CAUSE)

    assert books.store.seats.hold(wish("bob", PREMIUM), CAUSE).tier == PREMIUM


def test_a_process_that_dies_inside_a_write_leaves_nothing_and_blocks_nobody(
    books: Books, opener: StoreOpener
) -> None:
    die(opener, DIES_WRITING)

    assert books.store.seats.holdings() == ()
    assert books.store.seats.hold(wish("bob", PREMIUM), CAUSE).tier == PREMIUM


def test_an_invite_outlives_the_process_with_its_seat(books: Books, opener: StoreOpener) -> None:
    die(opener, DIES_AFTER_THE_INVITE)
    books.clock.advance(timedelta(days=20))

    assert books.store.seats.mirror([], CAUSE) == ()
    invite = books.store.invites.pending("ada")
    holding = books.store.seats.holding("ada")
    assert invite is not None
    assert holding is not None
    assert holding.expires_at == invite.expires_at


def test_an_invite_that_was_not_written_whole_leaves_an_ordinary_reservation(
    books: Books, opener: StoreOpener
) -> None:
    die(opener, DIES_INSIDE_THE_INVITE)

    assert books.store.invites.invites() == ()
    assert books.tier_of("ada") == PREMIUM
    books.clock.advance(timedelta(minutes=15))
    books.store.seats.mirror([], CAUSE)
    assert books.tier_of("ada") is None
