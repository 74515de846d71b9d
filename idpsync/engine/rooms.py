"""What the engine is given to work with: every port of one organisation."""

from dataclasses import dataclass

from idpsync.core.ports import (
    Clock,
    DirectorySource,
    Ledger,
    ReadCache,
    Registry,
    RunBook,
    SeatBook,
    Target,
    WaitList,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The ports of one organisation, built by `wiring`."""

    organization: str
    source: DirectorySource
    target: Target
    seats: SeatBook
    registry: Registry
    waiting: WaitList
    ledger: Ledger
    runs: RunBook
    cache: ReadCache
    clock: Clock
