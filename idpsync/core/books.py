"""The ports to what is remembered: seats, wishes, links, purchases, invites, runs, alerts, ledger.

Each has one contract test class in `tests/contracts/` that the store and every fake pass. The world
outside is in `ports`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from idpsync.core.alerts import Alert, AlertState
from idpsync.core.changes import DirectoryChanges
from idpsync.core.contract import Contract, Purchase, Quote
from idpsync.core.drift import Drift
from idpsync.core.membership import Assignment, Invite
from idpsync.core.model import Account, DirectorySnapshot, Link
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
    Seated,
)
from idpsync.core.seats import Claim, Holding, Placement, SeatPool, Tier, WaitEntry


class SeatBook(Protocol):
    """The one count that every door shares. Seats are rows; no row, no seat.

    Every method is one transaction that also writes its ledger row.
    """

    def pool(self) -> SeatPool:
        """The pool from the rows, reserve and wait list included."""
        ...

    def holdings(self) -> tuple[Holding, ...]:
        """All seat rows that are not free."""
        ...

    def holding(self, member: str) -> Holding | None:
        """The member's seat, the one being moved to when there are two."""
        ...

    def hold(self, claim: Claim, cause: Cause) -> Placement:
        """Reserve the first open option; a member who has a seat gets that seat's tier back.

        Idempotent. Gives what `seats.place` gives on a quiet pool. Without an open seat the wish goes
        onto the wait list and the placement has no tier. Whoever joins a reservation never shortens it.
        """
        ...

    def move(self, member: str, tier: Tier, cause: Cause) -> bool:
        """Reserve a seat of `tier` for a member who keeps the old one until `settle`; False if full."""
        ...

    def settle(self, member: str, account_id: str, cause: Cause, yield_to: str | None = None) -> None:
        """The target has confirmed: the reserved seat is assigned, a seat moved away from is freed.

        With `yield_to` the seat left behind is reserved for that member in the same transaction.
        """
        ...

    def release(self, member: str, cause: Cause, yield_to: str | None = None) -> None:
        """Give every seat of the member back, or hand it to `yield_to`. No seat: nothing happens.

        A member who yields is put onto the wait list as `owed`. One who does not is no longer invited:
        a pending invite is withdrawn, or it would let them in again.
        """
        ...

    def cancel(self, member: str, cause: Cause, ticket: int | None = None) -> None:
        """Drop a reservation that was not settled; an assigned seat stays.

        A seat being moved to is freed. A reservation is freed only for the `ticket` of its maker, and
        only while nobody else has joined it since: their create may be under way. An invite's seat is
        not given back here: its ticket is known to the `InviteBook` alone.
        """
        ...

    def rename(self, member: str, to: str, cause: Cause) -> None:
        """The person's user name changed; seat, wish, pending invite and assignment go along."""
        ...

    def mirror(
        self, seated: Iterable[Seated], cause: Cause, read_at: datetime | None = None
    ) -> tuple[str, ...]:
        """Make the rows agree with what the target says; what differed, one sentence each.

        Reservations of members who are not `seated` stay until `expires_at`. Seats beyond the contract
        become overdrawn rows that vanish when released: an organisation over its limit stays
        representable, and no new seat is given. `read_at` is when the target's listing was begun: a
        seat that changed since (a login beside the run) is newer than the listing and left alone.
        """
        ...


class ContractBook(Protocol):
    """The contract and what was bought during its term. Only ever grows."""

    def contract(self) -> Contract | None:
        """None before the store was seeded."""
        ...

    def seed(self, contract: Contract, cause: Cause) -> bool:
        """Record the term and make the seats it begins with, once; False when there is a contract.

        Where there are seats already (an older store), they are what the contract began with.
        """
        ...

    def purchases(self) -> tuple[Purchase, ...]:
        """In order of recording."""
        ...

    def record(self, quote: Quote, cause: Cause) -> Purchase:
        """Record a purchase with its invoice; if its day has come, reshape the pool at once.

        One transaction. It is checked again inside (two purchases at once both count):
        PurchaseRefused, and nothing is recorded. Nobody loses a seat: where an upgrade leaves fewer
        seats of a tier than people sit in, the seats beyond become overdrawn.
        """
        ...

    def record_all(
        self, offers: Sequence[tuple[Quote, tuple[str, ...]]], cause: Cause
    ) -> tuple[Purchase, ...]:
        """Record several purchases, each with its own reasons, in one transaction: all or none."""
        ...

    def apply_due(self, today: date, cause: Cause) -> tuple[Purchase, ...]:
        """Reshape the pool for recorded purchases whose day has come; those that were applied now.

        A purchase that would leave a reservation without a seat waits until that is over.
        """
        ...


