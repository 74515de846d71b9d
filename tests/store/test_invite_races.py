"""Invites, logins and what ends an invite, all at the same moment: the seat is never lost or doubled."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from idpsync.core.errors import StoreError
from idpsync.core.membership import Invite, InviteState
from idpsync.core.seats import Claim, Door, Placement, Tier
from tests.contracts.stores import CAUSE, AnyStore, Books, wish
from tests.people import LADDER, NOW, PREMIUM, STANDARD
from tests.store.conftest import StoreOpener

LASTS = timedelta(days=21)
TTL = timedelta(minutes=15)
ROUNDS = 20
ENDS = {"invite.accepted", "invite.withdrawn", "invite.lapsed"}


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What each call returned or raised; all begin at the same moment."""
    start = threading.Barrier(len(calls))

    def ask(call: Callable[[], object]) -> object:
        start.wait()
        try:
            return call()
        except StoreError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(ask, calls))


def letter(member: str, tier: Tier) -> Invite:
    return Invite(f"inv-{member}", member, member, tier, "cli:root", NOW, NOW + LASTS)


def invite(store: AnyStore, member: str) -> Placement:
    """What the manual door does: a seat first, then the invite that holds it."""
    claim = Claim(member, member, LADDER.tiers, door=Door.MANUAL, flexible=True)
    placement = store.seats.hold(claim, CAUSE)
    if placement.tier and placement.ticket is not None:
        store.invites.open(letter(member, placement.tier), placement.ticket, CAUSE)
    return placement


def log_in(store: AnyStore, member: str) -> Placement:
    return store.seats.hold(wish(member), CAUSE)


@pytest.fixture
def books(opener: StoreOpener) -> Books:
    return Books(opener, seats={PREMIUM: 3, STANDARD: 9})


@pytest.mark.parametrize("both", [0, 10, 20])
def test_twenty_invites_and_twenty_logins_on_the_last_five_seats(books: Books, both: int) -> None:
    """`both` of the people are invited and log in at the same moment."""
    for n in range(7):
        books.assign(f"old-{n}", PREMIUM if n < 2 else STANDARD)
    asked = [f"p{n:02d}" for n in range(20)]
    come = [f"p{n:02d}" for n in range(20 - both, 40 - both)]

    said = at_once(
        *(partial(invite, books.store, member) for member in asked),
        *(partial(log_in, books.store, member) for member in come),
    )

    faults = [one for one in said if isinstance(one, StoreError)]
    assert all("no longer reserved for this invite" in str(one) for one in faults)
    holdings = [h for h in books.store.seats.holdings() if not h.settled]
    assert Counter(h.tier for h in holdings) == {PREMIUM: 1, STANDARD: 4}
    assert len({h.member for h in holdings}) == 5
    lasting = {(h.member, h.tier) for h in holdings if h.expires_at == NOW + LASTS}
    pending = [one for one in books.store.invites.invites() if one.state is InviteState.PENDING]
    assert {(one.member, one.tier) for one in pending} == lasting
    assert len(pending) == len(lasting) == books.events().count("invite.sent")
    assert {h.member for h in holdings if h.expires_at == NOW + TTL} <= set(come)
    assert sum(books.store.seats.pool().held.values()) == 5


def test_whoever_logs_in_while_the_invite_is_opened_has_the_seat_once(books: Books) -> None:
    for n in range(ROUNDS):
        member = f"p{n}"
        ticket = books.store.seats.hold(wish(member, PREMIUM, door=Door.MANUAL), CAUSE).ticket
        assert ticket is not None

        at_once(
            partial(books.store.invites.open, letter(member, PREMIUM), ticket, CAUSE),
            partial(log_in, books.store, member),
        )

        (seat,) = books.store.seats.holdings()
        invited = books.store.invites.pending(member) is not None
        assert (seat.member, seat.expires_at) == (member, NOW + (LASTS if invited else TTL))
        books.store.seats.release(member, CAUSE)


def test_whoever_logs_in_while_the_invite_is_withdrawn_has_a_seat_for_a_while(books: Books) -> None:
    for n in range(ROUNDS):
        member = f"p{n}"
        invite(books.store, member)

        _, placement = at_once(
            partial(books.store.invites.withdraw, member, CAUSE),
            partial(log_in, books.store, member),
        )

        assert isinstance(placement, Placement)
        (seat,) = books.store.seats.holdings()
        assert (seat.member, seat.tier, seat.expires_at) == (member, placement.tier, NOW + TTL)
        assert books.store.invites.pending(member) is None
        books.store.seats.release(member, CAUSE)


def test_all_who_log_in_while_their_invites_lapse_have_a_seat(books: Books) -> None:
    people = [f"p{n:02d}" for n in range(12)]
    for member in people:
        invite(books.store, member)
    books.clock.advance(LASTS)

    lapsed, *placements = at_once(
        partial(books.store.invites.lapse, CAUSE),
        *(partial(log_in, books.store, member) for member in people),
    )

    assert isinstance(lapsed, tuple)
    assert {one.member for one in lapsed} == set(people)
    assert all(isinstance(one, Placement) and one.tier for one in placements)
    assert [h.member for h in books.store.seats.holdings()] == people
    assert {h.expires_at for h in books.store.seats.holdings()} == {NOW + LASTS + TTL}


@pytest.mark.parametrize("seated", [True, False])
def test_an_invite_ends_once_and_its_seat_accordingly(books: Books, seated: bool) -> None:
    for n in range(ROUNDS):
        member = f"p{n}"
        start = books.clock.now()
        placement = books.store.seats.hold(wish(member, PREMIUM, door=Door.MANUAL), CAUSE)
        due = Invite(f"inv-{n}", member, member, PREMIUM, "cli:root", start, start)
        assert placement.ticket is not None
        books.store.invites.open(due, placement.ticket, CAUSE)
        if not seated:
            books.store.seats.mirror([], CAUSE)

        def withdraw(member: str = member) -> None:
            with suppress(KeyError):  # the others were faster
                books.store.invites.withdraw(member, CAUSE)

        at_once(
            withdraw,
            partial(books.store.invites.accept, member, CAUSE),
            partial(books.store.invites.lapse, CAUSE),
        )

        assert sum(event in ENDS for event in books.events(member)) == 1
        accepted = "invite.accepted" in books.events(member)
        assert (books.tier_of(member) is not None) == (accepted and seated)
        books.store.seats.release(member, CAUSE)
