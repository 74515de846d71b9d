"""What somebody else did at the target: seen in a whole listing, told once."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from idpsync.core.drift import Drift, DriftKind, drift
from idpsync.core.model import Account
from idpsync.core.records import Cause, LastKnown
from idpsync.core.seats import Holding
from idpsync.engine.rooms import Rooms

log = structlog.get_logger()

LISTING_LAG = timedelta(minutes=5)
"""A target may list what it was told this long ago, and a replica's clock may be off: what changed in
our books within that time before the listing is newer than it."""


def recall(rooms: Rooms, listed: datetime) -> LastKnown:
    """What was known of the accounts before a listing begun at `listed`."""
    return rooms.known.recall(listed - LISTING_LAG)


def look_for_drift(rooms: Rooms, known: LastKnown, accounts: Iterable[Account]) -> tuple[Drift, ...]:
    """What differs in a whole listing from what is known, and no door of ours did.

    A seat on its way says that a write of ours is, too, or was cut short; and whoever has a seat in the
    book and was not known is somebody's whom a login lets in meanwhile. Seats are read after `accounts`
    were: whoever makes an account has reserved the seat before.
    """
    if not known.saved:
        return ()
    found = drift(known.lines, accounts)
    if not found:
        return ()
    seats = {holding.member: holding for holding in rooms.seats.holdings()}
    return tuple(one for one in found if not _is_ours(one, seats.get(one.member)))


def _is_ours(one: Drift, seat: Holding | None) -> bool:
    return seat is not None and (one.kind is DriftKind.MADE or not seat.settled)


def note_drift(
    rooms: Rooms, accounts: Iterable[Account], seen: Iterable[Drift], cause: Cause, listed: datetime
) -> None:
    """Keep the whole listing begun at `listed` as what is known, and put down what was `seen`."""
    seen = tuple(seen)
    for one in seen:
        log.warning("drift.seen", kind=one.kind.value, member=one.member, said=str(one))
    rooms.known.replace(accounts, seen, cause, listed - LISTING_LAG)
