"""Verbs that show something and change nothing: seats, waitlist, ledger, version."""

from collections import Counter
from datetime import UTC, datetime

import click

from idpsync import __version__
from idpsync.cli import tables
from idpsync.cli.context import Desk, Verb, json_option, pass_desk, print_text
from idpsync.config.sections import MOST_SEATS
from idpsync.core.contract import Item
from idpsync.core.model import fold
from idpsync.core.pricing import quote
from idpsync.core.records import Cause
from idpsync.core.remedies import Exit
from idpsync.core.report import entry_json, seats_json, waiting_json
from idpsync.core.seats import Tier
from idpsync.settings import duration


def show_verbs() -> tuple[Verb, ...]:
    return seats, waitlist, ledger, version


@click.group(invoke_without_command=True)
@json_option
@pass_desk
@click.pass_context
def seats(context: click.Context, desk: Desk, as_json: bool) -> None:
    """The pool: purchased, assigned, held, reserved and free, per tier."""
    if context.invoked_subcommand is None:
        _say_seats(desk, as_json=as_json)


@seats.command("add")
@click.argument("bought", metavar="TIER=N…", nargs=-1, required=True)
@json_option
@pass_desk
def seats_add(desk: Desk, bought: tuple[str, ...], as_json: bool) -> None:
    """Record seats that were bought; whoever waits moves up at the next run."""
    ladder = desk.config.ladder()
    more: Counter[Tier] = Counter()
    for purchase in bought:
        name, _, number = purchase.partition("=")
        if name not in {tier.name for tier in ladder} or not number.isdecimal() or number == "0":
            tiers = ", ".join(tier.name for tier in ladder)
            raise click.BadParameter(f"'{purchase}': write TIER=N, a tier being one of {tiers}")
        more[ladder.named(name)] += int(number)
        if more[ladder.named(name)] > MOST_SEATS:
            raise click.BadParameter(f"'{purchase}': more than {MOST_SEATS:,} seats of one tier")
    contracts = desk.store.contracts
    contract = contracts.contract() or desk.config.agreement()
    items = tuple(Item(tier, number) for tier, number in more.items())
    offer = quote(contract, contracts.purchases(), items, datetime.now(UTC).date())
    contracts.record(offer, Cause(desk.actor))
    _say_seats(desk, as_json=as_json)


def _say_seats(desk: Desk, *, as_json: bool) -> None:
    pool = desk.store.seats.pool()
    document = seats_json(pool, desk.config.organization.id, datetime.now(UTC))
    desk.say(document, as_json, lambda console: tables.show_seats(console, pool))


@click.command()
@json_option
@pass_desk
def waitlist(desk: Desk, as_json: bool) -> None:
    """Who waits for which tier, since when, at which position, holding what."""
    entries = desk.store.waiting.entries()
    desk.say(
        waiting_json(entries),
        as_json,
        lambda console: console.print(
            tables.waiting_table(entries) if entries else "Nobody waits for a seat."
        ),
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


@click.command()
@json_option
@pass_desk
def version(desk: Desk, as_json: bool) -> None:
    """The version of this program."""
    desk.say({"version": __version__}, as_json, lambda console: console.print(f"idpsync {__version__}"))
