"""Which tier somebody at Claude has: by their seat group, unless the activity feed knows better."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from idpsync.core.model import Account
from idpsync.core.ports import Clock
from idpsync.core.seats import Tier
from idpsync.targets.attributes import TierValues
from idpsync.targets.claude_feed import SeatFeed, Told
from idpsync.targets.claude_modes import Mode
from idpsync.targets.claude_people import Row, placed_at
from idpsync.targets.seat_groups import SeatGroups

log = structlog.get_logger()

SETTLING = timedelta(hours=6)
"""Directory sync takes minutes, and hours under load: so long a group written by us counts for done."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What the feed says: a tier of the ladder, or None for no seat."""

    tier: Tier | None
    at: datetime


class SeatTiers:
    """Reads tiers; writes groups. The feed is read with every listing, the groups too."""

    def __init__(
        self,
        groups: SeatGroups,
        feed: SeatFeed,
        values: TierValues,
        clock: Clock,
        unknown: Tier | None = None,
    ) -> None:
        self._groups, self._feed, self._values, self._clock = groups, feed, values, clock
        self._unknown, self._told_of = unknown, set[str]()

    def refresh(self, organization: Callable[[], str]) -> Mapping[str, Tier]:
        """Read everything anew; the tier by group of everybody in one, by external id."""
        self._feed.read(organization())
        return self._groups.tiers()

    def grouped_now(self) -> Mapping[str, Tier]:
        """The groups alone."""
        return self._groups.tiers()

    def look(self, row: Row | None, organization: Callable[[], str]) -> None:
        """Read the feed for somebody who is at Claude, if nobody has read it yet."""
        if row is not None and self._feed.readable is None:
            self._feed.read_first(organization())

    def by_group(self, external_id: str | None) -> Tier | None:
        return self._groups.tier_of(external_id) if external_id else None

    def truth(self, row: Row | None) -> Truth | None:
        """What the feed knows of a member or an invite."""
        told = self._feed.of(row) if row else None
        return self._understood(told) if told else None

    def of(
        self, record: Account, row: Row | None, grouped: Tier | None, *, mode: Mode | None
    ) -> Tier | None:
        """The tier of one account whose group says `grouped`."""
        if record.external_id is None and record.tier is not None:
            grouped = record.tier  # a group takes nobody without an id: only we know
        truth = self.truth(row)
        follows = mode is None or mode.maps  # otherwise no group changes anything at Claude
        if truth is None or (follows and self._is_settling(record, truth)):
            return grouped
        return truth.tier

    def of_stranger(self, row: Row, grouped: Tier | None) -> Tier | None:
        """That of somebody whom idpsync never wrote: they have a seat, even if nobody says which."""
        if truth := self.truth(row):
            return truth.tier
        return grouped or self._unknown

    def _is_settling(self, record: Account, truth: Truth) -> bool:
        placed = placed_at(record)
        return placed is not None and truth.at < placed and self._clock.now() - placed < SETTLING

    def _understood(self, told: Told) -> Truth | None:
        if told.tier is None:
            return Truth(None, told.at)
        tier = self._values.tier_of([told.tier])
        if tier is None:
            if told.tier not in self._told_of:  # once, not once for each who has it
                self._told_of.add(told.tier)
                log.warning("tier.unknown", said=told.tier)
            return None
        return Truth(tier, told.at)
