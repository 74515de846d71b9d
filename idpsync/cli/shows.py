"""Verbs that show something and change nothing: waitlist, ledger."""

from datetime import UTC, datetime

import click

from idpsync.cli import tables
from idpsync.cli.context import Desk, json_option, pass_desk, print_text
from idpsync.core.model import fold
from idpsync.core.remedies import Exit
from idpsync.core.report import entry_json, waiting_json
from idpsync.settings import duration


@click.command()
@json_option
@pass_desk
def waitlist(desk: Desk, as_json: bool) -> None:
    """Who waits for which tier, since when, at which position, holding what."""
    entries = desk.store.waiting.entries()
    desk.say(
        waiting_json(entries),
        as_json,
        lambda console: tables.show_waiting(console, entries),
    )


class Since(click.ParamType[datetime]):
    """A date, an instant, or how long ago: 2026-03-01, 2026-03-01T10:00:00Z, 24h."""

    name = "since"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        text = str(value)
        try:
            return datetime.now(UTC) - duration(text)
        except ValueError:
            pass
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"'{text}' is neither a date nor a duration like 24h", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


@click.group(invoke_without_command=True)
@click.option("--user", metavar="U", help="Only what concerns this user name or e-mail.")
@click.option("--since", type=Since(), help="A date, or how long ago: 24h, 7d.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True)
@json_option
@pass_desk
@click.pass_context
def ledger(
    context: click.Context,
    desk: Desk,
    user: str | None,
    since: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """The audit trail; `verify` proves that no row was changed or removed."""
    if context.invoked_subcommand:
        return
    rows = desk.store.ledger.entries(member=fold(user) if user else None, since=since, limit=limit)
    desk.say(
        [entry_json(row) for row in rows],
        as_json,
        lambda console: tables.show_ledger(console, rows),
    )


@ledger.command()
@json_option
@pass_desk
def verify(desk: Desk, as_json: bool) -> int:
    """Walk the hash chain from its first row to its head."""
    book = desk.store.ledger
    book.seal()
    proof = book.verify()
    document = {
        "ok": proof.ok,
        "sealed": proof.sealed,
        "unsealed": proof.unsealed,
        "head": proof.head,
        "problem": proof.problem,
        "first_bad": proof.first_bad,
    }
    said = (
        f"The ledger is whole: {proof.sealed} rows sealed, head {proof.head}."
        if proof.ok
        else f"The ledger was changed: {proof.problem} (first bad row: {proof.first_bad})."
    )
    desk.say(document, as_json, lambda console: console.print(said, soft_wrap=True))
    return Exit.DONE if proof.ok else Exit.FAULT


@ledger.command()
@click.option("--since", type=Since(), help="A date, or how long ago: 24h, 7d.")
@pass_desk
def export(desk: Desk, since: datetime | None) -> None:
    """Every row as one JSON object per line."""
    for row in desk.store.ledger.entries(since=since):
        print_text(tables.json_line(entry_json(row)))
