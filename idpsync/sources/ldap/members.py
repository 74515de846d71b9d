"""Who is in a group: members by DN, UID and name, nested groups closed, and how far to believe it.

"Success" is not "complete": an ACL can hide people or the `member` attribute, with result 0. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from idpsync.core.model import Coverage, Group, fold
from idpsync.sources.ldap.judging import Closure, Judge
from idpsync.sources.ldap.names import lies_under, normal, without_uid
from idpsync.sources.ldap.session import Entry, Listing, Unreadable
from idpsync.sources.ldap.settings import LdapConfig

DEMAND_A_MEMBER = frozenset({"groupofnames", "groupofuniquenames"})  # RFC 4519 §3.5, §3.6
MAY_BE_EMPTY = frozenset({"posixgroup", "groupofmembers", "groupofurls"})
TOLD_HERE = frozenset({Coverage.SUSPECT, Coverage.COMPLETE})
"""Groups that were not read say so by their coverage and reason; these would go unnoticed."""

MEMBER_ATTRIBUTES = ("member", "uniqueMember", "memberUid")


@dataclass(frozen=True, slots=True)
class Roster:
    """The people that were read: ids by DN and by user name. `whole` when nobody is missing."""

    by_dn: Mapping[str, str]
    by_name: Mapping[str, str]
    whole: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Groups as `Group`s, what somebody should know, and whether people may be hidden too."""

    groups: tuple[Group, ...]
    problems: tuple[str, ...] = ()
    people_hidden: bool = False


class Groups:
    """The group entries of one read, ready to be resolved against a roster."""

    def __init__(self, listing: Listing[Entry], config: LdapConfig) -> None:
        self._config, self._listing = config, listing
        self._user_base, self._group_base = normal(config.user_base), normal(config.group_base)
        self._by_dn = {normal(entry.dn): entry for entry in listing.entries}
        self._by_name: dict[str, list[Entry]] = {}
        for entry in listing.entries:
            for name in {fold(n) for n in _names(entry, config.group_name_attribute)}:
                self._by_name.setdefault(name, []).append(entry)

    def has(self, name: str) -> bool:
        """Whether the read shows a group of this name."""
        return fold(name) in self._by_name

    def resolve(
        self, wanted: Iterable[str], roster: Roster, visible: Callable[[], frozenset[str]]
    ) -> Found:
        """One `Group` per wanted name.

        `visible` tells the DNs and user names of everything that can be seen under the user base,
        whatever the user filter says; it is asked only when a group names many unknown people.
        """
        groups: list[Group] = []
        problems: list[str] = []
        hidden = False
        judge = Judge(self._config, self._listing, people_whole=roster.whole, visible=visible)
        for name in sorted(wanted):
            group, missing = self._group(name, roster, judge)
            groups.append(group)
            hidden |= missing
            if group.reason and group.coverage in TOLD_HERE:
                problems.append(f"group '{name}': {group.reason}")
        return Found(tuple(groups), tuple(problems), hidden)

    def _group(self, name: str, roster: Roster, judge: Judge) -> tuple[Group, bool]:
        entries = self._by_name.get(fold(name), [])
        if not entries:
            return judge.absent(name), False
        if len(entries) > 1:
            dns = " and ".join(sorted(entry.dn for entry in entries))
            return Group(name, name, None, Coverage.FAILED, f"two groups have this name: {dns}"), False
        (entry,) = entries
        external_id = _first(entry, self._config.id_attribute) or normal(entry.dn)
        closure = self._closure(entry, roster)
        coverage, reason, hidden = judge.judged(closure)
        return Group(name, external_id, frozenset(closure.members), coverage, reason), hidden

    def _closure(self, root: Entry, roster: Roster) -> Closure:
        closure = Closure()
        seen = {normal(root.dn)}
        waiting = [root]
        while waiting:
            for dn in self._take(waiting.pop(), roster, closure) - seen:
                seen.add(dn)
                waiting.append(self._by_dn[dn])
        return closure

    def _take(self, entry: Entry, roster: Roster, closure: Closure) -> set[str]:
        """Put the people of one entry into `closure`; the DNs of groups inside it."""
        inner: set[str] = set()
        try:
            dns = [*entry.texts("member"), *map(without_uid, entry.texts("uniqueMember"))]
            names = entry.texts("memberUid")
            if not dns and not names and _demands_a_member(entry):
                closure.doubts.append(f"{entry.dn} shows no member: hidden from this bind DN?")
        except Unreadable as error:
            closure.doubts.append(str(error))
            return inner
        for dn in map(normal, dns):
            if person := roster.by_dn.get(dn):
                closure.members.add(person)
            elif dn in self._by_dn:
                inner.add(dn)
            elif lies_under(dn, self._user_base):
                closure.unknown.add(dn)
            elif self._config.nested_groups and lies_under(dn, self._group_base):
                closure.doubts.append(f"{entry.dn} contains {dn}, which could not be read")
        for name in map(fold, names):
            if person := roster.by_name.get(name):
                closure.members.add(person)
            else:
                closure.unknown.add(name)
        return inner if self._config.nested_groups else set()


def _demands_a_member(entry: Entry) -> bool:
    """Whether a group without members cannot be: its class demands one, or its class is hidden too."""
    classes = {name.lower() for name in entry.texts("objectClass")}
    return bool(classes & DEMAND_A_MEMBER) or not classes & MAY_BE_EMPTY


def _names(entry: Entry, attribute: str) -> tuple[str, ...]:
    try:
        return entry.texts(attribute)
    except Unreadable:
        return ()


def _first(entry: Entry, attribute: str) -> str:
    try:
        return entry.text(attribute)
    except Unreadable:
        return ""
