"""`members import`: a look first, every bad line named, all or nothing; and the same file again."""

from typing import Any

import pytest

from tests.cli.conftest import Inside
from tests.cli.test_members import ADA, BOB, CLEO, OWNER, free, refused, tiers

HEAD = "Name,Email,Role,Seat Type"
EXPORT = f"""\
{HEAD}
Olga Owner,{OWNER},Primary Owner,Standard
Ada Almeida,{ADA},User,Standard
Bob Barros,{BOB},Admin,Premium
Nova Nunes,nova@acme.example,Owner,Standard
Omar Ortiz,omar@acme.example,Research,Unassigned
"""


def export(idpsync: Inside, text: str) -> str:
    file = idpsync.folder / "export.csv"
    file.write_text(text, encoding="utf-8")
    return "export.csv"


def problems(idpsync: Inside, text: str, *options: str) -> list[str]:
    """What a file with faults is told; nothing is imported, whatever the options."""
    before = idpsync.json("members")["members"]
    ended = idpsync.call("members", "import", export(idpsync, text), *options)
    assert ended.code == 2, (ended.out, ended.err)
    head, *told, last = ended.err.strip().splitlines()
    assert last == "Nothing was imported."
    assert head == f"{len(told)} problem{'s' if len(told) > 1 else ''} in export.csv:"
    assert idpsync.json("members")["members"] == before
    return [line.strip() for line in told]


def test_a_look_first_then_all_of_it_then_nothing(staffed: Inside) -> None:
    file = export(staffed, EXPORT)
    before = staffed.json("members")["members"]
    looked = staffed.done("members", "import", file).out
    assert "Nothing was written: look it over, then call it again with --yes." in looked
    assert staffed.json("members")["members"] == before

    said = staffed.done("members", "import", file, "--yes").out
    assert "4 of 4 actions done." in said
    assert tiers(staffed) == {
        ADA: "premium",  # a rule says so
        BOB: "premium",
        CLEO: "standard",
        "nova@acme.example": "standard",
        "omar@acme.example": None,
        OWNER: "standard",
    }
    roles = {m["user_name"]: m["roles"] for m in staffed.json("members")["members"]}
    assert roles[BOB] == ["admin"]
    assert roles["nova@acme.example"] == ["owner"]
    assert roles["omar@acme.example"] == ["research"]

    again = staffed.done("members", "import", file, "--yes")
    assert "Nothing to do: what differs is left alone, as noted." in again.out
    assert "actions done" not in again.out
    staffed.done("apply", "--yes")
    assert tiers(staffed)["nova@acme.example"] == "standard"


def test_what_is_shown_is_what_is_done(staffed: Inside) -> None:
    file = export(staffed, EXPORT)
    looked = staffed.json("members", "import", file)
    done = staffed.json("members", "import", file, "--yes")
    assert (looked["imported"], done["imported"]) == (False, True)
    assert looked["rows"] == done["rows"]
    assert looked["pool"]["after"] == done["pool"]["after"]
    assert staffed.json("seats")["tiers"][0]["assigned"] == done["pool"]["after"][0]["assigned"] == 2

    def shown(document: Any) -> list[Any]:
        return [(a["kind"], a["user_name"], a.get("tier")) for a in document["actions"]]

    assert shown(looked) == shown(done)
    assert {a["outcome"] for a in looked["actions"]} == {None}
    assert {a["outcome"] for a in done["actions"]} == {"done"}
    rows = {row["email"]: row for row in done["rows"]}
    assert {email: row["todo"] for email, row in rows.items()} == {
        OWNER: "nothing",
        ADA: "nothing",
        BOB: "change",
        "nova@acme.example": "create",
        "omar@acme.example": "create",
    }
    assert rows[ADA]["notes"] == ["group 'Premium' → premium: the tier is left alone"]
    assert (rows[BOB]["line"], rows[BOB]["tier"], rows[BOB]["role"]) == (4, "premium", "admin")


def test_the_look_shows_each_row_and_the_pool_afterwards(staffed: Inside) -> None:
    file = export(staffed, EXPORT)
    staffed.width = 80
    assert max(map(len, staffed.done("members", "import", file).out.splitlines())) <= 80
    staffed.width = 120
    lines = staffed.done("members", "import", file).out.splitlines()
    said = [" ".join(line.split()) for line in lines]
    assert f"4 {BOB} standard → premium, +admin" in said
    assert "5 nova@acme.example new, standard, owner" in said
    assert "6 omar@acme.example new, no seat, research" in said
    assert f"3 {ADA} left alone group 'Premium' → premium: the tier is left alone" in said
    assert "premium 2 1 → 2 0 0 1 → 0" in said
    assert "standard 4 3 0 0 1" in said
    assert "2 of 5 lines: nothing to do." in said
    assert not [line for line in said if line.startswith("2 owner@")]  # as it is: not a row


def test_a_long_file_is_counted_and_not_poured_out(staffed: Inside) -> None:
    people = "\n".join(f"P {n},p{n}@acme.example,,none" for n in range(30))
    said = staffed.done("members", "import", export(staffed, f"{HEAD}\n{people}\n")).out
    assert "p19@acme.example" in said
    assert "p20@acme.example" not in said
    assert "… and 10 more" in said


