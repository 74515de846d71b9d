"""Seats that follow from groups of the identity provider: one group per tier, written by us alone."""

import threading
from collections.abc import Callable, Mapping

from idpsync.core.errors import Refused
from idpsync.core.ports import CanWriteGroups
from idpsync.core.seats import Tier

SYSTEM = "seat groups"


class SeatGroups:
    """Who is in which tier's group. A person comes into the new group before they leave the old one.

    `directory` is asked for when it is first needed. Errors are those of the directory.
    """

    def __init__(self, groups: Mapping[Tier, str], directory: Callable[[], CanWriteGroups]) -> None:
        self._groups = dict(sorted(groups.items()))
        self._directory = directory
        self._lock = threading.Lock()
        self._seen: dict[str, set[Tier]] | None = None

    @property
    def ladder(self) -> tuple[Tier, ...]:
        """The tiers that have a group, the highest first."""
        return tuple(self._groups)

    @property
    def names(self) -> tuple[str, ...]:
        """The groups, that of the highest tier first."""
        return tuple(self._groups.values())

    def name_of(self, tier: Tier) -> str:
        """The group whose members have this tier."""
        return self._groups[tier]

    def tiers(self) -> dict[str, Tier]:
        """The tier of everybody in any of the groups, by external id; of several the highest."""
        directory, seen = self._directory(), dict[str, set[Tier]]()
        for tier, group in self._groups.items():
            for external_id in directory.members_of(group):
                seen.setdefault(external_id, set()).add(tier)
        with self._lock:
            self._seen = seen
        return {external_id: min(tiers) for external_id, tiers in seen.items()}

    def tier_of(self, external_id: str) -> Tier | None:
        """The tier of one person as last listed, and as written since."""
        with self._lock:
            seen = self._seen
        if seen is None:
            return self.tiers().get(external_id)
        return min(seen.get(external_id, ()), default=None)

    def place(self, external_id: str, tier: Tier | None) -> None:
        """Into the group of `tier` and out of all others; for None out of all."""
        if not external_id:
            raise Refused(SYSTEM, "change seat", "this person has no id in the directory")
        directory = self._directory()
        if tier is not None:
            directory.add_member(self._groups[tier], external_id)
        for other in self._others(external_id, tier):
            directory.remove_member(self._groups[other], external_id)
        with self._lock:
            if self._seen is not None:
                self._seen[external_id] = {tier} if tier is not None else set()

    def _others(self, external_id: str, tier: Tier | None) -> list[Tier]:
        """Tiers whose group they may be in: all, unless a listing has shown where they are."""
        with self._lock:
            known = None if self._seen is None else self._seen.get(external_id, set())
        return [t for t in self._groups if t != tier and (known is None or t in known)]
