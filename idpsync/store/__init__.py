"""The store: seats, links, wishes, ledger, runs, alerts. SQLite or PostgreSQL, one schema."""

from collections.abc import Mapping
from datetime import timedelta

from idpsync.core.ports import Clock
from idpsync.core.seats import Ladder, Tier
from idpsync.store.database import is_there, open_database
from idpsync.store.store import Store

__all__ = ["HOLD_TTL", "Store", "is_there", "open_store"]

HOLD_TTL = timedelta(minutes=15)


def open_store(
    url: str,
    *,
    organization: str,
    ladder: Ladder,
    reserved: Mapping[Tier, int],
    clock: Clock,
    hold_ttl: timedelta = HOLD_TTL,
) -> Store:
    """The store at `url`: `sqlite:///PATH` or `postgresql://…`.

    An empty SQLite store gets its tables at once; every other one waits for `idpsync store upgrade`.
    `reserved` are the seats per tier that sync leaves free for logins; `hold_ttl` is how long a
    reservation stays after which `mirror` may free it. StoreError for an address that cannot be used.
    """
    database = open_database(url, organization=organization, clock=clock)
    store = Store(database, ladder, reserved=reserved, hold_ttl=hold_ttl)
    store.prepare()
    return store
