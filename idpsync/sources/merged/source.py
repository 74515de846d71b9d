"""Several directories of one organisation, read as one: the order says who wins.

One that cannot be read takes nothing from anybody: its people and its groups count as unread, what the
others show goes on being added. Which is the first matters: links go by its name and its ids.
"""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import structlog

from idpsync.core.changes import DirectoryChanges
from idpsync.core.errors import CredentialsRejected, Malformed, NotFound, Refused, RemoteError
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, Proof
from idpsync.core.ports import CanFind, CanWriteGroups, Clock
from idpsync.core.records import Health
from idpsync.core.suspicion import SCOPE_PARTS
from idpsync.sources.merged.changes import Memory, cursor_of
from idpsync.sources.merged.groups import joined, others, united
from idpsync.sources.merged.parts import Part, PartRead
from idpsync.sources.merged.people import People, Verified, merged

log = structlog.get_logger()

SYSTEM = "directories"
Holder = tuple[Part, CanWriteGroups]
WORSE = (Coverage.FAILED, Coverage.PARTIAL, Coverage.SUSPECT)


class MergedSource:
    """`directory: [ … ]`. `verified` tells which e-mail addresses make two records one person."""

    def __init__(
        self, parts: Sequence[Part], *, clock: Clock, groups: frozenset[str], verified: Verified
    ) -> None:
        self.parts, self.name = tuple(parts), parts[0].source.name
        self.kind = "+".join(part.source.kind for part in parts)
        self._clock, self._wanted, self._verified = clock, groups, verified
        self._people: People | None = None  # None before the first read
        self._everybody_read = False
        self._memory: Memory | None = None
        self._reading = threading.RLock()

    @property
    def scope(self) -> str:
        """What decides who is seen, and under which id."""
        order = ",".join(part.name for part in self.parts)
        return SCOPE_PARTS.join([f"order={order}", *(f"{p.name}: {p.scope}" for p in self.parts)])

    def read(self, since: str | None = None) -> DirectorySnapshot:  # noqa: ARG002
        """Everybody once, and each wanted group with the members it has anywhere.

        A directory that cannot be read makes the read partial and is named in its problems. Raises only
        when none could be read: rejected credentials first, else the error of the first.
        """
        with self._reading:
            return self._read()

    def _read(self) -> DirectorySnapshot:
        taken_at, self._memory = self._clock.now(), None
        reads = [_read(part) for part in self.parts]
        _raise_if_none(reads)
        shown = [(read.part, read.snapshot.users) for read in reads if read.snapshot]
        people = merged(shown, self.name, self._verified)
        snapshots = [read.snapshot for read in reads if read.snapshot]
        snapshot = DirectorySnapshot(
            source=self.name,
            taken_at=min([taken_at, *(s.taken_at for s in snapshots)]),
            users=tuple(people.users.values()),
            groups=tuple(united(name, reads, people) for name in sorted(self._wanted)),
            users_coverage=_coverage(reads, people),
            problems=(*(p for read in reads for p in read.problems), *people.problems),
            scope=self.scope,
            other_groups=others(snapshots),
            users_proof=_proof(reads),
            requests=sum(s.requests for s in snapshots),
            throttled=sum(s.throttled for s in snapshots),
            several=True,
        )
        if snapshot.complete:
            snapshot = replace(snapshot, cursor=_cursor(reads))
            self._memory = Memory.of(snapshot, reads, people, self._verified)
        self._everybody_read = snapshot.users_coverage is Coverage.COMPLETE
        if self._people and not self._everybody_read:
            people.recall(self._people)
        self._people = people
        return snapshot

    def changes(self, since: str) -> DirectoryChanges | None:
        """What changed in each of them.

        None where one cannot tell, or where somebody is concerned whose address stands in several.
        """
        with self._reading:
            return self._changes(since)

    def _changes(self, since: str) -> DirectoryChanges | None:
        memory, self._memory = self._memory, None
        if memory is None or since != memory.cursor:
            return None
        told: list[DirectoryChanges] = []
        for held, cursor in zip(memory.held, json.loads(since), strict=True):
            seen = held.changes(cursor)
            if seen is None or seen.problems:
                return None
            told.append(seen)
        found = memory.move_on(told, _cursors([seen.cursor for seen in told]))
        self._memory = memory if found else None
        return found

    def find(self, user_name: str) -> tuple[DirectoryUser, frozenset[str]] | None:
        """One person, with the groups they have in any directory; None when nobody is so called.

        Asked for by user name everywhere, and by the address of whoever has it. Raises when the answer
        is not certain: a directory does not answer, or two people have the name.
        """
        found = self._found(user_name)
        email = next((user.profile.email for _, user, _ in found if user.profile.email), None)
        if email and self._verified(email):
            known = {part.name for part, _, _ in found}
            found += [one for one in self._found(email) if one[0].name not in known]
        if not found:
            return None
        people = merged([(part, [user]) for part, user, _ in found], self.name, self._verified)
        if len(people.users) > 1:
            names = ", ".join(sorted(people.users))
            raise Malformed(SYSTEM, "find person", f"{len(people.users)} people are so called: {names}")
        (person,) = people.users.values()
        return person, frozenset().union(*(groups for _, _, groups in found))

    def _found(self, name: str) -> list[tuple[Part, DirectoryUser, frozenset[str]]]:
        able = ((part, part.source) for part in self.parts)
        asked = ((p, source.find(name)) for p, source in able if isinstance(source, CanFind))
        return [(part, *answer) for part, answer in asked if answer]

    def probe(self) -> Health:
        """All of them at once; `check` asks each by itself."""
        healths = [part.source.probe() for part in self.parts]
        missing = frozenset[str].intersection(*(health.missing for health in healths))
        sound = all(health.ok or health.missing - missing for health in healths)
        return Health(
            system=SYSTEM,
            ok=sound and not missing,
            detail="; ".join(health.detail for health in healths),
            latency=max(health.latency for health in healths),
            facts=tuple(fact for health in healths for fact in health.facts),
            missing=missing,
        )


