"""Two directories in one configuration: planned, applied, one of them failing, looked at by check."""

from pathlib import Path
from typing import Any

import pytest

from idpsync.config import load
from idpsync.core.errors import ConfigError
from tests.cli.conftest import Inside

MORE = """\
external_id,user_name,email,given_name,family_name,active,groups
1,ada.almeida,ADA@acme.example,Ada,A.,true,Premium
2,dan@acme.example,dan@acme.example,Dan,Dias,true,Premium
"""


@pytest.fixture
def both(idpsync: Inside) -> Inside:
    """ada is in both files; dan in the second only."""
    (idpsync.folder / "more.csv").write_text(MORE, encoding="utf-8")
    first = idpsync.config["directory"]
    idpsync.config["directory"] = [first, {"kind": "file", "name": "more", "path": "more.csv"}]
    idpsync.config["organization"]["verified_domains"] = ["acme.example"]
    return idpsync


def tiers(idpsync: Inside) -> dict[str, str | None]:
    return {row["user_name"].partition("@")[0]: row["tier"] for row in members(idpsync)}


def members(idpsync: Inside) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = idpsync.json("members")["members"]
    return told


def test_both_are_read_as_one(both: Inside) -> None:
    plan = both.json("plan")
    assert (plan["directory"]["kind"], plan["directory"]["users"]) == ("file+file", 5)
    assert {action["external_id"] for action in plan["actions"]} == {"p0", "p1", "p2", "p3", "more:2"}
    both.done("apply", "--yes")
    assert tiers(both) == {
        "owner": "standard",
        "ada": "premium",
        "bob": "standard",
        "cleo": "standard",
        "dan": "premium",
    }


@pytest.mark.parametrize("missing", ["people.csv", "more.csv"])
def test_one_that_is_missing_ends_with_4_and_removes_nobody(both: Inside, missing: str) -> None:
    both.done("apply", "--yes")
    before = tiers(both)
    (both.folder / missing).unlink()
    ended = both.call("apply", "--yes")
    assert ended.code == 4
    assert "was not read, nobody loses anything for it" in ended.out
    assert missing in ended.out
    assert tiers(both) == before


def test_both_missing_are_no_directory_at_all(both: Inside) -> None:
    both.done("apply", "--yes")
    before = tiers(both)
    for name in ("people.csv", "more.csv"):
        (both.folder / name).unlink()
    assert both.call("apply", "--yes").code == 4
    assert tiers(both) == before


def test_check_tells_of_each_by_its_name(both: Inside) -> None:
    lines = {line["system"]: line for line in both.json("check", "--online")}
    assert lines["directory file"]["detail"].startswith("4 people in")
    assert lines["directory more"]["detail"].startswith("2 people in")
    assert "group 'Premium': 2 in it" in lines["directory more"]["facts"]
    said = both.done("check", "--online").out
    assert "\n      group 'Premium': 1 in it\n" in said


def test_a_group_that_one_of_them_has_is_enough_and_one_that_none_has_is_told(both: Inside) -> None:
    people = both.folder / "people.csv"
    people.write_text(people.read_text(encoding="utf-8").replace("Premium", "Other"), encoding="utf-8")
    lines = {line["system"]: line for line in both.json("check", "--online")}
    assert lines["directory file"]["ok"] is True
    assert lines["directory file"]["missing_groups"] == ["Premium"]
    more = both.folder / "more.csv"
    more.write_text(more.read_text(encoding="utf-8").replace("Premium", "Other"), encoding="utf-8")
    ended = both.call("check", "--online")
    assert ended.code == 5
    assert "FAIL  acme directories: no directory has Premium" in ended.out


def test_long_facts_stay_within_a_narrow_terminal(both: Inside) -> None:
    both.width = 80
    people = both.folder / "people.csv"
    people.write_text(people.read_text(encoding="utf-8").replace("Premium", "Other"), encoding="utf-8")
    facts = [line for line in both.done("check", "--online").out.splitlines() if line.startswith("  ")]
    assert facts
    assert all(len(line) <= 80 and line == line.rstrip() for line in facts)


@pytest.mark.parametrize(
    ("directories", "line", "says"),
    [
        (
            "\n  - {kind: file, path: a.csv}\n  - {kind: file, path: b.csv}",
            3,
            "directory[1].kind: is called file, as directory[0] is: give it a `name` of its own",
        ),
        (
            "\n  - {kind: file, path: a.csv, name: x}\n  - {kind: file, path: b.csv, name: x}",
            3,
            "directory[1].name: is called x, as directory[0] is: give it a `name` of its own",
        ),
        ("\n  - {kind: file, pth: a.csv}", 2, "directory[0].pth: unknown key; did you mean `path`?"),
        ("\n  {kind: fil, path: a.csv}", 2, "directory.kind: unknown kind; did you mean `file`?"),
        (" []", 1, "directory: must name a directory"),
        (" 7", 1, "directory: must be a list"),
        ("\n  - {kind: file, path: a.csv, name: 'a:b'}", 2, "directory[0].name: has not the form"),
        ("\n  - {kind: scim, url: 'https://x.example', token: abc}", 2, "give a secret by reference"),
        ("\n  {kind: scim, url: 'https://x.example', token: abc}", 2, "give a secret by reference"),
    ],
)
def test_mistakes_are_told_with_their_line_in_both_shapes(
    tmp_path: Path, directories: str, line: int, says: str
) -> None:
    file = tmp_path / "idpsync.yaml"
    file.write_text(f"directory:{directories}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file)
    (told,) = [problem for problem in caught.value.problems if says in str(problem)]
    assert told.line == line
