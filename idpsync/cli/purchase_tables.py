"""Seats, quotes and purchases, for people: at 80 columns, amounts to the right, called estimates."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from rich.console import Console
from rich.table import Table
from rich.text import Text

from idpsync.cli.outline import numeral
from idpsync.cli.tables import plain_table, show_table
from idpsync.core.contract import Item, Purchase, Quote
from idpsync.core.contract_report import money_text
from idpsync.core.intake import Imported
from idpsync.core.order import written
from idpsync.core.seats import SeatPool, Tier
from idpsync.core.statement import wishes_of

NO_PRICE = "no price"


def say(console: Console, *lines: str) -> None:
    """Plain lines, wrapped by the terminal; nothing in them is markup."""
    for line in lines:
        console.print(Text(line))


def people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def amount(value: Decimal | None, currency: str) -> str:
    """1,000.00, or that there is no price."""
    text = money_text(value, currency)
    return f"{Decimal(text):,f}" if text is not None else NO_PRICE


def counted(seats: Mapping[Tier, int], ladder: Iterable[Tier]) -> str:
    """20 premium, 100 standard."""
    return ", ".join(f"{seats.get(tier, 0):,} {tier}" for tier in ladder)


# --- the pool -----------------------------------------------------------------------------------------


def show_seats(console: Console, pool: SeatPool, pending: Mapping[Tier, int]) -> None:
    """The pool, tier by tier; `invited` is how many of the held seats wait for an invite."""
    columns = ("#purchased", "#assigned", "#held", "#invited", "#reserved", "#free", "#waiting")
    table = plain_table("Seats", "!tier", *columns)
    wishes = wishes_of(pool.waiting)
    for tier in pool.ladder:
        balance = pool.balance(tier)
        numbers = (
            pool.purchased.get(tier, 0),
            pool.assigned.get(tier, 0),
            pool.held.get(tier, 0),
            pending.get(tier, 0),
            pool.reserved.get(tier, 0),
        )
        free = numeral(balance) if balance >= 0 else f"{-balance:,} over"
        table.add_row(tier.name, *map(numeral, numbers), free, numeral(wishes.get(tier, 0)))
    if len(pool.ladder) > 1:
        sums = (pool.purchased, pool.assigned, pool.held, pending, pool.reserved)
        totals = [sum(counts.get(tier, 0) for tier in pool.ladder) for counts in sums]
        totals += [pool.total_free, sum(wishes.values())]
        table.add_row("total", *map(numeral, totals))
    show_table(console, table)


def show_change(console: Console, before: Mapping[Tier, int], after: Mapping[Tier, int]) -> None:
    """Purchased seats, now and then."""
    table = plain_table("Purchased seats", "!tier", "#before", "#after")
    for tier in sorted({*before, *after}):
        table.add_row(tier.name, numeral(before.get(tier, 0)), numeral(after.get(tier, 0)))
    if len({*before, *after}) > 1:
        table.add_row("total", numeral(sum(before.values())), numeral(sum(after.values())))
    show_table(console, table)


# --- quotes and purchases -----------------------------------------------------------------------------


def show_lines(console: Console, title: str, quote: Quote) -> None:
    """What is bought, line by line, with the total."""
    currency = quote.currency
    table = plain_table(title, "line", "#seats", "#per month", "#months", f"#{currency} (estimate)")
    for line in quote.lines:
        table.add_row(
            line_text(line.item),
            numeral(line.item.quantity),
            amount(line.unit, currency),
            months_text(line.periods),
            amount(line.amount, currency),
        )
    table.add_row("total", "", "", "", amount(quote.total, currency))
    show_table(console, table)
    say(
        console,
        f"For {quote.basis}, to the end of the term on {quote.term_ends}. An estimate: the vendor's "
        "invoice counts.",
        "",
    )


def line_text(item: Item) -> str:
    if item.upgraded_from:
        return f"upgrade {item.upgraded_from} to {item.tier}"
    return f"add {item.tier}"


def months_text(periods: Fraction) -> str:
    """10, or 10.06: the exact fraction stands in the JSON."""
    return str(periods) if periods.denominator == 1 else f"{float(periods):.2f}"


def missing_keys(missing: Iterable[Tier]) -> list[str]:
    """Which keys of the configuration would give the prices that are missing."""
    return [f"tiers[{tier.rank}].price_per_seat_month" for tier in missing]


def commands(items: Iterable[Item], on: date) -> list[str]:
    """What to type to record it."""
    items = tuple(items)
    verbs = {
        "add": [written(item) for item in items if item.upgraded_from is None],
        "upgrade": [written(item) for item in items if item.upgraded_from],
    }
    return [
        f"  idpsync seats {verb} {shlex.join(orders)} --on {on}"
        for verb, orders in verbs.items()
        if orders
    ]


def show_quote(
    console: Console, quote: Quote, before: Mapping[Tier, int], missing: Sequence[str]
) -> None:
    """A quote, and how to record it."""
    show_lines(console, f"Quote for {quote.on}", quote)
    if missing:
        say(console, f"Without a price there is no amount; missing: {', '.join(missing)}.")
    show_change(console, before, quote.seats_after)
    say(console, "Nothing was recorded. To record it:")
    orders = commands((line.item for line in quote.lines), quote.on)
    console.print(Text("\n".join(orders)), soft_wrap=True)  # whole lines can be copied


def show_purchase(
    console: Console, purchase: Purchase, before: Mapping[Tier, int], after: Mapping[Tier, int]
) -> None:
    """What was bought, its invoice and the pool afterwards."""
    since = "from" if purchase.applied_at is None else "bought on"
    show_lines(console, f"Recorded: invoice {purchase.invoice}, {since} {purchase.on}", purchase.quote)
    show_change(console, before, after)
    if purchase.applied_at is None:
        say(console, f"The seats are there from {purchase.on} on; until then the pool stays as it is.")


def over_text(over: Mapping[Tier, int], purchase: Purchase) -> list[str]:
    """What becomes of people in seats that were upgraded."""
    later = purchase.applied_at is None
    where = f"from {purchase.on} on, as things stand, {{}} more" if later else "{} more"
    return [
        f"{tier}: {where.format(people(number))} than seats are left of it. Nobody loses access; "
        "`idpsync plan` lists them."
        for tier, number in sorted(over.items())
    ]


def moving_text(pool: SeatPool, purchase: Purchase, *, now: bool) -> str:
    """Who waits, and when they move."""
    wishes = wishes_of(pool.waiting)
    if not wishes:
        return "Nobody waits for a seat."
    said = f"{_who_waits(wishes)}. Whoever has a seat"
    if purchase.applied_at is None:
        return f"{said} then moves up at the first run from {purchase.on} on."
    return f"{said} now moves up" + (
        ":" if now else " at the next run; `idpsync apply` does it at once."
    )


def for_waiting_text(pool: SeatPool, enough: Sequence[Item]) -> str:
    """What the wait list makes necessary."""
    wishes = wishes_of(pool.waiting)
    if not wishes:
        return "Nobody waits for a seat: nothing has to be bought for the wait list."
    if not enough:
        return f"{_who_waits(wishes)}; there are seats for all of them, nothing has to be bought."
    return f"{_who_waits(wishes)}; it takes {', '.join(str(item) for item in enough)}."


def _who_waits(wishes: Mapping[Tier, int]) -> str:
    number = sum(wishes.values())
    each = ", ".join(f"{count:,} for {tier}" for tier, count in sorted(wishes.items()))
    return f"{people(number)} {'waits' if number == 1 else 'wait'} ({each})"


# --- the import ---------------------------------------------------------------------------------------

STATES: Mapping[str, str] = {
    "recorded": "now {}",
    "known": "is {}",
    "new": "new",
    "refused": "REFUSED",
}


def show_import(console: Console, done: Imported, currency: str) -> None:
    """Every row and what became of it."""
    entries = done.intake.entries
    if entries:
        console.print(_rows(done, currency))
    if done.intake.problems:
        return
    for entry in entries:
        if entry.quote and entry.like:
            say(
                console,
                f"Line {entry.row.line}: {entry.like.invoice} has the same day and seats under another "
                "reference. If it is the same purchase, take the line out.",
            )
    if not done.intake.new:
        say(console, "All of it is on record already: nothing to do.")
        return
    show_change(console, done.seats_before, done.intake.seats_after)
    say(console, "Rows that are on record are known by day, seats and reference, and skipped.")
    if done.recorded:
        number = len(done.recorded)
        bought = "1 purchase was" if number == 1 else f"{number} purchases were"
        say(console, f"{bought} recorded. Whoever waits moves up at the next run.")
    else:
        say(console, "Nothing was recorded: look it over, then call it again with --yes.")


def _rows(done: Imported, currency: str) -> Table:
    title = f"Purchases of {done.file}"
    table = plain_table(
        title, "#line", "!bought on", "what", "reference", "!state", f"#{currency} (estimate)"
    )
    for entry in done.intake.entries:
        quote = entry.quote or (entry.known.quote if entry.known else None)
        table.add_row(
            str(entry.row.line),
            str(entry.row.on),
            ", ".join(str(item) for item in entry.row.items),
            Text(entry.row.reference),
            STATES[done.state(entry)].format(done.invoice(entry)),
            f"{amount(quote.total, quote.currency)}" if quote else "",
        )
    return table
