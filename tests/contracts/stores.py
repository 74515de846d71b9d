"""What the contract classes of the store ports need from whoever runs them."""

from collections.abc import Mapping
from typing import Protocol

from idpsync.core.books import (
    AccountShelf,
    Assignments,
    ContractBook,
    InviteBook,
    Registry,
    SeatBook,
    WaitList,
)
from idpsync.core.contract import Item
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
from idpsync.core.pricing import quote
from idpsync.core.records import Cause
from idpsync.core.seats import Claim, Door, Ladder, Tier
from tests.people import LADDER, PREMIUM, STANDARD, StoppedClock, wide_contract

CAUSE = Cause("sync", ("because it was planned",), run_id="run-1")


class AnyStore(Protocol):
    """The real store and the fake one: the same attribute names."""

    @property
    def seats(self) -> SeatBook: ...
    @property
    def contracts(self) -> ContractBook: ...
    @property
    def invites(self) -> InviteBook: ...
    @property
    def assignments(self) -> Assignments: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def waiting(self) -> WaitList: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def runs(self) -> RunBook: ...
    @property
    def cache(self) -> ReadCache: ...
    @property
    def known(self) -> AccountCache: ...
    @property
    def alerts(self) -> AlertBook: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def once(self) -> OnceOnly: ...
    @property
    def lease(self) -> Lease: ...
    @property
    def shelf(self) -> AccountShelf: ...
    def close(self) -> None: ...


class Opener(Protocol):
    """Opens a fresh, empty store of one organisation on the given clock."""

    def __call__(
        self,
        clock: StoppedClock,
        *,
        ladder: Ladder = LADDER,
        reserved: Mapping[Tier, int] | None = None,
    ) -> AnyStore: ...


class Books:
    """A store, its clock, and short words for what tests do."""

    def __init__(
        self,
        open_fresh: Opener,
        *,
        seats: Mapping[Tier, int] | None = None,
        reserved: Mapping[Tier, int] | None = None,
        ladder: Ladder = LADDER,
    ) -> None:
        self.clock = StoppedClock()
        self.store = open_fresh(self.clock, ladder=ladder, reserved=reserved)
        if seats:
            stock(self.store, seats)

    def assign(self, member: str, tier: Tier) -> None:
        """The member has a settled seat of `tier`."""
        assert self.store.seats.hold(wish(member, tier), CAUSE).tier == tier
        self.store.seats.settle(member, f"acc-{member}", CAUSE)

    def tier_of(self, member: str) -> Tier | None:
        holding = self.store.seats.holding(member)
        return holding.tier if holding else None

    def events(self, member: str | None = None) -> list[str]:
        return [entry.event for entry in self.store.ledger.entries(member)]

    def free(self, tier: Tier) -> int:
        return self.store.seats.pool().free(tier)


class Stocked(Protocol):
    """What `stock` needs of a store."""

    @property
    def seats(self) -> SeatBook: ...
    @property
    def contracts(self) -> ContractBook: ...


def stock(store: Stocked, seats: Mapping[Tier, int]) -> None:
    """So many seats per tier: the contract begins with them, or what is missing of them is bought."""
    contracts = store.contracts
    contracts.seed(wide_contract(seats), CAUSE)
    contract, there = contracts.contract(), store.seats.pool().purchased
    missing = tuple(Item(tier, n - there[tier]) for tier, n in seats.items() if n > there[tier])
    if contract and missing:
        offer = quote(contract, contracts.purchases(), missing, contract.starts)
        contracts.record(offer, CAUSE)


def wish(
    member: str, *options: Tier, priority: int = 0, door: Door = Door.JIT, flexible: bool = False
) -> Claim:
    """A first wish of `member`; premium, then standard, unless told."""
    return Claim(
        member=member,
        user_name=f"{member}@acme.example",
        options=options or (PREMIUM, STANDARD),
        priority=priority,
        door=door,
        flexible=flexible,
        because=("group 'Premium' → premium",),
    )
