"""Purchases from elsewhere: what is new, what is on record already, what is wrong."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from idpsync.core.contract import Contract, Item, Purchase
from idpsync.core.imports import PurchaseRow
from idpsync.core.intake import Intake, Record, because_of, intake, reference_of
from idpsync.core.pricing import quote
from idpsync.core.seats import Ladder, SeatPool, Tier

LADDER = Ladder.of("premium", "standard")
PREMIUM, STANDARD = LADDER.tiers
CONTRACT = Contract(
    date(2026, 1, 1),
    date(2026, 12, 31),
    {STANDARD: 100},
    {PREMIUM: Decimal(100), STANDARD: Decimal(20)},
)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MARCH = date(2026, 3, 1)


def row(*items: Item, line: int = 2, on: date = MARCH, reference: str = "") -> PurchaseRow:
    return PurchaseRow(line, on, items, reference)


def taken(
    *rows: PurchaseRow,
    on_record: tuple[Purchase, ...] = (),
    held: dict[Tier, int] | None = None,
) -> Intake:
    purchased = dict(on_record[-1].quote.seats_after) if on_record else {STANDARD: 100}
    pool = SeatPool(LADDER, purchased, held=held or {})
    record = Record(contract=CONTRACT, purchases=on_record, pool=pool, now=NOW)
    return intake(record, rows, file="bought.csv")


def recorded(*rows: PurchaseRow) -> tuple[Purchase, ...]:
    """What a store has after these rows were imported."""
    purchases: list[Purchase] = []
    for one in rows:
        made = quote(CONTRACT, purchases, one.items, one.on)
        purchases.append(
            Purchase(len(purchases) + 1, made, NOW, "cli:root", because_of(one, "bought.csv"), NOW)
        )
    return tuple(purchases)


def test_rows_are_priced_one_after_another_in_the_order_of_their_days() -> None:
    found = taken(
        row(Item(PREMIUM, 104, STANDARD), line=2, on=date(2026, 4, 1)),
        row(Item(STANDARD, 5), line=3, on=MARCH),
    )
    assert not found.problems
    assert [entry.row.line for entry in found.entries] == [3, 2]
    assert [entry.quote.total for entry in found.new if entry.quote] == [Decimal(1000), Decimal(74880)]
    assert found.seats_after == {STANDARD: 1, PREMIUM: 104}


def test_the_same_file_again_changes_nothing() -> None:
    rows = (
        row(Item(STANDARD, 5), Item(PREMIUM, 10, STANDARD), line=2, reference="A-1"),
        row(Item(STANDARD, 5), line=4),
        row(Item(STANDARD, 5), line=5),
    )
    again = taken(*rows, on_record=recorded(*rows))
    assert [entry.known.invoice if entry.known else None for entry in again.entries] == [
        "INV-0001",
        "INV-0002",
        "INV-0003",
    ]
    assert not again.new


def test_each_purchase_on_record_answers_for_one_row() -> None:
    twice = (row(Item(STANDARD, 5), line=2), row(Item(STANDARD, 5), line=3))
    found = taken(*twice, on_record=recorded(twice[0]))
    assert [bool(entry.known) for entry in found.entries] == [True, False]
    assert len(found.new) == 1


@pytest.mark.parametrize(
    "other",
    [
        row(Item(STANDARD, 6), reference="A-1"),
        row(Item(PREMIUM, 5), reference="A-1"),
        row(Item(STANDARD, 5), on=date(2026, 3, 2), reference="A-1"),
        row(Item(STANDARD, 5), reference="A-2"),
        row(Item(STANDARD, 5)),
    ],
    ids=["number", "tier", "day", "reference", "no reference"],
)
def test_another_day_seat_or_reference_is_another_purchase(other: PurchaseRow) -> None:
    on_record = recorded(row(Item(STANDARD, 5), reference="A-1"))
    found = taken(other, on_record=on_record)
    assert len(found.new) == 1
    same = (other.on, other.items) == (on_record[0].on, on_record[0].items)
    assert (found.entries[0].like == on_record[0]) is same


def test_the_order_of_the_items_makes_no_other_purchase() -> None:
    both = (Item(STANDARD, 5), Item(PREMIUM, 10, STANDARD))
    assert not taken(row(*reversed(both)), on_record=recorded(row(*both))).new


def test_every_line_that_the_contract_refuses_is_named_and_the_rest_is_still_looked_at() -> None:
    found = taken(
        row(Item(STANDARD, 1), line=2, on=date(2027, 1, 1)),
        row(Item(PREMIUM, 101, STANDARD), line=3),
        row(Item(STANDARD, 5), line=4),
    )
    assert [(p.file, p.line) for p in found.problems] == [("bought.csv", 2), ("bought.csv", 3)]
    assert "outside the term" in found.problems[0].message
    assert "101 standard seats cannot be upgraded" in found.problems[1].message
    assert [entry.row.line for entry in found.new] == [4]


def test_an_upgrade_that_would_leave_fewer_seats_than_are_held_is_refused() -> None:
    late = date(2026, 12, 1)
    assert not taken(row(Item(PREMIUM, 98, STANDARD)), held={STANDARD: 2}).problems
    assert not taken(row(Item(PREMIUM, 99, STANDARD), on=late), held={STANDARD: 2}).problems
    (problem,) = taken(row(Item(PREMIUM, 99, STANDARD)), held={STANDARD: 2}).problems
    assert "it leaves 1 standard seat, and 2 are held" in problem.message


def test_rows_of_later_days_leave_the_pool_of_today_as_it_is() -> None:
    found = taken(row(Item(STANDARD, 5), on=date(2026, 12, 1)), row(Item(STANDARD, 7)))
    assert found.seats_after == {STANDARD: 107}


def test_a_reference_is_found_again() -> None:
    with_reference, without = recorded(row(Item(STANDARD, 1), reference="A 1"), row(Item(STANDARD, 1)))
    assert (reference_of(with_reference), reference_of(without)) == ("A 1", "")
