"""What changed in several directories, told as of one.

A directory that lacks a group which another has gives no cursor, since alone it would lack something. It
is read whole and compared with what it showed before.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from idpsync.core.changes import DirectoryChanges, MemberChanges, differences
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser
from idpsync.core.ports import CanReadChanges
from idpsync.sources.merged.parts import Part, PartRead
from idpsync.sources.merged.people import People, Verified, address, addresses
from idpsync.sources.remembered import Remembered


def cursor_of(read: PartRead) -> str | None:
    """Where one directory goes on: its own cursor, else what it showed. None where it never tells."""
    if read.snapshot is None or read.snapshot.cursor is not None:
        return read.snapshot.cursor if read.snapshot else None
    return shown(read.snapshot) if isinstance(read.part.source, CanReadChanges) else None


def shown(read: DirectorySnapshot) -> str:
    """Reads with the same one show the same."""
    people = sorted(repr((user.external_id, user)) for user in read.users)
    members = sorted((name, sorted(ids)) for name, ids in _members_of(read).items())
    said = repr((read.scope, people, members, sorted(_groups_of(read).items())))
    return hashlib.sha256(said.encode()).hexdigest()


def _groups_of(read: DirectorySnapshot) -> Mapping[str, tuple[str, Coverage]]:
    return {group.name: (group.external_id, group.coverage) for group in read.groups}


def _members_of(read: DirectorySnapshot) -> dict[str, frozenset[str]]:
    return {group.name: group.members or frozenset() for group in read.groups}


@dataclass(slots=True)
class Held:
    """One directory as of its last read or changes, in its own ids. `whole` is how it was read last,
    where it has no cursor.
    """

    part: Part
    people: dict[str, DirectoryUser]
    members: dict[str, frozenset[str]]
    whole: DirectorySnapshot | None

    def changes(self, cursor: str) -> DirectoryChanges | None:
        """What the directory tells, or shows when it is read again; None where that is not certain."""
        source = self.part.source
        if self.whole is not None:
            return self._compared(self.whole, source.read())
        return source.changes(cursor) if isinstance(source, CanReadChanges) else None

    def _compared(self, before: DirectorySnapshot, read: DirectorySnapshot) -> DirectoryChanges | None:
        same = before.scope == read.scope and _groups_of(before) == _groups_of(read)
        if not same or read.problems or read.users_coverage is not Coverage.COMPLETE:
            return None
        members = _members_of(read)
        return DirectoryChanges(
            cursor=shown(read),
            taken_at=read.taken_at,
            people=differences(self.people, {user.external_id: user for user in read.users}),
            groups={
                name: MemberChanges(now - self.members[name], self.members[name] - now)
                for name, now in members.items()
                if now != self.members[name]
            },
        )


@dataclass(slots=True)
class Memory:
    """The last complete read of all: what each directory showed, and what came of it."""

    whole: Remembered
    held: list[Held]
    people: People
    borne: Counter[str]
    verified: Verified

    @classmethod
    def of(
        cls, snapshot: DirectorySnapshot, reads: Sequence[PartRead], people: People, verified: Verified
    ) -> "Memory | None":
        """None where one of them has no cursor."""
        whole = Remembered.of(snapshot)
        if whole is None:
            return None
        shown = [(read.part, read.snapshot) for read in reads if read.snapshot]
        held = [
            Held(
                part,
                {user.external_id: user for user in read.users},
                _members_of(read),
                None if read.cursor else read,
            )
            for part, read in shown
        ]
        borne = addresses([(part, read.users) for part, read in shown], verified)
        return cls(whole, held, people, borne, verified)

    @property
    def cursor(self) -> str:
        return self.whole.cursor

    def move_on(self, told: Sequence[DirectoryChanges], cursor: str) -> DirectoryChanges | None:
        """None where somebody is concerned whose address is, or was, in more than one record.

        Whoever is left is known in one directory only, under an id that the others have no part in.
        """
        if not self._tells_apart(told):
            return None
        people: dict[str, DirectoryUser | None] = {}
        for held, seen in zip(self.held, told, strict=True):
            for own_id, user in seen.people.items():
                people[held.part.key(own_id)] = self._noted(held, own_id, user)
            for name, change in seen.groups.items():
                held.members[name] = (held.members[name] - change.left) | change.joined
        names = {name for seen in told for name in seen.groups}
        return self.whole.move_on(
            cursor,
            taken_at=min(seen.taken_at for seen in told),
            people=people,
            groups={name: self._united(name) for name in names},
        )

    def _tells_apart(self, told: Sequence[DirectoryChanges]) -> bool:
        touched: set[str] = set()
        for held, seen in zip(self.held, told, strict=True):
            for own_id, user in seen.people.items():
                before = held.people.get(own_id)
                was, now = (address(u, self.verified) if u else "" for u in (before, user))
                if self.borne[was] > 1:
                    return False
                self.borne.subtract([was] if was else [])
                self.borne.update([now] if now else [])
                touched.add(now)
        return all(self.borne[where] <= 1 for where in touched)

    def _noted(self, held: Held, own_id: str, user: DirectoryUser | None) -> DirectoryUser | None:
        key, source = held.part.key(own_id), self.held[0].part.source.name
        if user is None:
            held.people.pop(own_id, None)
            self.people.own_ids.pop(key, None)
            held.members = {
                name: ids - {own_id} if own_id in ids else ids for name, ids in held.members.items()
            }
            return None
        held.people[own_id] = user
        self.people.own_ids[key] = {held.part.name: own_id}
        return replace(user, source=source, external_id=key)

    def _united(self, name: str) -> frozenset[str]:
        return frozenset(
            key
            for held in self.held
            for key in self.people.ids(held.part, held.members.get(name, frozenset()))
        )