@pytest.mark.parametrize("options", [(), ("--yes",)])
def test_every_bad_line_is_named_with_its_place(staffed: Inside, options: tuple[str, ...]) -> None:
    text = f"{HEAD}\nA,a@acme.example,User,Gold\nB,,User,Standard\nC,c@acme.example,User,Standard\n"
    told = problems(staffed, text, *options)
    assert told[0].startswith("export.csv:2: seat type: there is no tier 'Gold'")
    assert told[1] == "export.csv:3: email: is missing"


MIXED = f"""\
{HEAD}
A,a@acme.example,User,Gold
E,eve@other.example,User,none
P,p1@acme.example,User,Premium
Q,p2@acme.example,User,Premium
"""


def test_lines_that_cannot_be_read_and_lines_that_are_refused_are_named_together(
    staffed: Inside,
) -> None:
    seats, tier, domain = problems(staffed, MIXED, "--yes")
    assert seats.startswith("seat type: more premium seats are needed (2) than are open (1)")
    assert tier.startswith("export.csv:2: seat type: there is no tier 'Gold'")
    assert domain == "export.csv:3: email: other.example is not a verified domain"


def test_the_look_at_a_refused_file_marks_its_lines_and_shows_no_pool(staffed: Inside) -> None:
    shown = staffed.call("members", "import", export(staffed, MIXED)).out
    said = [" ".join(line.split()) for line in shown.splitlines()]
    assert "3 eve@other.example REFUSED" in said
    assert "4 p1@acme.example new, premium" in said
    assert not [line for line in said if line.startswith(("tier", "premium", "standard"))]
    document = staffed.call("members", "import", export(staffed, MIXED), "--json").json
    assert document["pool"]["after"] == document["pool"]["before"]
    assert document["actions"] == []


def test_lines_that_cannot_be_read_say_nothing_about_owners_who_are_left(staffed: Inside) -> None:
    del staffed.config["organization"]["primary_owner"]
    staffed.done("members", "role", BOB, "owner")
    left = f"B,{BOB},User,Standard"
    assert "nobody would be an owner any more" in "".join(problems(staffed, f"{HEAD}\n{left}\n"))
    (told,) = problems(staffed, f"{HEAD}\nC,{CLEO},Owner,Gold\n{left}\n")
    assert "there is no tier 'Gold'" in told


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("E,eve@other.example,User,none", "export.csv:2: email: other.example is not a verified domain"),
        ("B,bob@acme.example,Primary Owner,Standard", "mend organization.primary_owner first"),
        (
            "Z,zoe@acme.example,User,Standard",
            "export.csv:2: email: zoe@acme.example has a pending invite",
        ),
    ],
)
def test_what_stands_in_the_way_of_a_row_is_named(staffed: Inside, row: str, said: str) -> None:
    staffed.done("members", "invite", "zoe@acme.example")
    (told,) = problems(staffed, f"{HEAD}\n{row}\n", "--yes")
    assert said in told


def test_more_seats_than_are_free_are_asked_for_before_anything_is_done(staffed: Inside) -> None:
    rows = "\n".join(f"P {n},p{n}@acme.example,User,Premium" for n in range(3))
    (told,) = problems(staffed, f"{HEAD}\n{rows}\n", "--yes")
    assert told.startswith("seat type: more premium seats are needed (3) than are open (1)")
    assert "`idpsync seats add premium=2` first" in told


def test_problems_as_json(staffed: Inside) -> None:
    file = export(staffed, f"{HEAD}\nA,a@acme.example,User,Gold\n")
    ended = staffed.call("members", "import", file, "--yes", "--json")
    assert ended.code == 2
    (problem,) = ended.json["problems"]
    assert problem["line"] == 2
    assert problem["message"].startswith("export.csv:2: seat type: there is no tier 'Gold'")
    assert (ended.json["imported"], ended.json["rows"], ended.json["actions"]) == (False, [], [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "export.csv cannot be read: No such file or directory"),
        (b"", "export.csv is empty"),
        (b"Name,Email,Role,Seat Type\nZo\xeb,z@acme.example,,\n", "export.csv is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "export.csv is not a CSV file"),
        (b"PK\x03\x04\x00\x00", "export.csv is not a CSV file"),
    ],
    ids=["missing", "empty", "encoding", "binary", "zeros"],
)
def test_a_file_that_is_none_is_one_sentence(staffed: Inside, content: bytes | None, said: str) -> None:
    if content is not None:
        (staffed.folder / "export.csv").write_bytes(content)
    assert said in refused(staffed, "members", "import", "export.csv")


def test_only_those_with_the_rights_import(staffed: Inside) -> None:
    file = export(staffed, EXPORT)
    for_admin = "may not give or take the role owner: that takes an owner"
    said = refused(staffed, "members", "import", file, "--yes", "--as", BOB)
    assert "may not invite people: that takes an admin or an owner" in said
    staffed.done("members", "role", BOB, "admin")
    assert for_admin in refused(staffed, "members", "import", file, "--yes", "--as", BOB)
    assert "nova@acme.example" not in tiers(staffed)
    staffed.done("members", "import", file, "--yes", "--as", OWNER)
    assert free(staffed) == {"premium": 0, "standard": 1}
