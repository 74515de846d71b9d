"""What plans say to people, and how they say it in a terminal; what scripts rely on."""

import re
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from idpsync.cli.outline import visible
from idpsync.cli.page import page
from idpsync.cli.plan_outline import plan_outline
from idpsync.cli.plan_tables import show_outline
from tests.cli.plan_documents import document, large, limit, made, many, told_by, written
from tests.people import PREMIUM, STANDARD, account


def table(plan: dict[str, Any], columns: int = 80, *, piped: bool = False) -> str:
    """What stands on a terminal of that width, or in a pipe."""
    console = Console(
        width=columns,
        file=StringIO(),
        highlight=False,
        force_terminal=not piped,
        color_system=None,
    )
    show_outline(console, plan_outline(plan))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


# --- what every form says ---------------------------------------------------------------------------


def test_actions_are_grouped_by_kind_and_change_of_tier() -> None:
    plan = document(made(premium=["ada", "max"], users=["bob", "cyd"], accounts=[account("ada")]))
    assert plan_outline(plan).summary == (
        ("Change tier: standard → premium", 1),
        ("Create account: premium", 1),
        ("Create account: standard", 2),
    )


@pytest.mark.parametrize(
    ("facts", "title", "change"),
    [
        (
            {"kind": "create_account", "tier": None, "roles": ["user"]},
            "Create account: no seat",
            "+user",
        ),
        ({"kind": "reactivate_account", "tier": "x", "roles": []}, "Reactivate account: x", ""),
        (
            {"kind": "update_profile", "changed": ["email", "user_name"]},
            "Update profile",
            "email, user_name",
        ),
        ({"kind": "change_tier", "tier": None, "previous_tier": "x"}, "Change tier: x → no seat", ""),
        ({"kind": "change_tier", "tier": "x", "previous_tier": None}, "Change tier: no seat → x", ""),
        (
            {"kind": "change_roles", "roles": ["a", "c"], "previous_roles": ["b", "c"]},
            "Change roles",
            "+a -b",
        ),
        (
            {"kind": "deactivate_account", "tier": None, "previous_tier": "x"},
            "Deactivate account: gives back x",
            "",
        ),
        (
            {"kind": "delete_account", "tier": None, "previous_tier": None},
            "Delete account: held no seat",
            "",
        ),
        ({"kind": "of_later"}, "of_later", ""),
    ],
)
def test_every_kind_of_action_has_its_words(facts: dict[str, Any], title: str, change: str) -> None:
    plan = {**document(made()), "actions": [{"user_name": "ada", "because": ["a rule"], **facts}]}
    (section,) = plan_outline(plan).sections
    assert section.title == title
    assert section.rows == ((("ada", change) if change else ("ada",)),)


def test_a_reason_that_all_people_of_a_group_share_is_said_once() -> None:
    shown = table(document(made(users=["ada", "bob", "cyd"])))
    assert shown.count("group 'Users' → standard") == 1


def test_a_reason_that_only_some_people_have_stands_beside_them() -> None:
    shown = table(document(made(premium=["ada"], users=["bob"], seats={PREMIUM: 0, STANDARD: 5})))
    assert re.search(r"ada@acme\.example +group 'Premium' → premium", shown)
    assert re.search(r"bob@acme\.example +group 'Users' → standard", shown)


def test_reasons_that_differ_by_the_name_of_the_person_alone_are_the_same() -> None:
    refused = [
        {
            "user_name": f"{name}@other.example",
            "reason": "guest",
            "because": [f"{name}@other.example is one"],
        }
        for name in ("ada", "bob")
    ]
    (section,) = plan_outline({**document(made()), "refused": refused}).sections
    assert section.shared == ("because the person is one",)
    assert section.rows == (("ada@other.example",), ("bob@other.example",))


def test_people_of_one_name_are_all_named() -> None:
    (section,) = plan_outline(told_by(["bob", "bob"])).sections
    assert [row[0] for row in section.rows] == ["bob", "bob"]


def test_the_name_of_somebody_else_is_left_in_a_reason() -> None:
    refused = [
        {"user_name": "bob@x.example", "reason": "guest", "because": ["jim-bob@x.example is one"]}
    ]
    (section,) = plan_outline({**document(made()), "refused": refused}).sections
    assert section.shared == ("because jim-bob@x.example is one",)


