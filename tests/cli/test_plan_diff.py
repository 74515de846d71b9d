"""`plan` in every form, and against a plan that was kept."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from tests.cli.conftest import PEOPLE, Inside

FORMS = ("table", "json", "markdown", "html")


@pytest.fixture
def kept(idpsync: Inside) -> Path:
    """The plan of the first run, in a file."""
    file = idpsync.folder / "kept.json"
    idpsync.done("plan", "--json", "--out", str(file))
    return file


def people(idpsync: Inside, text: str) -> None:
    (idpsync.folder / "people.csv").write_text(text, encoding="utf-8")


def moved(idpsync: Inside) -> None:
    """Bob goes to Premium, cleo is gone, and dan is new."""
    text = PEOPLE.replace("Bob,Barros,true,", "Bob,Barros,true,Premium")
    people(idpsync, text.replace("cleo", "dan").replace("p3", "p4"))


def edit(kept: Path, **facts: Any) -> None:
    document = json.loads(kept.read_text(encoding="utf-8"))
    kept.write_text(json.dumps({**document, **facts}), encoding="utf-8")


@pytest.mark.parametrize("shape", FORMS)
def test_a_plan_in_a_file_is_the_one_on_the_screen(idpsync: Inside, shape: str) -> None:
    idpsync.width = 120
    file = idpsync.folder / "plan"
    shown = idpsync.done("plan", "--format", shape).out
    assert idpsync.done("plan", "--format", shape, "--out", str(file)).out == ""
    for line in file.read_text(encoding="utf-8").splitlines():
        assert "made" in line.lower() or line.rstrip() in shown


def test_a_file_that_cannot_be_written_is_named(idpsync: Inside) -> None:
    ended = idpsync.call("plan", "--out", str(idpsync.folder / "no" / "such" / "folder"))
    assert ended.code == 2
    assert "cannot be written: No such file or directory" in ended.err


@pytest.mark.parametrize("shape", FORMS)
def test_the_same_plan_again_has_the_same_digest_and_says_so(
    idpsync: Inside, kept: Path, shape: str
) -> None:
    shown = idpsync.done("plan", "--diff", str(kept), "--format", shape).out
    said = (
        '"same": true'
        if shape == "json"
        else "Same digest: both plans do the same. Nothing else differs."
    )
    assert said in shown


def test_the_same_digest_with_other_seats_tells_the_seats(idpsync: Inside, kept: Path) -> None:
    idpsync.config["contract"]["reserve"] = {"standard": 1}
    (idpsync.folder / "store.db").unlink()
    shown = idpsync.done("plan", "--diff", str(kept)).out
    assert "Same digest: both plans do the same.\n" in shown
    assert "Nothing else differs" not in shown
    assert "0 → 1" in shown


def test_the_same_actions_in_another_order_are_called_so(idpsync: Inside, kept: Path) -> None:
    actions = json.loads(kept.read_text(encoding="utf-8"))["actions"]
    edit(kept, actions=actions[::-1], digest="sha256:other")
    shown = idpsync.done("plan", "--diff", str(kept)).out
    assert "The actions are the same, in another order." in shown


def test_what_changed_is_told_as_json(idpsync: Inside, kept: Path) -> None:
    moved(idpsync)
    found = idpsync.json("plan", "--diff", str(kept))
    assert not found["same"]
    assert found["then"]["digest"] == json.loads(kept.read_text(encoding="utf-8"))["digest"]
    assert [row["user_name"] for row in found["actions"]["new"]] == ["dan@acme.example"]
    assert [row["user_name"] for row in found["actions"]["gone"]] == ["cleo@acme.example"]
    assert [row["user_name"] for row in found["actions"]["changed"]] == ["bob@acme.example"]


@pytest.mark.parametrize("shape", ["table", "markdown", "html"])
def test_what_changed_is_told_to_people(idpsync: Inside, kept: Path, shape: str) -> None:
    moved(idpsync)
    shown = idpsync.done("plan", "--diff", str(kept), "--format", shape).out
    assert "actions 1 new, 1 gone, 1 changed" in shown
    assert "New: Create account: standard (1)" in shown
    assert "Gone: Create account: standard (1)" in shown
    assert "Changed: Create account: was standard, is premium (1)" in shown
    assert "Seats after the plan" in shown
    assert "Seats in use before the plan" not in shown


def test_queue_refusals_and_limits_are_told_too(idpsync: Inside, kept: Path) -> None:
    waits = {"wants": "premium", "holds": None, "position": 2, "since": None, "because": ["full"]}
    edit(
        kept,
        waiting=[{"user_name": "max@acme.example", **waits}],
        refused=[{"user_name": "eve@other.example", "reason": "guest", "because": []}],
        orphans=["zoe@acme.example"],
        notes=["an old note"],
        conflicts=[{"keys": ["a", "b"], "reason": "claimed_twice"}],
        guard={
            "held": True,
            "limits": [
                {"name": "x.percent", "allowed": 1, "seen": 2.5, "counted": "1/40", "tripped": True}
            ],
        },
    )
    shown = idpsync.done("plan", "--diff", str(kept)).out
    for said in (
        "No longer waits for premium (1)",
        "No longer refused: guest (1)",
        "Gone among the orphan accounts (1)",
        "Gone among the notes (1)",
        "Gone, skipped: claimed twice (1)",
        "Limits of the guard",
        "allowed 1 %, seen 2.5 % (1/40), TRIPPED",
        "held → passes",
    ):
        assert said in shown


def test_another_reason_for_a_refusal_is_told_with_both(idpsync: Inside, kept: Path) -> None:
    people(idpsync, PEOPLE.replace("cleo@acme", "cleo@other"))
    before = {"user_name": "cleo@other.example", "reason": "guest", "because": []}
    edit(kept, refused=[before])
    shown = idpsync.done("plan", "--diff", str(kept)).out
    assert "Refused for another reason (1)" in shown
    assert re.search(r"cleo@other\.example +guest +domain not verified", shown)


def test_who_moved_in_the_queue_is_told_with_both_places(idpsync: Inside) -> None:
    kept = idpsync.folder / "kept.json"
    idpsync.config["contract"]["seats"] = {"premium": 1, "standard": 4}
    three = PEOPLE.replace("Barros,true,", "Barros,true,Premium").replace(
        "Costa,true,", "Costa,true,Premium"
    )
    people(idpsync, three)
    idpsync.done("plan", "--json", "--out", str(kept))
    people(idpsync, three.replace("Ada,Almeida,true,Premium", "Ada,Almeida,true,"))
    shown = idpsync.done("plan", "--diff", str(kept)).out
    assert "No longer waits for premium (1)" in shown
    assert "Moved in the queue for premium (1)" in shown
    assert "cleo@acme.example   2 → 1" in shown


def test_the_exit_code_is_that_of_the_plan_made_now(idpsync: Inside, kept: Path) -> None:
    people(idpsync, PEOPLE.replace("#group Premium\n", "").replace(",Premium", ","))
    ended = idpsync.call("plan", "--diff", str(kept))
    assert ended.code == 4
    assert "4 people → 4 people, NOT read whole" in ended.out


def test_a_plan_that_is_held_now_can_be_approved_from_here(staffed: Inside) -> None:
    kept = staffed.folder / "kept.json"
    staffed.done("plan", "--json", "--out", str(kept))
    staffed.config["guard"] = {"removals": {"count": 0}}
    people(staffed, PEOPLE.replace("Costa,true", "Costa,false"))
    ended = staffed.call("plan", "--diff", str(kept))
    digest = json.loads(staffed.call("plan", "--json").out)["digest"]
    assert ended.code == 3
    assert "passes → held" in ended.out
    assert f"idpsync approve {digest}" in ended.out
    assert ended.out.splitlines()[1].startswith("HELD by the guard: removals.count.")
    page: Any = html.document_fromstring(
        staffed.call("plan", "--diff", str(kept), "--format", "html").out
    )
    (stop,) = page.xpath("//section[@class='stop']")
    assert "removals.count: allowed 0, seen 1" in stop.text_content()
    assert "cleo@acme.example" in stop.text_content()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON: Expecting value at line 1, column 1"),
        (b'{"organization": "acme",', "is not JSON: "),
        (b"\xff\xfe{", "is not UTF-8 (byte 1)"),
        (b"[" * 100_000, "is not JSON that a plan could be"),
        (
            b"[]",
            "is no plan to compare with: it is a list, not a plan; write one with `idpsync plan --json",
        ),
        (b'{"organization": "acme"}', "is no plan to compare with: digest is missing"),
    ],
)
def test_a_file_that_is_no_plan_is_one_sentence(
    idpsync: Inside, kept: Path, content: bytes, said: str
) -> None:
    kept.write_bytes(content)
    ended = idpsync.call("plan", "--diff", str(kept))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"Error: {kept} {said}")
    assert len(ended.err.splitlines()) == 1


def test_a_plan_of_another_organisation_is_not_compared(idpsync: Inside, kept: Path) -> None:
    edit(kept, organization="globex")
    ended = idpsync.call("plan", "--diff", str(kept))
    assert ended.code == 2
    assert "it is a plan for 'globex', and this is 'acme'" in ended.err


def test_a_file_that_is_not_there_is_named(idpsync: Inside) -> None:
    ended = idpsync.call("plan", "--diff", "nowhere.json")
    assert (ended.code, ended.err) == (
        2,
        "Error: nowhere.json cannot be read: No such file or directory\n",
    )


def test_a_plan_with_a_byte_order_mark_is_read(idpsync: Inside, kept: Path) -> None:
    kept.write_bytes(b"\xef\xbb\xbf" + kept.read_bytes())
    assert "Same digest" in idpsync.done("plan", "--diff", str(kept)).out


def test_what_either_plan_assumed_is_told_where_it_differs(idpsync: Inside, kept: Path) -> None:
    assumed = ("--assume", "seats=premium:+1")
    supposed = idpsync.folder / "supposed.json"
    idpsync.done("plan", *assumed, "--json", "--out", str(supposed))
    assert "Assumed    seats=premium:+1 → nothing" in idpsync.done("plan", "--diff", str(supposed)).out
    assert (
        "Assumed    nothing → seats=premium:+1"
        in idpsync.done("plan", *assumed, "--diff", str(kept)).out
    )
    again = idpsync.done("plan", *assumed, "--diff", str(supposed)).out
    assert "Same digest" in again
    assert "Assumed   " not in again
