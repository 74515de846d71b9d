"""All books of one organisation on one store."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import inspect

from idpsync.core.books import (
    AccountShelf,
    Assignments,
    ContractBook,
    InviteBook,
    Registry,
    SeatBook,
    WaitList,
)
from idpsync.core.errors import StoreError
from idpsync.core.journals import (
    AccountCache,
    AlertBook,
    Lease,
    Ledger,
    OnceOnly,
    Outbox,
    ReadCache,
    RunBook,
)
from idpsync.core.seats import Ladder, Tier
from idpsync.store.account_cache import SqlAccountCache
from idpsync.store.alert_book import SqlAlertBook
from idpsync.store.assignments import SqlAssignments
from idpsync.store.claim import ClaimDesk
from idpsync.store.contracts import SqlContractBook
from idpsync.store.database import Database
from idpsync.store.invites import SqlInviteBook
from idpsync.store.ledger import SqlLedger
from idpsync.store.marks import SqlLease, SqlOnceOnly
from idpsync.store.outbox import SqlOutbox
from idpsync.store.read_cache import SqlReadCache
from idpsync.store.registry import SqlRegistry
from idpsync.store.runs import SqlRunBook
from idpsync.store.seat_rows import SeatBooking
from idpsync.store.seats import SqlSeatBook
from idpsync.store.shelf import SqlAccountShelf
from idpsync.store.upgrade import bring_to_head, head, is_known, version_of
from idpsync.store.wait_list import SqlWaitList


class Store:
    """Every store port, and the care of the store itself. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        ladder: Ladder,
        *,
        reserved: Mapping[Tier, int],
        hold_ttl: timedelta,
    ) -> None:
        self._database = database
        desk = ClaimDesk(database, ladder, reserved, hold_ttl)
        self.seats: SeatBook = SqlSeatBook(database, desk)
        self.contracts: ContractBook = SqlContractBook(database, ladder)
        self.invites: InviteBook = SqlInviteBook(SeatBooking(database, ladder, hold_ttl))
        self.assignments: Assignments = SqlAssignments(database, ladder)
        self.registry: Registry = SqlRegistry(database)
        self.waiting: WaitList = SqlWaitList(database, ladder)
        self.ledger: Ledger = SqlLedger(database)
        self.runs: RunBook = SqlRunBook(database)
        self.cache: ReadCache = SqlReadCache(database)
        self.known: AccountCache = SqlAccountCache(database)
        self.alerts: AlertBook = SqlAlertBook(database)
        self.outbox: Outbox = SqlOutbox(database)
        self.once: OnceOnly = SqlOnceOnly(database)
        self.lease: Lease = SqlLease(database)
        self.shelf: AccountShelf = SqlAccountShelf(database, ladder)

    def prepare(self) -> None:
        """Make the tables of an empty SQLite store; two programs that start at once take turns."""
        if not self._database.postgresql:
            with self._database.writing() as connection:
                if not inspect(connection).get_table_names():
                    bring_to_head(connection)

    def upgrade(self) -> None:
        """Bring the tables up to this program's version, all steps or none.

        StoreError for a store that a newer program made.
        """
        found = self.version()
        if found and not is_known(found):
            raise StoreError(f"a newer idpsync made the store (version {found}): update the program")
        with self._database.writing() as connection:
            bring_to_head(connection)

    def version(self) -> str:
        """The version of the tables; "" for a store without any. StoreError when unreachable."""
        with self._database.reading() as connection:
            return version_of(connection)

    def check(self) -> None:
        """StoreError when the store cannot be reached or is of another version than the program."""
        found, wanted = self.version(), head()
        if found == wanted:
            return
        if found and not is_known(found):
            raise StoreError(f"a newer idpsync made the store (version {found}): update the program")
        state = f"is at version {found}" if found else "has no tables yet"
        raise StoreError(
            f"the store {state}, this program works with {wanted}: run `idpsync store upgrade`"
        )

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()
