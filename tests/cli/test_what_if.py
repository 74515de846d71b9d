"""`plan --assume`: on top of every form, and nothing is written or held."""

import json
from typing import Any

import pytest

from idpsync.core.remedies import Exit
from tests.cli.conftest import PEOPLE, Inside

FOUR = ("plan", "--assume", "join=Premium:4", "--assume", "seats=premium:+1")
SHARES = (
    "Of 4 who join 'Premium': 2 get premium; 1 gets standard for now, waiting for premium; 1 gets "
    "nothing yet, waiting for premium."
)
ON_TOP = (
    "Nothing of this is so, and nothing was written.",
    "Assumed: 4 people join 'Premium'; 1 more premium seat is bought.",
    SHARES,
)


def flat(text: str) -> str:
    return " ".join(text.replace("`", "").replace("&#39;", "'").replace("&#x27;", "'").split())


@pytest.mark.parametrize("shape", ["table", "markdown", "html"])
def test_every_form_says_on_top_what_is_assumed_and_what_follows(staffed: Inside, shape: str) -> None:
    said = flat(staffed.done(*FOUR, "--format", shape).out)

    assert "What if? Plan for acme" in said
    places = [said.index(sentence) for sentence in ON_TOP]
    assert places == sorted(places)
    assert places[-1] < said.index("Directory")
    assert "joiner-1 of Premium" in said
    assert "approve" not in said
    assert "idpsync plan --assume join=Premium:4" not in said  # short enough to be shown whole


def test_the_json_names_the_assumptions_and_counts_what_follows(staffed: Inside) -> None:
    document = staffed.json(*FOUR)

    assert document["assumptions"] == ["join=Premium:4", "seats=premium:+1"]
    (joiners,) = document["what_if"]["joiners"]
    assert [(s["number"], s["tier"], s["waits_for"]) for s in joiners["shares"]] == [
        (2, "premium", None),
        (1, "standard", "premium"),
        (1, None, "premium"),
    ]
    assert document["directory"]["users"] == 8
    assert "assumptions" not in staffed.json("plan")


def test_a_long_list_names_the_command_with_the_assumptions(staffed: Inside) -> None:
    said = flat(staffed.done("plan", "--assume", "join=Premium:40").out)
    assert "idpsync plan --assume join=Premium:40 --json lists everybody" in said


def stored(idpsync: Inside) -> Any:
    """Everything that a run or a hold would leave."""
    listed = [idpsync.json(verb) for verb in ("waitlist", "holds", "ledger")]
    return [*listed, idpsync.json("members")["members"]]


def test_nothing_is_written(staffed: Inside) -> None:
    before = stored(staffed)
    staffed.done(*FOUR)
    assert stored(staffed) == before


def leaver(idpsync: Inside) -> None:
    people = PEOPLE.replace("Cleo,Costa,true", "Cleo,Costa,false")
    (idpsync.folder / "people.csv").write_text(people, encoding="utf-8")


def test_the_guard_judges_what_is_assumed_and_does_not_hold_it(staffed: Inside) -> None:
    staffed.config["guard"] = {"tier_drops": {"count": 0}}
    staffed.config["policy"]["rules"].append({"group": "Seatless", "tier": "none"})
    (staffed.folder / "people.csv").write_text(
        PEOPLE.replace("Barros,true,", "Barros,true,Premium;Seatless") + "#group Seatless\n",
        encoding="utf-8",
    )
    staffed.done("apply", "--yes")

    ended = staffed.call("plan", "--assume", "leave=Premium:1")

    assert "The guard would hold it: tier_drops.count:premium" in flat(ended.out)
    assert ended.code == Exit.DONE
    assert staffed.json("holds") == []


def test_a_plan_that_is_held_as_things_stand_is_told_by_the_exit_code(staffed: Inside) -> None:
    staffed.config["guard"] = {"removals": {"count": 0}}
    leaver(staffed)
    assert staffed.call("plan").code == Exit.HELD
    assert staffed.call("plan", "--assume", "seats=premium:+1").code == Exit.HELD


def test_a_what_if_is_compared_with_a_plan_in_a_file(staffed: Inside) -> None:
    older = staffed.folder / "older.json"
    older.write_text(json.dumps(staffed.json("plan")), encoding="utf-8")

    said = flat(staffed.done("plan", "--assume", "join=Premium:1", "--diff", str(older)).out)
    assert "What if? Plan for acme, compared with an older one" in said
    assert "Assumed: 1 person joins 'Premium'." in said
    assert "joiner-1 of Premium" in said
    document = staffed.json("plan", "--assume", "join=Premium:1", "--diff", str(older))
    assert document["assumptions"] == ["join=Premium:1"]


@pytest.mark.parametrize(
    ("assumption", "said"),
    [
        ("join=Premuim:4", "no group 'Premuim' was read"),
        ("join=Premuim:4", "(did you mean Premium?)"),
        ("seats=gold:+1", "there is no tier gold; the tiers are premium, standard"),
        ("seats=premium:ten", "'ten' is not a number"),
        ("seats=premium:-1", "seats are never given back"),
        ("upgrade=standard:premium:5", "only 4 standard seats are purchased"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_and_exit_code_2(
    staffed: Inside, assumption: str, said: str
) -> None:
    ended = staffed.call("plan", "--assume", assumption)
    assert ended.code == Exit.USAGE
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert ended.out == ""
