"""Groups of Active Directory: members by GUID in ranges, nesting and primary groups closed here.

The server's own closing of nested groups (the in-chain rule) is slower by an order of magnitude and does
not know primary groups.
"""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Protocol

from idpsync.core.model import Coverage, Group, Proof, fold
from idpsync.sources.ldap.ad_values import is_guid
from idpsync.sources.ldap.judging import Closure, Judge
from idpsync.sources.ldap.members import TOLD_HERE, Found
from idpsync.sources.ldap.names import lies_under, normal
from idpsync.sources.ldap.settings import LdapConfig

END_OF_RANGES = "range -*"


@dataclass(frozen=True, slots=True)
class AdGroup:
    """One group as it was read: GUIDs of its direct members, those who are people and all others,
    these with their DN in normal form. They are those from `start` on; `following` is where the rest
    begins, `fault` why that could not be read. `rid` is what people's `primaryGroupID` names it by.
    """

    guid: str
    dn: str
    told_dn: str
    names: frozenset[str]
    rid: int | None
    people: frozenset[str]
    others: Mapping[str, str]
    version: str = ""
    start: int = 0
    following: int | None = None
    fault: str = ""
    parts: int = 1

    @property
    def size(self) -> int:
        return len(self.people) + len(self.others)

    @property
    def proof(self) -> Proof:
        return Proof(f"cut: {self.fault}" if self.fault else END_OF_RANGES, self.parts)

    def with_more(self, people: Iterable[str], others: Mapping[str, str]) -> "AdGroup":
        """As it is after these were added to it."""
        return replace(self, people=self.people.union(people), others={**self.others, **others})

    def with_people(self, present: AbstractSet[str]) -> "AdGroup":
        """As it is now that these are known to be people."""
        found = present & self.others.keys()
        if not found:
            return self
        others = {guid: dn for guid, dn in self.others.items() if guid not in found}
        return replace(self, people=self.people | found, others=others)

    def without(self, guids: AbstractSet[str]) -> "AdGroup":
        """As it is after these were taken out of it, or were deleted."""
        if not guids & self.people and not guids & self.others.keys():
            return self
        others = {guid: dn for guid, dn in self.others.items() if guid not in guids}
        return replace(self, people=self.people - guids, others=others)


class SecondLook(Protocol):
    """What is asked only where a group shows something odd."""

    def there(self, guids: Collection[str]) -> frozenset[str]:
        """Those of `guids` that can be seen in the domain of the people."""
        ...

    def seen(self, guids: Iterable[str]) -> frozenset[str]:
        """Those of `guids` that can be seen under the group base."""
        ...

    def somebody_in(self, group: AdGroup) -> bool:
        """Whether anybody under the user base says to be in it."""
        ...


class AdGroups:
    """The groups of one read by GUID, and who has which primary group, ready to be resolved."""

    def __init__(
        self,
        config: LdapConfig,
        groups: Iterable[AdGroup],
        primary: Mapping[str, int],
        people: Iterable[str],
        *,
        people_whole: bool = True,
    ) -> None:
        self._config, self._people_whole = config, people_whole
        self._by_guid = {group.guid: group for group in groups}
        self._user_base, self._group_base = normal(config.user_base), normal(config.group_base)
        self._unknown: set[str] = set()
        self._primary: dict[int, set[str]] = {}
        for guid in people:
            if (rid := primary.get(guid)) is not None:
                self._primary.setdefault(rid, set()).add(guid)

    def roots(self, name: str) -> list[AdGroup]:
        """The groups that are meant by a name or by an id; more than one where a name is not unique."""
        if is_guid(name) and (group := self._by_guid.get(name.lower())):
            return [group]
        key = fold(name)
        return [group for group in self._by_guid.values() if key in group.names]

    def within(self, root: AdGroup) -> list[AdGroup]:
        """The group and, where nesting counts, every group inside it; cycles end."""
        seen = {root.guid: root}
        waiting = [root] if self._config.nested_groups else []
        while waiting:
            for guid in waiting.pop().others.keys() & self._by_guid.keys() - seen.keys():
                seen[guid] = self._by_guid[guid]
                waiting.append(seen[guid])
        return list(seen.values())

    def members(self, root: AdGroup) -> frozenset[str]:
        """Everybody the group leads to, of the people who were read."""
        inside = self.within(root)
        primary = (self._primary.get(group.rid, set()) for group in inside if group.rid is not None)
        return frozenset().union(*(group.people for group in inside), *primary)

    def resolve(self, wanted: Iterable[str], judge: Judge, look: SecondLook) -> Found:
        """One `Group` per wanted name."""
        groups: list[Group] = []
        problems: list[str] = []
        hidden = False
        for name in sorted(wanted):
            group, missing = self._group(name, judge, look)
            groups.append(group)
            hidden |= missing
            if group.reason and group.coverage in TOLD_HERE:
                problems.append(f"group '{name}': {group.reason}")
        return Found(tuple(groups), tuple(problems), hidden, frozenset(self._unknown))

    def _group(self, name: str, judge: Judge, look: SecondLook) -> tuple[Group, bool]:
        roots = self.roots(name)
        if not roots:
            return judge.absent(name), False
        if len(roots) > 1:
            dns = " and ".join(sorted(group.dn for group in roots))
            return Group(name, name, None, Coverage.FAILED, f"two groups have this name: {dns}"), False
        (root,) = roots
        inside = self.within(root)
        proof = Proof(root.proof.ended_by, sum(group.parts for group in inside))
        if faults := [f"{group.dn}: {group.fault}" for group in inside if group.fault]:
            known, reason = self.members(root), "; ".join(faults)
            return Group(name, root.guid, known, Coverage.PARTIAL, reason, proof), False
        coverage, reason, hidden = judge.judged(self._closure(root, inside, look))
        if coverage is Coverage.COMPLETE and not self._people_whole:
            coverage, reason = (
                Coverage.PARTIAL,
                "people were read in part; some may have it as primary group",
            )
        return Group(name, root.guid, self.members(root), coverage, reason, proof), hidden

    def _closure(self, root: AdGroup, inside: Iterable[AdGroup], look: SecondLook) -> Closure:
        closure = Closure(members=set(self.members(root)))
        odd: dict[str, str] = {}
        for group in inside:
            for guid, dn in group.others.items():
                if guid in self._by_guid:
                    continue
                if self._config.nested_groups and lies_under(dn, self._group_base):
                    odd[guid] = f"{group.dn} contains {dn}, which cannot be seen"
                elif lies_under(dn, self._user_base):
                    closure.unknown.add(guid)
        if closure.unknown:
            closure.unknown -= look.there(closure.unknown)
            self._unknown |= closure.unknown
        for guid in odd.keys() - (look.seen(odd) if odd else frozenset()):
            closure.doubts.append(odd[guid])
        if not closure.members and not closure.doubts and look.somebody_in(root):
            closure.doubts.append(f"{root.dn} shows no member: hidden from this bind DN?")
        return closure
