"""The searches that Active Directory is asked, over one session."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import islice

from idpsync.core.errors import Malformed, RemoteError
from idpsync.core.model import Coverage, fold
from idpsync.sources.ldap.ad_groups import AdGroup, AdGroups
from idpsync.sources.ldap.ad_people import ACCOUNT_NAME, PRINCIPAL_NAME
from idpsync.sources.ldap.ad_values import (
    DOMAIN_SCOPE,
    EXTENDED_DN,
    VALUES_AT_ONCE,
    dns_name,
    domain_of,
    guid_filter,
    guid_of,
    is_guid,
    named,
    part_of,
    plain_dn,
    rid_of,
)
from idpsync.sources.ldap.errors import SYSTEM
from idpsync.sources.ldap.names import normal
from idpsync.sources.ldap.people import People
from idpsync.sources.ldap.session import Entry, Listing, Search, Session, Unreadable, escaped
from idpsync.sources.ldap.settings import LdapConfig

IDS_IN_ONE_FILTER = 100
VERSION = "uSNChanged"  # of this domain controller; another number, another state of the object
FIRST_PART = f"member;range=0-{VALUES_AT_ONCE - 1}"
Make = Callable[[Entry], AdGroup | str]

LEAVES = frozenset({"user", "group", "contact"})
"""Classes of objects that contain nothing, so that moving one moves nobody else."""


class AdReader:
    """What one configuration asks in one session; `people` is what it makes of entries."""

    def __init__(self, session: Session, config: LdapConfig, people: People) -> None:
        self._session, self._config, self._people = session, config, people
        self._looked_for, self._there = set[str](), set[str]()

    # --- people

    def everybody(self) -> Search:
        config = self._config
        return Search("read people", config.user_base, config.user_filter, self._people.attributes)

    def ids_of_people(self) -> Search:
        return replace(self.everybody(), attributes=("objectGUID",))

    def person(self, user_name: str) -> Search:
        """By user name, and by account name where people without a principal name go by that."""
        name, attribute = escaped(user_name), self._config.user_name_attribute
        condition = f"({attribute}={name})"
        account, _, domain = user_name.partition("@")
        implied = attribute.lower() == PRINCIPAL_NAME.lower() and fold(domain) == self._domain
        if implied:
            condition = f"(|{condition}({ACCOUNT_NAME}={escaped(account)}))"
        attributes = (*self._people.attributes, "objectSid")
        return self._people_by("find person", condition, attributes)

    def people_of(self, guids: Iterable[str]) -> list[Entry]:
        """Those of `guids` whom the configuration means, and the groups they name. Raises if cut."""
        attributes = (*self._people.attributes, "memberOf")
        searches = [
            replace(self._people_by("read who changed", some, attributes), controls=(EXTENDED_DN,))
            for some in _by_guids(guids)
        ]
        return [entry for search in searches for entry in self._session.read_all(search).whole()]

    def _people_by(self, operation: str, condition: str, attributes: tuple[str, ...]) -> Search:
        chosen = f"(&{self._config.user_filter}{condition})"
        return Search(operation, self._config.user_base, chosen, attributes)

    @cached_property
    def _domain(self) -> str:
        return dns_name(domain_of(self._config.user_base))

    # --- groups

    def groups(self, wanted: frozenset[str], people: frozenset[str]) -> Listing[AdGroup | str]:
        """The groups that count, the first part of the members of each."""
        if not wanted:
            return Listing(())
        return self._session.read_each(self._group_search(wanted), _group_maker(self._config, people))

    def _group_search(self, wanted: frozenset[str]) -> Search:
        config = self._config
        chosen = config.group_filter
        if not config.nested_groups and len(wanted) <= IDS_IN_ONE_FILTER:
            chosen = f"(&{chosen}(|{''.join(map(self._called, sorted(wanted)))}))"
        return self.groups_by("read groups", chosen, "objectSid", VERSION, FIRST_PART)

    def groups_by(self, operation: str, chosen: str, *more: str) -> Search:
        config = self._config
        attributes = ("objectGUID", config.group_name_attribute, *more)
        return Search(operation, config.group_base, chosen, attributes, controls=(EXTENDED_DN,))

    def _called(self, name: str) -> str:
        condition = f"({self._config.group_name_attribute}={escaped(name)})"
        return condition + guid_filter(name) if is_guid(name) else condition

    def completed(
        self, groups: Iterable[AdGroup], wanted: Iterable[str], people: frozenset[str]
    ) -> list[AdGroup]:
        """The same groups, all members of those that count: every further range until its end mark."""
        by_guid = {group.guid: group for group in groups}
        known = AdGroups(self._config, by_guid.values(), {}, ())
        waiting = [root.guid for name in sorted(wanted) for root in known.roots(name)]
        seen: set[str] = set()
        while waiting:
            if (guid := waiting.pop()) in seen:
                continue
            seen.add(guid)
            if by_guid[guid].following is not None:
                by_guid[guid] = self._whole(by_guid[guid], people)
            if self._config.nested_groups:
                waiting += by_guid[guid].others.keys() & by_guid.keys()
        return list(by_guid.values())

    def _whole(self, group: AdGroup, people: frozenset[str]) -> AdGroup:
        """Its ranges to the end; from the beginning once more where it changed meanwhile."""
        make = _group_maker(self._config, people)
        try:
            whole = self._followed(group, make)
            whole = whole or self._followed(self._part(group, 0, make), make)
        except (RemoteError, Unreadable) as error:
            return replace(group, fault=str(error))
        return whole or replace(group, fault="changed while it was read, twice")

    def _followed(self, group: AdGroup, make: Make) -> AdGroup | None:
        """None where the group is another than when the first range of it was read."""
        while group.following is not None:
            more = self._part(group, group.following, make)
            if more.version != group.version:
                return None
            group = replace(
                group.with_more(more.people, more.others),
                following=more.following,
                parts=group.parts + 1,
            )
        return group

    def _part(self, group: AdGroup, start: int, make: Make) -> AdGroup:
        asked = f"member;range={start}-{start + VALUES_AT_ONCE - 1}"
        search = Search(
            "read members",
            f"<GUID={group.guid}>",  # a DN may change between two ranges
            "(objectClass=*)",
            ("objectGUID", "objectSid", self._config.group_name_attribute, VERSION, asked),
            whole_tree=False,
            controls=(EXTENDED_DN,),
        )
        entries = self._session.read_all(search).whole()
        part = make(entries[0]) if entries else f"no answer for {asked}"
        if isinstance(part, str):
            raise Unreadable(part)
        if part.guid != group.guid or part.start != start or _stands_still(part):
            raise Unreadable(f"a wrong answer to {asked}")
        return part

    def every_group(self) -> dict[str, str]:
        """Every group by its id, whatever it is called: one that is gone may have a new name."""
        search = self.groups_by("look for renamed groups", self._config.group_filter)
        groups: dict[str, str] = {}
        for entry in self._session.read_all(search).entries:
            try:
                groups[guid_of(entry)] = entry.text(self._config.group_name_attribute)
            except Unreadable:
                continue
        return groups

    def names_of_groups(self, person: Entry) -> frozenset[str]:
        """Names (folded) and ids of the groups that lead to this person, climbing up from them."""
        names: set[str] = set()
        seen: set[str] = set()
        level = [f"(member={escaped(person.dn)})", *_primary_filter(person)]
        while level:
            chosen = f"(&{self._config.group_filter}(|{''.join(level)}))"
            level = []
            for entry in self._session.read_all(self.groups_by("find groups of person", chosen)).whole():
                if (guid := guid_of(entry)) in seen:
                    continue
                seen.add(guid)
                names |= {guid, *map(fold, entry.texts(self._config.group_name_attribute))}
                if self._config.nested_groups:
                    level.append(f"(member={escaped(plain_dn(entry.dn))})")
        return frozenset(names)

    # --- a second look

    def there(self, guids: Collection[str]) -> frozenset[str]:
        """Those of `guids` that can be seen in the domain of the people; each is asked for once."""
        if new := frozenset(guids) - self._looked_for:
            self._looked_for |= new
            self._there |= self._seen_now(new)
        return frozenset(self._there.intersection(guids))

    def _seen_now(self, guids: frozenset[str]) -> frozenset[str]:
        if len(guids) <= IDS_IN_ONE_FILTER:
            return _guids(self._by_guid("look again", domain_of(self._config.user_base), guids))
        search = Search("look again", self._config.user_base, "(objectClass=*)", ("objectGUID",))
        return _guids(self._session.read_all(search).entries)

    def seen(self, guids: Iterable[str]) -> frozenset[str]:
        """Those of `guids` that can be seen under the group base."""
        return _guids(self._by_guid("look again", self._config.group_base, guids))

    def somebody_in(self, group: AdGroup) -> bool:
        condition = f"(&{self._config.user_filter}(memberOf={escaped(group.told_dn)}))"
        search = Search("look again", self._config.user_base, condition, ("objectGUID",))
        return self._session.first(search) is not None

    def things_in(self, group: AdGroup) -> frozenset[str]:
        """GUIDs of its direct members that are nobody: groups, contacts, computers. Raises if cut."""
        nobody = "(|(!(objectClass=user))(objectClass=computer))"
        condition = f"(&{nobody}(memberOf=<GUID={group.guid}>))"
        bases = {domain_of(base) or base for base in (self._config.user_base, self._config.group_base)}
        searches = [
            Search("read members", base, condition, ("objectGUID",), controls=(DOMAIN_SCOPE,))
            for base in sorted(bases)
        ]
        return _guids(e for search in searches for e in self._session.read_all(search).whole())

    def is_in(self, group: str, guid: str) -> bool:
        """Whether the group names this member directly."""
        condition = f"(&{guid_filter(group)}(member=<GUID={guid}>))"
        search = Search("look again", self._config.group_base, condition, ("objectGUID",))
        return self._session.first(search) is not None

    def all_leaves(self, guids: Iterable[str]) -> bool:
        """Whether each of `guids` can be seen and contains nothing."""
        asked = frozenset(guids)
        entries = self._by_guid("read who changed", domain_of(self._config.user_base), asked)
        leaves = [e for e in entries if {c.lower() for c in e.texts("objectClass")} & LEAVES]
        return _guids(leaves) == asked

    def _by_guid(self, operation: str, base: str, guids: Iterable[str]) -> list[Entry]:
        attributes = ("objectGUID", "objectClass")
        searches = [
            Search(operation, base, some, attributes, controls=(DOMAIN_SCOPE,))
            for some in _by_guids(guids)
        ]
        return [entry for search in searches for entry in self._session.read_all(search).entries]


def _group_maker(config: LdapConfig, people: frozenset[str]) -> Make:
    """What makes a group of an entry, or says what makes it unreadable."""

    def made(entry: Entry) -> AdGroup | str:
        try:
            part, sid = part_of(entry), entry.values.get("objectsid") or (b"",)
            members = dict(map(named, part.values))
            told_dn = plain_dn(entry.dn)
            return AdGroup(
                guid=guid_of(entry),
                dn=normal(told_dn),
                told_dn=told_dn,
                names=frozenset(map(fold, entry.texts(config.group_name_attribute))),
                rid=rid_of(sid[0]),
                people=people & members.keys(),
                others={guid: normal(members[guid]) for guid in members.keys() - people},
                version=entry.text(VERSION),
                start=part.start,
                following=part.following,
            )
        except Unreadable as error:
            return str(error)

    return made


def whole_groups(listing: Listing[AdGroup | str], base: str) -> Listing[AdGroup]:
    """The groups that could be read; not COMPLETE where one could not."""
    groups = tuple(each for each in listing.entries if not isinstance(each, str))
    faults = [each for each in listing.entries if isinstance(each, str)]
    error = listing.error
    if faults and not error:
        error = Malformed(SYSTEM, "read groups", f"{len(faults)} under {base}, such as: {faults[0]}")
    coverage = Coverage.PARTIAL if faults and groups else listing.coverage
    return Listing(groups, coverage if groups or not faults else Coverage.FAILED, error, listing.pages)


def _primary_filter(person: Entry) -> list[str]:
    """The filter that finds the primary group: the person's SID with the group's number at its end."""
    sid, rid = person.values.get("objectsid") or (), person.text("primaryGroupID")
    if not sid or not rid.isdecimal() or rid_of(sid[0]) is None:
        return []
    octets = sid[0][:-4] + int(rid).to_bytes(4, "little")
    return [f"(objectSid={''.join(rf'{chr(92)}{octet:02x}' for octet in octets)})"]


def _stands_still(part: AdGroup) -> bool:
    return part.following is not None and (part.following <= part.start or not part.size)


def _guids(entries: Iterable[Entry]) -> frozenset[str]:
    return frozenset(guid_of(entry) for entry in entries if entry.values.get("objectguid"))


def _by_guids(guids: Iterable[str]) -> Iterator[str]:
    left = iter(sorted(guids))
    while some := list(islice(left, IDS_IN_ONE_FILTER)):
        yield f"(|{''.join(map(guid_filter, some))})"
