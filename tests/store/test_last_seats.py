"""Several doors at once on the last seats of a real store: as many come in as there are seats."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from idpsync.core.admission import Admission
from idpsync.core.errors import IdpSyncError, NoSeatAvailable, NotPossible
from idpsync.core.membership import Actor, Invited, InviteState
from idpsync.core.policy import Policy
from tests.engine.house import EngineHouse, login
from tests.people import LADDER, PREMIUM, STANDARD
from tests.store.conftest import StoreOpener

ROOT = Actor("cli:root")


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What each call gave, or the error that it raised."""
    start = threading.Barrier(len(calls))

    def one(call: Callable[[], object]) -> object:
        start.wait()
        try:
            return call()
        except IdpSyncError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))


def address(name: str) -> str:
    return f"{name}@acme.example"


def test_twenty_invites_and_twenty_logins_on_the_last_five_seats(opener: StoreOpener) -> None:
    house = EngineHouse(seats={PREMIUM: 2, STANDARD: 4}, policy=Policy(ladder=LADDER), open_store=opener)
    house.admitter.admit(login("first"))  # one of the six is taken
    invited, coming = [f"i{n:02}" for n in range(20)], [f"l{n:02}" for n in range(20)]

    calls: list[Callable[[], object]] = []
    for i, c in zip(invited, coming, strict=True):
        calls += [
            partial(house.hand.invite, ROOT, address(i)),
            partial(house.admitter.admit, login(c)),
        ]
    given = at_once(*calls)

    faults = [one for one in given if isinstance(one, IdpSyncError)]
    assert {type(fault) for fault in faults} <= {NoSeatAvailable}
    let_in = [one for one in given if isinstance(one, Admission) and one.let_in]
    pending = [i for i in house.store.invites.invites() if i.state is InviteState.PENDING]
    assert len(let_in) + len(pending) == 5
    assert len(pending) == sum(isinstance(one, Invited) for one in given)
    holdings = house.store.seats.holdings()
    assert Counter(h.tier for h in holdings) == {PREMIUM: 2, STANDARD: 4}
    assert len({h.member for h in holdings}) == 6
    assert len(house.tiers()) == 6 - len(pending)
    for invite in pending:
        held = house.store.seats.holding(invite.member)
        assert held
        assert (held.tier, held.expires_at) == (invite.tier, invite.expires_at)
    waiting = {entry.member for entry in house.store.waiting.entries()}
    assert waiting <= {"first", *coming}  # an invite without a seat leaves no wish behind

    house.run()
    assert Counter(h.tier for h in house.store.seats.holdings()) == {PREMIUM: 2, STANDARD: 4}


def test_one_person_invited_by_several_at_once_has_one_seat_and_one_invite_at_most(
    opener: StoreOpener,
) -> None:
    house = EngineHouse(seats={PREMIUM: 5, STANDARD: 5}, policy=Policy(ladder=LADDER), open_store=opener)
    for n in range(10):
        name = address(f"zoe{n}")
        given = at_once(*[partial(house.hand.invite, ROOT, name)] * 4)

        faults = [one for one in given if isinstance(one, IdpSyncError)]
        assert len(faults) >= 3
        assert len([h for h in house.store.seats.holdings() if h.member == name]) == 1
        pending = house.store.invites.pending(name)
        assert (pending is not None) == (len(faults) == 3)
        if pending:
            house.hand.withdraw(ROOT, name)
        else:
            house.clock.at += house.manual.invite_lasts
            house.run()


def test_an_invited_person_logs_in_from_several_tabs_while_the_invite_is_withdrawn(
    opener: StoreOpener,
) -> None:
    """Either they are in with one seat, or they are not and nothing is held for long."""
    house = EngineHouse(seats={PREMIUM: 1, STANDARD: 0}, policy=Policy(ladder=LADDER), open_store=opener)
    for n in range(10):
        name = address(f"zoe{n}")
        house.hand.invite(ROOT, name)

        log_in = partial(house.admitter.admit, login(name, email=name))
        given = at_once(log_in, log_in, log_in, partial(house.hand.withdraw, ROOT, name))

        assert all(isinstance(one, NotPossible) for one in given if isinstance(one, Exception))
        came_in = house.target.find(name) is not None
        assert came_in == any(isinstance(one, Admission) and one.let_in for one in given)
        assert house.store.invites.pending(name) is None
        house.clock.at += house.manual.invite_lasts
        house.run()
        assert house.booked() == ({name: "premium"} if came_in else {})
        if came_in:
            house.hand.remove(ROOT, name)
