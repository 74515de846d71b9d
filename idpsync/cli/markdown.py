"""An outline as Markdown that fits a pull request: bounded in size, and nothing in it calls anybody."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from idpsync.cli.outline import Column, Kind, Outline, Pool, Section, lines_of, step, visible

ROOM = 60_000
"""Characters; a comment on GitHub may have 65,536."""

FOLDED = 10  # rows beyond which a list is folded away
LONGEST = 300  # characters of one cell
LIMITS = (
    2000,
    1400,
    1000,
    700,
    500,
    350,
    250,
    150,
    100,
    50,
    20,
    10,
    3,
    0,
)  # rows per list, tried until the text fits
FEW = 20  # tiers, kinds and limits: always fewer than people
PEOPLE = 10


def markdown(outline: Outline) -> str:
    """The document in at most `ROOM` characters; what is left out is counted."""
    for most in LIMITS:
        parts = list(_parts(outline, most))
        if sum(len(part) + 2 for part in parts) <= ROOM:
            return "\n\n".join(parts)
    return _cut(parts, outline.whole)


def _cut(parts: Sequence[str], whole: str) -> str:
    """As many parts as there is room for, and the number of those that are missing."""
    room, kept = ROOM - LONGEST, []
    for part in parts:
        room -= len(part) + 2
        if room < 0:
            break
        kept.append(part)
    left = len(parts) - len(kept)
    return "\n\n".join([*kept, f"… and {left:,} more lists: `{whole}` has them all"])


def _parts(outline: Outline, most: int) -> Iterator[str]:
    yield f"## {safe(outline.title)}"
    if outline.tripped or outline.commands:
        yield _held(outline)
    yield from (safe(sentence) for sentence in outline.lead)
    yield "\n".join(f"- {safe(label)}: {safe(fact)}" for label, fact in outline.facts)
    yield from (_pool(pool) for pool in outline.pools)
    if len(outline.summary) > 1:
        yield _summary(outline)
    for section in outline.sections:
        yield _section(section, most)
    if any(len(section.rows) > most for section in outline.sections):
        yield f"`{outline.whole}` lists everybody."


def _held(outline: Outline) -> str:
    lines = ["**HELD by the guard: nothing was written.**", ""]
    for tripped in outline.tripped[:FEW]:
        named = ", ".join(code(name) for name in tripped.people[:PEOPLE])
        left = len(tripped.people) - PEOPLE
        more = f" … and {left:,} more" if left > 0 else ""
        sentences = "; ".join(code(sentence) for sentence in tripped.sentences[:FEW])
        lines.append(f"- {sentences}: {named}{more}" if named else f"- {sentences}")
    lines += _more(len(outline.tripped), FEW)
    lines += ["", "Let exactly this plan pass once, or drop it:", "", "```sh"]
    return "\n".join([*lines, *outline.commands, "```"])


def _pool(pool: Pool) -> str:
    columns = ("tier", "purchased", "assigned", "held", "reserved", "free")
    rows = [
        (safe(tier.name), *(step(getattr(tier.before, c), getattr(tier.after, c)) for c in columns[1:]))
        for tier in pool.tiers[:FEW]
    ]
    table = _table(columns, (False, *(True for _ in columns[1:])), rows)
    return "\n".join([f"### {safe(pool.title)}", "", *table, *_more(len(pool.tiers), FEW)])


def _summary(outline: Outline) -> str:
    rows = [(safe(title), f"{number:,}") for title, number in outline.summary[:FEW]]
    table = _table(("what", "number"), (False, True), rows)
    return "\n".join(["### Summary", "", *table, *_more(len(outline.summary), FEW)])


def _section(section: Section, most: int) -> str:
    shared = [line for text in section.shared for line in (safe(text), "")]
    lines = [*shared, *_rows(section.first(most)), *_more(len(section.rows), most)]
    if len(section.rows) <= FOLDED:
        return "\n".join([f"### {safe(section.heading)}", "", *lines])
    summary = f"<summary>{_in_html(section.heading)}</summary>"
    return "\n".join(["<details>", summary, "", *lines, "", "</details>"])


def _rows(section: Section) -> list[str]:
    rows = [tuple(_cells(section.columns, row)) for row in section.rows]
    if [column.kind for column in section.columns] == [Kind.PROSE]:
        return [line for row in section.rows for line in _sentence(row[0])]
    if len(section.columns) <= 1:
        return [f"- {row[0]}" for row in rows]
    numbers = [column.kind is Kind.NUMBER for column in section.columns]
    return _table([safe(column.title) for column in section.columns], numbers, rows)


def _sentence(sentence: str) -> Iterator[str]:
    """One item of a list, with blocks in it for the commands."""
    bullet = "- "
    for line in lines_of(sentence):
        if line.command:
            yield from (f"{bullet}```sh", f"  {line.text}", "  ```")
        else:
            yield bullet + safe(line.text)
        bullet = "  "


def _cells(columns: Sequence[Column], row: Sequence[str]) -> Iterator[str]:
    for column, cell in zip(columns, row, strict=True):
        yield code(cell) if column.kind is Kind.NAME and cell else safe(cell)


def _more(number: int, most: int) -> list[str]:
    return ["", f"… and {number - most:,} more"] if number > most else []


def _table(titles: Sequence[str], numbers: Sequence[bool], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = ["---:" if number else "---" for number in numbers]
    return [f"| {' | '.join(cells)} |" for cells in (titles, rule, *rows)]


# what GitHub leaves as it is: no markup, no mention, no link to an issue, a commit or a page
_PLAIN = re.compile(r"[^\W_][^\W_]*(?:[^\W_]|[ ,.;:()'\"/%+→…–-])*|")
_LINKED = re.compile(r"(?<!\d):\S|:[^\s\d]|\bwww\.|\bGH-\d|\b[0-9a-f]{7,}\b|^\d+[.)]", re.IGNORECASE)


def safe(text: str) -> str:
    """Text from outside, as prose where that is harmless, else as code."""
    text = _short(text)
    if _PLAIN.fullmatch(text) and not _LINKED.search(text):
        return text
    return code(text)


def code(text: str) -> str:
    """The text as code: nothing in it is markup, and nobody is called."""
    text = _short(text)
    if re.search(r"[`|\\]|^\s|\s$", text):
        return f"<code>{_numbered(text)}</code>"
    return f"`{text}`"


def _in_html(text: str) -> str:
    """The text inside a block of HTML, where code spans are not known."""
    text = _short(text)
    plain = _PLAIN.fullmatch(text) and not _LINKED.search(text)
    return escape(text) if plain else f"<code>{_numbered(text)}</code>"


def _numbered(text: str) -> str:
    """Everything but letters, digits and single spaces as character references."""
    return re.sub(r"[^\w ]|_|^ | $", lambda found: f"&#{ord(found[0])};", text)


def _short(text: str) -> str:
    text = visible(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
