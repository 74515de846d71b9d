"""One person, for people: what was decided about them, step by step."""

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from idpsync.cli.tables import heading_of, what_changes
from idpsync.core.explain import Explanation
from idpsync.core.records import LedgerEntry


def show_explanation(console: Console, why: Explanation, history: Iterable[LedgerEntry]) -> None:
    """One person, step by step."""
    if not why.known:
        console.print(Text(f"Nobody knows {why.user_name}: neither directory, target nor wait list."))
        return
    console.print(Text(why.user_name, style="bold"))
    rows: list[tuple[str, str]] = [("groups", ", ".join(sorted(why.groups)) or "none")]
    ceiling = why.entitlement.ceiling
    may = str(ceiling) if ceiling else "no seat" if why.entitlement.admitted else "no account"
    rows.append(("may have", f"{may}: {'; '.join(why.entitlement.because)}"))
    if why.account:
        tier = why.account.tier or "no seat"
        rows.append(("account", f"{why.account.standing}, {tier} ({why.account.id})"))
    else:
        rows.append(("account", "none"))
    rows += [("will be", f"{heading_of(a).lower()}: {what_changes(a)}") for a in why.actions]
    if why.wait_entry:
        entry = why.wait_entry
        rows.append(("waits", f"number {why.position} for {entry.wants}: {'; '.join(entry.because)}"))
    rows += [("note", note) for note in why.notes]
    for label, text in rows:
        console.print(_hanging(label, text))
    for row in history:
        said = f"{row.at:%Y-%m-%d %H:%M:%S} {row.event} {row.outcome}: {'; '.join(row.because)}"
        console.print(_hanging("history", said))


def _hanging(label: str, text: str) -> Padding:
    line = Table.grid(padding=(0, 1))
    line.add_column(width=9, no_wrap=True, style="dim")
    line.add_column(overflow="fold")
    line.add_row(label, Text(text))
    return Padding(line, (0, 0, 0, 2))
