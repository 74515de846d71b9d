"""How far to believe what a group shows. "Success" is not "complete": rights hide things, result 0.

Pure; the same for every flavour, whatever key its members are written down under.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from idpsync.core.model import Coverage, Group
from idpsync.sources.ldap.session import Listing
from idpsync.sources.ldap.settings import LdapConfig

Verdict = tuple[Coverage, str, bool]
"""Coverage, the reason if something is to be said, and whether people may be hidden as well."""


@dataclass(slots=True)
class Closure:
    """Everybody one group leads to. `unknown` are people it names whom the roster does not have, and of
    whom a second look did not say more; `absent` are those who certainly do not exist.
    """

    members: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    doubts: list[str] = field(default_factory=list)

    @property
    def tolerated(self) -> int:
        """So many may be nobody, where two reads in a row say the same; more are no coincidence."""
        return max(2, len(self.members) // 100)


class Judge:
    """Judges the groups of one read: `groups` is how their search ended, `people_whole` if nobody is
    missing among the people. `before` are those who were unknown at the read before.
    """

    def __init__(
        self,
        config: LdapConfig,
        groups: Listing[Any],
        *,
        people_whole: bool,
        before: AbstractSet[str] = frozenset(),
    ) -> None:
        self._config, self._groups = config, groups
        self._people_whole, self._before = people_whole, before

    def absent(self, name: str) -> Group:
        """A wanted group that the read does not show: gone, or not read."""
        base = self._config.group_base
        if self._groups.coverage is Coverage.COMPLETE:
            reason = f"no group has this name under {base}: renamed, deleted or hidden"
            return Group(name, name, None, Coverage.GONE, reason)
        coverage = Coverage.GONE if self._groups.base_missing else Coverage.FAILED
        return Group(name, name, None, coverage, f"groups could not be read: {self._groups.reason}")

    def judged(self, closure: Closure) -> Verdict:
        if closure.doubts:
            # rights are missing here, and nobody can say from which people as well
            return Coverage.SUSPECT, "; ".join(closure.doubts), True
        if self._config.nested_groups and self._groups.coverage is not Coverage.COMPLETE:
            return Coverage.PARTIAL, f"groups could not be read whole: {self._groups.reason}", False
        if not closure.unknown:
            return Coverage.COMPLETE, self._told_of(closure.absent), False
        if not self._people_whole:
            told = f"names {len(closure.unknown)} people whom this cut read does not have"
            return Coverage.PARTIAL, told, False
        return self._weighed(closure)

    def _told_of(self, absent: set[str]) -> str:
        where = f"under {self._config.user_base}"
        return f"names {len(absent)} people {where} who do not exist" if absent else ""

    def _weighed(self, closure: Closure) -> Verdict:
        where = f"under {self._config.user_base}"
        unknown = len(closure.unknown)
        if self._config.unknown_members == "ignore":
            return Coverage.COMPLETE, "", False
        if unknown <= closure.tolerated and closure.unknown <= self._before:
            told = f"names {unknown} unknown people {where}, as at the read before"
            return Coverage.COMPLETE, told, False
        told = f"names {unknown} people {where} who cannot be seen: hidden from this bind DN, or deleted"
        return Coverage.SUSPECT, told, True
