"""What the engine is given to work with: every port of one organisation, and what it obeys."""

from dataclasses import dataclass, field
from datetime import timedelta

from idpsync.core.books import Assignments, ContractBook, InviteBook, Registry, SeatBook, WaitList
from idpsync.core.guard import Limits
from idpsync.core.journals import AccountCache, Lease, Ledger, ReadCache, RunBook
from idpsync.core.model import DirectoryUser
from idpsync.core.policy import Policy
from idpsync.core.ports import Clock, DirectorySource, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The ports of one organisation, built by `wiring`.

    `people` takes whom the directory last showed, for targets that know accounts by them.
    """

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
    known: AccountCache
    clock: Clock
    people: dict[str, DirectoryUser] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What a reconciliation obeys: policy, guard limits, canaries, and how wide it may work.

    After `full_read` everything is read again; zero: each time.
    """

    policy: Policy
    limits: Limits = field(default_factory=Limits)
    canaries: frozenset[str] = frozenset()
    concurrency: int = 8
    approval_lasts: timedelta = timedelta(hours=24)
    full_read: timedelta = timedelta(0)
