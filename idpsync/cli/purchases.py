"""Verbs about seats: the pool, what more of them would cost, and buying them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import click
from rich.console import Console

from idpsync import wiring
from idpsync.cli import purchase_tables as shown
from idpsync.cli.context import Desk, as_option, json_option, pass_desk
from idpsync.cli.plan_tables import show_outcome
from idpsync.cli.plans import carry_out, exit_of, outcome_json
from idpsync.core.contract import Contract, Item, Purchase, Quote
from idpsync.core.contract_report import purchase_json, quote_json, seats_by_name
from idpsync.core.errors import IdpSyncError
from idpsync.core.membership import Act, Actor, permit
from idpsync.core.order import merged, parse_day, parse_item
from idpsync.core.pricing import quote, remaining
from idpsync.core.records import Cause
from idpsync.core.remedies import Exit
from idpsync.core.report import seats_json
from idpsync.core.seats import SeatPool, Tier
from idpsync.core.statement import (
    beyond,
    enough_for_waiting,
    pending_of,
    seats_at,
    unpriced,
    wishes_of,
)
from idpsync.engine.leadership import lead

PURCHASE = "purchase"
"""The lease under which purchases are quoted and recorded, one after another."""
PATIENCE = 10.0


def _day(_context: click.Context, _option: click.Parameter, text: str | None) -> date | None:
    try:
        return parse_day(text) if text is not None else None
    except ValueError as error:
        raise click.ClickException(str(error)) from error


on_option = click.option(
    "--on", callback=_day, metavar="DATE", help="Day of the purchase, YYYY-MM-DD; today if left out."
)


def buying(metavar: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What both verbs that buy take."""
    ordered = click.argument("ordered", metavar=metavar, nargs=-1)
    now = click.option("--now", is_flag=True, help="Reconcile at once: whoever waits moves up now.")

    def decorated(verb: Callable[..., Any]) -> Callable[..., Any]:
        return ordered(on_option(as_option(now(json_option(pass_desk(verb))))))

    return decorated


@click.group(invoke_without_command=True)
@json_option
@pass_desk
@click.pass_context
def seats(context: click.Context, desk: Desk, as_json: bool) -> None:
    """The pool: purchased, assigned, held, invited, reserved and free, per tier."""
    if context.invoked_subcommand is None:
        pool, pending = desk.store.seats.pool(), pending_of(desk.store.invites.invites())
        desk.say(
            _pool_json(desk, pool),
            as_json,
            lambda console: _show_seats(desk, console, pool, pending),
        )


def _show_seats(desk: Desk, console: Console, pool: SeatPool, pending: Mapping[Tier, int]) -> None:
    shown.show_seats(console, pool, pending)
    shown.say(console, *desk.not_booked())


def _pool_json(desk: Desk, pool: SeatPool) -> dict[str, object]:
    pending = pending_of(desk.store.invites.invites())
    return seats_json(pool, desk.config.organization.id, wiring.CLOCK.now(), pending)


# --- quotes -------------------------------------------------------------------------------------------


@seats.command("quote")
@click.argument("ordered", metavar="[TIER=N | FROM:TO=N]…", nargs=-1)
@on_option
@click.option("--for-waitlist", is_flag=True, help="Add what it takes to seat everybody who waits.")
@json_option
@pass_desk
def seats_quote(
    desk: Desk, ordered: tuple[str, ...], on: date | None, for_waitlist: bool, as_json: bool
) -> None:
    """What seats would cost, additions and upgrades line by line; nothing is recorded."""
    items, notes = _orders(desk, ordered), []
    if for_waitlist:
        pool = desk.store.seats.pool()
        enough = enough_for_waiting(pool)
        items, notes = merged((*items, *enough)), [shown.for_waiting_text(pool, enough)]
    contract, purchases, day = desk.contract, desk.store.contracts.purchases(), on or desk.today
    if items or not for_waitlist:
        made = quote(contract, purchases, items, day)
    else:
        made = _nothing(contract, purchases, day)
    missing = shown.missing_keys(unpriced(contract.prices, made.lines))
    document = {**quote_json(made, desk.config.ladder()), "missing_prices": missing, "notes": notes}

    def show(console: Console) -> None:
        shown.say(console, *notes)
        if made.lines:
            shown.show_quote(console, made, seats_at(contract, purchases, day), missing)

    desk.say(document, as_json, show)


