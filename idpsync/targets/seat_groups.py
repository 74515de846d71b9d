"""Seats that follow from groups of the identity provider: one group per tier, written by us alone."""

import threading
from collections.abc import Callable, Mapping

from idpsync.core.errors import Refused
from idpsync.core.ports import CanWriteGroups
from idpsync.core.seats import Tier

SYSTEM = "seat groups"


class SeatGroups:
    """Who is in which tier's group. A person comes into the new group before they leave the old one.

    `directory` is asked for when it is first needed. Errors are those of the directory. What was listed
    is no reason to leave a write out: other processes write the same groups.
    """

    def __init__(self, groups: Mapping[Tier, str], directory: Callable[[], CanWriteGroups]) -> None:
        self._groups = dict(sorted(groups.items()))
        self._directory = directory
        self._lock = threading.Lock()
        self._seen: dict[str, set[Tier]] | None = None
        self._writes = 0
        self._written: dict[str, int] = {}  # by external id, the number of the last write

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
        directory, seen, begun = self._directory(), dict[str, set[Tier]](), self._writes
        for tier, group in self._groups.items():
            for external_id in directory.members_of(group):
                seen.setdefault(external_id, set()).add(tier)
        with self._lock:
            self._keep_newer(seen, begun)
            self._seen = seen
        return {external_id: min(tiers) for external_id, tiers in seen.items() if tiers}

    def _keep_newer(self, seen: dict[str, set[Tier]], begun: int) -> None:
        """Whom we have written while the groups were listed is as we left them."""
        newer = [one for one, number in self._written.items() if number > begun]
        for external_id in newer if self._seen is not None else ():
            seen[external_id] = (self._seen or {}).get(external_id, set())
        self._written = {one: self._written[one] for one in newer}

    def tier_of(self, external_id: str) -> Tier | None:
        """The tier of one person as last listed, and as written since."""
        if self._seen is None:
            return self.tiers().get(external_id)
        with self._lock:
            return min(self._seen.get(external_id, ()), default=None)

    def place(self, external_id: str, tier: Tier | None) -> None:
        """Into the group of `tier` and out of all others; for None out of all."""
        if not external_id:
            raise Refused(SYSTEM, "change seat", "this person has no id in the directory")
        directory = self._directory()
        if tier is not None:
            directory.add_member(self._groups[tier], external_id)
            self._note(external_id, tier, is_in=True)
        for other in (one for one in self._groups if one != tier):
            directory.remove_member(self._groups[other], external_id)
            self._note(external_id, other, is_in=False)

    def _note(self, external_id: str, tier: Tier, *, is_in: bool) -> None:
        """One write at a time: it may have been the last before something broke."""
        with self._lock:
            self._writes += 1
            self._written[external_id] = self._writes
            if self._seen is not None:
                held = self._seen.get(external_id, set())
                self._seen[external_id] = held | {tier} if is_in else held - {tier}
