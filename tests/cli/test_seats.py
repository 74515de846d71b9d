"""Seats at the command line: what they would cost, what is recorded, who moves."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from idpsync.cli.tables import plain_table, show_table
from tests.cli.conftest import Inside

PRICED = [
    {"name": "premium", "price_per_seat_month": "100.00"},
    {"name": "standard", "price_per_seat_month": "20.00"},
]
FAR = "2099-12-01"  # a day that has not come


def term(idpsync: Inside, starts: str, ends: str, proration: str = "months", **seats: int) -> Inside:
    """Another contract, with prices; to be written before the store is made."""
    idpsync.config["tiers"] = [dict(tier) for tier in PRICED]
    idpsync.config["contract"] = {
        "starts": starts,
        "ends": ends,
        "proration": proration,
        "seats": {"premium": 0, "standard": 100} | seats,
    }
    return idpsync


def tiers(idpsync: Inside) -> dict[str, Any]:
    return {row["tier"]: row for row in idpsync.json("seats")["tiers"]}


def purchases(idpsync: Inside) -> list[Any]:
    return list(idpsync.json("contract")["purchases"])


# --- quotes -------------------------------------------------------------------------------------------

ORDER = ("standard=5", "standard:premium=10")


@pytest.mark.parametrize(
    ("year", "proration", "amounts", "periods"),
    [
        (2026, "months", ["1000.00", "8000.00", "9000.00"], "10"),
        (2026, "days_inclusive", ["1006.03", "8048.22", "9054.25"], "3672/365"),
        (2024, "days_inclusive", ["1003.28", "8026.23", "9029.51"], "612/61"),
    ],
)
def test_the_published_example_is_priced_line_by_line(
    idpsync: Inside, year: int, proration: str, amounts: list[str], periods: str
) -> None:
    term(idpsync, f"{year}-01-01", f"{year}-12-31", proration)
    quote = idpsync.json("seats", "quote", *ORDER, "--on", f"{year}-03-01")
    basis = quote.pop("basis")
    assert quote == {
        "on": f"{year}-03-01",
        "term_ends": f"{year}-12-31",
        "proration": proration,
        "lines": [
            {
                "what": "add",
                "tier": "standard",
                "quantity": 5,
                "unit": "20.00",
                "periods": periods,
                "amount": amounts[0],
            },
            {
                "what": "upgrade",
                "tier": "premium",
                "from_tier": "standard",
                "quantity": 10,
                "unit": "80.00",
                "periods": periods,
                "amount": amounts[1],
            },
        ],
        "total": amounts[2],
        "currency": "USD",
        "estimate": True,
        "pool_after": {"premium": 10, "standard": 95},
        "missing_prices": [],
        "notes": [],
    }
    assert basis.startswith("10 whole months" if proration == "months" else "306 of 36")
    assert purchases(idpsync) == []


@pytest.mark.parametrize(
    ("ends", "proration", "on", "total"),
    [
        ("2026-12-31", "days_inclusive", "2026-04-01", "3616.44"),
        ("2026-01-31", "days_exclusive", "2026-01-15", "258.06"),
    ],
)
def test_the_published_examples_by_days_are_met(
    idpsync: Inside, ends: str, proration: str, on: str, total: str
) -> None:
    term(idpsync, "2026-01-01", ends, proration)
    if proration == "days_exclusive":  # the one is for a difference of 80, the other of 100
        idpsync.config["tiers"][0]["price_per_seat_month"] = "120.00"
    quote = idpsync.json("seats", "quote", "standard:premium=5", "--on", on)
    assert quote["total"] == total
    assert quote["estimate"] is True


def test_a_quote_for_people_fits_80_columns_and_says_that_it_is_an_estimate(idpsync: Inside) -> None:
    term(idpsync, "2026-01-01", "2026-12-31").width = 80
    said = idpsync.done("seats", "quote", *ORDER, "--on", "2026-03-01").out
    assert max(map(len, said.splitlines())) <= 80
    assert "(estimate)" in said
    assert "the vendor's invoice counts" in " ".join(said.split())
    columns = [line.rstrip() for line in said.splitlines() if "," in line and ".00" in line]
    assert [line.split()[-1] for line in columns] == ["1,000.00", "8,000.00", "9,000.00"]
    assert len({len(line) for line in columns}) == 1  # to the right
    for command in ("add standard=5", "upgrade standard:premium=10"):
        assert f"idpsync seats {command} --on 2026-03-01" in said


def test_without_a_price_there_is_no_amount_and_the_missing_key_is_named(idpsync: Inside) -> None:
    del term(idpsync, "2026-01-01", "2026-12-31").config["tiers"][1]["price_per_seat_month"]
    ordered = ("seats", "quote", "standard:premium=1", "premium=1", "--on", "2026-03-01")
    quote = idpsync.json(*ordered)
    assert [line["amount"] for line in quote["lines"]] == [None, "1000.00"]
    assert quote["total"] is None
    assert quote["missing_prices"] == ["tiers[1].price_per_seat_month"]
    said = idpsync.done(*ordered).out
    assert "no price" in said
    assert "tiers[1].price_per_seat_month" in said


def test_a_price_that_is_written_down_later_is_used_and_one_on_record_stays(idpsync: Inside) -> None:
    del term(idpsync, "2026-01-01", "2026-12-31").config["tiers"][1]["price_per_seat_month"]
    idpsync.done("seats")
    idpsync.config["tiers"] = [
        {"name": "premium", "price_per_seat_month": "1.00"},
        {"name": "standard", "price_per_seat_month": "20.00"},
    ]
    quote = idpsync.json("seats", "quote", "premium=1", "standard=1", "--on", "2026-03-01")
    assert [line["unit"] for line in quote["lines"]] == ["100.00", "20.00"]


def test_purchases_without_a_price_are_recorded(idpsync: Inside) -> None:
    assert idpsync.json("seats", "add", "standard=1")["purchase"]["total"] is None
    assert "no price" in idpsync.done("contract").out


# --- buying -------------------------------------------------------------------------------------------


def test_what_was_quoted_is_what_the_invoice_says(idpsync: Inside) -> None:
    term(idpsync, "2021-01-01", "2021-12-31", "days_inclusive")
    quoted = idpsync.json("seats", "quote", "standard:premium=10", "--on", "2021-03-01")
    bought = idpsync.json("seats", "upgrade", "standard:premium=10", "--on", "2021-03-01")["purchase"]
    assert {key: bought[key] for key in ("lines", "total", "pool_after")} == {
        key: quoted[key] for key in ("lines", "total", "pool_after")
    }
    assert bought["invoice"] == "INV-0001"
    assert purchases(idpsync) == [bought]


def test_additions_and_upgrades_change_the_pool_at_once(idpsync: Inside) -> None:
    term(idpsync, "2021-01-01", "2021-12-31")
    idpsync.done("seats", "add", "standard=5", "--on", "2021-03-01")
    answer = idpsync.json("seats", "upgrade", "standard:premium=10", "--on", "2021-03-01")
    assert [row["purchased"] for row in answer["seats"]["tiers"]] == [10, 95]
    assert answer["seats"]["total"]["purchased"] == 105
    assert answer["purchase"]["applied_at"] is not None


def test_the_same_tier_twice_is_one_line(idpsync: Inside) -> None:
    answer = idpsync.json("seats", "add", "premium=1", "standard=2", "premium=3")
    assert [(line["tier"], line["quantity"]) for line in answer["purchase"]["lines"]] == [
        ("premium", 4),
        ("standard", 2),
    ]


def test_a_purchase_for_a_later_day_leaves_the_pool_as_it_is_until_then(idpsync: Inside) -> None:
    said = idpsync.done("seats", "add", "premium=3", "--on", FAR).out
    assert f"from {FAR} on" in said
    assert tiers(idpsync)["premium"]["purchased"] == 2
    assert purchases(idpsync)[0]["applied_at"] is None
    calendar = idpsync.json("contract")["calendar"]
    assert [(day["on"], day["seats"]["premium"]) for day in calendar] == [(FAR, 5), ("2099-12-31", 5)]


def test_people_in_upgraded_seats_stay_and_are_told(staffed: Inside) -> None:
    people = tiers(staffed)["standard"]["assigned"]
    assert people == 3
    answer = staffed.json("seats", "upgrade", "standard:premium=3")
    assert answer["over"] == {"premium": 0, "standard": 2}
    assert tiers(staffed)["standard"]["assigned"] == people
    (over,) = staffed.json("plan")["over"]
    assert (over["tier"], len(over["people"])) == ("standard", 2)

    staffed.width = 80
    said = " ".join(staffed.done("seats", "upgrade", "standard:premium=1").out.split())
    assert "standard: 3 people more than seats are left of it. Nobody loses access" in said


def short(staffed: Inside) -> Inside:
    """Four more than the owner are meant to have premium; two such seats are there, so two wait."""
    lines = ["external_id,user_name,email,given_name,family_name,active,groups"]
    for number, name in enumerate(("owner", "ada", "bob", "cleo", "dan")):
        email, group = f"{name}@acme.example", "Premium" if number else ""
        lines.append(f"p{number},{email},{email},{name.title()},Example,true,{group}")
    (staffed.folder / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    staffed.done("apply", "--yes")
    return staffed


def test_enough_for_everybody_who_waits_is_quoted(staffed: Inside) -> None:
    short(staffed)
    assert tiers(staffed)["premium"]["waiting"] == 2
    quote = staffed.json("seats", "quote", "--for-waitlist")
    assert [(line["what"], line["tier"], line["quantity"]) for line in quote["lines"]] == [
        ("upgrade", "premium", 2)
    ]
    assert quote["notes"] == ["2 people wait (2 for premium); it takes 2 standard upgraded to premium."]
    more = staffed.json("seats", "quote", "premium=1", "standard:premium=1", "--for-waitlist")
    assert [(line["what"], line["quantity"]) for line in more["lines"]] == [("add", 1), ("upgrade", 3)]


def test_whoever_waits_moves_at_the_next_run(staffed: Inside) -> None:
    said = short(staffed).done("seats", "upgrade", "standard:premium=2").out
    assert "2 people wait (2 for premium)" in said
    assert "at the next run" in said
    assert tiers(staffed)["premium"]["assigned"] == 2
    staffed.done("apply", "--yes")
    assert tiers(staffed)["premium"]["assigned"] == 4
    quote = staffed.json("seats", "quote", "--for-waitlist")
    assert (quote["lines"], quote["total"]) == ([], "0.00")
    assert "Nobody waits" in staffed.done("seats", "quote", "--for-waitlist").out


def test_with_now_they_move_at_once(staffed: Inside) -> None:
    answer = short(staffed).json("seats", "add", "premium=2", "--now")
    assert answer["run"]["run"]["state"] == "done"
    assert answer["seats"]["tiers"][0]["assigned"] == 4
    assert tiers(staffed)["premium"]["waiting"] == 0


def test_with_now_the_purchase_stands_though_the_run_fails(staffed: Inside) -> None:
    (staffed.folder / "people.csv").unlink()
    ended = staffed.call("seats", "add", "premium=1", "--now")
    assert ended.code == 4
    assert "INV-0001" in ended.out
    assert tiers(staffed)["premium"]["purchased"] == 3


def test_a_run_that_cannot_begin_is_known_before_anything_is_bought(idpsync: Inside) -> None:
    idpsync.config["directory"] = {
        "kind": "ldap",
        "url": "ldaps://ldap.acme.example",
        "user_base": "ou=people",
        "group_base": "ou=groups",
        "user_filter": "no filter at all",
    }
    assert idpsync.call("seats", "add", "premium=1", "--now").code == 2
    assert purchases(idpsync) == []


def test_pending_invites_are_counted_among_the_held(staffed: Inside) -> None:
    staffed.done("members", "invite", "dora@acme.example", "--tier", "premium")
    premium = tiers(staffed)["premium"]
    assert (premium["held"], premium["pending_invites"]) == (1, 1)
    assert staffed.json("seats")["total"]["pending_invites"] == 1


# --- rights -------------------------------------------------------------------------------------------


def test_only_owners_buy(staffed: Inside) -> None:
    staffed.done("members", "role", "bob@acme.example", "admin")
    for who in ("bob@acme.example", "cleo@acme.example"):
        ended = staffed.call("seats", "add", "premium=1", "--as", who)
        assert ended.code == 2
        assert "may not buy seats" in ended.err
        assert staffed.call("seats", "quote", "premium=1").code == 0  # everybody may ask
    assert purchases(staffed) == []
    bought = staffed.json("seats", "add", "premium=1", "--as", "owner@acme.example")["purchase"]
    assert bought["actor"].endswith(" as owner@acme.example")


# --- wrong input --------------------------------------------------------------------------------------

WRONG = [
    (["add", "gold=1"], "'gold=1': there is no tier gold; the tiers are premium, standard"),
    (["add", "premium=0"], "'premium=0': a contract never shrinks during its term"),
    (["add", "premium=-1"], "'premium=-1': a contract never shrinks during its term"),
    (["add", "premium=1000001"], "'premium=1000001': that is more seats than can be recorded"),
    (["add", "premium=99999999999999999999"], "at most 1,000,000"),
    (["add", "premium"], "'premium' is no order"),
    (["add"], "there is nothing to buy"),
    (["add", "standard:premium=1"], "is an upgrade: record it with `idpsync seats upgrade`"),
    (["add", "premium=1", "--on", "2025-12-31"], "2025-12-31 is outside the term"),
    (["add", "premium=1", "--on", "2027-01-01"], "2027-01-01 is outside the term"),
    (["add", "premium=1", "--on", "2026-02-30"], "'2026-02-30' is not a day: write YYYY-MM-DD"),
    (["add", "premium=1", "--on", "soon"], "'soon' is not a day"),
    (["add", "premium=1", "--as", "nobody@acme.example"], "nobody@acme.example"),
    (["upgrade"], "there is nothing to buy"),
    (["upgrade", "premium=1"], "1 premium: from which tier?"),
    (["upgrade", "premium:standard=1"], "leads down the ladder"),
    (["upgrade", "standard:standard=1"], "an upgrade from standard to standard changes nothing"),
    (["upgrade", "standard:gold=1"], "there is no tier gold"),
    (["upgrade", "standard:premium=101"], "101 standard seats cannot be upgraded"),
    (["upgrade", "standard:premium=0"], "a contract never shrinks"),
    (["upgrade", "standard:premium=1", "--on", "2024-01-01"], "outside the term"),
    (["quote"], "there is nothing to buy"),
    (["quote", "gold=1"], "there is no tier gold"),
    (["quote", "premium=-1"], "a contract never shrinks"),
    (["quote", "premium:standard=1"], "leads down the ladder"),
    (["quote", "standard:premium=101"], "101 standard seats cannot be upgraded"),
    (["quote", "premium=1", "--on", "2027-01-01"], "outside the term"),
    (["quote", "--for-waitlist", "--on", "2027-01-01"], "outside the term"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_wrong_input_gives_one_sentence_and_nothing_is_recorded(
    idpsync: Inside, words: list[str], said: str
) -> None:
    term(idpsync, "2026-01-01", "2026-12-31")
    if "--on" not in words:
        words = [*words, "--on", "2026-03-01"]
    ended = idpsync.call("seats", *words)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("Error: ")
    assert ended.err.count("\n") == 1
    assert said in ended.err
    assert purchases(idpsync) == []


def test_today_is_the_day_of_a_purchase_that_names_none(idpsync: Inside) -> None:
    before = datetime.now(UTC).date()
    on = idpsync.json("seats", "add", "standard=1")["purchase"]["on"]
    assert on in {before.isoformat(), (before + timedelta(1)).isoformat()}


def test_seats_and_wait_list_are_whole_in_a_narrow_terminal(staffed: Inside) -> None:
    short(staffed).width = 40
    seats, waits = staffed.done("seats").out, staffed.done("waitlist").out
    assert re.search(r"^ standard .*\d+ +\d+ +\d+ $", seats, re.MULTILINE)
    assert "purchased   assigned   held   invited   reserved   free   waiting" in seats
    assert re.search(r"1 +\w+@acme\.example +premium +standard +\d{4}-\d\d-\d\d \d\d:\d\d +group", waits)


def test_a_terminal_too_narrow_for_a_table_gets_its_rows_as_lines() -> None:
    said = StringIO()
    console = Console(width=40, file=said, force_terminal=True, color_system=None)
    table = plain_table("Seats", "!tier", *("#purchased", "#assigned", "#held", "#free"))
    table.add_row("premium", "1,700", "1,664 → 1,700", "0", "36 → 0")
    show_table(console, table)
    assert [line.strip() for line in said.getvalue().splitlines()] == [
        "Seats",
        "premium",
        "purchased 1,700, assigned 1,664 →",
        "1,700, held 0, free 36 → 0",
    ]
