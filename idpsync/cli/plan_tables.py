"""Plans and their differences in a terminal: counts first, then the first of every group."""

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from idpsync.cli.outline import Column, Document, Kind, Outline, Section, lines_of, some, visible
from idpsync.cli.plan_outline import plan_outline
from idpsync.cli.tables import MOST, plain_table, pool_table, show_table
from idpsync.core.records import RunState
from idpsync.engine.outcome import Outcome

PEOPLE = 10
"""People of a tripped limit that are named; the rest is counted."""


def show_plan(console: Console, plan: Document) -> None:
    """A plan as `plan --json` has it: what would be written, who waits, what the guard says."""
    show_outline(console, plan_outline(plan))


def show_outcome(console: Console, outcome: Outcome, plan: Document | None) -> None:
    """How a run ended; `plan` is shown where it was held."""
    run = outcome.run
    if plan and run.state is RunState.HELD:
        show_plan(console, plan)
        return
    if outcome.error:
        console.print(Text(f"Run {run.id} failed: {outcome.error}", style="bold red"))
        return
    done = sum(p.done for p in outcome.performed)
    console.print(f"Run {run.id}: {done:,} of {len(outcome.performed):,} actions done.")
    for sentence in dict.fromkeys((*run.problems, *(plan["notes"] if plan else ()))):
        _show_sentence(console, f"! {sentence}", indent=2)
    if run.state is RunState.INCOMPLETE:
        console.print("The directory was not read whole: nothing was removed for what is missing.")
    for failed in outcome.failed[:MOST]:
        name = failed.action.profile.user_name
        console.print(Text(f"  {failed.outcome}: {name}: {failed.error}", style="red"))
    began = outcome.preview is not None and outcome.preview.first_run is None
    if plan and plan["waiting"] and began and plan["mode"] != "observe":
        number = len(plan["waiting"])
        waits = "1 person waits" if number == 1 else f"{number:,} people wait"
        console.print(f"{waits}: `idpsync waitlist`")


def show_outline(console: Console, outline: Outline) -> None:
    """A whole document; what the guard says stands first in short, and last, where the eye rests."""
    _say(console, outline.title, style="bold")
    if outline.tripped or outline.commands:
        limits = ", ".join(name for tripped in outline.tripped for name in tripped.limits)
        named = f": {limits}" if limits else ""
        _say(console, f"HELD by the guard{named}. What to do stands at the end.", style="bold red")
    for sentence in outline.lead:
        _say(console, sentence)
    _show_facts(console, outline)
    for pool in outline.pools:
        show_table(console, pool_table(pool))
    if any(len(section.rows) > MOST for section in outline.sections):
        _show_summary(console, outline)
    for section in outline.sections:
        _show_section(console, section)
    if any(len(section.rows) > MOST for section in outline.sections):
        console.print(Text(f"\n`{outline.whole}` lists everybody."), soft_wrap=True)
    _show_guard(console, outline)


def _say(console: Console, text: str, *, indent: int = 0, style: str = "") -> None:
    """A sentence that wraps on a terminal, and stays on one line where others read it."""
    said = Text(visible(text), style=style)
    if console.is_terminal:
        console.print(Padding(said, (0, 0, 0, indent), expand=False))
    else:
        console.print(Text(" " * indent) + said, soft_wrap=True)


def _say_whole(console: Console, text: str, indent: int) -> None:
    """What can be copied: on one line, however narrow the terminal."""
    console.print(Text(" " * indent + visible(text)), soft_wrap=True)


def _show_sentence(console: Console, sentence: str, indent: int) -> None:
    for line in lines_of(sentence):
        if line.command:
            _say_whole(console, line.text, indent + 2)
        else:
            _say(console, line.text, indent=indent)


def _show_facts(console: Console, outline: Outline) -> None:
    width = max((len(label) for label, _ in outline.facts), default=0)
    for label, fact in outline.facts:
        whole = fact.startswith("sha256:")  # can be copied
        line = Text(f"{label:{width}}  {visible(fact)}")
        console.print(line, soft_wrap=whole)


def _show_summary(console: Console, outline: Outline) -> None:
    table = plain_table("Summary", "what", "#number")
    for title, number in outline.summary:
        table.add_row(Text(visible(title)), f"{number:,}")
    show_table(console, table)


def _show_section(console: Console, section: Section) -> None:
    console.print()
    _say(console, section.heading, style="bold")
    for sentence in section.shared:
        _say(console, sentence, indent=2)
    shown, indent = section.first(MOST), 4 if section.shared else 2
    if len(shown.columns) > 1:
        show_table(console, _rows(shown), indent=2)
    else:
        show = _say_whole if shown.columns[0].kind is Kind.NAME else _show_sentence
        for row in shown.rows:
            show(console, row[0], indent)
    left = len(section.rows) - MOST
    if left > 0:
        _say(console, f"… and {left:,} more", indent=indent)


def _rows(section: Section) -> Table:
    table = plain_table("", *(_titled(column) for column in section.columns))
    table.title = None
    table.show_edge = False
    for row in section.rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    return table


def _titled(column: Column) -> str:
    if column.kind is Kind.NUMBER:
        return f"#{column.title.removeprefix('#')}"
    return column.title if column.kind is Kind.PROSE else f"!{column.title}"


def _show_guard(console: Console, outline: Outline) -> None:
    if outline.tripped:
        console.print()
    for tripped in outline.tripped:
        for sentence in tripped.sentences:
            _say(console, f"HELD by {sentence}", style="bold red")
        if tripped.people:
            _say(console, some(tripped.people, PEOPLE), indent=2)
    if outline.commands:
        console.print("Nothing was written. Let exactly this plan pass once, or drop it:")
        for command in outline.commands:
            _say_whole(console, command, 2)
