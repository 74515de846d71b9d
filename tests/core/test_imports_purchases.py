"""Purchases from a file, every bad line of one; then either kind of file, whatever it holds."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idpsync.core.contract import Item
from idpsync.core.errors import ConfigError, Problem
from idpsync.core.imports import MemberRow, PurchaseRow, parse_members, parse_purchases
from idpsync.core.seats import Ladder, Tier

LADDER = Ladder.of("premium", "standard", "Chat + Code")
PREMIUM, STANDARD, _ = LADDER.tiers
PEOPLE = "name,email,role,seat type\n"
BUYS = "on,what,tier,from_tier,quantity,reference\n"


def members(text: str) -> tuple[MemberRow, ...]:
    return parse_members(text, LADDER, file="people.csv")


def purchases(text: str) -> tuple[PurchaseRow, ...]:
    return parse_purchases(text, LADDER, file="bought.csv")


def wrong_purchases(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        purchases(text)
    return str(caught.value).split("\n")


def test_lines_of_one_day_and_reference_are_one_purchase() -> None:
    text = (
        BUYS
        + "2026-03-01,add,standard,,5,R-7\n"
        + "2026-02-01,add,Premium,,1,\n"
        + "2026-03-01,upgrade,premium,standard,10,R-7\n"
        + "2026-03-01,add,standard,,5,R-8\n"
        + "2026-04-01,add,standard,,2,R-7\n"
        + "2026-02-01,add,premium,,1,\n"
    )

    assert purchases(text) == (
        PurchaseRow(3, date(2026, 2, 1), (Item(PREMIUM, 1),), ""),
        PurchaseRow(7, date(2026, 2, 1), (Item(PREMIUM, 1),), ""),
        PurchaseRow(2, date(2026, 3, 1), (Item(STANDARD, 5), Item(PREMIUM, 10, STANDARD)), "R-7"),
        PurchaseRow(5, date(2026, 3, 1), (Item(STANDARD, 5),), "R-8"),
        PurchaseRow(6, date(2026, 4, 1), (Item(STANDARD, 2),), "R-7"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "on,what,tier,from_tier,quantity,reference\n2026-03-01,upgrade,premium,standard,10,R\n",
        "Data;Tipo;Nível;De;Quantidade;Fatura\n2026-03-01;Atualização;Premium;Standard;10;R\n",
        "ref\tseats\tfrom tier\tto tier\tkind\tdate\nR\t10\tstandard\tpremium\tUPGRADE\t2026-03-01\n",
    ],
)
def test_purchases_are_read_in_either_language_and_any_order_of_columns(text: str) -> None:
    assert purchases(text) == (PurchaseRow(2, date(2026, 3, 1), (Item(PREMIUM, 10, STANDARD),), "R"),)


def test_additions_need_neither_a_tier_to_start_from_nor_a_reference() -> None:
    text = "on,what,tier,quantity\n2026-03-01,add,standard,1000000\n"

    assert purchases(text) == (PurchaseRow(2, date(2026, 3, 1), (Item(STANDARD, 1_000_000),), ""),)


def test_every_bad_line_of_purchases_is_named_at_once() -> None:
    text = (
        BUYS
        + "2026-02-30,add,standard,,5,R\n"
        + "2026-03-01,buy,gold,,5.0,R\n"
        + "2026-03-01,add,standard,premium,0,R\n"
        + "2026-03-01,upgrade,premium,-,10,R\n"
        + "2026-03-01,upgrade,standard,premium,10,R\n"
        + "2026-03-01,upgrade,premium,premium,10,R\n"
        + "2026-01-01,initial,standard,,100,\n"
        + "2026-03-01,upgrade,premium,silver,,R\n"
        + "2026-03-01,add,,,-5\n"
        + "2026-03-01,add,,,1000001,\n"
        + "2026-03-01,upgrade,gold,standard,10,R\n"
    )
    tiers = "the tiers are premium, standard, Chat + Code"
    began = (
        "the seats that the contract began with are no purchase: they stand in the configuration, "
        "contract.seats; take the line out"
    )
    number = "is not a whole number from 1 to 1,000,000, in digits alone"

    assert wrong_purchases(text) == [
        "bought.csv:2: on: '2026-02-30' is not a day: write YYYY-MM-DD, such as 2026-03-01",
        "bought.csv:3: what: 'buy' is neither add nor upgrade",
        f"bought.csv:3: quantity: '5.0' {number}",
        f"bought.csv:3: tier: there is no tier 'gold'; {tiers}",
        f"bought.csv:4: quantity: '0' {number}",
        "bought.csv:4: from_tier: seats that are added come from no tier: write upgrade",
        "bought.csv:5: from_tier: is missing: an upgrade says which tier it starts from",
        "bought.csv:6: from_tier: an upgrade from premium to standard leads down the ladder",
        "bought.csv:7: from_tier: an upgrade from premium to premium changes nothing",
        f"bought.csv:8: what: {began}",
        "bought.csv:9: quantity: is missing",
        f"bought.csv:9: from_tier: there is no tier 'silver'; {tiers}",
        "bought.csv:10: too few columns: 5 instead of 6",
        f"bought.csv:11: quantity: '1000001' {number}",
        f"bought.csv:11: tier: is missing; {tiers}",
        f"bought.csv:12: tier: there is no tier 'gold'; {tiers}",
    ]


@pytest.mark.parametrize(
    "said", ["-5", "+5", "1,000", "1.000", "5 5", "٣", "1e3", "05", "0x5", "1" * 5000]
)
def test_a_number_of_seats_is_written_in_digits_alone(said: str) -> None:
    (words,) = wrong_purchases(f'{BUYS}2026-03-01,add,standard,,"{said}",\n')

    assert words.startswith("bought.csv:2: quantity: '")


@pytest.mark.parametrize("said", ["", "1 March 2026", "2026-3-1", "20260301", "2026-W09-7", "9" * 5000])
def test_a_day_is_written_in_one_way_only(said: str) -> None:
    (words,) = wrong_purchases(f"{BUYS}{said},add,standard,,5,\n")

    assert words.endswith("is not a day: write YYYY-MM-DD, such as 2026-03-01")
    assert len(words) < 160


# --- whatever the file --------------------------------------------------------------------------------

often = settings(max_examples=200, deadline=None)
names = st.text(st.characters(exclude_categories=["C", "Z", "M"]), max_size=8)
addresses = st.from_regex(r"[a-z0-9.+_-]{1,12}@[a-z0-9]{1,8}\.(example|com\.br)", fullmatch=True)
references = st.text("abcXYZ019-/ ,;\"'\t", max_size=8).map(lambda text: " ".join(text.split()))
delimiters = st.sampled_from([",", ";", "\t"])


def sheet(delimiter: str, titles: tuple[str, ...], rows: list[tuple[object, ...]], end: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    writer.writerow(titles)
    writer.writerows(rows)
    return out.getvalue()


@often
@given(
    st.lists(
        st.tuples(
            names,
            addresses,
            st.sampled_from(["owner", "admin", "user"]),
            st.sampled_from((*LADDER, None)),
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda row: row[1],
    ),
    delimiters,
    st.sampled_from(["\n", "\r\n"]),
    st.permutations(range(4)),
)
def test_people_that_were_written_are_read_back(
    people: list[tuple[str, str, str, Tier | None]], delimiter: str, end: str, order: list[int]
) -> None:
    titles = ("Nome", "E-mail", "Role", "Seat Type")
    rows = [(name, email, role, tier or "Unassigned") for name, email, role, tier in people]
    text = sheet(
        delimiter, tuple(titles[n] for n in order), [tuple(row[n] for n in order) for row in rows], end
    )

    assert members(text) == tuple(
        MemberRow(line, name, email, role, tier)
        for line, (name, email, role, tier) in enumerate(people, start=2)
    )


@st.composite
def items(draw: st.DrawFn) -> Item:
    tier = draw(st.sampled_from(LADDER.tiers))
    lower = LADDER.tiers[tier.rank + 1 :]
    return Item(tier, draw(st.integers(1, 10**6)), draw(st.sampled_from([None, *lower])))


@st.composite
def orders(draw: st.DrawFn) -> tuple[date, str, list[Item]]:
    """A day, a reference, and as many items as the reference can hold together."""
    reference = draw(references)
    return (
        draw(st.dates()),
        reference,
        draw(st.lists(items(), min_size=1, max_size=3 if reference else 1)),
    )


@often
@given(st.lists(orders(), min_size=1, max_size=5, unique_by=lambda order: order[:2]), delimiters)
def test_purchases_that_were_written_are_read_back(
    bought: list[tuple[date, str, list[Item]]], delimiter: str
) -> None:
    lines: list[tuple[object, ...]] = [
        (on.isoformat(), item.what, item.tier, item.upgraded_from or "", item.quantity, reference)
        for on, reference, group in bought
        for item in group
    ]
    titles = ("on", "what", "tier", "from_tier", "quantity", "reference")

    found = purchases(sheet(delimiter, titles, lines, "\n"))
    assert [(p.on, p.line) for p in found] == sorted((p.on, p.line) for p in found)
    assert [(p.on, p.reference, list(p.items)) for p in sorted(found, key=lambda p: p.line)] == bought


bits = st.sampled_from(
    [
        *(
            "name",
            "email",
            "role",
            "seat",
            "on",
            "what",
            "tier",
            "quantity",
            "from_tier",
            "add",
            "upgrade",
        ),
        *("ada@acme.example", "premium", "standard", "2026-03-01", "5", "initial", "primary owner"),
        *('"', '""', ",", ";", "\t", "\n", "\r\n", "\r", " ", "\0", "\ufeff", "\u2028", "\x85", "\x1c"),
    ]
)
noise = st.lists(bits | st.text(max_size=3), max_size=60).map("".join)


def outcome(
    parse: Callable[[str], Sequence[MemberRow | PurchaseRow]], text: str
) -> tuple[Sequence[MemberRow | PurchaseRow], tuple[Problem, ...]]:
    """The rows, or the problems."""
    try:
        return parse(text), ()
    except ConfigError as error:
        return (), error.problems


@settings(max_examples=400, deadline=None)
@given(st.text() | noise | noise.map(PEOPLE.__add__) | noise.map(BUYS.__add__))
def test_no_text_does_anything_but_give_rows_or_name_its_problems(text: str) -> None:
    last = len(io.StringIO(text, newline="").readlines())
    for parse in (members, purchases):
        rows, problems = outcome(parse, text)
        assert bool(rows) != bool(problems)
        assert all(1 < row.line <= last for row in rows)
        assert all(p.file and p.message for p in problems)
        assert all(p.line is None or 1 <= p.line <= last for p in problems)