def test_everything_beside_the_actions_has_its_place() -> None:
    plan = {
        **document(made(premium=["ada", "bob", "cyd"], accounts=[account("zoe")], links=[])),
        "notes": ["the primary owner is not in the directory"],
        "conflicts": [{"keys": ["ada@acme.example", "acc-1"], "reason": "claimed_twice"}],
        "adoptions": [{"user_name": "eve@acme.example", "account_id": "acc-9", "matched_by": "email"}],
        "over": [{"tier": "premium", "purchased": 1, "assigned": 2, "held": 1, "people": ["max"]}],
    }
    plan["directory"] = {**plan["directory"], "problems": ["group 'Sales' is gone"]}
    said = {section.title: section for section in plan_outline(plan).sections}
    assert said["Notes"].rows == (("the primary owner is not in the directory",),)
    assert said["Problems of the read"].rows == (("group 'Sales' is gone",),)
    assert said["Skipped: claimed twice"].rows == (("ada@acme.example, acc-1",),)
    assert said["Adopted by email"].rows == (("eve@acme.example", "acc-9"),)
    assert said["More people than seats: premium"].rows == (("max",),)
    assert (
        "2 assigned and 1 more reserved, 1 purchased"
        in said["More people than seats: premium"].shared[0]
    )
    assert said["Orphan accounts, left alone"].rows == (("zoe@acme.example",),)
    assert said["Waiting for premium"].rows == (("1", "cyd@acme.example", "standard", "2026-03-01"),)


def test_limits_that_counted_the_same_people_name_them_once() -> None:
    people = [f"person-{at}" for at in range(12)]
    plan = document(made(), limit("removals.count", people), limit("removals.percent", people))
    for said in (table(plan), written(plan), page(plan_outline(plan))):
        assert said.count("person-0") == 1
        assert "removals.count: allowed 0, seen 12 (12/100)" in said
        assert "removals.percent: allowed 0 %, seen 12 % (12/100)" in said
        assert "… and 2 more" in said
        assert f"idpsync approve {plan['digest']}\n" in said
        assert f"idpsync reject {plan['digest']}\n" in said


def test_a_plan_that_does_nothing_says_so() -> None:
    for said in (table(document(made())), written(document(made()))):
        assert "Nothing to do: accounts and seats are as they should be." in said


def test_a_directory_that_was_not_read_whole_is_told_first() -> None:
    plan = document(made())
    plan["directory"] = {**plan["directory"], "complete": False}
    shown = table(plan, 120)
    assert "nothing can be decided for what was not read" in shown.splitlines()[1]
    assert "NOT read whole: nothing is removed" in shown.splitlines()[2]


def test_a_plan_that_leaves_something_open_does_not_say_that_all_is_well() -> None:
    plan = document(made())
    for facts, said in (
        (
            {"adoptions": [{"user_name": "eve", "account_id": "9", "matched_by": "email"}]},
            "1 account is",
        ),
        ({"conflicts": [{"keys": ["a"], "reason": "claimed_twice"}]}, "1 conflict to be solved"),
        ({"notes": ["first run: nothing was written"]}, "1 note, see below"),
        ({"directory": {**plan["directory"], "complete": False}}, "nothing can be decided for what was"),
    ):
        one = {**plan, **facts}
        for shown in (table(one, 200), written(one), page(plan_outline(one))):
            assert said in shown
            assert "as they should be" not in shown


def test_the_reason_that_decided_is_told_first() -> None:
    because = ["group 'Users' → premium", "premium goes to eve@acme.example: priority 9 comes before 1"]
    step = {"kind": "change_tier", "tier": "standard", "previous_tier": "premium", "because": because}
    (section,) = plan_outline({**document(made()), "actions": [{"user_name": "ada", **step}]}).sections
    assert section.shared == (f"because {'; '.join(because[::-1])}",)


def test_numbers_are_written_the_same_everywhere() -> None:
    plan = document(made(users=["ada"]), limit("removals.count", many(1700)))
    plan["pool"]["after"][0].update(purchased=1700, assigned=1700)
    plan["actions"][0]["because"] = ["standard is full (1700 of 1700)"]
    for shown in (table(plan), written(plan), page(plan_outline(plan))):
        assert "1,700" in shown
        assert "1700" not in shown.replace("flex-grow:1700", "")


NOTE = "To adopt: idpsync apply --adopt (or approve this plan: idpsync approve sha256:" + "a" * 64 + ")"


def test_a_command_in_a_note_stands_on_a_line_of_its_own() -> None:
    plan = {**document(made()), "notes": [NOTE, "idpsync has never linked them"]}
    for command in ("idpsync apply --adopt", f"idpsync approve sha256:{'a' * 64}"):
        assert command in [line.strip() for line in table(plan, 40).splitlines()]
        assert command in [line.strip() for line in written(plan).splitlines()]
        assert f"<pre>{command}</pre>" in page(plan_outline(plan))
    assert "  idpsync has never linked them" in table(plan).splitlines()


def test_a_held_plan_says_so_first_with_its_limits() -> None:
    plan = document(made(), limit("removals.count", ["ada"]), limit("tier_drops.count", ["ada"]))
    shown = table(plan).splitlines()
    assert shown[1].startswith("HELD by the guard: removals.count, tier_drops.count.")
    assert shown[-2].strip().startswith("idpsync approve")