class WritableMergedSource(MergedSource):
    """Several directories, some of which have groups that may be written: each where it is."""

    def __init__(
        self, parts: Sequence[Part], *, clock: Clock, groups: frozenset[str], verified: Verified
    ) -> None:
        super().__init__(parts, clock=clock, groups=groups, verified=verified)
        self._holders: dict[str, Holder] = {}  # as of the last listing of each group

    def members_of(self, group: str) -> frozenset[str]:
        """Those of the first directory that has the group."""
        (part, _), members = self._listed(group)
        return frozenset(self._known(part).ids(part, members))

    def add_member(self, group: str, external_id: str) -> None:
        """Refused for somebody who is in another directory only."""
        part, writer = self._holders.get(group) or self._listed(group)[0]
        own_id = self._own_id(part, external_id)
        if own_id is None:
            raise _elsewhere(part, group, external_id)
        with self._forgotten_if_gone(group):
            writer.add_member(group, own_id)

    def remove_member(self, group: str, external_id: str) -> None:
        """Whoever is not in that directory is not in its group: nothing to do. Refused in doubt."""
        part, writer = self._holders.get(group) or self._listed(group)[0]
        own_id = self._own_id(part, external_id)
        if own_id is not None:
            with self._forgotten_if_gone(group):
                writer.remove_member(group, own_id)
        elif not self._everybody_read:
            raise _elsewhere(part, group, external_id)

    def _listed(self, group: str) -> tuple[Holder, frozenset[str]]:
        """The first directory that has the group, and who is in it there."""
        missing: NotFound | None = None
        for part in self.parts:
            writer = part.source
            if isinstance(writer, CanWriteGroups):
                try:
                    members = writer.members_of(group)
                except NotFound as error:
                    missing = missing or error
                else:
                    holder = self._holders[group] = part, writer
                    return holder, members
        raise missing or Refused(SYSTEM, "write group", f"no directory can write the group '{group}'")

    @contextmanager
    def _forgotten_if_gone(self, group: str) -> Iterator[None]:
        try:
            yield
        except NotFound:
            self._holders.pop(group, None)
            raise

    def _own_id(self, part: Part, external_id: str) -> str | None:
        """The id somebody has in this directory; None for one who is in another only."""
        if part == self._home(external_id):
            return external_id.removeprefix(part.key(""))
        return self._known(part).own_ids.get(external_id, {}).get(part.name)

    def _home(self, external_id: str) -> Part:
        """The directory that an id is of: by the name before it, else the leading one."""
        first, *others = self.parts
        return next((part for part in others if external_id.startswith(part.key(""))), first)

    def _known(self, part: Part) -> People:
        """Who is one person with whom. Only ids of the leading directory say so without a read."""
        if self._people is None and not part.leading:
            with self._reading:
                if self._people is None:
                    self.read()
        return self._people or People()


def merge(
    parts: Sequence[Part], *, clock: Clock, groups: frozenset[str], verified: Verified
) -> MergedSource:
    """The directories as one; one that writes groups where any of them does."""
    writes = any(isinstance(part.source, CanWriteGroups) for part in parts)
    made: Callable[..., MergedSource] = WritableMergedSource if writes else MergedSource
    return made(parts, clock=clock, groups=groups, verified=verified)


def _elsewhere(part: Part, group: str, external_id: str) -> Refused:
    reason = f"{external_id} is not in the directory '{part.name}', which has the group '{group}'"
    return Refused(SYSTEM, "write group", reason)


def _read(part: Part) -> PartRead:
    try:
        return PartRead(part, part.source.read())
    except RemoteError as error:
        log.warning("directory.incomplete", source=part.name, problems=(str(error),))
        return PartRead(part, error=error)


def _raise_if_none(reads: Sequence[PartRead]) -> None:
    errors = [read.error for read in reads if read.error]
    if len(errors) == len(reads):
        raise next((error for error in errors if isinstance(error, CredentialsRejected)), errors[0])


def _coverage(reads: Sequence[PartRead], people: People) -> Coverage:
    """As good as the worst; partial where one was not read and another was."""
    said = {read.snapshot.users_coverage if read.snapshot else Coverage.FAILED for read in reads}
    if people.problems:
        said.add(Coverage.SUSPECT)
    worst = next((coverage for coverage in WORSE if coverage in said), Coverage.COMPLETE)
    return Coverage.PARTIAL if worst is Coverage.FAILED and people.users else worst


def _cursor(reads: Sequence[PartRead]) -> str | None:
    cursors = [cursor for read in reads if (cursor := cursor_of(read))]
    return _cursors(cursors) if len(cursors) == len(reads) else None


def _cursors(cursors: Sequence[str]) -> str:
    return json.dumps(cursors)


def _proof(reads: Sequence[PartRead]) -> Proof | None:
    proofs = [(r.part.name, r.snapshot.users_proof) for r in reads if r.snapshot]
    told = [(name, proof) for name, proof in proofs if proof]
    return joined(told) if told else None
