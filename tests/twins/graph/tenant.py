"""A tenant of Entra ID in memory: people, groups, assignments, and a log from which changes are told."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

USER, GROUP, DEVICE = "#microsoft.graph.user", "#microsoft.graph.group", "#microsoft.graph.device"
PROPERTIES = (
    "userPrincipalName",
    "mail",
    "displayName",
    "givenName",
    "surname",
    "accountEnabled",
    "userType",
)


@dataclass
class Person:
    id: str
    properties: Json
    deleted: str = ""  # "changed" in the bin, "deleted" for good


@dataclass
class Team:
    id: str
    name: str
    members: dict[str, str] = field(default_factory=dict)  # id → type
    hides: bool = False
    deleted: bool = False


@dataclass(frozen=True)
class Event:
    """Something happened to a person, to a group, or to one member of it."""

    kind: str
    id: str
    member: str = ""
    what: str = USER
    joined: bool = True


class Tenant:
    """Only direct memberships are kept. A person in the bin keeps theirs, as Entra does."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Team] = {}
        self.assigned: list[tuple[str, str]] = []  # (type, id)
        self.application = str(uuid.uuid4())
        self.application_id = str(uuid.uuid4())
        self.log: list[Event] = []
        self._names: dict[str, str] = {}  # as they were given first → id

    # --- what an administrator does

    def put(self, upn: str, **properties: object) -> Person:
        """Somebody new, or changed."""
        usual = {
            "userPrincipalName": upn,
            "mail": f"{upn.partition('@')[0]}@acme.example",
            "displayName": upn.partition("@")[0],
            "givenName": "Ada",
            "surname": "Lovelace",
            "accountEnabled": True,
            "userType": "Member",
        }
        known = self.named(upn)
        if known is None:
            key = str(uuid.uuid4())
            known = self.people[key] = Person(key, usual)
            self._names[upn] = key
        known.properties = {**known.properties, **properties}
        self.log.append(Event("user", known.id))
        return known

    def named(self, upn: str) -> Person | None:
        person = self.people.get(self._names.get(upn, ""))
        return person if person and not person.deleted else None

    def id_of(self, upn: str) -> str:
        person = self.named(upn)
        assert person, upn
        return person.id

    def bin(self, upn: str) -> Person:
        """Soft deletion: no group tells of it."""
        person = self.people[self.id_of(upn)]
        person.deleted = "changed"
        self.log.append(Event("user", person.id))
        return person

    def restore(self, thing: Person | Team) -> None:
        """Back from the bin, and in every group as before; a group tells of no member."""
        if isinstance(thing, Person):
            thing.deleted = ""
            self.log.append(Event("user", thing.id))
        else:
            thing.deleted = False
            self.log.append(Event("group", thing.id))

    def purge(self, upn: str) -> None:
        """Gone for good, and no group tells of it either."""
        person = self.bin(upn)
        person.deleted = "deleted"
        for team in self.groups.values():
            team.members.pop(person.id, None)

    def make(self, name: str, *members: str, hides: bool = False) -> Team:
        """A new group. `members` are user names."""
        key = str(uuid.uuid4())
        team = self.groups[key] = Team(key, name, hides=hides)
        self.log.append(Event("group", key))
        self.join(team, *(self.id_of(upn) for upn in members))
        return team

    def team(self, name: str) -> Team:
        (found,) = [team for team in self.groups.values() if team.name == name and not team.deleted]
        return found

    def rename(self, team: Team, to: str) -> None:
        team.name = to
        self.log.append(Event("group", team.id))

    def dissolve(self, team: Team) -> None:
        team.deleted = True
        self.log.append(Event("group", team.id))

    def join(self, team: Team, *ids: str, kind: str = USER) -> None:
        for key in ids:
            if key not in team.members:
                team.members[key] = kind
                self.log.append(Event("member", team.id, key, kind))

    def leave(self, team: Team, *ids: str) -> None:
        for key in ids:
            if kind := team.members.pop(key, ""):
                self.log.append(Event("member", team.id, key, kind, joined=False))

    def set_members(self, team: Team, ids: Iterable[str]) -> None:
        wanted = list(ids)
        self.leave(team, *[key for key in team.members if key not in wanted])
        self.join(team, *wanted)

    def nest(self, outer: Team, inner: Team) -> None:
        self.join(outer, inner.id, kind=GROUP)

    def assign(self, *things: Person | Team) -> None:
        for thing in things:
            self.assigned.append(("User" if isinstance(thing, Person) else "Group", thing.id))

    # --- what is there

    def living(self) -> list[Person]:
        return [person for person in self.people.values() if not person.deleted]

    def standing(self) -> list[Team]:
        return [team for team in self.groups.values() if not team.deleted]

    def shown(self, team: Team) -> dict[str, str]:
        """Members as lists show them: nobody and nothing that is in the bin."""
        return {
            key: kind
            for key, kind in team.members.items()
            if not (thing := self.people.get(key) or self.groups.get(key)) or not thing.deleted
        }

    def flat(self, team: Team, seen: set[str] | None = None) -> set[str]:
        """People and groups inside, through any depth, cycles and all."""
        seen = set() if seen is None else seen
        for key, kind in self.shown(team).items():
            if key in seen:
                continue
            seen.add(key)
            if kind == GROUP:
                self.flat(self.groups[key], seen)
        return seen

    # --- what changed

    def people_told(self, since: int | None, bin_too: bool) -> list[Json]:
        """Rows of a round: everybody, or whoever something happened to after `since`."""
        if since is None:
            told = [self._person(person) for person in self.living()]
            gone = [person for person in self.people.values() if person.deleted] if bin_too else []
            return told + [self._person(person) for person in gone]
        ids = dict.fromkeys(event.id for event in self.log[since:] if event.kind == "user")
        return [self._person(self.people[key]) for key in ids]

    def groups_told(self, since: int | None, ids: Iterable[str] | None) -> list[Json]:
        """Rows of a round, each with all of its members that are told of."""
        wanted = set(ids) if ids is not None else self.groups.keys()
        if since is None:
            return [
                {**_head(team), "members@delta": [_entry(k, t) for k, t in self.shown(team).items()]}
                for team in self.standing()
                if team.id in wanted
            ]
        return [row for key, row in self._group_changes(since).items() if key in wanted]

    def _group_changes(self, since: int) -> dict[str, Json]:
        last: dict[str, dict[str, Event]] = {}
        for event in self.log[since:]:
            if event.kind != "user":
                last.setdefault(event.id, {})[event.member] = event
        return {key: self._group_row(key, events.values()) for key, events in last.items()}

    def _group_row(self, key: str, events: Iterable[Event]) -> Json:
        team = self.groups[key]
        if team.deleted:
            return {"id": key, "@removed": {"reason": "changed"}}
        moved = [event for event in events if event.kind == "member"]
        told = [_entry(e.member, e.what) | ({} if e.joined else _removed("deleted")) for e in moved]
        return {**_head(team), **({"members@delta": told} if told else {})}

    def _person(self, person: Person) -> Json:
        if person.deleted:
            return {"id": person.id, **_removed(person.deleted)}
        return {"id": person.id, **person.properties}


def split(rows: Iterable[Json], size: int) -> Iterator[list[Json]]:
    """Pages that hold `size` rows and members together: one group may go over many."""
    page: list[Json] = []
    room = size
    for row in rows:
        members = row.get("members@delta")
        if members is None:
            parts = [row]
        else:
            parts = [
                {**row, "members@delta": members[n : n + size]} for n in range(0, len(members), size)
            ]
            parts = parts or [row]
        for part in parts:
            needs = max(1, len(part.get("members@delta", [])))
            if needs > room and page:
                yield page
                page, room = [], size
            page.append(part)
            room -= needs
    yield page


def _head(team: Team) -> Json:
    return {"id": team.id, "displayName": team.name}


def _entry(key: str, kind: str) -> Json:
    return {"@odata.type": kind, "id": key}


def _removed(reason: str) -> Json:
    return {"@removed": {"reason": reason}}
