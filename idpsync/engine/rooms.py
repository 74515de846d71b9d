"""What the engine is given to work with: every port of one organisation."""

from dataclasses import dataclass

from idpsync.core.books import (
    Assignments,
    ContractBook,
    InviteBook,
    Lease,
    Ledger,
    ReadCache,
    Registry,
    RunBook,
    SeatBook,
    WaitList,
)
from idpsync.core.ports import Clock, DirectorySource, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The ports of one organisation, built by `wiring`."""

    organization: str
    source: DirectorySource
    target: Target
    seats: SeatBook
    contracts: ContractBook
    invites: InviteBook
    assignments: Assignments
    registry: Registry
    waiting: WaitList
    ledger: Ledger
    lease: Lease
    runs: RunBook
    cache: ReadCache
    clock: Clock
