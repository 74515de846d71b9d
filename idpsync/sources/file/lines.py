"""The lines of a people file: from bytes to rows, every fault with its line."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from idpsync.core.errors import Problem
from idpsync.core.model import NO_ATTRIBUTES, DirectoryUser, Profile, fold

COLUMNS = ("external_id", "user_name", "email", "given_name", "family_name", "active", "groups")
KNOWN = (*COLUMNS, "user_type")  # may be left out: member or guest, as Entra has it
NEEDED = frozenset({"external_id", "user_name", "active", "groups"})
TRAILER = "#complete"
DECLARATION = "#group "  # "#group Claude Admins": the group exists, whether or not anybody is in it
JSON_SUFFIXES = frozenset({".jsonl", ".ndjson"})
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": None}

Cells = Mapping[str, object]


class BadLine(ValueError):
    """One line cannot be read; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the file, and the line they stand on."""

    line: int
    user: DirectoryUser
    groups: frozenset[str]


@dataclass(slots=True)
class PeopleFile:
    """What one read of the file gave. `spoiled` are lines whose person could not be read.

    `declared` are groups that the file names as existing, in `#group` lines.
    """

    path: Path
    rows: list[Row] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    broken: list[Problem] = field(default_factory=list)
    spoiled: list[Problem] = field(default_factory=list)

    def fault(self, message: str, line: int | None = None) -> Problem:
        return Problem("", message, file=str(self.path), line=line)


def decode(people: PeopleFile, content: bytes) -> str | None:
    """The text of a UTF-8 file, with or without byte order mark; None when `people` has the fault."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        people.broken.append(people.fault("is UTF-16; save it as UTF-8", 1))
        return None
    try:
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        offset = error.start
        line = content.count(b"\n", 0, offset) + 1
        what = f"is not UTF-8: byte 0x{content[offset]:02x} at offset {offset} ({error.reason})"
        people.broken.append(people.fault(what, line))
        return None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        people.broken.append(people.fault("holds NUL bytes; it is binary or half written", line))
        return None
    return text


def parse(people: PeopleFile, text: str, *, is_json: bool, trailer: bool) -> None:
    """Fill `people` from the text: the rows, the faults of the whole, the faults of single lines."""
    lines = text.split("\n")  # not splitlines(): U+2028 and \x85 may stand inside a name
    if not text.strip():
        people.broken.append(people.fault("is empty"))
        return
    numbered = _without_trailer(people, list(enumerate(lines, start=1)), trailer=trailer)
    entries = _json_cells(people, numbered) if is_json else _csv_cells(people, numbered)
    for line, cells in entries:
        try:
            people.rows.append(_row(line, cells))
        except BadLine as error:
            people.spoiled.append(people.fault(str(error), line))
    _drop_doubles(people, "external_id", lambda user: user.external_id)
    _drop_doubles(people, "user_name", lambda user: fold(user.user_name))


def _without_trailer(
    people: PeopleFile, lines: list[tuple[int, str]], *, trailer: bool
) -> list[tuple[int, str]]:
    """The lines that hold something, without the trailer; faults of the end are noted."""
    ended = not lines[-1][1].strip()  # the text behind the last line end
    held = [(number, line.rstrip("\r")) for number, line in lines if line.strip()]
    last, final = held[-1]
    if final.strip() == TRAILER:
        held.pop()
    elif trailer:
        people.broken.append(people.fault(f"the last line is not {TRAILER}: half written?", last))
    elif not ended:
        # the cut may lie inside the last person's groups, where the line still reads well
        what = f"the last line has no line end, the file may be cut; end it, or add {TRAILER}"
        people.spoiled.append(people.fault(what, last))
    for number, line in held:
        if line.strip() == TRAILER:
            people.broken.append(people.fault(f"lines follow after {TRAILER}", number))
    return [(n, line) for n, line in held if line.strip() != TRAILER and not _declares(people, n, line)]


def _declares(people: PeopleFile, number: int, line: str) -> bool:
    if not line.startswith(DECLARATION):
        return False
    try:
        people.declared.add(_clean("group", line.removeprefix(DECLARATION)))
    except BadLine as error:
        people.spoiled.append(people.fault(str(error), number))
    return True


def _csv_cells(
    people: PeopleFile, lines: Sequence[tuple[int, str]]
) -> Iterator[tuple[int, Mapping[str, object]]]:
    if not lines:
        people.broken.append(people.fault("has no header", 1))
        return
    header = _header(people, *lines[0])
    if header is None:
        return
    for number, line in lines[1:]:
        try:
            yield number, dict(zip(header, _fields(line, len(header)), strict=True))
        except BadLine as error:
            people.spoiled.append(people.fault(str(error), number))


