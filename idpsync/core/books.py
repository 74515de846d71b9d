"""The ports to the books: seats, contract, invites, tiers by hand, links, wishes, accounts of our own.

Each has one contract test class in `tests/contracts/` that the store and every fake pass. What runs and
logins leave behind is in `journals`, the world outside in `ports`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from idpsync.core.contract import Contract, Purchase, Quote
from idpsync.core.membership import Assignment, Invite
from idpsync.core.model import Account, Link
from idpsync.core.records import Cause, Seated
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


class AccountShelf(Protocol):
    """Where the `local` target keeps its accounts."""

    def all(self) -> tuple[Account, ...]: ...

    def get(self, account_id: str) -> Account | None: ...

    def find(self, user_name: str) -> Account | None: ...

    def put(self, account: Account) -> None:
        """Insert or replace by id; Conflict when another id has that user name."""
        ...

    def remove(self, account_id: str) -> None: ...
