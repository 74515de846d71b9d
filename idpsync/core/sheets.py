"""Tables that people export and write by hand: from text to cells, every fault with its line. Pure.

Headers are known by their words, in any order and case; the delimiter is the one that the header line
is written with. Line numbers are those of the file, also where a quoted cell runs over several lines.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from idpsync.core.errors import Problem

DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is looked for: `titles` are the words it may be headed with."""

    name: str
    titles: frozenset[str]
    needed: bool

    @classmethod
    def of(cls, *titles: str, needed: bool = True) -> "Column":
        """A column called by the first of its titles; each is compared as `word` gives it."""
        return cls(titles[0], frozenset(map(word, titles)), needed)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: its known cells by column name, without space around them."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """The cell, "" where the table has no such column."""
        return self.cells.get(column, "")


@dataclass(slots=True)
class Faults:
    """What is wrong with one file, gathered while it is read."""

    file: str
    found: list[Problem] = field(default_factory=list)

    def add(self, line: int | None, message: str, column: str = "") -> None:
        self.found.append(Problem(column, message, self.file, line))

    def in_order(self) -> tuple[Problem, ...]:
        """Every fault, in order of the lines."""
        return tuple(sorted(self.found, key=lambda problem: problem.line or 0))


def word(text: str) -> str:
    """Letters and digits alone, without case and accents: how headers and fixed words are compared."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def shortened(text: str, most: int = 60) -> str:
    """As much of a text as a sentence can hold."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def read(text: str, columns: Sequence[Column], faults: Faults) -> tuple[Row, ...]:
    """The rows of a table. What cannot be read is among `faults`; the other rows are returned."""
    lines = list(io.StringIO(text.removeprefix("\ufeff"), newline=""))  # ends of lines stay as they are
    first = next((n for n, line in enumerate(lines) if line.strip()), None)
    if first is None:
        faults.add(None, "is empty")
        return ()
    delimiter = _delimiter(lines[first], columns)
    records = _records(lines, first, delimiter, faults)
    number, titles = next(records, (first + 1, []))
    places = None if faults.found else _places(number, titles, columns, faults)
    if places is None:
        return ()
    rows = tuple(_rows(records, len(titles), places, faults))
    if not rows and not faults.found:
        faults.add(number, "there are no rows below the header")
    return rows


def _delimiter(header: str, columns: Iterable[Column]) -> str:
    """The one that makes most known columns of the header line."""
    titles = frozenset().union(*(column.titles for column in columns))

    def known(delimiter: str) -> int:
        return sum(word(cell) in titles for cell in header.split(delimiter))

    return max(DELIMITERS, key=known)


def _records(
    lines: Sequence[str], at: int, delimiter: str, faults: Faults
) -> Iterator[tuple[int, list[str]]]:
    """Each record that holds something, with the number of its first line."""
    while at < len(lines):
        rest = (lines[n] for n in range(at, len(lines)))
        reader = csv.reader(rest, delimiter=delimiter, strict=True, skipinitialspace=True)
        try:
            cells = [cell.strip() for cell in next(reader)]
        except csv.Error as error:
            faults.add(at + 1, f"not readable as CSV: {error}; look for a quote that is not closed")
            # an open quote swallows what follows: the next line is looked at on its own
            at += 1 if at + reader.line_num >= len(lines) else reader.line_num
            continue
        if any(cells):
            yield at + 1, cells
        at += reader.line_num


def _places(
    line: int, titles: Sequence[str], columns: Iterable[Column], faults: Faults
) -> dict[str, int] | None:
    """Where each known column stands; None when the table cannot be read for its header."""
    places: dict[str, int] = {}
    before = len(faults.found)
    for column in columns:
        found = [n for n, title in enumerate(titles) if word(title) in column.titles]
        if len(found) > 1:
            twice = " and ".join(f"'{titles[n]}'" for n in found)
            faults.add(line, f"the column {column.name} stands twice: {twice}")
        elif found:
            places[column.name] = found[0]
        elif column.needed:
            faults.add(line, f"the column {column.name} is missing; the header is {_said(titles)}")
    return places if len(faults.found) == before else None


def _said(titles: Sequence[str]) -> str:
    return shortened(", ".join(f"'{title}'" for title in titles) or "empty", 200)


def _rows(
    records: Iterable[tuple[int, list[str]]], width: int, places: Mapping[str, int], faults: Faults
) -> Iterator[Row]:
    for line, cells in records:
        if len(cells) != width:
            few = "few" if len(cells) < width else "many"
            faults.add(line, f"too {few} columns: {len(cells)} instead of {width}")
        elif strange := [name for name, n in places.items() if _unprintable(cells[n])]:
            for name in strange:
                faults.add(line, "holds a control character", name)
        else:
            yield Row(line, {name: " ".join(cells[n].split()) for name, n in places.items()})


def _unprintable(cell: str) -> bool:
    """Whether a sign is in it that belongs to no name; white space of any kind is made one blank."""
    return any(unicodedata.category(c) in {"Cc", "Cs"} and not c.isspace() for c in cell)
