"""What a document about plans says, before it has a form: terminal, Markdown and HTML show the same."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

Document = Mapping[str, Any]
"""One of the JSON shapes of `core/report.py`."""


class Kind(Enum):
    """What the cells of a column are."""

    NAME = "name"  # comes from outside, or can be copied
    NUMBER = "number"
    TEXT = "text"
    PROSE = "prose"  # sentences: the only cells that are folded


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    kind: Kind = Kind.TEXT


SENTENCE = Column("sentence", Kind.PROSE)
BECAUSE = Column("because", Kind.PROSE)


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under one title; `shared` is true of every row, and said once."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    shared: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        return f"{self.title} ({len(self.rows):,})"

    def first(self, most: int) -> "Section":
        """At most `most` rows, without columns in which nothing stands."""
        shown = self.rows[:most]
        kept = [at for at in range(len(self.columns)) if any(row[at] for row in shown)]
        columns = tuple(self.columns[at] for at in kept)
        rows = tuple(tuple(row[at] for at in kept) for row in shown)
        return Section(self.title, columns, rows, self.shared)


@dataclass(frozen=True, slots=True)
class Seats:
    """The seats of one tier, counted."""

    purchased: int
    assigned: int
    held: int
    reserved: int
    free: int


@dataclass(frozen=True, slots=True)
class TierSeats:
    """One tier at two moments."""

    name: str
    before: Seats
    after: Seats


@dataclass(frozen=True, slots=True)
class Pool:
    """All tiers at two moments, which `before` and `after` name."""

    title: str
    before: str
    after: str
    tiers: tuple[TierSeats, ...]


@dataclass(frozen=True, slots=True)
class Tripped:
    """Limits of the guard that hold the plan, and the people they all counted."""

    limits: tuple[str, ...]
    sentences: tuple[str, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole document. `lead` is said first, `commands` are lines to copy once a plan is held.

    `whole` names the command that lists everything a shorter form leaves out.
    """

    title: str
    lead: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    tripped: tuple[Tripped, ...]
    commands: tuple[str, ...]
    pools: tuple[Pool, ...]
    summary: tuple[tuple[str, int], ...]
    sections: tuple[Section, ...]
    whole: str


def seats_of(row: Document) -> Seats:
    """One row of a pool as `plan --json` has it."""
    return Seats(*(int(row[key]) for key in ("purchased", "assigned", "held", "reserved", "free")))


def step(before: object, after: object) -> str:
    """What was and what will be; once where they are the same."""
    return numeral(before) if before == after else f"{numeral(before)} → {numeral(after)}"


def numeral(value: object) -> str:
    """1,700; what is no whole number stays as it is."""
    return f"{value:,}" if isinstance(value, int) else f"{value}"


def legible(reason: str) -> str:
    """A reason with its numbers as all numbers are written: premium is full (1,700 of 1,700)."""
    return re.sub(r"\((\d+) of (\d+)\)", lambda m: f"({int(m[1]):,} of {int(m[2]):,})", reason)


def some(names: Sequence[str], most: int) -> str:
    """The first names, and how many are left out."""
    left = len(names) - most
    return ", ".join(names[:most]) + (f" … and {left:,} more" if left > 0 else "")


def grouped(
    rows: Iterable[Document], title: Callable[[Document], str]
) -> Iterable[tuple[str, list[Document]]]:
    """The rows by their title, in the order in which the titles first come."""
    groups: dict[str, list[Document]] = {}
    for row in rows:
        groups.setdefault(title(row), []).append(row)
    return groups.items()


def told(
    title: str,
    rows: Sequence[Document],
    columns: Sequence[tuple[Column, Callable[[Document], str]]],
) -> Section:
    """A section of rows with a `because`: reasons that all of them share are said once.

    So is a text that every row has, and a column in which nothing stands is left out.
    """
    becauses = [impersonal([*map(legible, row["because"])], row["user_name"]) for row in rows]
    reasons = _shared_reasons(becauses)
    fields = [(column, [cell(row) for row in rows]) for column, cell in columns]
    own = ["; ".join(reason for reason in because if reason not in reasons) for because in becauses]
    fields.append((BECAUSE, own))
    shared = [f"{column.title}: {cells[0]}" for column, cells in fields if _same(column, cells)]
    shared += [f"because {'; '.join(reasons)}"] if reasons else []
    shown = [(column, cells) for column, cells in fields if any(cells) and not _same(column, cells)]
    return Section(
        title,
        tuple(column for column, _ in shown),
        tuple(zip(*(cells for _, cells in shown), strict=True)),
        tuple(shared),
    )


def _same(column: Column, cells: Sequence[str]) -> bool:
    """Whether one text stands in every row of several."""
    worded = column.kind in (Kind.TEXT, Kind.PROSE)
    return worded and len(cells) > 1 and cells[0] != "" and len(set(cells)) == 1


def impersonal(because: Sequence[str], name: str) -> Sequence[str]:
    """The reasons without the name of the person, who is told beside them."""
    if "@" not in name or not any(name in reason for reason in because):
        return because
    own = re.compile(rf"(?<![\w.+-]){re.escape(name)}(?![\w-])")
    return [own.sub("the person", reason) for reason in because]


def _shared_reasons(becauses: Sequence[Sequence[str]]) -> tuple[str, ...]:
    shared = dict.fromkeys(becauses[0]) if becauses else {}
    for because in becauses:
        if not shared:
            break
        shared = {reason: None for reason in shared if reason in because}
    return tuple(shared)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sentence; a command is to be copied, and never wrapped."""

    text: str
    command: bool = False


_VERBS = "apply|approve|check|explain|holds|members|plan|reject|seats|waitlist"
_COMMAND = re.compile(rf"`?(idpsync (?:{_VERBS})(?: --[a-z-]+| sha256:[0-9a-f]+)*)`?(?![\w-])")


def lines_of(sentence: str) -> tuple[Line, ...]:
    """The sentence, with every command in it on a line of its own."""
    prose, *rest = _COMMAND.split(sentence)
    if not rest:
        return (Line(sentence),)
    lines = [Line(prose)]
    for command, after in zip(rest[::2], rest[1::2], strict=True):
        lines += [Line(command, command=True), Line(after)]
    return tuple(line for line in map(_trimmed, lines) if line.text)


def _trimmed(line: Line) -> Line:
    """Without what stood around a command: brackets, and the point after it."""
    return line if line.command else Line(line.text.strip(" ()").removeprefix(".").strip())


def visible(text: str) -> str:
    """The text on one line, with what steers terminals or turns the reading direction spelled out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


_STEERING = {"Cc", "Cs", "Zl", "Zp"}
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _visible(letter: str) -> str:
    if letter in "\n\t":
        return " "
    if letter in _TURNING or unicodedata.category(letter) in _STEERING:
        return f"\\u{ord(letter):04x}"
    return letter
