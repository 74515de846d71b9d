"""A complete read carried on by what the server says has changed since (RFC 4533).

The server names who changed and who is gone; those who changed are read again by their ids, and with
them the groups that name them: OpenLDAP's refint writes into a group without saying that it changed.
Where anything is not certain, `Uncertain` is raised and everything is to be read.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from idpsync.core.changes import DirectoryChanges
from idpsync.core.errors import CredentialsRejected, NotFound, RemoteError
from idpsync.core.model import DirectorySnapshot, DirectoryUser
from idpsync.sources.ldap.address import Address
from idpsync.sources.ldap.members import Groups, Roster, Row
from idpsync.sources.ldap.names import parent
from idpsync.sources.ldap.people import Person
from idpsync.sources.ldap.queries import Queries, asked_about
from idpsync.sources.ldap.session import Entry, Listing, Search, Session
from idpsync.sources.ldap.settings import LdapConfig
from idpsync.sources.ldap.strangers import Look
from idpsync.sources.ldap.sync import Refresh, first_cookie, refresh
from idpsync.sources.remembered import Remembered

FOLLOWED_ID = "entryuuid"  # the server names entries by it, so it has to be the id of people
FEW = 200  # so many entries are read one by one, whatever the size of the directory

MADE_BY_THE_SERVER = frozenset(
    {
        *("memberof", "ismemberof", "nsrole", "entrydn", "hassubordinates", "numsubordinates"),
        *("pwdaccountlockedtime", "pwdfailuretime", "authtimestamp"),
    }
)
"""Attributes that overlays (memberof, dynlist, ppolicy, lastbind) write without telling of a change."""


class Uncertain(Exception):
    """What changed cannot be told for certain."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a read began: what to ask of which server, and its cookies of that moment."""

    server: Address
    searches: tuple[Search, ...]
    cookies: tuple[bytes, ...]


def start(session: Session, queries: Queries, config: LdapConfig) -> Start | None:
    """Taken before a read, so that nothing which happens meanwhile is lost; None where nobody tells."""
    if config.id_attribute.lower() != FOLLOWED_ID or asked_about(config) & MADE_BY_THE_SERVER:
        return None
    for searches in dict.fromkeys((queries.all_that_counts(), queries.each_that_counts())):
        try:
            cookies = tuple(first_cookie(session, search) for search in searches)
        except (NotFound, CredentialsRejected):
            continue  # what holds both bases is not ours to see
        except RemoteError:
            return None
        return Start(session.server, searches, cookies)
    return None


