"""An in-memory store: every port keeps its state and its promises, nothing leaves the process.

`FakeStore` has the attribute names of the real `Store`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from idpsync.core.ports import Clock
from idpsync.core.seats import Ladder, Tier
from tests.fakes.accounts import FakeAccountCache
from tests.fakes.alert_books import FakeAlertBook, FakeOutbox
from tests.fakes.books import FakeAccountShelf, FakeReadCache, FakeRegistry, FakeRunBook
from tests.fakes.contracts import FakeContractBook
from tests.fakes.ledger import FakeLedger
from tests.fakes.marks import FakeLease, FakeOnceOnly
from tests.fakes.seats import FakeSeatBook
from tests.fakes.wait_list import FakeWaitList
from tests.people import wide_contract

HOLD_TTL = timedelta(minutes=15)


@dataclass
class FakeStore:
    """Every store port of one organisation. `seats_purchased` is what the contract starts with."""

    ladder: Ladder
    clock: Clock
    reserved: Mapping[Tier, int] = field(default_factory=dict)
    seats_purchased: Mapping[Tier, int] = field(default_factory=dict)
    hold_ttl: timedelta = HOLD_TTL

    def __post_init__(self) -> None:
        self.lease = FakeLease(self.clock)
        self.ledger = FakeLedger(self.clock, self.lease)
        self.waiting = FakeWaitList(self.clock, self.ledger)
        self.seats = FakeSeatBook(
            self.ladder, self.reserved, self.hold_ttl, waiting=self.waiting, ledger=self.ledger
        )
        self.contracts = FakeContractBook(self.seats)
        if self.seats_purchased:
            self.contracts.begin(wide_contract(self.seats_purchased))
        self.invites, self.assignments = self.seats.invites, self.seats.assignments
        self.registry = FakeRegistry(self.ledger)
        self.runs = FakeRunBook(self.clock, self.ledger)
        self.cache = FakeReadCache()
        self.known = FakeAccountCache(self.clock, self.ledger)
        self.outbox = FakeOutbox()
        self.alerts = FakeAlertBook(self.clock, self.outbox, self.ledger)
        self.once = FakeOnceOnly(self.clock)
        self.shelf = FakeAccountShelf()

    def upgrade(self) -> None:
        """Nothing to bring up to date."""

    def check(self) -> None:
        """Always reachable."""

    def close(self) -> None:
        """Nothing is open."""

    def version(self) -> str:
        return "memory"
