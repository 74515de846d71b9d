"""The contract as it stands, for people: term, invoices, renewal, calendar."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from idpsync.cli.purchase_tables import amount, counted, line_text, say
from idpsync.cli.tables import plain_table
from idpsync.core.contract import Line, Proration, Purchase
from idpsync.core.renewal import CalendarEntry, Renewal
from idpsync.core.seats import Ladder
from idpsync.core.statement import Statement

PRORATIONS: Mapping[Proration, str] = {
    Proration.MONTHS: "the whole months left",
    Proration.DAYS_INCLUSIVE: "the days left, the day of the purchase included",
    Proration.DAYS_EXCLUSIVE: "the days left after the day of the purchase",
}
READINGS: Mapping[str, str] = {
    "purchased": "purchased",
    "assigned": "assigned",
    "assigned_and_pending": "assigned + pending",
}


def show_statement(console: Console, told: Statement) -> None:
    """Term, pool, invoices, renewal, calendar."""
    _show_term(console, told)
    _show_tiers(console, told)
    if told.purchases:
        _show_purchases(console, told.purchases)
    else:
        say(console, "Nothing was bought since the term began.", "")
    _show_renewal(console, told.renewal, told.pool.ladder)
    _show_calendar(console, told.calendar, told.pool.ladder)


def _show_term(console: Console, told: Statement) -> None:
    contract, renewal = told.contract, told.renewal
    console.print(Text(f"Contract of {told.organization}", style="bold"))
    how = "renews by itself" if contract.auto_renew else "does not renew by itself"
    say(
        console,
        f"Term {contract.starts} to {contract.ends}: {_left(renewal.days_left)}; it {how}.",
        f"Purchases during it are charged for {PRORATIONS[contract.proration]}, in {contract.currency}.",
    )
    if renewal.warning is not None and renewal.days_left >= 0:
        warning = f"WARNING: the term ends within {renewal.warning} days: look at idle seats now."
        console.print(Text(warning, style="bold red"))


def _left(days: int) -> str:
    if days < 0:
        return f"it ended {-days} day{'s' * (days != -1)} ago"
    return "today is its last day" if days == 0 else f"{days} day{'s' * (days != 1)} left"


def _show_tiers(console: Console, told: Statement) -> None:
    contract, pool = told.contract, told.pool
    table = plain_table("Seats", "tier", "#at first", "#purchased", "#waiting", "#price per month")
    for tier in pool.ladder:
        table.add_row(
            tier.name,
            str(contract.seats.get(tier, 0)),
            str(pool.purchased.get(tier, 0)),
            str(told.waiting.get(tier, 0)),
            amount(contract.prices.get(tier), contract.currency),
        )
    if len(pool.ladder) > 1:
        waiting = sum(told.waiting.values())
        table.add_row(
            "total", str(sum(contract.seats.values())), str(pool.total_purchased), str(waiting), ""
        )
    console.print(table)


def _show_purchases(console: Console, purchases: Sequence[Purchase]) -> None:
    currency = purchases[0].quote.currency
    table = plain_table(
        f"Invoices ({len(purchases)})",
        *("!invoice", "!bought", "line", "#seats", f"#{currency} (estimate)"),
    )
    for purchase in purchases:
        later = "from " if purchase.applied_at is None else ""
        cells = [purchase.invoice, f"{later}{purchase.on}"]
        for line in purchase.quote.lines:
            table.add_row(*cells, *_line_cells(line, currency))
            cells = ["", ""]
        if len(purchase.quote.lines) > 1:
            table.add_row("", "", "total", "", amount(purchase.quote.total, currency))
    console.print(table)


def _line_cells(line: Line, currency: str) -> tuple[str, str, str]:
    return line_text(line.item), str(line.item.quantity), amount(line.amount, currency)


def _show_renewal(console: Console, renewal: Renewal, ladder: Ladder) -> None:
    table = plain_table(
        f"What renewal may count, read on {renewal.at}",
        *("reading", "seats", "#total", f"#next term, {renewal.currency} (estimate)"),
    )
    for reading in renewal.readings:
        table.add_row(
            READINGS[reading.name],
            counted(reading.seats, ladder),
            str(reading.total),
            amount(reading.cost, renewal.currency),
        )
    console.print(table)
    say(
        console,
        "No published rule says which of the three is meant. Costs are estimates: another term of the "
        "same length at today's prices.",
    )
    if renewal.idle > 0:
        seats = "seat is" if renewal.idle == 1 else "seats are"
        say(console, f"{renewal.idle} purchased {seats} idle: nobody sits there or is invited.")
    say(console, "")


def _show_calendar(console: Console, entries: Sequence[CalendarEntry], ladder: Ladder) -> None:
    table = plain_table("Seat calendar", "!day", "what", "seats then", "still waiting")
    for entry in entries:
        left = {tier: number for tier, number in entry.still_waiting.items() if number}
        table.add_row(
            str(entry.on),
            Text(entry.what),
            counted(entry.seats, ladder),
            counted(left, sorted(left)) or "nobody",
        )
    console.print(table)
