"""A directory that keeps its state in memory and can be broken on purpose."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from idpsync.core.changes import DirectoryChanges, MemberChanges
from idpsync.core.errors import CredentialsRejected, RemoteError, Transient
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, Group, Profile, Proof, fold
from idpsync.core.ports import Clock
from idpsync.core.records import Health

SYSTEM = "fake directory"


class SteadyClock:
    """Always the same instant, until somebody moves it."""

    def __init__(self, at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@dataclass
class FakeDirectory:
    """People and groups; every `source()` reads the same state.

    Faults: `down` (Transient), `locked_out` (CredentialsRejected), `shows` (only the first so many
    people are read, the rest is cut), `hidden` (groups whose members an ACL hides), `forgetful` (no
    changes are told), `untold` (people of whom no change is told, though they changed).

    `reads` counts whole reads, `told` the people of whom changes were told.
    """

    people: dict[str, DirectoryUser] = field(default_factory=dict)  # external id → person
    groups: dict[str, set[str]] = field(default_factory=dict)  # name → external ids
    clock: Clock = field(default_factory=SteadyClock)
    down: bool = False
    locked_out: bool = False
    shows: int | None = None
    hidden: set[str] = field(default_factory=set)
    scope: str = "fake | base=everybody"
    group_ids: dict[str, str] = field(
        default_factory=dict
    )  # name → id, which a new name does not change
    reads: int = 0
    told: int = 0
    forgetful: bool = False
    untold: set[str] = field(default_factory=set)

    def add(self, user_name: str, *groups: str, **profile: str) -> DirectoryUser:
        """Somebody new (or changed), in these groups besides those they are in."""
        known = self.by_name(user_name)
        external_id = known.external_id if known else f"fake-{len(self.people) + 1}-{user_name}"
        email = profile.pop("email", f"{user_name}@acme.example")
        user = DirectoryUser("fake", external_id, Profile(user_name, email, **profile))
        self.people[external_id] = user
        for group in groups:
            self.groups.setdefault(group, set()).add(external_id)
        return user

    def by_name(self, user_name: str) -> DirectoryUser | None:
        return next((u for u in self.people.values() if fold(u.user_name) == fold(user_name)), None)

    def id_of(self, user_name: str) -> str:
        """KeyError for somebody unknown."""
        if user := self.by_name(user_name):
            return user.external_id
        raise KeyError(user_name)

    def remove(self, user_name: str) -> None:
        external_id = self.id_of(user_name)
        del self.people[external_id]
        for members in self.groups.values():
            members.discard(external_id)

    def switch(self, user_name: str, *, active: bool | None) -> None:
        user = self.people[self.id_of(user_name)]
        self.people[user.external_id] = replace(user, active=active)

    def set_members(self, group: str, user_names: Iterable[str]) -> None:
        self.groups[group] = {self.id_of(name) for name in user_names}

    def rename_group(self, group: str, to: str) -> None:
        self.groups[to] = self.groups.pop(group)
        self.group_ids[to] = self.group_ids.pop(group, self.group_id(group))

    def make_group_anew(self, group: str, user_names: Iterable[str]) -> None:
        """A group of the same name with another id."""
        self.group_ids[group] = f"{self.group_id(group)}+"
        self.set_members(group, user_names)

    def group_id(self, group: str) -> str:
        return self.group_ids.get(group, f"id of {group}")

    def called(self, wanted: str) -> str:
        """The name of the group that is mentioned by name or by id."""
        return next((name for name in self.groups if self.group_id(name) == wanted), wanted)

    def source(self, *groups: str) -> "FakeSource":
        return FakeSource(self, frozenset(groups))


class FakeSource:
    """A `DirectorySource` over a `FakeDirectory`."""

    kind = "fake"

    def __init__(self, directory: FakeDirectory, groups: frozenset[str]) -> None:
        self.name = "fake"
        self.directory, self.groups = directory, groups
        self._last: DirectorySnapshot | None = None
        self._states = 0

    def read(self, since: str | None = None) -> DirectorySnapshot:
        self._answer("read directory")
        self.directory.reads += 1
        return self._remembered(self._snapshot())

    def changes(self, since: str) -> DirectoryChanges | None:
        """Between two states of everything; only complete ones have a cursor."""
        self._answer("read changes")
        last = self._last
        if self.directory.forgetful or last is None or since != last.cursor:
            return None
        now = self._remembered(self._snapshot())
        if now.cursor is None:
            return None
        before = {user.external_id: user for user in last.users}
        after = {user.external_id: user for user in now.users}
        people: dict[str, DirectoryUser | None] = {
            key: after.get(key)
            for key in before.keys() | after.keys()
            if before.get(key) != after.get(key) and key not in self.directory.untold
        }
        self.directory.told += len(people)
        known = {group.name: group for group in last.groups}
        if any(group.external_id != known[group.name].external_id for group in now.groups):
            return None
        return DirectoryChanges(
            cursor=now.cursor,
            taken_at=now.taken_at,
            scope=now.scope,
            people=people,
            groups={
                group.name: _between(known[group.name], group, self.directory.untold)
                for group in now.groups
                if group.members != known[group.name].members
            },
        )

    def _remembered(self, snapshot: DirectorySnapshot) -> DirectorySnapshot:
        """With a cursor that only another state changes."""
        if not snapshot.complete:
            self._last = None
            return snapshot
        if self._last is None or _state(self._last) != _state(snapshot):
            self._states += 1
        self._last = replace(snapshot, cursor=f"state {self._states}")
        return self._last

    def _snapshot(self) -> DirectorySnapshot:
        everybody = tuple(self.directory.people.values())
        users = everybody[: self.directory.shows]
        cut = len(users) < len(everybody)
        coverage = Coverage.PARTIAL if cut else Coverage.COMPLETE if users else Coverage.SUSPECT
        problems = {Coverage.PARTIAL: ("people were read in part",), Coverage.SUSPECT: ("nobody",)}
        shown = {u.external_id for u in users}
        return DirectorySnapshot(
            source=self.name,
            taken_at=self.directory.clock.now(),
            users=users,
            groups=tuple(self._group(name, shown) for name in sorted(self.groups)),
            users_coverage=coverage,
            users_proof=Proof("everybody told", 1, len(everybody)),
            problems=problems.get(coverage, ()),
            scope=self.directory.scope,
            other_groups={
                self.directory.group_id(name): name
                for name in sorted(
                    self.directory.groups.keys() - set(map(self.directory.called, self.groups))
                )
            },
        )

    def find(self, user_name: str) -> tuple[DirectoryUser, frozenset[str]] | None:
        self._answer("find person")
        user = self.directory.by_name(user_name)
        if user is None:
            return None
        members: Mapping[str, set[str]] = self.directory.groups
        called = self.directory.called
        mine = (g for g in self.groups if user.external_id in members.get(called(g), ()))
        return user, frozenset(mine)

    def probe(self) -> Health:
        self._answer("probe")
        return Health(SYSTEM, ok=True, detail=f"{len(self.directory.people)} people")

    def _group(self, name: str, shown: set[str]) -> Group:
        called = self.directory.called(name)
        members, external_id = self.directory.groups.get(called), self.directory.group_id(called)
        if members is None:
            return Group(name, name, None, Coverage.GONE, "no such group")
        if called in self.directory.hidden:
            return Group(name, external_id, frozenset(), Coverage.SUSPECT, "shows no member")
        if members <= shown:
            return Group(name, external_id, frozenset(members))
        return Group(name, external_id, frozenset(members & shown), Coverage.PARTIAL, "people were cut")

    def _answer(self, operation: str) -> None:
        fault: RemoteError | None = None
        if self.directory.down:
            fault = Transient(SYSTEM, operation, "cannot be reached")
        elif self.directory.locked_out:
            fault = CredentialsRejected(SYSTEM, operation, "token expired")
        if fault:
            raise fault


def _between(before: Group, after: Group, untold: set[str]) -> MemberChanges:
    old, new = before.members or frozenset(), after.members or frozenset()
    return MemberChanges(new - old - untold, old - new - untold)


def _state(snapshot: DirectorySnapshot) -> tuple[object, ...]:
    return {u.external_id: u for u in snapshot.users}, snapshot.groups, snapshot.scope
