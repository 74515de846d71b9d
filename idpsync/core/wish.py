"""A wish: one person before the pool, and when it is their turn."""

from dataclasses import dataclass
from datetime import datetime

from idpsync.core.seats import Tier

Turn = tuple[bool, bool, int, bool, str, str]
Strength = tuple[int, float, str]
AFTER_ALL: Turn = (True, True, 2**63, True, "", "")


@dataclass(frozen=True, slots=True)
class Wish:
    """One person before the pool. `current` is what they hold; `options` in the order they are liked.

    `seated_since` is set for those whose tier a higher priority may take. Who is `content` with what
    they hold asks for nothing.
    """

    member: str
    current: Tier | None
    options: tuple[Tier, ...]
    priority: int = 0
    since: datetime | None = None
    owed: bool = False
    seated_since: datetime | None = None
    content: bool = False

    @property
    def must_leave(self) -> bool:
        """Whether they hold a tier above everything they may have."""
        return self.current is not None and bool(self.options) and self.current < min(self.options)

    @property
    def turn(self) -> Turn:
        """Sort key of those who ask: see `settle`."""
        since = self.since.isoformat() if self.since else ""
        return (
            not self.must_leave,
            not self.owed,
            -self.priority,
            self.since is None,
            since,
            self.member,
        )

    @property
    def strength(self) -> Strength:
        """Sort key of holders: priority, then who has sat longer, then a stable id; the weakest last."""
        seated = self.seated_since.timestamp() if self.seated_since else 0.0
        return (-self.priority, seated, self.member)

    def liking(self, tier: Tier | None) -> int:
        """Smaller is better; a tier outside the options is worse than all of them."""
        if tier is None:
            return len(self.options) + 1
        return self.options.index(tier) if tier in self.options else len(self.options)
