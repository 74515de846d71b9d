"""The last complete read of a directory, from which it can be told what is other now.

A directory that tells of changes tells them against some earlier state; that state is kept together
with the cursor it belongs to, and one is never used without the other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from idpsync.core.changes import DirectoryChanges, MemberChanges
from idpsync.core.model import DirectorySnapshot, DirectoryUser


@dataclass(slots=True)
class Remembered:
    """People by external id, and members by group name, as of `cursor`."""

    cursor: str
    scope: str
    people: dict[str, DirectoryUser]
    members: dict[str, frozenset[str]]
    group_ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: DirectorySnapshot) -> "Remembered | None":
        """None where the read is not complete or names no cursor: nothing can go on from there."""
        if not snapshot.complete or snapshot.cursor is None:
            return None
        return cls(
            cursor=snapshot.cursor,
            scope=snapshot.scope,
            people={user.external_id: user for user in snapshot.users},
            members={group.name: group.members or frozenset() for group in snapshot.groups},
            group_ids={group.name: group.external_id for group in snapshot.groups},
        )

    def move_on(
        self,
        cursor: str,
        *,
        taken_at: datetime,
        people: Mapping[str, DirectoryUser | None],
        groups: Mapping[str, Iterable[str]],
    ) -> DirectoryChanges:
        """What is other, told once: `people` as they are now (None for one who is gone), and the whole
        membership of each of `groups` as it is now. From here on this is what is remembered.

        Whoever is gone is out of every group, whether or not the directory says so.
        """
        changed = {key: now for key, now in people.items() if self.people.get(key) != now}
        gone = {key for key, now in changed.items() if now is None}
        after = {name: frozenset(now) for name, now in groups.items()}
        for name, members in self.members.items():
            kept = after.get(name, members)
            after[name] = kept - gone if gone & kept else kept
        moved = {
            name: MemberChanges(now - self.members[name], self.members[name] - now)
            for name, now in after.items()
            if now != self.members[name]
        }
        for key, now in changed.items():
            if now is None:
                self.people.pop(key, None)
            else:
                self.people[key] = now
        self.members |= after
        self.cursor = cursor
        return DirectoryChanges(
            cursor=cursor, taken_at=taken_at, scope=self.scope, people=changed, groups=moved
        )