@dataclass(slots=True)
class Following:
    """The last complete read: who was called what, and every group as it was written down."""

    config: LdapConfig
    queries: Queries
    start: Start
    remembered: Remembered
    dns: dict[str, str]
    rows: dict[str, Row]
    wanted: frozenset[str]
    mark: str
    settled: frozenset[str]
    steps: int = field(default=0)

    @property
    def cursor(self) -> str:
        return f"{self.start.server.named} {self.mark}.{self.steps}"

    def changes(
        self,
        session: Session,
        *,
        taken_at: datetime,
        person: Callable[[Entry], Person | str],
        row: Callable[[Entry], Row],
        look: Look,
    ) -> DirectoryChanges:
        """What is other now; from here on this is what is remembered."""
        if session.server != self.start.server:
            raise Uncertain("another server has cookies of its own")
        told = [
            refresh(session, search, cookie)
            for search, cookie in zip(self.start.searches, self.start.cookies, strict=True)
        ]
        if all(one.nothing for one in told):
            return self._moved_on(told, taken_at, {}, {})
        touched = self._touched(told)
        if any(one.deleted - self._known for one in told):
            self._check_places(session)
        people, dns = self._people_now(session, touched, person)
        rows = self._rows_now(session, touched, dns, row)
        self._check_folders(session, touched - self._known - dns.keys() - rows.keys())
        roster = self._roster(people, dns, rows.values())
        found = Groups(Listing(tuple(rows.values())), self.config).resolve(
            self.wanted, roster, look, settled=self.settled
        )
        if found.renamed:
            raise Uncertain("a group names somebody by a DN that was not told")
        if found.people_hidden or not roster.by_dn or not all(g.complete for g in found.groups):
            raise Uncertain("; ".join(found.problems) or "a group cannot be read, or nobody is left")
        if any(g.external_id != self.remembered.group_ids[g.name] for g in found.groups):
            raise Uncertain("a group was made anew")
        members = {g.name: g.members or frozenset() for g in found.groups}
        changes = self._moved_on(told, taken_at, people, members)
        self.rows, self.settled = rows, found.settled
        for key in people:
            self.dns.pop(key, None)
        self.dns |= dns
        return changes

    def _touched(self, told: Sequence[Refresh]) -> frozenset[str]:
        """Everybody and every group that has to be looked at again."""
        known = self._known
        changed, deleted = set[str](), set[str]()
        for one in told:
            changed |= one.changed
            deleted |= one.deleted
        if 2 * len(known & changed) > len(known) or any(one.cookie == b"" for one in told):
            # it does so for a cookie that it cannot read, and then does not name those who are gone
            raise Uncertain("the server told most of it anew")
        if any(one.by_absence for one in told):
            if len(told) > 1:
                raise Uncertain("the server told who is there in a part of the directory only")
            deleted |= known - changed - told[0].present
        touched = frozenset(changed | (deleted & known))
        if len(touched) > max(FEW, len(known) // 4):
            raise Uncertain("so much changed that reading everything is cheaper")
        return touched

    @property
    def _known(self) -> frozenset[str]:
        return frozenset(self.dns.keys() | self.rows.keys())

    def _check_folders(self, session: Session, strange: frozenset[str]) -> None:
        """Whoever lies in a folder has another DN with it, comes and goes with it, and is not told."""
        bases = tuple(search.base for search in self.start.searches)
        for search in self.queries.folders_of(strange, bases):
            if session.read_all(search).whole():
                raise Uncertain("a folder that may hold people was made, renamed or moved")

    def _check_places(self, session: Session) -> None:
        """What is gone may have been a folder, with everybody in it."""
        dns = (*self.dns.values(), *(one.key for one in self.rows.values()))
        places = {parent(dn) for dn in dns}
        if len(places) > FEW or not all(session.entry_at(dn, ("1.1",))[0] for dn in sorted(places)):
            raise Uncertain("a folder that held people or groups is gone")

    def _people_now(
        self, session: Session, touched: frozenset[str], person: Callable[[Entry], Person | str]
    ) -> tuple[dict[str, DirectoryUser | None], dict[str, str]]:
        """Those who are new or were known, None for one who is gone; DNs of those who are there."""
        people: dict[str, DirectoryUser | None] = dict.fromkeys(touched & self.dns.keys())
        dns: dict[str, str] = {}
        for search in self.queries.people_of(touched):
            for found in session.read_each(search, person).whole():
                if isinstance(found, str):
                    raise Uncertain(found)
                user, dn = found
                people[user.external_id], dns[user.external_id] = user, dn
        return people, dns

    def _rows_now(
        self,
        session: Session,
        touched: frozenset[str],
        dns: dict[str, str],
        row: Callable[[Entry], Row],
    ) -> dict[str, Row]:
        moved = {key for key in touched & self.dns.keys() if self.dns[key] != dns.get(key)}
        before = {self.dns[key] for key in moved}
        if before and not before.isdisjoint(map(parent, self.dns.values())):
            raise Uncertain("somebody under whom others lie was renamed or moved")
        names = before | {dn for key, dn in dns.items() if self.dns.get(key) != dn}
        stale = {key for key, one in self.rows.items() if not names.isdisjoint(one.dns)}
        wanted = (touched - dns.keys() - self.dns.keys()) | (touched & self.rows.keys()) | stale
        if not wanted:
            return self.rows
        now: dict[str, Row] = {}
        for search in self.queries.groups_of(wanted):
            now |= {one.external_id: one for one in session.read_each(search, row).whole()}
        rows = {key: one for key, one in self.rows.items() if key not in wanted} | now
        self._must_be_settled(rows, {self.dns[key] for key in moved & dns.keys()} - set(dns.values()))
        return rows

    def _must_be_settled(self, rows: dict[str, Row], left: set[str]) -> None:
        """Nobody may be named by a DN that was theirs: the server may be about to write the new one.

        The same goes for groups inside groups.
        """
        if self.config.nested_groups:
            keys = {one.key for one in rows.values()}
            left = left | ({one.key for one in self.rows.values()} ^ keys)
        if any(not left.isdisjoint(one.dns) for one in rows.values()):
            raise Uncertain("a group names somebody by a DN that has changed")
        if any(one.made_up for one in rows.values()):
            raise Uncertain("a group's members are made up by the server")

    def _roster(
        self, people: Mapping[str, DirectoryUser | None], dns: Mapping[str, str], rows: Iterable[Row]
    ) -> Roster:
        now = {**self.remembered.people, **people}
        by_dn = {dn: key for key, dn in self.dns.items() if key not in people}
        by_dn |= {dn: key for key, dn in dns.items()}
        return Roster.of((user for user in now.values() if user), by_dn, rows, whole=True)

    def _moved_on(
        self,
        told: Iterable[Refresh],
        taken_at: datetime,
        people: dict[str, DirectoryUser | None],
        members: dict[str, frozenset[str]],
    ) -> DirectoryChanges:
        cookies = tuple(one.cookie or old for one, old in zip(told, self.start.cookies, strict=True))
        if people or members or cookies != self.start.cookies:
            self.steps += 1
        self.start = replace(self.start, cookies=cookies)
        return self.remembered.move_on(self.cursor, taken_at=taken_at, people=people, groups=members)


def following(
    snapshot: DirectorySnapshot,
    *,
    config: LdapConfig,
    queries: Queries,
    start: Start,
    dns: dict[str, str],
    rows: Iterable[Row],
    wanted: frozenset[str],
    settled: frozenset[str],
) -> tuple[DirectorySnapshot, Following | None]:
    """The read with its cursor, and what goes on from there; without both where that is not certain."""
    mark = secrets.token_hex(4)
    read = replace(snapshot, cursor=f"{start.server.named} {mark}.0")
    remembered = Remembered.of(read)
    by_id = {row.external_id: row for row in rows}
    named_otherwise = any(one != one.lower() for one in (*dns.values(), *by_id))
    if remembered is None or named_otherwise or any(row.made_up for row in by_id.values()):
        return snapshot, None
    ids = {external_id: dn for dn, external_id in dns.items()}
    return read, Following(config, queries, start, remembered, ids, by_id, wanted, mark, settled)
