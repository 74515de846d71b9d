"""Tables for people. Width follows the terminal; nothing is told by colour alone."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from idpsync.cli import action_words
from idpsync.cli.outline import Pool, TierSeats, legible, seats_of, step, visible
from idpsync.core.alerts import AlertState, Phase
from idpsync.core.plan import Action, action_json, pool_json
from idpsync.core.records import LedgerEntry
from idpsync.core.seats import SeatPool, Tier, WaitEntry

MOST = 20
"""Actions of one kind that are listed; the rest is counted."""


def json_text(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


def json_line(document: object) -> str:
    return json.dumps(document, ensure_ascii=False)


def plain_table(title: str, *columns: str) -> Table:
    """A table; `#` before a column name means numbers, `!` that it never wraps."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in columns:
        justify: JustifyMethod = "right" if column.startswith("#") else "left"
        whole = column[0] in "#!"
        table.add_column(column.lstrip("#!"), justify=justify, no_wrap=whole, overflow="fold")
    return table


FOLDED = 20
"""Columns of the screen that a sentence in a table has at least."""


def show_table(console: Console, table: Table, indent: int = 0) -> None:
    """The table with whole names and numbers: only sentences fold, and only on a terminal.

    Where that is too narrow, each row becomes a few lines. Anything else that reads the output gets one
    line for each row, as long as it takes.
    """
    shown, columns = Padding(table, (0, 0, 0, indent), expand=False), console.width
    if not console.is_terminal:
        console.width = max(columns, indent + _room(table, sys.maxsize))
        console.print(shown)
        console.width = columns
    elif indent + _room(table, FOLDED) <= columns:
        console.print(shown)
    else:
        _show_stacked(console, table, indent)


def _room(table: Table, folded: int) -> int:
    """How wide the table is with its sentences folded to that width, and nothing else."""
    widths = (max(map(cell_len, (_words(column.header), *_cells(column)))) for column in table.columns)
    columns = zip(table.columns, widths, strict=True)
    inner = sum(wide if column.no_wrap else min(wide, folded) for column, wide in columns)
    return inner + 3 * (len(table.columns) - 1) + 2 * table.show_edge


def _cells(column: Column) -> Iterator[str]:
    return map(_words, column.cells)


def _words(cell: object) -> str:
    return cell.plain if isinstance(cell, Text) else str(cell)


def _show_stacked(console: Console, table: Table, indent: int) -> None:
    """Every row as lines: what it is called, then the rest with the titles."""
    margin = " " * indent
    if table.title:
        console.print(Text(f"{margin}{_words(table.title)}", style="bold"))
    titles = [_words(column.header) for column in table.columns]
    first = 1 + next((at for at, column in enumerate(table.columns) if column.justify == "left"), 0)
    for row in zip(*map(_cells, table.columns), strict=True):
        console.print(Text(margin + "  ".join(filter(None, row[:first]))), soft_wrap=True)
        rest = ", ".join(
            f"{title} {cell}" for title, cell in zip(titles[first:], row[first:], strict=True) if cell
        )
        console.print(Padding(Text(rest), (0, 0, 0, indent + 4), expand=False))


def pools_table(before: SeatPool, after: SeatPool) -> Table:
    """The pool now, and as it would be."""
    pairs = zip(pool_json(before), pool_json(after), strict=True)
    tiers = tuple(TierSeats(str(b["tier"]), seats_of(b), seats_of(a)) for b, a in pairs)
    return pool_table(Pool("Seats", "now", "afterwards", tiers))


def pool_table(pool: Pool) -> Table:
    """Every tier, with what becomes of each number."""
    table = plain_table(pool.title, "!tier", "#purchased", "#assigned", "#held", "#reserved", "#free")
    for tier in pool.tiers:
        before, after = tier.before, tier.after
        table.add_row(
            Text(visible(tier.name)),
            step(before.purchased, after.purchased),
            step(before.assigned, after.assigned),
            step(before.held, after.held),
            step(before.reserved, after.reserved),
            step(before.free, after.free),
        )
    return table


def heading_of(action: Action) -> str:
    return action_words.heading_of(action_json(action))


def what_changes(action: Action) -> str:
    return action_words.what_changes(action_json(action))


# --- state ------------------------------------------------------------------------------------------


def show_waiting(console: Console, entries: Iterable[WaitEntry]) -> None:
    """Who waits for which tier, at which position."""
    entries = tuple(entries)
    if not entries:
        console.print("Nobody waits for a seat.")
        return
    show_table(console, _waiting_table(entries))
    if len(entries) > MOST:
        console.print(f"… and {len(entries) - MOST:,} more: `idpsync waitlist --json` lists all")


def _waiting_table(entries: tuple[WaitEntry, ...]) -> Table:
    table = plain_table(
        f"Wait list ({len(entries):,})", "#", "!person", "!wants", "!holds", "!since", "because"
    )
    positions: Counter[Tier] = Counter()
    for entry in entries[:MOST]:
        positions[entry.wants] += 1
        table.add_row(
            f"{positions[entry.wants]:,}",
            Text(visible(entry.user_name)),
            entry.wants.name,
            str(entry.holds or "nothing"),
            f"{entry.since:%Y-%m-%d %H:%M}",
            Text(visible("; ".join(map(legible, entry.because)))),
        )
    return table


def show_alerts(console: Console, states: Iterable[AlertState]) -> None:
    rows = [state for state in states if state.phase is not Phase.OK]
    if not rows:
        console.print("No alert is firing.")
    for state in rows:
        since = state.firing_since or state.pending_since
        severity = (state.severity.value if state.severity else "quiet").upper()
        console.print(Text(f"{severity}  {state.summary}", style="bold"))
        when = f" since {since:%Y-%m-%d %H:%M} UTC" if since else ""
        console.print(Text(f"  {_phase(state)}{when}; key {state.key}"), soft_wrap=True)


def _phase(state: AlertState) -> str:
    said = [state.phase.value]
    said += [f"acknowledged by {state.acknowledged_by}"] if state.acknowledged_by else []
    said += [f"silent until {state.silenced_until:%H:%M}"] if state.silenced_until else []
    return ", ".join(said)


def show_ledger(console: Console, entries: Iterable[LedgerEntry]) -> None:
    """One line per row, whole, whatever the width."""
    entries = tuple(entries)
    if not entries:
        console.print("No such row.")
    for row in entries:
        who = f" {row.member}" if row.member else ""
        said = f"{row.seq}  {row.at:%Y-%m-%d %H:%M:%S}  {row.event}{who}  {row.outcome} by {row.actor}"
        because = f": {'; '.join(row.because)}" if row.because else ""
        console.print(Text(said + because), soft_wrap=True)
