"""A complete read of Active Directory carried on by what DirSync tells.

It tells who changed, not whether they still count, so people are read again by GUID; members come and
go one by one. Whoever is gone is taken out of every group here, since the server does not tell of that.
Where anything is not certain, `Uncertain` is raised and everything is to be read.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from idpsync.core.changes import DirectoryChanges
from idpsync.core.errors import CredentialsRejected, Malformed, NotFound, Refused
from idpsync.core.model import DirectorySnapshot, DirectoryUser, fold
from idpsync.sources.ldap.ad_groups import AdGroup, AdGroups
from idpsync.sources.ldap.ad_people import AdMarks
from idpsync.sources.ldap.ad_reader import AdReader
from idpsync.sources.ldap.ad_values import domain_of, guid_of, named, plain_dn
from idpsync.sources.ldap.address import Address
from idpsync.sources.ldap.dirsync import DirSync, Told, controller_of
from idpsync.sources.ldap.following import Uncertain
from idpsync.sources.ldap.names import lies_under, normal
from idpsync.sources.ldap.people import People
from idpsync.sources.ldap.queries import asked_about
from idpsync.sources.ldap.session import Entry, Session, Unreadable
from idpsync.sources.ldap.settings import LdapConfig
from idpsync.sources.remembered import Remembered

REPLICATE = "Replicating Directory Changes"
UNPROVEN = (
    "the account is shown nobody who was deleted (it may not list the container Deleted Objects, or "
    "nobody has been deleted yet)"
)
ABOUT_ALL = ("objectClass", "isDeleted", "name", "parentGUID", "member")
NOT_REPLICATED = frozenset({"memberof", "lastlogon", "badpwdcount", "badpasswordtime", "logoncount"})
"""What a filter or a person's attribute may ask about and no feed tells of."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a read began: at which server, with which cookie of that moment."""

    server: Address
    cookie: bytes
    object_security: bool


def why_not_followed(config: LdapConfig) -> str:
    """Why changes of what this configuration asks for cannot be told, "" when they can."""
    if not domain_of(config.user_base):
        return f"{config.user_base} lies in no domain"
    if domain_of(config.user_base) != domain_of(config.group_base):
        return "people and groups lie in two domains"
    if hidden := sorted(asked_about(config) & NOT_REPLICATED):
        return f"the configuration asks about {hidden[0]}, of which no changes are told"
    return ""


def start(session: Session, config: LdapConfig, *, proven: bool) -> tuple[Start | None, str]:
    """Taken before a read, so that nothing which happens meanwhile is lost; None with the reason.

    `proven` where this account was once told of somebody who is deleted.
    """
    if reason := why_not_followed(config):
        return None, reason
    context, reason = domain_of(config.user_base), ""
    for own in (False, True):
        try:
            cookie, proven = DirSync(session, context, object_security=own).now(proven=proven)
        except CredentialsRejected:
            reason = f"the account lacks the right '{REPLICATE}' on {context}"
        except (Malformed, NotFound, Refused, Unreadable) as error:
            return None, str(error)
        else:
            if proven:
                return Start(session.server, cookie, object_security=own), ""
            return None, "; ".join(filter(None, (reason, UNPROVEN)))
    return None, reason


