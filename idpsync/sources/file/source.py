"""The people file: CSV or JSON lines, one person per line. A faulty file never looks like an empty one.

Faults of the file as a whole (encoding, columns, trailer) raise and name every fault found. A faulty
line costs its own person only: everybody else is read, but users and groups are PARTIAL, so that
nothing can be taken from anybody until the line is mended.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import structlog

from idpsync.core.changes import DirectoryChanges
from idpsync.core.errors import Malformed, NotFound, Problem, Refused, Transient
from idpsync.core.model import Coverage, DirectorySnapshot, DirectoryUser, Group, Proof, fold
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.sources.file.changes import Recollection
from idpsync.sources.file.lines import DECLARATION, JSON_SUFFIXES, PeopleFile, decode, parse
from idpsync.sources.file.settings import FileConfig

log = structlog.get_logger()

TOLD = 50  # faults spelled out in one message


class FileSource:
    """`directory.kind: file`. Each read takes the whole file; `changes` parses what is other in it."""

    kind = "file"

    def __init__(self, config: FileConfig, *, clock: Clock, groups: frozenset[str]) -> None:
        self.name = "file"
        self._config, self._clock, self._groups = config, clock, groups
        self._system = f"people file {config.path.name}"
        self._last: Recollection | None = None

    def read(self, since: str | None = None) -> DirectorySnapshot:  # noqa: ARG002
        """The whole file.

        NotFound when it is missing, Malformed naming every fault when it cannot be trusted as a whole,
        Transient when somebody wrote to it meanwhile. PARTIAL when single lines are broken.
        """
        taken_at, operation = self._clock.now(), "read people"
        content = self._content(operation)
        people = self._parsed(content, operation)
        coverage = _coverage(people)
        problems = tuple(str(p) for p in people.spoiled)
        if coverage is Coverage.SUSPECT:
            problems = (f"{self._config.path}: the file has a header and no people",)
        if problems:
            log.warning("people_file.faulty", path=str(self._config.path), problems=problems[:TOLD])
        snapshot = DirectorySnapshot(
            source=self.name,
            taken_at=taken_at,
            users=tuple(row.user for row in people.rows),
            groups=_groups(people, self._groups, coverage),
            users_coverage=coverage,
            problems=problems,
            scope=self._config.scope,
            users_proof=Proof("trailer" if self._config.require_trailer else "end of a still file", 1),
        )
        self._last = Recollection(people, content, self._groups) if snapshot.complete else None
        return replace(snapshot, cursor=self._last.cursor) if self._last else snapshot

    def changes(self, since: str) -> DirectoryChanges | None:
        """What is other in the file than at the last read. Of a file with any fault nothing is told."""
        last, taken_at = self._last, self._clock.now()
        if last is None or since != last.cursor:
            return None
        content, scope = self._content("read changes"), self._config.scope
        found = last.carry_on(content, taken_at=taken_at, scope=scope)
        self._last = last if found else None
        return found

    def find(self, user_name: str) -> tuple[DirectoryUser, frozenset[str]] | None:
        """One person and those of their groups that policy mentions; None when the file has nobody so
        called. Malformed when they are not found but some lines could not be read.
        """
        people = self._people("find person")
        for row in people.rows:
            if fold(row.user.user_name) == fold(user_name):
                mentioned = {fold(g) for g in row.groups}
                return row.user, frozenset(g for g in self._groups if fold(g) in mentioned)
        if people.spoiled:
            raise self._malformed("find person", people.spoiled)
        return None

    def probe(self) -> Health:
        """Read the file as a run would; faults raise as in `read`. Not ok when a group is missing."""
        started = self._clock.now()
        people = self._people("probe")
        detail = f"{len(people.rows)} people in {self._config.path}"
        if people.spoiled:
            detail += f"; {_told(people.spoiled)}"
        groups = _groups(people, self._groups, Coverage.COMPLETE)
        missing = frozenset(group.name for group in groups if group.members is None)
        return Health(
            system=self._system,
            ok=not people.spoiled and not missing,
            detail=detail,
            latency=max(self._clock.now() - started, timedelta(0)),
            facts=tuple(_fact(group) for group in groups),
            missing=missing,
        )

    def _people(self, operation: str) -> PeopleFile:
        return self._parsed(self._content(operation), operation)

    def _parsed(self, content: bytes, operation: str) -> PeopleFile:
        people = PeopleFile(self._config.path)
        text = decode(people, content)
        if text is not None:
            is_json = self._config.path.suffix.lower() in JSON_SUFFIXES
            parse(people, text, is_json=is_json, trailer=self._config.require_trailer)
        if people.broken:
            raise self._malformed(operation, [*people.broken, *people.spoiled])
        return people

    def _content(self, operation: str) -> bytes:
        try:
            return read_still(self._config.path)
        except FileNotFoundError as error:
            raise NotFound(self._system, operation, f"{self._config.path} does not exist") from error
        except StillWriting as error:
            reason = f"{self._config.path} {error}; write it beside and rename it into place"
            raise Transient(self._system, operation, reason) from error
        except OSError as error:
            reason = f"{self._config.path} cannot be read: {error.strerror}"
            raise Refused(self._system, operation, reason) from error

    def _malformed(self, operation: str, faults: Sequence[Problem]) -> Malformed:
        return Malformed(self._system, operation, _told(faults))


def _fact(group: Group) -> str:
    if group.members is None:
        return f"group '{group.name}': no line names it; '{DECLARATION}{group.name}' says it is empty"
    return f"group '{group.name}': {len(group.members)} in it"


class StillWriting(OSError):
    """The file changed between the first and the last byte we read."""


def read_still(path: Path) -> bytes:
    """The content, if nobody wrote while we read: size and time are the same before and after."""
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        content = file.read()
        after = os.fstat(file.fileno())
    if not same_state(before, after) or len(content) != after.st_size:
        raise StillWriting("changed while it was read")
    return content


def same_state(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether two looks at one open file saw the same content."""
    return (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


def _told(faults: Sequence[Problem]) -> str:
    told = "; ".join(str(fault) for fault in faults[:TOLD])
    more = f"; and {len(faults) - TOLD} more" if len(faults) > TOLD else ""
    return f"{len(faults)} fault{'s' if len(faults) > 1 else ''}: {told}{more}"


def _coverage(people: PeopleFile) -> Coverage:
    if people.spoiled:
        return Coverage.PARTIAL
    return Coverage.COMPLETE if people.rows else Coverage.SUSPECT


def _groups(people: PeopleFile, wanted: frozenset[str], coverage: Coverage) -> tuple[Group, ...]:
    members: dict[str, set[str]] = {fold(name): set() for name in people.declared}
    for row in people.rows:
        for name in row.groups:
            members.setdefault(fold(name), set()).add(row.user.external_id)
    return tuple(_group(name, members.get(fold(name)), coverage) for name in sorted(wanted))


def _group(name: str, members: set[str] | None, coverage: Coverage) -> Group:
    if members is not None:
        reason = "" if coverage is Coverage.COMPLETE else "some lines of the file could not be read"
        return Group(name, name, frozenset(members), coverage, reason)
    if coverage is Coverage.PARTIAL:
        return Group(name, name, None, Coverage.FAILED, "no readable line names this group")
    # a group that lost everybody and a group that was renamed look the same here: remove nothing
    reason = (
        f"no line of the file names this group; if it is meant to be empty, add '{DECLARATION}{name}'"
    )
    return Group(name, name, None, Coverage.GONE, reason)