def _header(people: PeopleFile, number: int, line: str) -> list[str] | None:
    try:
        names = [name.strip() for name in _fields(line)]
    except BadLine as error:
        people.broken.append(people.fault(f"header: {error}", number))
        return None
    if len(names) == 1 and ";" in line:
        people.broken.append(people.fault("header: fields are separated by ';', not ','", number))
        return None
    faults = [f"column {name} is missing" for name in COLUMNS if name not in names]
    faults += [f"column {name!r} is not known" for name in names if name not in KNOWN]
    faults += [f"column {name} stands twice" for name in KNOWN if names.count(name) > 1]
    people.broken += [people.fault(fault, number) for fault in faults]
    return None if faults else names


def _fields(line: str, count: int | None = None) -> list[str]:
    """The cells of one line. A quoted cell ends on its line, so an open quote spoils one person only."""
    try:
        cells = next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise BadLine(f"not readable as CSV: {error}") from error
    if count is not None and len(cells) != count:
        raise BadLine(f"{len(cells)} fields instead of {count}")
    return cells


def _json_cells(
    people: PeopleFile, lines: Sequence[tuple[int, str]]
) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in lines:
        try:
            yield number, _object(line)
        except BadLine as error:
            people.spoiled.append(people.fault(str(error), number))


def _object(line: str) -> Cells:
    try:
        cells: object = json.loads(line, object_pairs_hook=_once)
    except RecursionError as error:
        raise BadLine("not readable as JSON: nested too deeply") from error
    except BadLine:
        raise
    except ValueError as error:  # JSONDecodeError, or a number of absurd length
        raise BadLine(f"not readable as JSON: {error}") from error
    if not isinstance(cells, dict):
        raise BadLine("not a JSON object")
    if missing := sorted(NEEDED - cells.keys()):
        raise BadLine(f"{', '.join(missing)} missing")
    if unknown := sorted(cells.keys() - set(KNOWN)):
        raise BadLine(f"{', '.join(map(repr, unknown))} not known")
    return cells


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    cells = dict(pairs)
    if len(cells) != len(pairs):
        raise BadLine("a key stands twice")
    return cells


def _row(line: int, cells: Cells) -> Row:
    external_id, user_name = _text(cells, "external_id"), _text(cells, "user_name")
    if not external_id or not user_name:
        raise BadLine("external_id and user_name must not be empty")
    given, family = _text(cells, "given_name"), _text(cells, "family_name")
    profile = Profile(
        user_name=user_name,
        email=_text(cells, "email") or None,
        given_name=given,
        family_name=family,
        display_name=f"{given} {family}".strip(),
    )
    kind = _text(cells, "user_type")
    user = DirectoryUser(
        "file",
        external_id,
        profile,
        active=_active(cells["active"]),
        attributes={"user_type": kind} if kind else NO_ATTRIBUTES,
    )
    return Row(line, user, _group_names(cells["groups"]))


def _text(cells: Cells, name: str) -> str:
    value = cells.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadLine(f"{name} is not a text")
    return _clean(name, value)


def _clean(name: str, value: str) -> str:
    """Control characters and half surrogate pairs (JSON can escape both) belong to no name."""
    if any(c < " " or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in value):
        raise BadLine(f"{name} holds a control character")
    return value.strip()


def _active(value: object) -> bool | None:
    """Nothing said is None, unknown: such a person is neither granted nor taken from."""
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in BOOLEANS:
        raise BadLine(f"active is {text!r}, not true or false")
    return BOOLEANS[text]


def _group_names(value: object) -> frozenset[str]:
    names: object = value.split(";") if isinstance(value, str) else value or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadLine("groups is neither a text nor a list of texts")
    return frozenset(_clean("groups", name) for name in names) - {""}


def _drop_doubles(people: PeopleFile, what: str, key: Callable[[DirectoryUser], str]) -> None:
    """Nobody can say which of two rows with one key is right: both go, and are named."""
    lines: dict[str, list[int]] = {}
    for row in people.rows:
        lines.setdefault(key(row.user), []).append(row.line)
    doubled = {name: where for name, where in lines.items() if len(where) > 1}
    for name, where in doubled.items():
        told = ", ".join(map(str, where[:-1]))
        people.spoiled.append(people.fault(f"{what} {name} stands on line {told} as well", where[-1]))
    people.rows = [row for row in people.rows if key(row.user) not in doubled]