def _nothing(contract: Contract, purchases: Sequence[Purchase], on: date) -> Quote:
    """The quote of an empty order: what `--for-waitlist` answers when no seat is missing."""
    after = seats_at(contract, purchases, on)
    return Quote(
        on=on,
        term_ends=contract.ends,
        proration=contract.proration,
        basis=remaining(contract, on)[1],
        currency=contract.currency,
        lines=(),
        seats_after=after,
    )


def _orders(desk: Desk, ordered: Iterable[str]) -> tuple[Item, ...]:
    ladder = desk.config.ladder()
    try:
        return merged(parse_item(text, ladder) for text in ordered)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


# --- buying -------------------------------------------------------------------------------------------


@seats.command("add")
@buying("TIER=N…")
def add(desk: Desk, ordered: tuple[str, ...], **how: Any) -> int:
    """Record seats that were bought; whoever waits moves up at the next run."""
    items = _orders(desk, ordered)
    if upgrades := [item for item in items if item.upgraded_from]:
        raise click.ClickException(
            f"{upgrades[0]} is an upgrade: record it with `idpsync seats upgrade`"
        )
    return _buy(desk, items, **how)


@seats.command("upgrade")
@buying("FROM:TO=N…")
def upgrade(desk: Desk, ordered: tuple[str, ...], **how: Any) -> int:
    """Record seats of one tier that were upgraded to a higher one; nobody loses access."""
    items = _orders(desk, ordered)
    if additions := [item for item in items if item.upgraded_from is None]:
        raise click.ClickException(
            f"{additions[0]}: from which tier? Write FROM:TO=N, "
            "or record new seats with `idpsync seats add`"
        )
    return _buy(desk, items, **how)


def _buy(
    desk: Desk, items: Sequence[Item], *, on: date | None, acts_as: str | None, now: bool, as_json: bool
) -> int:
    if now:
        _ = desk.house  # what keeps a run from starting is known before anything is recorded
    actor = desk.acting(acts_as)
    permit(actor, Act.BUY)
    desk.book_what_is_due()
    before = desk.store.seats.pool()
    purchase = _record(desk, items, on or desk.today, actor)
    if not as_json:
        _show_bought(desk, purchase, before, now=now)
    if now:
        return _reconcile_after(desk, purchase, as_json=as_json)
    desk.say(_bought_json(desk, purchase), as_json, lambda _: None)
    return Exit.DONE


def _record(desk: Desk, items: Sequence[Item], on: date, actor: Actor) -> Purchase:
    """Quote and record in one turn: of two purchases at once the second is priced after the first."""
    with lead(desk.store.lease, patience=PATIENCE, name=PURCHASE):
        made = quote(desk.contract, desk.store.contracts.purchases(), items, on)
        return desk.store.contracts.record(made, Cause(actor.name))


def _show_bought(desk: Desk, purchase: Purchase, before: SeatPool, *, now: bool) -> None:
    console, after = desk.console, desk.store.seats.pool()
    if purchase.applied_at is None:
        others = [p for p in desk.store.contracts.purchases() if p.number != purchase.number]
        was = seats_at(desk.contract, others, purchase.on)
        shown.show_purchase(console, purchase, was, purchase.quote.seats_after)
    else:
        shown.show_purchase(console, purchase, before.purchased, after.purchased)
    shown.say(console, *shown.over_text(beyond(purchase, after), purchase))
    shown.say(console, shown.moving_text(after, purchase, now=now))


def _bought_json(desk: Desk, purchase: Purchase) -> dict[str, object]:
    pool, ladder = desk.store.seats.pool(), desk.config.ladder()
    return {
        "organization": desk.config.organization.id,
        "purchase": purchase_json(purchase, ladder),
        "over": seats_by_name(beyond(purchase, pool), ladder),
        "waiting": seats_by_name(wishes_of(pool.waiting), ladder),
        "seats": _pool_json(desk, pool),
    }


def _reconcile_after(desk: Desk, purchase: Purchase, *, as_json: bool) -> int:
    """Run at once. Whatever becomes of the run, the purchase is recorded and told."""
    try:
        outcome = carry_out(desk, shown=not as_json)
    except IdpSyncError:
        desk.say({**_bought_json(desk, purchase), "run": None}, as_json, lambda _: None)
        raise
    run = outcome_json(desk, outcome)
    document = {**_bought_json(desk, purchase), "run": run}
    desk.say(document, as_json, lambda console: show_outcome(console, outcome, run["plan"]))
    return exit_of(outcome)
