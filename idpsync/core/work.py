"""What planning is given to work with: everybody's case, whoever found it out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol, TypeVar

from idpsync.core.grounds import Grounds
from idpsync.core.leavers import Leaver
from idpsync.core.plan import (
    Action,
    Adoption,
    Conflict,
    Departure,
    DirectorySummary,
    Over,
    Refusal,
)
from idpsync.core.seats import Holding, SeatPool, Tier, WaitEntry
from idpsync.core.world import Case, Debt

T = TypeVar("T")


class Work(Protocol):
    """The outcome of casework, on one world.

    `cases` are all that may call for an action, in the order of external ids; `waiting_cases` all that
    may leave a wish. `entries` are the wishes as they stand, `kept_back` the seats left for logins.
    """

    @property
    def grounds(self) -> Grounds: ...
    @property
    def now(self) -> datetime: ...
    @property
    def before(self) -> SeatPool: ...
    @property
    def kept_back(self) -> Mapping[Tier, int]: ...
    @property
    def cases(self) -> Sequence[Case]: ...
    @property
    def waiting_cases(self) -> Iterable[Case]: ...
    @property
    def leavers(self) -> Sequence[Leaver]: ...
    @property
    def debts(self) -> Sequence[Debt]: ...
    @property
    def refused(self) -> Sequence[Refusal]: ...
    @property
    def conflicts(self) -> Sequence[Conflict]: ...
    @property
    def adoptions(self) -> Sequence[Adoption]: ...
    @property
    def orphans(self) -> Sequence[str]: ...
    @property
    def departures(self) -> Sequence[Departure]: ...
    @property
    def doubtful(self) -> AbstractSet[str]: ...
    @property
    def reservations(self) -> Sequence[Holding]: ...
    @property
    def wait_of(self) -> Mapping[str, WaitEntry]: ...
    @property
    def entries(self) -> Iterable[WaitEntry]: ...

    def later(self, make: Callable[[], Iterable[T]]) -> Sequence[T]:
        """What a plan tells but does not do: made now, or when somebody looks."""
        ...

    def decided(self) -> set[str]:
        """Members whom a case speaks for, or who leave."""
        ...

    def names_among(self, asked: AbstractSet[str]) -> set[str]:
        """Those of these members whom directory or target know."""
        ...

    def seated_among(self, members: AbstractSet[str]) -> set[str]:
        """Those of these members who have a seat at the target."""
        ...

    def names_owner(self, owner: str) -> bool:
        """Whether somebody in the directory bears this folded name or address."""
        ...

    def summary(self) -> DirectorySummary:
        """What the plan tells about the read."""
        ...

    def over(self, actions: Iterable[Action], after: SeatPool) -> tuple[Over, ...]:
        """Tiers in which more people sit than were bought, once `actions` are carried out."""
        ...
