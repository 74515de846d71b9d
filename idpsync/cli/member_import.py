"""Members that a service has already, from a file: a look first, then all of it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from idpsync.cli import member_tables as tables
from idpsync.cli.context import Desk, as_option, complain, json_option, pass_desk
from idpsync.cli.files import tell_problems, text_of
from idpsync.cli.plans import stopped_by_signals
from idpsync.cli.progress import bar
from idpsync.core.imports import readable_members
from idpsync.core.membership_report import act_json
from idpsync.core.plan import name_of, pool_json
from idpsync.core.remedies import Exit
from idpsync.core.seats import SeatPool
from idpsync.engine.manual import Import
from idpsync.engine.perform import Performed


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do it; without it nothing is written.")
@as_option
@json_option
@pass_desk
def import_members(desk: Desk, file: Path, yes: bool, acts_as: str | None, as_json: bool) -> int:
    """Take over members from a CSV file.

    Columns: name, email, role, seat type. Without --yes it is only shown what would be done.
    """
    door, actor = desk.house.manual, desk.writing(acts_as) if yes else desk.acting(acts_as)
    wanted = _prepared(desk, file)
    before = desk.store.seats.pool()
    done: tuple[Performed, ...] = ()
    if yes and not wanted.problems:
        shown = not as_json and desk.console.is_terminal
        with stopped_by_signals() as stopping, bar("importing", shown=shown) as progress:
            done = door.carry_out(actor, wanted, progress, stopping)
    after = _afterwards(desk, wanted, done, before)
    failed = [one for one in done if not one.done]

    def show(console: Console) -> None:
        tables.show_import(console, wanted, f"Members of {file}", before, after)
        if not wanted.problems:
            tables.say_import(console, wanted, len(done) - len(failed), asked=not yes)

    document = {"file": str(file), **_import_json(desk, wanted, done, (before, after))}
    desk.say(document, as_json, show)
    complain(*tables.failures(done))
    if wanted.problems:
        tell_problems(wanted.problems, str(file))
        click.echo("Nothing was imported.", err=True)
        return Exit.USAGE
    return Exit.TARGET if failed else Exit.DONE


def _afterwards(desk: Desk, wanted: Import, done: Sequence[Performed], before: SeatPool) -> SeatPool:
    """The pool as it is, or as it would be; a file that is refused changes nothing."""
    if done:
        return desk.store.seats.pool()
    if wanted.problems:
        return before
    return tables.pool_after(before, wanted, desk.store.seats.holdings())


def _prepared(desk: Desk, file: Path) -> Import:
    """What the file would do, every problem with its place in it."""
    rows, faults = readable_members(text_of(file), desk.config.ladder(), file=str(file))
    if not rows:
        return Import((), (), faults)
    wanted = desk.house.manual.prepare(rows)
    # while lines are missing it is not known whether an owner is left
    found = [p for p in wanted.problems if p.line or p.path != "role" or not faults]
    named = [*faults, *(replace(p, file=str(file)) if p.line else p for p in found)]
    problems = tuple(sorted(named, key=lambda p: p.line or 0))
    return replace(wanted, problems=problems, actions=() if problems else wanted.actions)


def _import_json(
    desk: Desk, wanted: Import, done: Sequence[Performed], pools: tuple[SeatPool, SeatPool]
) -> dict[str, object]:
    before, after = pools
    return {
        "organization": desk.config.organization.id,
        "imported": bool(done),
        "rows": [
            {
                "line": step.row.line,
                "name": step.row.name,
                "email": step.row.email,
                "role": step.row.role,
                "tier": name_of(step.row.tier),
                "todo": step.todo.value,
                "notes": list(step.notes),
            }
            for step in wanted.steps
        ],
        "problems": [{"line": p.line, "message": str(p)} for p in wanted.problems],
        "actions": [act_json(p.action, p.outcome, p.error) for p in done]
        or [act_json(action) for action in wanted.actions],
        "pool": {"before": pool_json(before), "after": pool_json(after)},
    }
