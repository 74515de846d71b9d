"""How many seats were free lately: one line per tier, as the runs counted them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from idpsync.console.words import count
from idpsync.core.records import HeadroomSample
from idpsync.core.seats import Ladder

WINDOW = timedelta(days=28)
ENOUGH = 2
POINTS = 120
"""So many points at most; of those that fall together the lowest is drawn, shortage must not vanish."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Free seats of one tier over time; points are (0..100 from left, 0..100 from top)."""

    tier: str
    first: HeadroomSample
    lowest: HeadroomSample
    last: HeadroomSample
    top: int
    points: tuple[tuple[float, float], ...]

    @property
    def path(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)

    @property
    def spoken(self) -> str:
        """The line for somebody who does not see it."""
        first, lowest, last = self.first, self.lowest, self.last
        return (
            f"{self.tier}: {count(first.free, 'free seat')} on {first.at:%Y-%m-%d}, "
            f"lowest {lowest.free:,} on {lowest.at:%Y-%m-%d}, {last.free:,} at the last run"
        )


def trends(samples: Iterable[HeadroomSample], ladder: Ladder, now: datetime) -> tuple[Trend, ...]:
    """One per tier that was counted at two different times at least, best tier first."""
    by_tier: dict[str, list[HeadroomSample]] = {tier.name: [] for tier in ladder}
    for sample in samples:
        if sample.tier in by_tier:
            by_tier[sample.tier].append(sample)
    return tuple(_drawn(mine, now) for mine in by_tier.values() if _spread(mine))


def _spread(samples: Sequence[HeadroomSample]) -> bool:
    return len(samples) >= ENOUGH and samples[0].at < samples[-1].at


def _drawn(samples: Sequence[HeadroomSample], now: datetime) -> Trend:
    begun, top = samples[0].at, max(1, *(sample.free for sample in samples))
    lowest_of: dict[int, HeadroomSample] = {}
    for sample in samples:
        slot = round(POINTS * ((sample.at - begun) / (now - begun)))
        held = lowest_of.get(slot)
        lowest_of[slot] = sample if held is None or sample.free < held.free else held
    return Trend(
        tier=samples[0].tier,
        first=samples[0],
        lowest=min(samples, key=lambda sample: sample.free),
        last=samples[-1],
        top=top,
        points=tuple(
            (round(100 * slot / POINTS, 2), round(100 - 100 * sample.free / top, 2))
            for slot, sample in sorted(lowest_of.items())
        ),
    )