class InviteBook(Protocol):
    """Invites by hand, each with the seat it holds, changed together in one transaction."""

    def open(self, invite: Invite, ticket: int, cause: Cause) -> None:
        """Record a pending invite and make its reservation last until `expires_at`.

        `ticket` is the placement's, and opens nothing from then on: StoreError when the member's
        reservation is not (any more) the one that was made under it, Conflict when a pending invite is
        there.
        """
        ...

    def pending(self, member: str) -> Invite | None:
        """The member's pending invite, also when its time is over and it has not lapsed yet."""
        ...

    def invites(self) -> tuple[Invite, ...]:
        """Every state, newest first."""
        ...

    def withdraw(self, member: str, cause: Cause) -> Invite:
        """End the pending invite, KeyError if there is none; the seat is free again.

        If somebody has joined the reservation (their account may be under way), it only stops lasting:
        `mirror` frees it when it has run out and the target has no account.
        """
        ...

    def accept(self, member: str, cause: Cause, known_as: str | None = None) -> Invite | None:
        """The person came in: the invite is done, the seat stays. None when none was pending.

        Its tier is given by hand from then on, to the member or under the name they are `known_as`. A
        reservation that is not settled yet becomes an ordinary one.
        """
        ...

    def lapse(self, cause: Cause) -> tuple[Invite, ...]:
        """End every pending invite whose time is over, by the store's clock; seats as in `withdraw`.

        Whoever sits in the invite's seat has come in: theirs is accepted, and not among the answer.
        """
        ...


class Assignments(Protocol):
    """Tiers given by hand."""

    def all(self) -> Mapping[str, Assignment]:
        """By member."""
        ...

    def put(self, assignment: Assignment, cause: Cause, *others: Assignment) -> None:
        """Insert or replace, all or none."""
        ...

    def drop(self, member: str, cause: Cause) -> None: ...

    def follow(self, names: Mapping[str, str], cause: Cause) -> None:
        """Keep what was given under the present names of the accounts, and note whose account it is.

        `names` are those of all accounts, by id: see `membership.under_present_names`.
        """
        ...


class Registry(Protocol):
    """Which account we answer for."""

    def links(self) -> tuple[Link, ...]: ...

    def link(self, link: Link, cause: Cause) -> None:
        """Record or refresh a link; idempotent by account id."""
        ...

    def unlink(self, account_id: str, cause: Cause) -> None: ...

    def mark_missing(self, since: Mapping[str, datetime | None], cause: Cause) -> None:
        """Set or clear `missing_since` per account id."""
        ...


class WaitList(Protocol):
    """Unmet wishes."""

    def entries(self) -> tuple[WaitEntry, ...]:
        """In queue order."""
        ...

    def replace(
        self, entries: Iterable[WaitEntry], cause: Cause, made_at: datetime | None = None
    ) -> None:
        """The wait list as the last plan sees it. An entry that stays keeps its `since`.

        With `made_at`, wishes made after that instant (a login beside the run) stay as well.
        """
        ...

    def drop(self, member: str, cause: Cause) -> None: ...

    def owe(self, entry: WaitEntry, cause: Cause) -> None:
        """Put down, before it is given up, that a member is owed `entry.wants` again.

        A wish of the member that is there already gains `owed` and that tier among `accepts`.
        """
        ...


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
    """Runs, headroom samples, held plans and the last complete read."""

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


class AccountShelf(Protocol):
    """Where the `local` target keeps its accounts."""

    def all(self) -> tuple[Account, ...]: ...

    def get(self, account_id: str) -> Account | None: ...

    def find(self, user_name: str) -> Account | None: ...

    def put(self, account: Account) -> None:
        """Insert or replace by id; Conflict when another id has that user name."""
        ...

    def remove(self, account_id: str) -> None: ...