# --- terminal ---------------------------------------------------------------------------------------


def test_three_actions_are_shown_without_a_summary() -> None:
    shown = table(document(made(users=["ada", "bob", "cyd"])))
    assert "Summary" not in shown
    assert "lists everybody" not in shown
    assert len(shown.splitlines()) < 20


def test_three_thousand_actions_begin_with_counts_and_name_the_first_twenty() -> None:
    shown = table(large())
    assert re.search(r"Create account: standard +3,000", shown)
    assert len(re.findall(r"person-\d+@", shown)) == 20
    assert "… and 2,980 more" in shown
    assert "`idpsync plan --json` lists everybody." in shown
    assert shown.index("Summary") < shown.index("person-00000")
    assert len(shown.splitlines()) < 50


def test_a_column_in_which_the_first_twenty_have_nothing_is_left_out() -> None:
    plan = large(25)
    assert "change" not in table(plan)
    plan["actions"][20]["roles"] = ["admin"]
    assert "change" not in table(plan)
    plan["actions"][19]["roles"] = ["admin"]
    assert "person-00019@acme.example   +admin" in table(plan)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_line_but_the_digest_is_wider_than_the_terminal(columns: int) -> None:
    premium = [f"somebody-with-a-long-name-{at}" for at in range(30)]
    plan = document(made(premium=premium, users=["ada"], seats={PREMIUM: 2, STANDARD: 9}))
    shown = table(plan, columns)
    whole = ("Digest", "somebody-with-a-long-name", "ada@acme.example")
    wide = [
        line
        for line in shown.splitlines()
        if len(line) > columns and not any(word in line for word in whole)
    ]
    assert [line for line in wide if "lists everybody" not in line] == []
    assert "".join(premium[0]) in re.sub(r"\s", "", shown)


@pytest.mark.parametrize("columns", [40, 60])
@pytest.mark.parametrize("piped", [False, True])
def test_names_tiers_and_numbers_are_whole_however_narrow(columns: int, piped: bool) -> None:
    names = [f"somebody-with-a-long-name-{at}" for at in range(4)]
    plan = document(made(premium=names, seats={PREMIUM: 1000, STANDARD: 1}))
    for row in plan["actions"]:
        row["because"] = [f"a reason of {row['user_name'].replace('@', ' at ')}"]
    shown = table(plan, columns, piped=piped)
    for word in (
        *(f"{name}@acme.example" for name in names),
        "premium",
        "standard",
        "1,000",
        "purchased",
    ):
        assert re.search(rf"(?<![\w-]){word}(?!\w)", shown)


def test_in_a_pipe_one_person_is_one_line() -> None:
    plan = document(made(premium=["ada"], users=["bob"], seats={PREMIUM: 0, STANDARD: 5}))
    reasons = ["one reason of some length", "another reason of some length"]
    plan["actions"] = [
        {**row, "because": [f"{name} {row['user_name'][:3]}" for name in reasons]}
        for row in plan["actions"]
    ]
    shown = table(plan, 40, piped=True)
    assert re.search(r"ada@acme\.example +one reason of some length ada; another reason", shown)


def test_what_steers_a_terminal_is_spelled_out() -> None:
    shown = table(told_by(["\x1b[2Jgone", "a\u202eb", "two\nlines"]))
    assert "\\u001b[2Jgone" in shown
    assert "a\\u202eb" in shown
    assert "two lines" in shown
    assert "\x1b" not in shown


def test_ordinary_names_of_any_language_stay_as_they_are() -> None:
    assert visible("Zoë Ångström, 山田太郎") == "Zoë Ångström, 山田太郎"


# --- JSON -------------------------------------------------------------------------------------------


def test_the_keys_of_the_json_are_those_that_scripts_rely_on() -> None:
    plan = document(made(premium=["ada", "bob", "cyd"]), limit("removals.count", ["ada"]))
    always = (
        "organization digest made_at mode directory pool actions waiting refused conflicts orphans guard"
    )
    assert {*always.split(), "adoptions", "over", "notes"} <= set(plan)
    assert {"kind", "complete", "users", "groups", "problems"} <= set(plan["directory"])
    assert {"tier", "purchased", "assigned", "held", "reserved", "free"} <= set(plan["pool"]["after"][0])
    for key in ("kind", "user_name", "external_id", "tier", "previous_tier", "roles", "because"):
        assert key in plan["actions"][0]
    for key in ("user_name", "wants", "holds", "position", "since", "because"):
        assert key in plan["waiting"][0]
    assert {"name", "allowed", "seen", "counted", "tripped", "people"} <= set(plan["guard"]["limits"][0])
