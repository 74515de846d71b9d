"""The ports to what runs and logins leave to the next: ledger, runs, reads, alerts, ids, the lease.

Each has one contract test class in `tests/contracts/` that the store and every fake pass. Seats and who
has them are in `books`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from idpsync.core.alerts import Alert, AlertState
from idpsync.core.changes import DirectoryChanges
from idpsync.core.drift import Drift
from idpsync.core.model import Account, DirectorySnapshot, DirectoryUser
from idpsync.core.records import (
    Cause,
    Delivery,
    HeadroomSample,
    HeldPlan,
    HoldState,
    LastKnown,
    LastRead,
    LedgerEntry,
    LedgerProof,
    Person,
    RunRecord,
)


class Ledger(Protocol):
    """Append-only record of everything decided and written, sealed in a hash chain."""

    def append(self, entries: Sequence[LedgerEntry], cause: Cause | None = None) -> None: ...

    def entries(
        self, member: str | None = None, since: datetime | None = None, limit: int | None = None
    ) -> tuple[LedgerEntry, ...]:
        """In order of writing; with `limit` the newest so many."""
        ...

    def seal(self) -> int:
        """Seal what is not sealed yet, in one batch; the number of rows sealed."""
        ...

    def verify(self) -> LedgerProof: ...


class RunBook(Protocol):
    """Runs, headroom samples and held plans."""

    def begin(self, run: RunRecord) -> None: ...

    def finish(self, run: RunRecord, sample: Sequence[HeadroomSample]) -> None: ...

    def claim_slot(self, job: str, slot: datetime) -> bool:
        """True for the one caller that may run this slot of this job (also after a restart)."""
        ...

    def runs(self, limit: int = 20) -> tuple[RunRecord, ...]:
        """Newest first."""
        ...

    def samples(self, since: datetime | None = None) -> tuple[HeadroomSample, ...]: ...

    def hold_plan(self, held: HeldPlan, cause: Cause) -> HeldPlan:
        """Record a held plan and tell how it stands; another digest supersedes it.

        The same digest over the same limits again changes nothing; over other limits it is held anew.
        What was rejected stays rejected over the limits that somebody looked at.
        """
        ...

    def held_plans(self) -> tuple[HeldPlan, ...]:
        """Newest first, every state."""
        ...

    def decide(self, digest: str, state: HoldState, cause: Cause) -> HeldPlan:
        """Approve or reject; KeyError when no such plan is held."""
        ...

    def take_approval(self, held: HeldPlan, valid_since: datetime, cause: Cause) -> bool:
        """Use up an approval of exactly this digest given at `valid_since` or after; True once.

        False where the plan goes over a limit, or loses somebody, for which it was not held when it was
        approved.
        """
        ...

    def supersede(self, cause: Cause) -> None:
        """The guard let the present plan pass: whatever is still held is no longer current."""
        ...


class ReadCache(Protocol):
    """The last complete read, for `explain`, for logins, and to see what a new read lost."""

    def save(self, snapshot: DirectorySnapshot) -> None:
        """Replace people and the membership of every complete group, in one transaction."""
        ...

    def update(self, changes: DirectoryChanges) -> None:
        """Carry the last complete read on: only what changed is written, in one transaction."""
        ...

    def person(self, name: str) -> Person | None:
        """By user name, e-mail or external id, compared folded."""
        ...

    def people(self) -> tuple[DirectoryUser, ...]:
        """Everybody, as last read completely."""
        ...

    def group_members(self) -> Mapping[str, frozenset[str]]:
        """Group name → external ids, as last read completely."""
        ...

    def last_read(self) -> LastRead:
        """`group_members`, the external ids of those groups, and the scope people were read with."""
        ...

    def saved_at(self) -> datetime | None: ...


class AccountCache(Protocol):
    """The accounts of the target as last known: after a whole listing, and after each write of ours."""

    def recall(self, sure_since: datetime) -> LastKnown:
        """What is known. What we wrote after `sure_since` is in doubt: a listing may not show it yet."""
        ...

    def note(self, account: Account) -> None:
        """The target has confirmed a write of ours: this is how the account is now."""
        ...

    def doubt(self, key: str) -> None:
        """A write of ours had no answer: how the account is, is not known until it is listed.

        `key` is the account's id, or the member where an account may have been made.
        """
        ...

    def forget(self, account_id: str) -> None:
        """We deleted the account."""
        ...

    def replace(
        self, accounts: Iterable[Account], seen: Iterable[Drift], cause: Cause, read_at: datetime
    ) -> None:
        """Keep a whole listing, begun at `read_at`, and put down what was `seen` in it, once.

        One transaction. What was noted after `read_at` is newer than the listing and stays.
        """
        ...

    def take_over(self, cause: Cause) -> None:
        """From now on idpsync works at this target, whoever's accounts are there. Idempotent."""
        ...


class Outbox(Protocol):
    """Messages that must leave, written in the transaction that decided them."""

    def due(self, now: datetime, limit: int = 20) -> tuple[Delivery, ...]:
        """Deliveries whose time has come, leased to this caller for a minute."""
        ...

    def pending(self) -> int:
        """How many messages have not left yet."""
        ...

    def done(self, delivery: Delivery) -> None: ...

    def failed(self, delivery: Delivery, error: str, next_at: datetime | None) -> None:
        """Try again at `next_at`; None puts it aside for good."""
        ...


class AlertBook(Protocol):
    """Alert state; transitions and the messages they cause are one transaction."""

    def states(self) -> Mapping[str, AlertState]: ...

    def save(self, states: Iterable[AlertState], messages: Iterable[tuple[str, Alert]]) -> None:
        """Store the new states and post each (receiver, alert) to the outbox, all or nothing."""
        ...

    def acknowledge(self, key: str, cause: Cause) -> AlertState:
        """KeyError when no such alert is known."""
        ...

    def silence(self, key: str, until: datetime, cause: Cause) -> AlertState: ...


class OnceOnly(Protocol):
    """Ids that may be used once: assertions, AuthnRequests."""

    def claim(self, kind: str, id: str, until: datetime) -> bool:
        """True for the first caller, False for every other until `until` has passed."""
        ...

    def remember(self, kind: str, id: str, payload: str, until: datetime) -> None: ...

    def recall(self, kind: str, id: str, now: datetime) -> str | None:
        """The payload without using it up, or None: unknown or expired."""
        ...

    def take(self, kind: str, id: str, now: datetime) -> str | None:
        """The payload, once; None if unknown, used or expired."""
        ...


class Lease(Protocol):
    """Who leads. The token grows with every change of holder; writes carry it."""

    def acquire(self, name: str, holder: str, ttl: timedelta) -> int | None:
        """The fencing token, or None while somebody else holds the lease."""
        ...

    def renew(self, name: str, holder: str, ttl: timedelta) -> bool: ...

    def release(self, name: str, holder: str) -> None: ...
