"""The last complete read: people, and the members of every group."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Text,
    case,
    delete,
    insert,
    or_,
    select,
    text,
    type_coerce,
    update,
)

from idpsync.core.changes import DirectoryChanges, MemberChanges
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, Group, Profile, fold
from idpsync.core.records import LastRead, Person
from idpsync.store.database import Database, driver_of
from idpsync.store.journal_tables import cache_state, cached_group, cached_member, cached_person
from idpsync.store.types import json_text

BULK = 500
OTHER_NOW = ""
"""In place of the hash of a group that was carried on: the next whole read writes it anew."""
_GROUPS = "SELECT name FROM cached_group WHERE organization = :organization"
_MEMBERS = "SELECT group_name, external_id FROM cached_member WHERE organization = :organization"
_MEMBERS_SQLITE = text(
    "INSERT INTO cached_member (organization, group_name, external_id)"
    " SELECT :organization, :name, value FROM json_each(:ids)"
)
_MEMBERS_POSTGRESQL = text(
    "INSERT INTO cached_member (organization, group_name, external_id)"
    " SELECT :organization, :name, json_array_elements_text(CAST(:ids AS json))"
)


class SqlReadCache:
    """`ReadCache` on one store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._organization = database.organization
        self._add_members = _MEMBERS_POSTGRESQL if database.postgresql else _MEMBERS_SQLITE

    def save(self, snapshot: DirectorySnapshot) -> None:
        with self._database.writing() as connection:
            written = self._save_groups(connection, snapshot.groups)
            if snapshot.users_coverage is Coverage.COMPLETE:
                written += self._save_people(connection, snapshot.users)
                connection.execute(
                    delete(cache_state).where(cache_state.c.organization == self._organization)
                )
                connection.execute(
                    insert(cache_state).values(
                        organization=self._organization,
                        saved_at=snapshot.taken_at,
                        scope=snapshot.scope,
                    )
                )
        if written >= BULK:
            self._database.analyze("cached_person", "cached_member")

    def update(self, changes: DirectoryChanges) -> None:
        with self._database.writing() as connection:
            self._update_people(connection, changes.people)
            for name, change in changes.groups.items():
                self._update_group(connection, name, change)
            mine = cache_state.c.organization == self._organization
            connection.execute(update(cache_state).where(mine).values(saved_at=changes.taken_at))

    def _update_people(self, connection: Connection, people: Mapping[str, DirectoryUser | None]) -> None:
        self._forget(connection, list(people))
        if fresh := [self._row(user, _record(user)) for user in people.values() if user]:
            connection.execute(insert(cached_person), fresh)

    def _forget(self, connection: Connection, ids: list[str]) -> None:
        mine = cached_person.c.organization == self._organization
        for chunk in _chunks(ids):
            connection.execute(delete(cached_person).where(mine, cached_person.c.external_id.in_(chunk)))

    def _update_group(self, connection: Connection, name: str, change: MemberChanges) -> None:
        columns, at = cached_member.c, {"organization": self._organization, "group_name": name}
        here = (columns.organization == self._organization, columns.group_name == name)
        for chunk in _chunks(sorted(change.left | change.joined)):
            connection.execute(delete(cached_member).where(*here, columns.external_id.in_(chunk)))
        if rows := [{**at, "external_id": one} for one in sorted(change.joined)]:
            connection.execute(insert(cached_member), rows)
        group = cached_group.c
        its = (group.organization == self._organization, group.name == name)
        connection.execute(update(cached_group).where(*its).values(sha=OTHER_NOW))

    def _save_groups(self, connection: Connection, groups: Iterable[Group]) -> int:
        """Only groups that changed are written again; the number of memberships written."""
        mine = cached_group.c.organization == self._organization
        columns = (cached_group.c.name, cached_group.c.sha, cached_group.c.external_id)
        rows = connection.execute(select(*columns).where(mine))
        known = {row.name: (row.sha, row.external_id) for row in rows}
        written = 0
        for group in groups:
            if not group.complete or group.members is None:
                continue
            ids = json_text(sorted(group.members))
            sha = hashlib.sha256(ids.encode()).hexdigest()
            if known.get(group.name) != (sha, group.external_id):
                self._save_group(connection, group, ids, sha)
                written += len(group.members)
        return written

    def _save_group(self, connection: Connection, group: Group, ids: str, sha: str) -> None:
        at = {"organization": self._organization, "name": group.name}
        for table, column in ((cached_group, "name"), (cached_member, "group_name")):
            mine = table.c.organization == self._organization
            connection.execute(delete(table).where(mine, table.c[column] == group.name))
        connection.execute(insert(cached_group).values(**at, sha=sha, external_id=group.external_id))
        connection.execute(self._add_members, {**at, "ids": ids})

    def _save_people(self, connection: Connection, users: Iterable[DirectoryUser]) -> int:
        """Only people who changed are written again; the number of rows written."""
        mine = cached_person.c.organization == self._organization
        text_of = type_coerce(cached_person.c.record, Text)  # compared as it stands, not parsed
        rows = connection.execute(select(cached_person.c.external_id, text_of).where(mine))
        known: dict[str, str] = {row[0]: row[1] for row in rows}
        people = {user.external_id: user for user in users}
        records = {key: _record(user) for key, user in people.items()}
        changed = [key for key, record in records.items() if known.get(key) != json_text(record)]
        gone = [key for key in known if key not in people]
        self._forget(connection, [*gone, *(key for key in changed if key in known)])
        if changed:
            fresh = [self._row(people[key], records[key]) for key in changed]
            connection.execute(insert(cached_person), fresh)
        return len(changed)

    def _row(self, user: DirectoryUser, record: Mapping[str, object]) -> dict[str, object]:
        email = user.profile.email
        return {
            "organization": self._organization,
            "external_id": user.external_id,
            "source": user.source,
            "external_key": fold(user.external_id),
            "user_key": fold(user.user_name),
            "email_key": fold(email) if email else None,
            "record": record,
        }

    def person(self, name: str) -> Person | None:
        key = fold(name)
        table = cached_person.c
        closeness = case((table.user_key == key, 0), (table.email_key == key, 1), else_=2)
        query = (
            select(cached_person)
            .where(
                table.organization == self._organization,
                or_(table.user_key == key, table.email_key == key, table.external_key == key),
            )
            .order_by(closeness, table.external_id)
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            groups = connection.execute(
                select(cached_member.c.group_name).where(
                    cached_member.c.organization == self._organization,
                    cached_member.c.external_id == row.external_id,
                )
            )
            names = frozenset(groups.scalars())
        return Person(_user(row), names)

    def people(self) -> tuple[DirectoryUser, ...]:
        mine = cached_person.c.organization == self._organization
        with self._database.reading() as connection:
            return tuple(map(_user, connection.execute(select(cached_person).where(mine))))

    def group_members(self) -> Mapping[str, frozenset[str]]:
        """By the driver itself: a row for every membership. Who is in many groups is one text."""
        at, seen = {"organization": self._organization}, dict[str, str]()
        with self._database.reading() as connection:
            driver = driver_of(connection)
            names = driver.execute(self._database.sql(_GROUPS), at).fetchall()
            members = driver.execute(self._database.sql(_MEMBERS), at).fetchall()
        found: dict[str, set[str]] = {name: set() for (name,) in names}
        for name, external_id in members:
            found.setdefault(name, set()).add(seen.setdefault(external_id, external_id))
        return {name: frozenset(ids) for name, ids in found.items()}

    def last_read(self) -> LastRead:
        mine = cached_group.c.organization == self._organization
        ids = select(cached_group.c.name, cached_group.c.external_id).where(mine)
        scope = select(cache_state.c.scope).where(cache_state.c.organization == self._organization)
        with self._database.reading() as connection:
            group_ids = {row.name: row.external_id for row in connection.execute(ids) if row.external_id}
            asked = connection.execute(scope).scalar()
        return LastRead(self.group_members(), group_ids, asked or "")

    def saved_at(self) -> datetime | None:
        query = select(cache_state.c.saved_at).where(cache_state.c.organization == self._organization)
        with self._database.reading() as connection:
            return connection.execute(query).scalar()


def _user(row: Row[Any]) -> DirectoryUser:
    return DirectoryUser(
        source=row.source,
        external_id=row.external_id,
        profile=Profile(**row.record["profile"]),
        active=row.record["active"],
        attributes=row.record["attributes"],
    )


def _record(user: DirectoryUser) -> dict[str, object]:
    profile = user.profile
    return {
        "source": user.source,
        "profile": {
            "user_name": profile.user_name,
            "email": profile.email,
            "given_name": profile.given_name,
            "family_name": profile.family_name,
            "display_name": profile.display_name,
        },
        "active": user.active,
        "attributes": dict(user.attributes),
    }


def _chunks(ids: list[str], size: int = 500) -> Iterable[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
