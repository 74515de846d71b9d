"""What is other in a people file than when it was last read, at the cost of the lines that are other.

Whatever is odd is no change but a reason to read everything: a line that does not parse, somebody who
stands there twice, another header, a missing end mark, a group that nothing names any more.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from idpsync.core.changes import DirectoryChanges, MemberChanges
from idpsync.core.model import fold
from idpsync.sources.file.lines import (
    DECLARATION,
    JSON_SUFFIXES,
    TRAILER,
    PeopleFile,
    Row,
    decode,
    parse,
)


@dataclass(frozen=True, slots=True)
class _Told:
    """Whom one line told of. `groups` are folded, and those that policy mentions."""

    external_id: str
    name: str
    groups: frozenset[str]


class Recollection:
    """One good read of the file, to be carried on from: each line by its hash, and whose it is."""

    def __init__(self, people: PeopleFile, content: bytes, wanted: AbstractSet[str]) -> None:
        self.cursor = _cursor(content)
        self._people, self._content = people, content  # taken apart when it is first asked
        self._wanted = {name: fold(name) for name in sorted(wanted)}
        self._apart = False
        self._frame: tuple[str, ...] = ()  # the lines that are nobody's: header, groups, end mark
        self._told: dict[bytes, _Told] = {}
        self._ids: set[str] = set()
        self._names: set[str] = set()
        self._sizes: Counter[str] = Counter()
        self._shared: dict[frozenset[str], frozenset[str]] = {}

    def carry_on(self, content: bytes, *, taken_at: datetime, scope: str) -> DirectoryChanges | None:
        """What is other in `content`, which is remembered from now on.

        None where only a whole read can tell; nothing can be asked after that.
        """
        if (cursor := _cursor(content)) == self.cursor:
            return DirectoryChanges(cursor=cursor, taken_at=taken_at, scope=scope)
        self._take_apart()
        lines = _lines_of(PeopleFile(self._people.path), content)
        if lines is None or not self._is_framed(lines, content):
            return None
        frame = set(self._frame)
        now = {_hash(line): line for line in lines if line not in frame}
        if len(now) + len(self._frame) != len(lines):
            return None  # a line stands there twice
        before = [self._told[key] for key in self._told.keys() - now.keys()]
        fresh = {key: line for key, line in now.items() if key not in self._told}
        rows = self._parse(list(fresh.values()))
        if rows is None or not self._exchange(now.keys(), before, fresh, rows):
            return None
        self.cursor = cursor
        gone = {one.external_id: None for one in before}
        people = {**gone, **{row.user.external_id: row.user for row in rows}}
        after = [self._told[key] for key in fresh]
        groups = self._members(before, after)
        return DirectoryChanges(
            cursor=cursor, taken_at=taken_at, scope=scope, people=people, groups=groups
        )

    @property
    def _is_json(self) -> bool:
        return self._people.path.suffix.lower() in JSON_SUFFIXES

    def _take_apart(self) -> None:
        if self._apart:
            return
        row_of = {row.line: row for row in self._people.rows}
        frame = []
        for number, line in _numbered(self._content):
            if row := row_of.get(number):
                self._remember(_hash(line), row)
            else:
                frame.append(line)
        self._frame, self._apart = tuple(frame), True
        self._people.rows, self._content = [], b""

    def _remember(self, key: bytes, row: Row) -> None:
        mentioned = frozenset(fold(name) for name in row.groups) & frozenset(self._wanted.values())
        groups = self._shared.setdefault(mentioned, mentioned)
        one = _Told(row.user.external_id, fold(row.user.user_name), groups)
        self._told[key] = one
        self._ids.add(one.external_id)
        self._names.add(one.name)
        self._sizes.update(groups)

    def _is_framed(self, lines: Sequence[str], content: bytes) -> bool:
        """Whether the lines that are nobody's are the same, and the first and the last in place."""
        frame = set(self._frame)
        if tuple(line for line in lines if line in frame) != self._frame:
            return False
        if not self._is_json and lines[0] != self._frame[0]:
            return False
        if lines[-1].strip() == TRAILER:
            return True
        ended = not content.rpartition(b"\n")[2].strip()
        return ended and TRAILER not in (line.strip() for line in self._frame)

    def _parse(self, lines: Sequence[str]) -> list[Row] | None:
        """The rows of these lines, by all the rules of a whole read; None where one breaks any."""
        if not lines:
            return []
        people = PeopleFile(self._people.path)
        header = () if self._is_json else self._frame[:1]
        text = "\n".join([*header, *lines, TRAILER, ""])
        parse(people, text, is_json=self._is_json, trailer=True)
        return people.rows if len(people.rows) == len(lines) else None

    def _exchange(
        self,
        now: AbstractSet[bytes],
        before: Iterable[_Told],
        fresh: Iterable[bytes],
        rows: Iterable[Row],
    ) -> bool:
        """Forget the lines that are gone and remember the `fresh`; False where that cannot be right."""
        for one in before:
            self._ids.remove(one.external_id)
            self._names.remove(one.name)
            self._sizes.subtract(one.groups)
        for key in self._told.keys() - now:
            del self._told[key]
        for key, row in zip(fresh, rows, strict=True):
            if row.user.external_id in self._ids or fold(row.user.user_name) in self._names:
                return False
            self._remember(key, row)
        declared = {fold(line.removeprefix(DECLARATION)) for line in self._frame}
        there = all(self._sizes[key] or key in declared for key in self._wanted.values())
        return bool(self._told) and there

    def _members(self, before: Iterable[_Told], after: Iterable[_Told]) -> dict[str, MemberChanges]:
        were, are = _by_group(before), _by_group(after)
        changed: dict[str, MemberChanges] = {}
        for name, key in self._wanted.items():
            old, new = were.get(key, set()), are.get(key, set())
            if old != new:
                changed[name] = MemberChanges(frozenset(new - old), frozenset(old - new))
        return changed


def _by_group(told: Iterable[_Told]) -> dict[str, set[str]]:
    members: dict[str, set[str]] = {}
    for one in told:
        for key in one.groups:
            members.setdefault(key, set()).add(one.external_id)
    return members


def _lines_of(people: PeopleFile, content: bytes) -> list[str] | None:
    """The lines that hold something; None where the text cannot be read, or holds none."""
    if decode(people, content) is None:
        return None
    return [line for _, line in _numbered(content)] or None


def _numbered(content: bytes) -> list[tuple[int, str]]:
    lines = content.decode().removeprefix("\ufeff").split("\n")
    return [(number, line.rstrip("\r")) for number, line in enumerate(lines, 1) if line.strip()]


def _cursor(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hash(line: str) -> bytes:
    return hashlib.blake2b(line.encode(), digest_size=16).digest()
