"""Purchases from elsewhere, set against what is on record: new, known already, or wrong. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from idpsync.core.contract import Contract, Purchase, Quote, reshaped
from idpsync.core.errors import Problem, PurchaseRefused
from idpsync.core.imports import PurchaseRow
from idpsync.core.pricing import quote
from idpsync.core.seats import SeatPool, Tier

_REFERENCE = "reference "


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: `known` is the purchase that it is already, `quote` what it would be recorded as.

    Neither stands where the contract refuses the row. `like` is a purchase of the same day and seats
    under another reference: a person should look.
    """

    row: PurchaseRow
    quote: Quote | None = None
    known: Purchase | None = None
    like: Purchase | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """Every row in order of its day, every line that cannot be recorded, the pool with the new ones."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    seats_after: Mapping[Tier, int]

    @property
    def new(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.quote)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: `recorded` by line, nothing in it after a look only."""

    file: str
    intake: Intake
    recorded: Mapping[int, Purchase]
    seats_before: Mapping[Tier, int]

    def state(self, entry: Entry) -> str:
        """recorded, known, new or refused."""
        if entry.row.line in self.recorded:
            return "recorded"
        return "known" if entry.known else "new" if entry.quote else "refused"

    def invoice(self, entry: Entry) -> str | None:
        """Under which the row is on record."""
        purchase = self.recorded.get(entry.row.line) or entry.known
        return purchase.invoice if purchase else None


def because_of(row: PurchaseRow, file: str) -> tuple[str, ...]:
    """Why a row was recorded; its reference is found again by `reference_of`."""
    reference = (f"{_REFERENCE}{row.reference}",) if row.reference else ()
    return (f"imported from {file}", *reference)


def reference_of(purchase: Purchase) -> str:
    """The reference that a purchase was imported under, or ""."""
    found = (why for why in purchase.because if why.startswith(_REFERENCE))
    return next(found, "").removeprefix(_REFERENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is on record before an import: the contract, what was bought, and the pool of today."""

    contract: Contract
    purchases: tuple[Purchase, ...]
    pool: SeatPool
    now: datetime


def intake(
    record: Record, rows: Iterable[PurchaseRow], *, file: str, problems: Sequence[Problem] = ()
) -> Intake:
    """What would become of each row; `problems` are those of lines that could not even be read.

    The same file again changes nothing: a row is known by its day, its items and its reference
    together, and each purchase answers for one row. Rows are priced in the order of their days, each
    after those before it.
    """
    on_record, growing = list(record.purchases), list(record.purchases)
    seats = dict(record.pool.purchased)
    entries: list[Entry] = []
    bad = list(problems)
    for row in sorted(rows, key=lambda row: (row.on, row.line)):
        alike = [purchase for purchase in on_record if _same(purchase, row)]
        if known := next((p for p in alike if reference_of(p) == row.reference), None):
            on_record.remove(known)
            entries.append(Entry(row, known=known))
            continue
        try:
            made = quote(record.contract, growing, row.items, row.on)
            seats = _reshaped_today(record, seats, row)
        except PurchaseRefused as error:
            bad.append(Problem("", str(error), file, row.line))
            entries.append(Entry(row))
            continue
        entries.append(Entry(row, quote=made, like=next(iter(alike), None)))
        number = max((p.number for p in growing), default=0) + 1
        growing.append(Purchase(number, made, record.now, actor="", because=because_of(row, file)))
    return Intake(tuple(entries), tuple(sorted(bad, key=lambda p: p.line or 0)), seats)


def _same(purchase: Purchase, row: PurchaseRow) -> bool:
    """Whether the day and the items are the same, in whatever order the items stand."""
    return purchase.on == row.on and sorted(map(str, purchase.items)) == sorted(map(str, row.items))


def _reshaped_today(record: Record, seats: dict[Tier, int], row: PurchaseRow) -> dict[Tier, int]:
    """The pool with the row in it; rows of later days change nothing yet.

    PurchaseRefused where it would leave fewer seats than are held: the store would refuse it, too.
    """
    if row.on > record.now.date():
        return seats
    after = reshaped(seats, row.items)
    for tier in record.pool.ladder:
        held, left = record.pool.held.get(tier, 0), after.get(tier, 0)
        if held > left < seats.get(tier, 0):
            raise PurchaseRefused(
                f"it leaves {left} {tier} {'seat' if left == 1 else 'seats'}, and {held} are held for "
                "people on their way: withdraw invites or wait"
            )
    return after
