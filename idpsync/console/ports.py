"""What the console is given: the books to read, and who is looking."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Request

from idpsync.core.books import InviteBook, Registry, SeatBook, WaitList
from idpsync.core.journals import AlertBook, Ledger, RunBook
from idpsync.core.model import fold
from idpsync.core.ports import Clock
from idpsync.core.seats import Ladder


@dataclass(frozen=True, slots=True)
class Organization:
    """Whose seats these are; `name` is what people read."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks. Only an `admin` sees anything about other people."""

    user_name: str
    admin: bool

    @property
    def member(self) -> str:
        """The key under which this person's seat is counted."""
        return fold(self.user_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePorts:
    """Everything the console works with; it only ever reads.

    `viewer` tells from a request (session cookie, bearer token) who asks, None for nobody known.
    `ready` lists what keeps the program from its work, one sentence each; empty means ready. The
    sentences are shown to anybody who asks and hold no secret. `metrics` is Prometheus text.
    `login_path` is where people are sent who are not signed in; None where nobody can sign in.
    `contact` is whom people without a seat may ask: an address, an https link, or words.
    """

    organization: Organization
    ladder: Ladder
    seats: SeatBook
    waiting: WaitList
    invites: InviteBook
    runs: RunBook
    alerts: AlertBook
    ledger: Ledger
    registry: Registry
    clock: Clock
    viewer: Callable[[Request], Viewer | None]
    ready: Callable[[], list[str]]
    metrics: Callable[[], bytes]
    login_path: str | None = "/saml/login"
    logout_path: str | None = "/saml/slo"
    contact: str | None = None
