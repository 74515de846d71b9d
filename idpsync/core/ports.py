"""The ports to the world outside: directory, target, receivers, mail, time.

What is kept has its ports in `books` and `journals`.

Each port has one contract test class in `tests/contracts/` that every adapter and every fake passes.
"""

from datetime import datetime
from typing import Protocol, runtime_checkable

from idpsync.core.alerts import Alert
from idpsync.core.changes import DirectoryChanges
from idpsync.core.membership import Invite
from idpsync.core.model import Account, DirectorySnapshot, DirectoryUser
from idpsync.core.plan import Action
from idpsync.core.records import (
    Health,
)


class Clock(Protocol):
    """Time enters here and nowhere else."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class DirectorySource(Protocol):
    """Where people and groups live. It never writes.

    Musts: a group that failed is listed with `members=None`, neither absent nor empty; COMPLETE needs
    a positive end mark of the protocol; absence is only meaningful under COMPLETE; unknown is not
    disabled; a source that cannot be reached or rejects our credentials raises RemoteError, and
    answers with a FAILED/PARTIAL snapshot when it got hold of a part.
    """

    name: str
    kind: str

    def read(self, since: str | None = None) -> DirectorySnapshot:
        """Everything in scope, or what changed since the cursor `since`."""
        ...

    def probe(self) -> Health:
        """Log in, read one row, change nothing."""
        ...


@runtime_checkable
class CanFind(Protocol):
    """A source that can look one person up without reading everybody."""

    def find(self, user_name: str) -> tuple[DirectoryUser, frozenset[str]] | None:
        """The person and the names of their groups, or None."""
        ...


@runtime_checkable
class CanReadChanges(Protocol):
    """A source that can tell what changed since it was last read.

    Musts: a read that is not complete has no cursor; of two reads with one cursor neither shows
    anything that the other does not; what a cut read, a vanished group or an emptied directory would
    have shown is never told as changes.
    """

    def changes(self, since: str) -> DirectoryChanges | None:
        """What changed since the cursor of the last read or of the last changes.

        None where that cannot be told for certain: everything is to be read. RemoteError as in `read`.
        """
        ...


@runtime_checkable
class CanWriteGroups(Protocol):
    """A directory whose groups idpsync may write: those it was told to own, by name, and no other.

    Musts: each verb may be called twice and ends in the same state; a group that is not owned raises
    Refused before anything is sent; a group that does not exist raises NotFound and is never made.
    """

    def members_of(self, group: str) -> frozenset[str]:
        """External ids of the direct members, proven whole; RemoteError otherwise."""
        ...

    def add_member(self, group: str, external_id: str) -> None: ...

    def remove_member(self, group: str, external_id: str) -> None: ...


class Target(Protocol):
    """Where accounts live: the service that seats are bought for.

    Musts: `accounts()` returns only a listing proven complete and raises Malformed otherwise; `apply`
    may be called twice with the same action and ends in the same state; a create that meets an
    existing account of ours returns it, and raises Conflict for somebody else's; the returned account
    says the tier that the target really gave.
    """

    name: str
    kind: str

    def accounts(self) -> tuple[Account, ...]:
        """All accounts, deactivated ones and pending invites included."""
        ...

    def find(self, user_name: str) -> Account | None:
        """The account with that user name (compared case-folded), or None."""
        ...

    def apply(self, action: Action) -> Account:
        """Carry out one action; the account as it is afterwards (as it was last, for a deletion)."""
        ...

    def probe(self) -> Health:
        """Log in, read one row, change nothing."""
        ...


class Courier(Protocol):
    """Brings invitations to people."""

    def invite(self, invite: Invite, language: str) -> None:
        """Send the invitation, text and HTML; RemoteError when the mail server did not take it."""
        ...


class Notifier(Protocol):
    """One receiver of alerts."""

    name: str

    def wants(self, alert: Alert) -> bool:
        """Whether this receiver is configured for the alert's severity."""
        ...

    def send(self, alert: Alert, delivery_id: str) -> None:
        """Deliver; RemoteError when it did not arrive. `delivery_id` is stable across retries."""
        ...

    def probe(self) -> Health: ...
