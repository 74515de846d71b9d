"""The contract at the command line: term, invoices, renewal, calendar; purchases from a file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Inside
from tests.cli.test_seats import FAR, purchases, short, term, tiers


def ending_in(idpsync: Inside, days: int) -> Inside:
    """A term of a year that ends so many days from today."""
    ends = datetime.now(UTC).date() + timedelta(days)
    return term(idpsync, str(ends - timedelta(364)), str(ends), premium=2, standard=4)


# --- the statement ------------------------------------------------------------------------------------


def test_the_contract_tells_term_pool_and_prices(idpsync: Inside) -> None:
    told = term(idpsync, "2026-01-01", "2026-12-31", premium=20).json("contract")
    assert (told["organization"], told["starts"], told["ends"]) == ("acme", "2026-01-01", "2026-12-31")
    assert (told["auto_renew"], told["currency"], told["proration"]) == (True, "USD", "months")
    assert told["tiers"] == [
        {
            "tier": "premium",
            "initial": 20,
            "purchased": 20,
            "price_per_seat_month": "100.00",
            "waiting": 0,
        },
        {
            "tier": "standard",
            "initial": 100,
            "purchased": 100,
            "price_per_seat_month": "20.00",
            "waiting": 0,
        },
    ]
    assert told["total"] == {"initial": 120, "purchased": 120}
    assert told["purchases"] == []


def test_every_purchase_is_listed_with_its_invoice_and_lines(idpsync: Inside) -> None:
    term(idpsync, "2021-01-01", "2021-12-31")
    idpsync.done("seats", "add", "standard=5", "--on", "2021-03-01")
    idpsync.done("seats", "upgrade", "standard:premium=10", "--on", "2021-03-01")
    told = idpsync.json("contract")
    assert [(p["invoice"], p["on"], p["total"], p["estimate"]) for p in told["purchases"]] == [
        ("INV-0001", "2021-03-01", "1000.00", True),
        ("INV-0002", "2021-03-01", "8000.00", True),
    ]
    assert [p["lines"][0]["amount"] for p in told["purchases"]] == ["1000.00", "8000.00"]
    assert told["total"] == {"initial": 100, "purchased": 105}


def test_renewal_is_told_in_three_readings_each_with_its_cost(staffed: Inside) -> None:
    staffed.done("members", "invite", "dora@acme.example", "--tier", "premium")
    staffed.config["tiers"] = [
        {"name": "premium", "price_per_seat_month": "100.00"},
        {"name": "standard", "price_per_seat_month": "20.00"},
    ]
    renewal = staffed.json("contract")["renewal"]
    months = 12 * 100  # of the term, 2000 to 2099
    assert renewal["estimate"] is True
    assert [(r["name"], r["seats"], r["next_term_cost"]) for r in renewal["readings"]] == [
        ("purchased", {"premium": 2, "standard": 4}, f"{(200 + 80) * months}.00"),
        ("assigned", {"premium": 1, "standard": 3}, f"{(100 + 60) * months}.00"),
        ("assigned_and_pending", {"premium": 2, "standard": 3}, f"{(200 + 60) * months}.00"),
    ]
    assert renewal["idle"] == 1


@pytest.mark.parametrize(
    ("days", "warning"), [(120, None), (90, 90), (61, 90), (60, 60), (31, 60), (30, 30), (1, 30)]
)
def test_the_end_of_the_term_is_announced(idpsync: Inside, days: int, warning: int | None) -> None:
    told = ending_in(idpsync, days).json("contract")
    assert told["days_left"] in {days, days - 1}  # midnight may have passed
    if told["days_left"] == days:
        assert told["warning"] == warning
        said = idpsync.done("contract").out
        assert (f"WARNING: the term ends within {warning} days" in said) is (warning is not None)


def test_the_warnings_are_those_of_the_configuration(idpsync: Inside) -> None:
    ending_in(idpsync, 20).config["alerts"] = {"renewal_days": [45, 10]}
    assert idpsync.json("contract")["warning"] == 45


def test_a_term_that_is_over_is_told_as_such(idpsync: Inside) -> None:
    term(idpsync, "2021-01-01", "2021-12-31").config["contract"]["auto_renew"] = False
    said = idpsync.done("contract").out
    assert "days ago" in said
    assert "does not renew by itself" in said
    assert "WARNING" not in said


def test_the_calendar_sets_the_wait_list_against_what_is_to_come(staffed: Inside) -> None:
    short(staffed)
    staffed.done("seats", "add", "premium=1", "--on", FAR)
    told = staffed.json("contract")
    assert [row["waiting"] for row in told["tiers"]] == [2, 0]
    assert [(day["on"], day["still_waiting"]["premium"]) for day in told["calendar"]] == [
        (FAR, 1),
        ("2099-12-31", 1),
    ]


def test_the_contract_fits_80_columns(idpsync: Inside) -> None:
    ending_in(idpsync, 25).width = 80
    today = str(datetime.now(UTC).date())
    idpsync.done("seats", "add", "standard=5", "premium=2", "--on", today)
    idpsync.done("seats", "upgrade", "standard:premium=2", "--on", today)
    said = idpsync.done("contract").out
    assert max(map(len, said.splitlines())) <= 80
    assert said.count("(estimate)") == 2
    for word in ("Contract of acme", "INV-0001", "INV-0002", "upgrade standard", "Seat calendar"):
        assert word in said


# --- the import ---------------------------------------------------------------------------------------

HEAD = "on,what,tier,from_tier,quantity,reference"
ADD = "2021-03-01,add,standard,,5,A-1"
UPGRADE = "2021-03-01,upgrade,premium,standard,10,A-1"
LATER = "2021-06-01,add,premium,,2,"


def write(idpsync: Inside, *lines: str) -> str:
    file = idpsync.folder / "bought.csv"
    file.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    return str(file)


@pytest.fixture
def sold(idpsync: Inside) -> Inside:
    return term(idpsync, "2021-01-01", "2021-12-31")


def test_an_import_only_shows_what_it_would_record(sold: Inside) -> None:
    file = write(sold, ADD, UPGRADE, LATER)
    shown = sold.json("contract", "import", file)
    assert [(row["state"], row["invoice"], row["quote"]["total"]) for row in shown["rows"]] == [
        ("new", None, "9000.00"),
        ("new", None, "1400.00"),
    ]
    assert shown["rows"][0]["items"] == ["standard=5", "standard:premium=10"]
    assert (shown["recorded"], shown["problems"]) == (False, [])
    assert shown["pool_before"] == {"premium": 0, "standard": 100}
    assert shown["pool_after"] == {"premium": 12, "standard": 95}
    sold.width = 80
    said = sold.done("contract", "import", file).out
    assert max(map(len, said.splitlines())) <= 80
    assert "Nothing was recorded" in said
    assert purchases(sold) == []


def test_with_yes_everything_is_recorded(sold: Inside) -> None:
    shown = sold.json("contract", "import", write(sold, ADD, UPGRADE, LATER), "--yes")
    assert [(row["state"], row["invoice"]) for row in shown["rows"]] == [
        ("recorded", "INV-0001"),
        ("recorded", "INV-0002"),
    ]
    first, second = purchases(sold)
    assert (first["on"], first["total"], len(first["lines"])) == ("2021-03-01", "9000.00", 2)
    assert first["because"] == ["imported from bought.csv", "reference A-1"]
    assert second["because"] == ["imported from bought.csv"]
    assert {name: row["purchased"] for name, row in tiers(sold).items()} == shown["pool_after"]


def test_the_same_import_twice_records_once(sold: Inside) -> None:
    file = write(sold, ADD, UPGRADE, LATER)
    sold.done("contract", "import", file, "--yes")
    before = purchases(sold)
    again = sold.json("contract", "import", file, "--yes")
    assert [(row["state"], row["invoice"]) for row in again["rows"]] == [
        ("known", "INV-0001"),
        ("known", "INV-0002"),
    ]
    assert purchases(sold) == before
    said = sold.done("contract", "import", file, "--yes").out
    assert "is INV-0001" in said
    assert "nothing to do" in said


def test_a_line_more_in_a_known_file_is_recorded_alone(sold: Inside) -> None:
    sold.done("contract", "import", write(sold, ADD, UPGRADE), "--yes")
    again = sold.json("contract", "import", write(sold, ADD, UPGRADE, LATER), "--yes")
    assert [row["state"] for row in again["rows"]] == ["known", "recorded"]
    assert [p["on"] for p in purchases(sold)] == ["2021-03-01", "2021-06-01"]


def test_what_looks_like_a_purchase_on_record_is_pointed_out(sold: Inside) -> None:
    sold.done("seats", "add", "standard=5", "--on", "2021-03-01")
    file = write(sold, ADD)
    assert sold.json("contract", "import", file)["rows"][0]["like"] == "INV-0001"
    assert "Line 2: INV-0001 has the same day and seats" in sold.done("contract", "import", file).out


def test_every_bad_line_is_named_and_nothing_is_recorded(sold: Inside) -> None:
    file = write(sold, ADD, "2021-02-30,add,standard,,5,", "2021-03-01,add,gold,,5,", LATER)
    for words in (["--json"], ["--yes"]):
        ended = sold.call("contract", "import", file, *words)
        assert ended.code == 2
        assert f"{file}:3:" in ended.err
        assert f"{file}:4:" in ended.err
        assert "2 problems in" in ended.err
        assert "Nothing was recorded." in ended.err
    assert purchases(sold) == []


def test_a_line_that_the_contract_refuses_stops_the_whole_import(sold: Inside) -> None:
    possible = "2021-05-01,upgrade,premium,standard,101,"
    outside = "2022-01-01,add,standard,,1,"
    ended = sold.call("contract", "import", write(sold, ADD, possible, outside), "--yes", "--json")
    assert ended.code == 2
    assert [(row["line"], row["state"]) for row in ended.json["rows"]] == [
        (2, "new"),
        (3, "new"),
        (4, "refused"),
    ]
    assert "bought.csv:4:" in ended.err
    assert "outside the term" in ended.err
    assert purchases(sold) == []


def test_lines_that_cannot_be_read_and_lines_that_are_refused_are_named_together(sold: Inside) -> None:
    file = write(sold, "2021-03-01,add,gold,,5,", "1999-01-01,add,standard,,5,", ADD)
    ended = sold.call("contract", "import", file, "--yes")
    assert ended.code == 2
    assert "2 problems in" in ended.err
    assert "bought.csv:2: tier: there is no tier 'gold'" in ended.err
    assert "bought.csv:3:" in ended.err
    assert "outside the term" in ended.err
    assert "REFUSED" in ended.out
    assert purchases(sold) == []


def test_without_a_name_no_file_is_read(sold: Inside) -> None:
    ended = sold.call("contract", "import", "")
    assert (ended.code, ended.err) == (2, "Error: name the CSV file: an empty name, or '.', is none\n")


def test_seats_to_come_are_not_called_bought(staffed: Inside) -> None:
    assert f"from {FAR}" in staffed.done("seats", "add", "standard=1", "--on", FAR).out
    staffed.done("seats", "add", "standard=1")
    told = [" ".join(line.split()) for line in staffed.done("contract").out.splitlines()]
    assert [line for line in told if line.startswith(f"INV-0001 from {FAR}")]
    assert [line for line in told if line.startswith(f"INV-0002 {datetime.now(UTC):%Y-%m-%d}")]


def test_only_owners_import(staffed: Inside) -> None:
    file = write(staffed, "2021-03-01,add,standard,,5,")
    ended = staffed.call("contract", "import", file, "--yes", "--as", "bob@acme.example")
    assert ended.code == 2
    assert "may not buy seats" in ended.err
    assert staffed.call("contract", "import", file, "--as", "bob@acme.example").code == 0
    assert purchases(staffed) == []


def folder(path: Path) -> None:
    path.mkdir()


BAD_FILES: dict[str, tuple[Any, str]] = {
    "missing": (lambda path: None, "cannot be read: No such file or directory"),
    "a folder": (folder, "cannot be read: Is a directory"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "blank": (lambda path: path.write_bytes(b" \n\n"), "is empty"),
    "another encoding": (
        lambda path: path.write_bytes(f"{HEAD}\n2021-03-01,add,padr\xe3o,,1,\n".encode("latin-1")),
        "is not UTF-8",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_cannot_be_read_is_one_sentence(sold: Inside, case: str) -> None:
    make, said = BAD_FILES[case]
    file = sold.folder / "bought.csv"
    make(file)
    ended = sold.call("contract", "import", str(file), "--yes")
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith(f"Error: {file} {said}")
    assert ended.err.count("\n") == 1
    assert purchases(sold) == []


def test_a_file_with_a_byte_order_mark_is_read(sold: Inside) -> None:
    file = sold.folder / "bought.csv"
    file.write_text(f"{HEAD}\n{ADD}\n", encoding="utf-8-sig")
    assert len(sold.json("contract", "import", str(file))["rows"]) == 1
