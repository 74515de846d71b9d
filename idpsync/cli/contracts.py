"""Verbs about the contract: what it says and what was bought; purchases imported from a file."""

from pathlib import Path

import click

from idpsync import wiring
from idpsync.cli.context import Desk, as_option, json_option, pass_desk
from idpsync.cli.contract_tables import show_statement
from idpsync.cli.files import tell_problems, text_of
from idpsync.cli.purchase_tables import show_import
from idpsync.cli.purchases import PATIENCE, PURCHASE
from idpsync.core.contract import Purchase
from idpsync.core.contract_report import imported_json, statement_json
from idpsync.core.imports import readable_purchases
from idpsync.core.intake import Imported, Intake, Record, because_of, intake
from idpsync.core.membership import Act, Actor, permit
from idpsync.core.records import Cause
from idpsync.core.remedies import Exit
from idpsync.core.statement import Statement, statement
from idpsync.engine.leadership import lead


@click.group(invoke_without_command=True)
@json_option
@pass_desk
@click.pass_context
def contract(context: click.Context, desk: Desk, as_json: bool) -> None:
    """Term, purchases with their invoices, what renewal may count, what is to come."""
    if context.invoked_subcommand is None:
        told = _statement(desk)
        desk.say(statement_json(told), as_json, lambda console: show_statement(console, told))


def _statement(desk: Desk) -> Statement:
    books = desk.store
    return statement(
        desk.config.organization.id,
        desk.contract,
        books.contracts.purchases(),
        pool=books.seats.pool(),
        invites=books.invites.invites(),
        today=desk.today,
        warn=desk.config.alerts.renewal_days,
    )


@contract.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Record them; without it nothing is recorded.")
@as_option
@json_option
@pass_desk
def import_purchases(desk: Desk, file: Path, yes: bool, acts_as: str | None, as_json: bool) -> int:
    """Record purchases of a CSV file, all or none; without --yes only show them.

    Columns: on, what (add or upgrade), tier, from_tier, quantity, reference. Lines of one day and one
    reference are one purchase; what is on record already is skipped.
    """
    actor = desk.acting(acts_as)
    if yes:
        permit(actor, Act.BUY)
        desk.book_what_is_due()
    rows, problems = readable_purchases(text_of(file), desk.config.ladder(), file=str(file))
    with lead(desk.store.lease, patience=PATIENCE, name=PURCHASE):  # nothing is bought in between
        on_record = _on_record(desk)
        taken = intake(on_record, rows, file=str(file), problems=problems)
        recorded = _record(desk, taken, file, actor) if yes and not taken.problems else {}
    done = Imported(str(file), taken, recorded, on_record.pool.purchased)
    desk.say(
        {"organization": desk.config.organization.id, **imported_json(done, desk.config.ladder())},
        as_json,
        lambda console: show_import(console, done, on_record.contract.currency),
    )
    if not taken.problems:
        return Exit.DONE
    tell_problems(taken.problems, str(file))
    click.echo("Nothing was recorded.", err=True)
    return Exit.USAGE


def _on_record(desk: Desk) -> Record:
    return Record(
        contract=desk.contract,
        purchases=desk.store.contracts.purchases(),
        pool=desk.store.seats.pool(),
        now=wiring.CLOCK.now(),
    )


def _record(desk: Desk, taken: Intake, file: Path, actor: Actor) -> dict[int, Purchase]:
    """The purchases by the line they came from; all or none."""
    offers = {e.row.line: (e.quote, because_of(e.row, file.name)) for e in taken.entries if e.quote}
    if not offers:
        return {}
    recorded = desk.store.contracts.record_all(tuple(offers.values()), Cause(actor.name))
    return dict(zip(offers, recorded, strict=True))
