"""What the engine is given to work with: every port of one organisation, and what it obeys."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from idpsync.core.books import Assignments, ContractBook, InviteBook, Registry, SeatBook, WaitList
from idpsync.core.guard import Limits
from idpsync.core.journals import AccountCache, Lease, Ledger, ReadCache, RunBook
from idpsync.core.model import DirectoryUser
from idpsync.core.policy import Policy
from idpsync.core.ports import Clock, DirectorySource, Target


class LastShown:
    """Whom the directory last showed, whenever that was, by external id.

    For several threads at once: what was told once never changes, a newer word is another mapping.
    """

    def __init__(self) -> None:
        self._people: Mapping[str, DirectoryUser] = {}
        self._lock = threading.Lock()

    def people(self) -> Mapping[str, DirectoryUser]:
        """Everybody ever shown; whoever was shown last stands last."""
        return self._people

    def note(self, users: Iterable[DirectoryUser]) -> None:
        shown = {user.external_id: user for user in users}
        with self._lock:
            before = {key: user for key, user in self._people.items() if key not in shown}
            self._people = before | shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The ports of one organisation, built by `wiring`.

    `shown` takes whom the directory last showed, for targets that know accounts by them.
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
    shown: LastShown | None = None


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
