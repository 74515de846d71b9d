"""Who is in a group: members by DN, UID and name, nested groups closed, and how far to believe it.

"Success" is not "complete": an ACL can hide people or the `member` attribute, with result 0. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from idpsync.core.model import Coverage, DirectoryUser, Group, Proof, fold
from idpsync.sources.ldap.judging import Closure, Judge
from idpsync.sources.ldap.names import lies_under, normal, without_uid
from idpsync.sources.ldap.nesting import circles
from idpsync.sources.ldap.session import Entry, Listing, Unreadable
from idpsync.sources.ldap.settings import LdapConfig
from idpsync.sources.ldap.strangers import Look

DEMAND_A_MEMBER = frozenset({"groupofnames", "groupofuniquenames"})  # RFC 4519 §3.5, §3.6
MAY_BE_EMPTY = frozenset({"posixgroup", "groupofmembers", "groupofurls"})
MADE_UP = frozenset({"groupofurls", "labeleduriobject"})
"""The server makes up their members when it is asked (dynlist): they change without the group."""

TOLD_HERE = frozenset({Coverage.SUSPECT, Coverage.COMPLETE})
"""Groups that were not read say so by their coverage and reason; these would go unnoticed."""

MEMBER_ATTRIBUTES = ("member", "uniqueMember", "memberUid")


@dataclass(frozen=True, slots=True)
class Roster:
    """The people that were read: ids by DN and by user name. `whole` when nobody is missing."""

    by_dn: Mapping[str, str]
    by_name: Mapping[str, str]
    whole: bool

    @classmethod
    def of(
        cls,
        users: Iterable[DirectoryUser],
        by_dn: Mapping[str, str],
        rows: Iterable["Row"],
        *,
        whole: bool,
    ) -> "Roster":
        """For these groups: user names are brought into their form only where a group goes by them."""
        asked = any(row.uids for row in rows)
        by_name = {fold(user.user_name): user.external_id for user in users} if asked else {}
        return cls(by_dn, by_name, whole)


@dataclass(frozen=True, slots=True)
class Row:
    """One group entry: members as DNs in normal form and as folded user names, and what is odd.

    `made_up` where the members may change although the entry does not.
    """

    dn: str
    key: str
    external_id: str
    names: frozenset[str]
    dns: frozenset[str]
    uids: frozenset[str] = frozenset()
    doubt: str = ""
    made_up: bool = False

    @property
    def called(self) -> frozenset[str]:
        """Folded names and the id: a policy may mention a group by either."""
        return self.names | {fold(self.external_id)}


class Rows:
    """What one configuration makes of group entries. Each DN is brought into its form once."""

    def __init__(self, config: LdapConfig) -> None:
        self._config = config
        self._normal = NormalForms()

    @property
    def attributes(self) -> tuple[str, ...]:
        """What a search has to ask for."""
        config = self._config
        return config.id_attribute, config.group_name_attribute, "objectClass", *MEMBER_ATTRIBUTES

    def row(self, entry: Entry) -> Row:
        config, key = self._config, normal(entry.dn)
        names = frozenset(map(fold, _readable(entry, config.group_name_attribute)))
        external_id = next((i.strip() for i in _readable(entry, config.id_attribute)), "") or key
        classes = {name.lower() for name in _readable(entry, "objectClass")}
        try:
            dns, uids = self._dns(entry), frozenset(map(fold, entry.texts("memberUid")))
        except Unreadable as error:
            return Row(entry.dn, key, external_id, names, frozenset(), doubt=str(error))
        empty = not dns and not uids and demands_a_member(classes)
        doubt = f"{entry.dn} shows no member: hidden from this bind DN?" if empty else ""
        return Row(entry.dn, key, external_id, names, dns, uids, doubt, bool(classes & MADE_UP))

    def _dns(self, entry: Entry) -> frozenset[str]:
        try:
            dns = frozenset(map(self._normal.__getitem__, entry.values.get("member", ())))
        except UnicodeDecodeError as error:
            raise Unreadable(f"member of {entry.dn} is not UTF-8") from error
        unique = entry.texts("uniqueMember")
        return dns | {normal(without_uid(value)) for value in unique} if unique else dns


class NormalForms(dict[bytes, str]):
    """DNs in normal form by what the server sent, made when first asked for: groups share members."""

    def __missing__(self, value: bytes) -> str:
        dn = self[value] = normal(value.decode())
        return dn


@dataclass(frozen=True, slots=True)
class Found:
    """Groups as `Group`s, what somebody should know, and whether people may be hidden too.

    `unknown` are the strangers of whom a second look said nothing, `settled` all strangers who make no
    group doubtful; `renamed` where somebody was met under a DN that the roster does not have.
    """

    groups: tuple[Group, ...]
    problems: tuple[str, ...] = ()
    people_hidden: bool = False
    unknown: frozenset[str] = frozenset()
    settled: frozenset[str] = frozenset()
    renamed: bool = False


class Groups:
    """The groups of one read, ready to be resolved against a roster."""

    def __init__(self, listing: Listing[Row], config: LdapConfig) -> None:
        self._config, self._listing = config, listing
        self._user_base, self._group_base = normal(config.user_base), normal(config.group_base)
        self._by_dn = {row.key: row for row in listing.entries}
        self._closed: dict[str, tuple[Closure, frozenset[str]]] = {}
        self._strangers: frozenset[str] = frozenset()
        self._called: dict[str, list[Row]] = {}
        for row in listing.entries:
            for name in row.called:
                self._called.setdefault(name, []).append(row)

    def called(self, name: str) -> list[Row]:
        """The groups that have this name or id."""
        return self._called.get(fold(name), [])

    def resolve(
        self,
        wanted: Iterable[str],
        roster: Roster,
        look: Look,
        *,
        before: frozenset[str] = frozenset(),
        settled: frozenset[str] = frozenset(),
    ) -> Found:
        """One `Group` per wanted name.

        `look` is asked once, about all strangers that the groups name and that are not `settled`;
        `before` are those of whom it said nothing at the read before.
        """
        groups: list[Group] = []
        problems: list[str] = []
        hidden = False
        judge = Judge(self._config, self._listing, people_whole=roster.whole, before=before)
        self._closed.clear()
        self._close(wanted, roster)
        met = self._look_again(roster, look, settled) if roster.whole else frozenset()
        for name in sorted(wanted):
            group, missing = self._group(name, judge)
            groups.append(group)
            hidden |= missing
            if group.reason and group.coverage in TOLD_HERE:
                problems.append(f"group '{name}': {group.reason}")
        unknown = frozenset[str]().union(*(closure.unknown for closure, _ in self._closed.values()))
        return Found(
            tuple(groups),
            tuple(problems),
            hidden,
            unknown,
            settled | self._strangers,
            renamed=bool(met),
        )

    def _look_again(self, roster: Roster, look: Look, settled: frozenset[str]) -> frozenset[str]:
        """Tell strangers apart; ids of people who were met under another name than the roster's."""
        closures = {id(closure): closure for closure, _ in self._closed.values()}.values()
        for closure in closures:
            closure.unknown -= settled
        self._strangers = frozenset[str]().union(*(closure.unknown for closure in closures))
        if not self._strangers:
            return frozenset()
        seen, people = look(self._strangers), set(roster.by_dn.values())
        met: dict[str, str] = {key: one for key, one in seen.ids.items() if one in people}
        for closure in closures:
            closure.members |= {met[key] for key in closure.unknown & met.keys()}
            closure.absent |= closure.unknown & seen.absent
            closure.unknown -= seen.absent | seen.ids.keys()
        self._closed = {
            key: (closure, frozenset(closure.members)) for key, (closure, _) in self._closed.items()
        }
        return frozenset(met.values())

    def _group(self, name: str, judge: Judge) -> tuple[Group, bool]:
        rows = self.called(name)
        if not rows:
            return judge.absent(name), False
        if len(rows) > 1:
            dns = " and ".join(sorted(row.dn for row in rows))
            return Group(name, name, None, Coverage.FAILED, f"two groups have this name: {dns}"), False
        (row,) = rows
        closure, members = self._closed[row.key]
        coverage, reason, hidden = judge.judged(closure)
        return Group(name, row.external_id, members, coverage, reason, self._proof), hidden

    @property
    def _proof(self) -> Proof:
        """A group is one entry, so that it may be whole although the listing was cut after it."""
        listing = self._listing
        return Proof("its entry came whole", listing.pages) if listing.error else listing.proof

    def _close(self, wanted: Iterable[str], roster: Roster) -> None:
        """Everybody that the wanted groups lead to; groups that lead to each other share it."""
        direct: dict[str, tuple[Closure, frozenset[str]]] = {}

        def inner(key: str) -> frozenset[str]:
            direct[key] = self._taken(self._by_dn[key], roster)
            return direct[key][1]

        roots = [row.key for name in wanted for row in self.called(name)]
        for circle in circles(roots, inner):
            beyond = {key for one in circle for key in direct[one][1]}.difference(circle)
            parts = [*(direct[key][0] for key in circle), *(self._closed[key][0] for key in beyond)]
            closure = parts[0] if len(parts) == 1 else _joined(parts)
            self._closed |= dict.fromkeys(circle, (closure, frozenset(closure.members)))

    def _taken(self, row: Row, roster: Roster) -> tuple[Closure, frozenset[str]]:
        """The people of one entry, and the DNs of groups inside it."""
        direct = Closure(doubts=[row.doubt] if row.doubt else [])
        strangers = {dn for dn in row.dns if dn not in roster.by_dn}
        direct.members = {roster.by_dn[dn] for dn in row.dns - strangers}
        inner = frozenset(dn for dn in strangers if dn in self._by_dn)
        for dn in strangers - inner:
            if lies_under(dn, self._user_base):
                direct.unknown.add(dn)
            elif self._config.nested_groups and lies_under(dn, self._group_base):
                direct.doubts.append(f"{row.dn} contains {dn}, which could not be read")
        for name in row.uids:
            if person := roster.by_name.get(name):
                direct.members.add(person)
            else:
                direct.unknown.add(name)
        return direct, inner if self._config.nested_groups else frozenset()


def _joined(parts: Sequence[Closure]) -> Closure:
    """Everybody of all of them."""
    return Closure(
        members=set().union(*(part.members for part in parts)),
        unknown=set().union(*(part.unknown for part in parts)),
        doubts=list(dict.fromkeys(doubt for part in parts for doubt in part.doubts)),
    )


def demands_a_member(classes: set[str]) -> bool:
    """Whether a group without members cannot be: its class demands one, or its class is hidden too."""
    return bool(classes & DEMAND_A_MEMBER) or not classes & MAY_BE_EMPTY


def _readable(entry: Entry, attribute: str) -> tuple[str, ...]:
    try:
        return entry.texts(attribute)
    except Unreadable:
        return ()
