"""`explain` in a terminal: aligned labels, plain sentences, 80 columns."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from idpsync.cli.explain_tables import show_explanation
from idpsync.core.explain import explain_user
from idpsync.core.planner import plan
from idpsync.core.remedies import Exit
from tests.cli.conftest import PEOPLE, Inside
from tests.people import POLICY, person, profile, snapshot, world


def crowd(idpsync: Inside) -> None:
    """Everybody may have premium, and two seats are there."""
    people = PEOPLE.replace("Barros,true,", "Barros,true,Premium").replace(
        "Costa,true,", "Costa,true,Premium"
    )
    (idpsync.folder / "people.csv").write_text(people, encoding="utf-8")


def test_one_person_is_told_within_80_columns_step_by_step(staffed: Inside) -> None:
    crowd(staffed)
    staffed.done("apply", "--yes")
    staffed.width = 80

    lines = staffed.done("explain", "CLEO@acme.example").out.splitlines()

    assert max(map(len, lines)) <= 80
    assert lines[:2] == [
        "cleo@acme.example has standard and waits for premium, number 1 in the queue.",
        "  next       premium: the next seat that comes free is theirs.                  ",
    ]
    labels = [line[2:13].strip() for line in lines if line[2:13].strip()]
    steps = ["next", "directory", "groups", "rules", "may have", "seats", "account", "waits", "written"]
    assert [label for label in labels if label in steps] == steps
    text = " ".join(" ".join(lines).split())
    assert "Premium → premium (wins: the only rule with a tier)" in text
    assert "premium: 2 purchased, 2 assigned, 0 free: premium is full (2 of 2)" in text
    assert "account.created done by cli:" in text


def test_json_has_the_outcome_and_what_was_written(staffed: Inside) -> None:
    document = staffed.json("explain", "ada@acme.example")
    assert (document["outcome"], document["summary"], document["next"]) == ("seated", "has premium", [])
    assert "account.created" in [row["event"] for row in document["history"]]


def test_a_name_that_nobody_has_is_answered_with_near_ones(staffed: Inside) -> None:
    ended = staffed.call("explain", "cloe@acme.example")
    assert ended.code == Exit.USAGE
    assert "Nobody knows cloe@acme.example" in ended.out
    assert "Did you mean cleo@acme.example?" in ended.out


@pytest.mark.parametrize("name", ["", " "])
def test_nobody_is_named_by_an_empty_word(idpsync: Inside, name: str) -> None:
    ended = idpsync.call("explain", name)
    assert ended.code == Exit.USAGE
    assert "Invalid value for USER: name somebody, by user name or e-mail" in ended.err
    assert ended.out == ""


def test_a_held_plan_is_told_to_whom_it_concerns(staffed: Inside) -> None:
    staffed.config["guard"] = {"removals": {"count": 0}}
    gone = "".join(line for line in PEOPLE.splitlines(keepends=True) if "cleo" not in line)
    (staffed.folder / "people.csv").write_text(gone, encoding="utf-8")

    text = " ".join(staffed.done("explain", "cleo@acme.example").out.split())
    assert "is no longer in the directory and will be deactivated." in text
    assert "The guard holds this plan: nothing is written before `idpsync approve sha256:" in text
    assert "held by removals.count: allowed 0, seen 1" in text


def test_names_cannot_steer_the_terminal(staffed: Inside) -> None:
    assert "\x1b" not in staffed.call("explain", "nobody\x1b[31m").out

    ada = replace(person("ada"), profile=replace(profile("ada"), display_name="Ada\x1b[31m"))
    here = world(snapshot([ada]))
    console = Console(file=StringIO(), record=True)
    show_explanation(console, explain_user("ada@acme.example", here, POLICY, plan(here, POLICY)), ())
    assert "Ada\\u001b[31m" in console.export_text()
