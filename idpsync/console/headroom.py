"""The headroom of each tier, ready to be drawn and said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from idpsync.console.words import count
from idpsync.core.alerts import TOTAL, Severity
from idpsync.core.seats import SeatPool, Tier, WaitEntry


class Mood(IntEnum):
    """How bad it is; the higher the worse."""

    CALM = 0
    WARNING = 1
    CRITICAL = 2

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, severity: Severity | None) -> "Mood":
        return cls(severity.rank) if severity else cls.CALM


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of the bar, in percent of its length."""

    kind: str  # assigned | held | kept | free
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Gauge:
    """The seats of one tier, or of all together. `kept` are free seats that only logins may take."""

    name: str
    purchased: int
    assigned: int
    held: int
    reserved: int
    kept: int
    free: int
    over: int
    waiting: int
    alarm: Mood = Mood.CALM

    @property
    def mood(self) -> Mood:
        """What the alert rules say; without a rule, people in want of seats are worth a look."""
        short = self.over > 0 or (self.free == 0 and self.waiting > 0)
        return max(self.alarm, Mood.WARNING if short else Mood.CALM)

    @property
    def verdict(self) -> str:
        """The state in a few words; all tiers together may be over in one and free in another."""
        if not self.purchased and not self.over:
            return "none purchased"
        said = [f"{self.free:,} free"] if self.free else []
        said += [f"{self.over:,} over the contract"] if self.over else []
        return ", ".join(said) or "full"

    @property
    def kept_note(self) -> str:
        """How many of the free seats sync must leave alone."""
        if not self.kept:
            return ""
        share = f"all {self.kept:,}" if self.kept == self.free else f"{self.kept:,}"
        return f"{share} reserved for logins"

    @property
    def spoken(self) -> str:
        """The bar for somebody who does not see it."""
        used = f"{self.name}: {self.assigned} assigned, {self.held} held, {self.free} free"
        over = f", {count(self.over, 'seat')} over the contract" if self.over else ""
        return f"{used} of {self.purchased} purchased{over}"

    @property
    def _length(self) -> int:
        return self.assigned + self.held + self.free

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The stretches of the bar from left to right; empty ones are left out."""
        sizes = (
            ("assigned", self.assigned),
            ("held", self.held),
            ("kept", self.kept),
            ("free", self.free - self.kept),
        )
        start, drawn = 0.0, []
        for kind, size in sizes:
            width = 100 * size / self._length if self._length else 0.0
            if size > 0:
                drawn.append(Segment(kind, round(start, 3), round(width, 3)))
            start += width
        return tuple(drawn)

    @property
    def beyond(self) -> Segment | None:
        """The stretch of used seats that the contract does not cover; None while it covers all."""
        if not self.over:
            return None
        used = self.assigned + self.held
        start, width = 100 * (used - self.over) / self._length, 100 * self.over / self._length
        return Segment("beyond", round(start, 3), round(width, 3))


def gauges(
    pool: SeatPool, waiting: Sequence[WaitEntry], alarms: Mapping[str, Severity]
) -> tuple[Gauge, ...]:
    """One gauge per tier, highest first, then all together.

    `alarms` is what the headroom rules say: tier name or "total" → severity.
    """
    tiers = [_of_tier(pool, tier, waiting, Mood.of(alarms.get(tier.name))) for tier in pool.ladder]
    return (*tiers, _sum(tiers, Mood.of(alarms.get(TOTAL))))


def _of_tier(pool: SeatPool, tier: Tier, waiting: Iterable[WaitEntry], alarm: Mood) -> Gauge:
    reserved, free = pool.reserved.get(tier, 0), pool.free(tier)
    return Gauge(
        name=tier.name,
        purchased=pool.purchased.get(tier, 0),
        assigned=pool.assigned.get(tier, 0),
        held=pool.held.get(tier, 0),
        reserved=reserved,
        kept=min(reserved, free),
        free=free,
        over=max(0, -pool.balance(tier)),
        waiting=sum(entry.wants == tier for entry in waiting),
        alarm=alarm,
    )


def _sum(tiers: Sequence[Gauge], alarm: Mood) -> Gauge:
    return Gauge(
        name=TOTAL,
        purchased=sum(gauge.purchased for gauge in tiers),
        assigned=sum(gauge.assigned for gauge in tiers),
        held=sum(gauge.held for gauge in tiers),
        reserved=sum(gauge.reserved for gauge in tiers),
        kept=sum(gauge.kept for gauge in tiers),
        free=sum(gauge.free for gauge in tiers),
        over=sum(gauge.over for gauge in tiers),
        waiting=sum(gauge.waiting for gauge in tiers),
        alarm=alarm,
    )
