"""An LDAP directory (RFC 4511) as a source; tried against OpenLDAP."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cache

import structlog

from idpsync.core.errors import ConfigError, Malformed, Problem
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, fold
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.sources.ldap.errors import SYSTEM
from idpsync.sources.ldap.members import MEMBER_ATTRIBUTES, Groups, Roster
from idpsync.sources.ldap.names import normal
from idpsync.sources.ldap.people import TOLD, People, Person
from idpsync.sources.ldap.session import Entry, Listing, Search, Session, Unreadable, escaped, is_filter
from idpsync.sources.ldap.settings import LdapConfig

log = structlog.get_logger()

NAMES_IN_ONE_FILTER = 100


class LdapSource:
    """`directory.kind: ldap`. Each read takes everything; there is no incremental read yet."""

    kind = "ldap"

    def __init__(self, config: LdapConfig, *, clock: Clock, groups: frozenset[str]) -> None:
        self.name = "ldap"
        self._config, self._clock, self._wanted = config, clock, groups
        self._people = People(config, self.name)
        _check_filters(config)

    def read(self, since: str | None = None) -> DirectorySnapshot:  # noqa: ARG002
        """People and the groups that policy mentions, over one connection.

        Raises when the server cannot be reached, rejects us, or shows nothing of `user_base`. A cut in
        the middle gives a PARTIAL snapshot; a mapped group that is not there is GONE.
        """
        taken_at = self._clock.now()
        with Session(self._config, "read directory") as session:
            listing = session.read_each(self._everybody(), self._people.person)
            if listing.error and not listing.entries:
                raise listing.error
            users, dns, problems = self._people.told_apart(listing)
            roster = Roster(dns, {fold(u.user_name): u.external_id for u in users}, not problems)
            group_listing = self._group_listing(session)
            found = Groups(group_listing, self._config).resolve(
                self._wanted, roster, cache(lambda: self._visible(session))
            )
            gone = any(group.coverage is Coverage.GONE for group in found.groups)
            other_groups = self._other_groups(session) if gone else {}
        coverage = _people_coverage(listing, users, problems, hidden=found.people_hidden)
        if not users:
            problems.append(f"nobody matches {self._config.user_filter} under {self._config.user_base}")
        elif coverage is Coverage.SUSPECT:
            problems.append("people may be hidden from this bind DN: its groups are not whole")
        snapshot = DirectorySnapshot(
            source=self.name,
            taken_at=taken_at,
            users=tuple(users),
            groups=found.groups,
            users_coverage=coverage,
            problems=(*problems, *found.problems),
            scope=self._config.scope,
            other_groups=other_groups,
        )
        if not snapshot.complete:
            log.warning("directory.incomplete", source=self.name, problems=snapshot.problems[:TOLD])
        return snapshot

    def find(self, user_name: str) -> tuple[DirectoryUser, frozenset[str]] | None:
        """One person and those of their groups that policy mentions; None when nobody is so called.

        Raises when the answer is not certain: a cut read, several people of that name.
        """
        with Session(self._config, "find person") as session:
            entries = session.read_all(self._person(user_name)).whole()
            people = [(self._people.user(entry), entry.dn) for entry in entries]
            people = [(u, dn) for u, dn in people if fold(u.user_name) == fold(user_name)]
            if not people:
                return None
            if len(people) > 1:
                raise Malformed(SYSTEM, "find person", f"{len(people)} people have this user name")
            user, dn = people[0]
            return user, self._groups_of(session, user, dn)

    def probe(self) -> Health:
        """Log in, look at both bases and at one person. Not ok when a mapped group is missing."""
        started = self._clock.now()
        with Session(self._config, "probe") as session:
            for base in (self._config.user_base, self._config.group_base):
                search = Search("probe", base, "(objectClass=*)", ("1.1",), whole_tree=False)
                session.read_all(search).whole()
            groups = Groups(self._group_listing(session), self._config)
            missing = sorted(name for name in self._wanted if not groups.has(name))
            someone = session.first(self._everybody())
        latency = max(self._clock.now() - started, timedelta(0))
        who = self._config.bind_dn or "anonymous"
        detail = f"logged in to {session.server.url} as {who}"
        if not someone:
            detail += f"; sees nobody under {self._config.user_base}"
        if missing:
            detail += f"; does not see the groups {', '.join(missing)}"
        return Health(SYSTEM, bool(someone) and not missing, detail, latency)

    def _everybody(self) -> Search:
        config = self._config
        return Search("read people", config.user_base, config.user_filter, self._people.attributes)

    def _person(self, user_name: str) -> Search:
        name = f"({self._config.user_name_attribute}={escaped(user_name)})"
        chosen = f"(&{self._config.user_filter}{name})"
        return Search("find person", self._config.user_base, chosen, self._people.attributes)

    def _group_listing(self, session: Session) -> Listing[Entry]:
        """The groups that policy mentions; all of them where nested ones must be known."""
        if not self._wanted:
            return Listing(())
        chosen = self._config.group_filter
        if not self._config.nested_groups and len(self._wanted) <= NAMES_IN_ONE_FILTER:
            chosen = f"(&{chosen}{_any(self._config.group_name_attribute, sorted(self._wanted))})"
        return session.read_all(self._group_search("read groups", chosen))

    def _group_search(self, operation: str, chosen: str) -> Search:
        config = self._config
        named = (config.id_attribute, config.group_name_attribute, "objectClass")
        return Search(operation, config.group_base, chosen, (*named, *MEMBER_ATTRIBUTES))

    def _other_groups(self, session: Session) -> dict[str, str]:
        """Every group by its id, whatever it is called: one that is gone may have a new name."""
        config = self._config
        named = (config.id_attribute, config.group_name_attribute)
        search = Search("look for renamed groups", config.group_base, config.group_filter, named)
        groups: dict[str, str] = {}
        for entry in session.read_all(search).entries:
            ids, names = (_readable(entry, attribute) for attribute in named)
            groups |= {external_id: name for external_id in ids[:1] for name in names[:1]}
        return groups

    def _visible(self, session: Session) -> frozenset[str]:
        """Everything under the user base that this bind DN may see, by DN and by user name."""
        attribute = self._config.user_name_attribute
        search = Search("look again", self._config.user_base, "(objectClass=*)", (attribute,))
        listing = session.read_all(search)
        names: set[str] = set()
        for entry in listing.entries:
            names |= {normal(entry.dn), *map(fold, _readable(entry, attribute))}
        return frozenset(names)

    def _groups_of(self, session: Session, user: DirectoryUser, dn: str) -> frozenset[str]:
        """Names of mapped groups that lead to this person, climbing up from them."""
        wanted = {fold(name): name for name in self._wanted}
        ours: set[str] = set()
        seen: set[str] = set()
        level = [f"(memberUid={escaped(user.user_name)})", *_holding(dn)]
        while level:
            chosen = f"(&{self._config.group_filter}(|{''.join(level)}))"
            level = []
            for entry in session.read_all(self._group_search("find groups of person", chosen)).whole():
                if (key := normal(entry.dn)) in seen:
                    continue
                seen.add(key)
                names = map(fold, _readable(entry, self._config.group_name_attribute))
                ours |= {wanted[name] for name in names if name in wanted}
                if self._config.nested_groups:
                    level += _holding(entry.dn)
        return frozenset(ours)


def _check_filters(config: LdapConfig) -> None:
    problems = [
        Problem(f"directory.{key}", f"{value!r} is not an LDAP filter (RFC 4515), parentheses included")
        for key, value in (("user_filter", config.user_filter), ("group_filter", config.group_filter))
        if not is_filter(value)
    ]
    if problems:
        raise ConfigError(*problems)


def _people_coverage(
    listing: Listing[Person | str],
    users: Iterable[DirectoryUser],
    problems: Iterable[str],
    *,
    hidden: bool,
) -> Coverage:
    if listing.error or any(problems):
        return Coverage.PARTIAL
    return Coverage.SUSPECT if hidden or not any(users) else Coverage.COMPLETE


def _any(attribute: str, values: Iterable[str]) -> str:
    return f"(|{''.join(f'({attribute}={escaped(value)})' for value in values)})"


def _holding(dn: str) -> list[str]:
    return [f"(member={escaped(dn)})", f"(uniqueMember={escaped(dn)})"]


def _readable(entry: Entry, attribute: str) -> tuple[str, ...]:
    try:
        return entry.texts(attribute)
    except Unreadable:
        return ()