@dataclass(slots=True)
class AdFollowing:
    """The last complete read: people, groups as they were written down, by GUID, what marks them."""

    config: LdapConfig
    start: Start
    remembered: Remembered
    groups: dict[str, AdGroup]
    marks: AdMarks
    mark: str
    steps: int = 0

    @property
    def cursor(self) -> str:
        return self.remembered.cursor

    @property
    def roots(self) -> dict[str, str]:
        """Names and ids under which the groups that count are known, folded, and their GUIDs."""
        ids = self.remembered.group_ids
        return {fold(name): guid for name, guid in ids.items()} | {guid: guid for guid in ids.values()}

    def changes(self, session: Session, people: People, marks: AdMarks) -> DirectoryChanges:
        """What is other now; from here on this is what is remembered. `marks` are those of `people`."""
        if session.server != self.start.server:
            raise Uncertain("another domain controller may know less than the last one")
        told, cookie = self._told(session, people)
        if controller_of(cookie) != controller_of(self.start.cookie):
            # one name may stand for several: DNS or a balancer chooses anew each time
            raise Uncertain("another domain controller answers under this name, and may know less")
        expired = self._expired(marks.now)
        self.start = replace(self.start, cookie=cookie)
        if not told and not expired:
            return self._moved_on(marks.now, {}, {})
        now, newcomers = self._people_now(AdReader(session, self.config, people), told, people)
        expired = {guid: user for guid, user in expired.items() if guid not in now}
        now = {**expired, **now}
        gone = {guid for guid, user in now.items() if user is None}
        present = (self.remembered.people.keys() | now.keys()) - gone
        if not present:
            raise Uncertain("nobody is left")
        self.groups = self._groups_now(told, present, gone)
        self._check_newcomers(newcomers)
        self.marks.take_over(marks, now.keys() - expired.keys())
        self.marks.have_ended(expired.keys())
        groups = AdGroups(self.config, self.groups.values(), self.marks.primary, present)
        members = dict(self._members(groups))
        return self._moved_on(marks.now, now, members)

    def _told(self, session: Session, people: People) -> tuple[dict[str, Told], bytes]:
        context, own = domain_of(self.config.user_base), self.start.object_security
        asked = {*people.attributes, self.config.group_name_attribute, *asked_about(self.config)}
        feed = DirSync(session, context, object_security=own)
        try:
            return feed.since(self.start.cookie, (*ABOUT_ALL, *sorted(asked)))
        except (CredentialsRejected, Malformed, NotFound, Refused, Unreadable) as error:
            raise Uncertain(str(error)) from error

    # --- people

    def _people_now(
        self, reader: AdReader, told: Mapping[str, Told], people: People
    ) -> tuple[dict[str, DirectoryUser | None], list[Entry]]:
        """Everybody who changed, None for who is gone or does not count any more; what was read."""
        known = self.remembered.people
        deleted = {guid for guid, one in told.items() if one.deleted}
        again = told.keys() - self.groups.keys() - deleted
        for guid in again - known.keys():
            self._check_name(told[guid])
        found = {guid_of(entry): entry for entry in reader.people_of(again)} if again else {}
        strange = [g for g in again - found.keys() - known.keys() if told[g].moved and not told[g].new]
        if strange and not reader.all_leaves(strange):
            raise Uncertain("something that may hold people was renamed or moved")
        now: dict[str, DirectoryUser | None] = dict.fromkeys((again | deleted) & known.keys())
        now |= {guid: people.user(entry) for guid, entry in found.items()}
        return now, [entry for guid, entry in found.items() if guid not in known]

    def _check_name(self, one: Told) -> None:
        """A group that nobody knew may now be called like one that counts."""
        names = map(fold, (*one.texts("name"), *one.texts(self.config.group_name_attribute)))
        if not self.roots.keys().isdisjoint(names) or one.guid in self.roots:
            raise Uncertain(f"{one.dn} has the name of a group that counts")

    def _expired(self, at: datetime) -> dict[str, DirectoryUser | None]:
        """Accounts that have ended since by themselves: nothing about them changed."""
        over = [guid for guid, ends in self.marks.expiring.items() if ends <= at]
        known = self.remembered.people
        return {guid: replace(known[guid], active=False) for guid in over if guid in known}

    # --- groups

    def _groups_now(
        self, told: Mapping[str, Told], present: AbstractSet[str], gone: AbstractSet[str]
    ) -> dict[str, AdGroup]:
        ours = {guid: one for guid, one in told.items() if guid in self.groups}
        dead = {guid for guid, one in ours.items() if one.deleted}
        for guid in ours.keys() - dead:
            if ours[guid].changed:
                raise Uncertain(f"{ours[guid].dn} has another name, place or kind")
        if not dead.isdisjoint(self.remembered.group_ids.values()):
            raise Uncertain("a group that counts was deleted")
        deleted = {guid for guid, one in told.items() if one.deleted}
        now: dict[str, AdGroup] = {}
        for guid in self.groups.keys() - dead:
            group = self.groups[guid]
            if guid in ours:
                group = self._changed(group, ours[guid], present, deleted)
            now[guid] = group.without(gone | deleted).with_people(present)
        return now

    def _changed(
        self, group: AdGroup, one: Told, present: AbstractSet[str], deleted: AbstractSet[str]
    ) -> AdGroup:
        others = {
            guid: normal(dn)
            for guid, dn in one.joined.items()
            if guid not in present and guid not in deleted
        }
        for guid, dn in others.items():
            if guid not in self.groups and (self.config.nested_groups or lies_under(dn, self._base)):
                raise Uncertain(f"{dn} came into {group.dn}, and was not read before")
        return group.with_more(present & one.joined.keys(), others).without(one.left)

    def _members(self, groups: AdGroups) -> Iterator[tuple[str, frozenset[str]]]:
        """Everybody in each of the groups that count, by its name."""
        for name, guid in self.remembered.group_ids.items():
            root = self.groups[guid]
            if unread := [one.dn for one in groups.within(root) if one.following is not None]:
                raise Uncertain(f"{unread[0]} counts now, and only the first of its members were read")
            yield name, groups.members(root)

    def _check_newcomers(self, newcomers: Iterable[Entry]) -> None:
        """Whoever came back from the dead is in their groups again, and no feed tells of that."""
        for entry in newcomers:
            guid = guid_of(entry)
            says = {group for group, _ in map(named, entry.values.get("memberof") or ())}
            here = {group.guid for group in self.groups.values() if guid in group.people}
            if says & self.groups.keys() != here:
                raise Uncertain(f"{plain_dn(entry.dn)} is in other groups than those groups tell of")

    @property
    def _base(self) -> str:
        return normal(self.config.user_base)

    def _moved_on(
        self,
        taken_at: datetime,
        people: Mapping[str, DirectoryUser | None],
        members: Mapping[str, frozenset[str]],
    ) -> DirectoryChanges:
        known = self.remembered
        people = {guid: user for guid, user in people.items() if known.people.get(guid) != user}
        members = {name: now for name, now in members.items() if known.members[name] != now}
        if people or members:
            self.steps += 1
        return self.remembered.move_on(
            cursor_of(self.start.server, self.mark, self.steps),
            taken_at=taken_at,
            people=people,
            groups=members,
        )


def following(
    snapshot: DirectorySnapshot,
    *,
    config: LdapConfig,
    start: Start,
    groups: Iterable[AdGroup],
    marks: AdMarks,
) -> tuple[DirectorySnapshot, AdFollowing | None]:
    """The read with its cursor, and what goes on from there; without both where it is not complete."""
    mark = secrets.token_hex(4)
    read = replace(snapshot, cursor=cursor_of(start.server, mark, 0))
    remembered = Remembered.of(read)
    if remembered is None:
        return snapshot, None
    by_guid = {group.guid: group for group in groups}
    return read, AdFollowing(config, start, remembered, by_guid, marks, mark)


def cursor_of(server: Address, mark: str, steps: int) -> str:
    return f"{server.named} {mark}.{steps}"
