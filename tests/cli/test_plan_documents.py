"""Plans in the forms that people read: terminal, Markdown, HTML."""

import re
from io import StringIO
from typing import Any

import pytest
from lxml import html as lxml_html
from markdown_it import MarkdownIt
from rich.console import Console

from idpsync.cli.markdown import ROOM, markdown
from idpsync.cli.outline import Outline, Seats, visible
from idpsync.cli.page import page, pieces, width
from idpsync.cli.plan_outline import plan_outline
from idpsync.cli.plan_tables import show_outline
from tests.cli.plan_documents import HOSTILE, document, limit, made, many, told_by
from tests.people import PREMIUM, STANDARD, account

ROOMY = {PREMIUM: 1000, STANDARD: 50_000}


def table(plan: dict[str, Any], columns: int = 80) -> str:
    console = Console(width=columns, file=StringIO(), highlight=False)
    show_outline(console, plan_outline(plan))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def parsed(text: str) -> Any:
    return lxml_html.document_fromstring(text)


def written(plan: dict[str, Any]) -> str:
    return markdown(plan_outline(plan))


def tree(plan: dict[str, Any]) -> Any:
    return parsed(page(plan_outline(plan)))


def large(number: int = 3000) -> dict[str, Any]:
    return document(made(users=many(number), seats=ROOMY))


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
    assert "NOT read whole: nothing is removed" in table(plan).splitlines()[2]


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
    wide = [line for line in shown.splitlines() if len(line) > columns and "Digest" not in line]
    assert [line for line in wide if "lists everybody" not in line] == []
    assert "".join(premium[0]) in re.sub(r"\s", "", shown)


def test_what_steers_a_terminal_is_spelled_out() -> None:
    shown = table(told_by(["\x1b[2Jgone", "a\u202eb", "two\nlines"]))
    assert "\\u001b[2Jgone" in shown
    assert "a\\u202eb" in shown
    assert "two lines" in shown
    assert "\x1b" not in shown


def test_ordinary_names_of_any_language_stay_as_they_are() -> None:
    assert visible("Zoë Ångström, 山田太郎") == "Zoë Ångström, 山田太郎"


# --- Markdown ---------------------------------------------------------------------------------------

GITHUB = MarkdownIt("commonmark").enable("table")


def inline(text: str) -> list[Any]:
    """Every piece of running text that the parser sees."""
    return [child for token in GITHUB.parse(text) for child in (token.children or ())]


def outside_code(text: str) -> str:
    """What is no code: there a code host looks for mentions and links."""
    rendered = GITHUB.render(text)
    return re.sub(r"<(code|pre)\b.*?</\1>|<[^>]*>", " ", rendered, flags=re.DOTALL)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_in_markdown_and_calls_nobody(name: str) -> None:
    said = written(told_by([name, "bob"]))
    shown = parsed(GITHUB.render(said))
    cells = [cell.text_content() for cell in shown.xpath("//tbody/tr/td[1]")]
    assert cells[-2:] == [name.replace("\n", " "), "bob"]
    assert {len(row) for row in shown.xpath("//table")[-1].xpath(".//tr")} == {2}
    assert not shown.xpath("//a | //img | //script | //strong[text()='bold'] | //em")
    assert not re.search(r"@|#\d|GH-\d|://|www\.|:tada:", outside_code(said))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_heading_is_text_too(name: str) -> None:
    waits = {
        "user_name": "bob",
        "wants": name,
        "holds": None,
        "position": 1,
        "since": None,
        "because": (),
    }
    for rows in (1, 30):
        said = written(
            {**document(made()), "waiting": [{**waits, "position": at} for at in range(rows)]}
        )
        shown = parsed(GITHUB.render(said))
        headings = [h.text_content().strip() for h in shown.xpath("//h3 | //summary")]
        assert f"Waiting for {name} ({rows})".replace("\n", " ") in headings
        assert len(shown.xpath("//details")) == (rows == 30)
        assert not shown.xpath("//a | //img | //script")
        assert "@" not in outside_code(said)


def test_people_of_a_limit_are_not_called_either() -> None:
    said = written(document(made(), limit("removals.count", ["@acme/owners", "bob"])))
    assert "`@acme/owners`, `bob`" in said
    assert "@" not in outside_code(said)


def test_short_lists_are_open_and_long_ones_folded() -> None:
    assert "<details>" not in written(document(made(users=many(5), seats=ROOMY)))
    said = written(large(30))
    assert said.count("<details>") == said.count("</details>") == 1
    assert "<summary>Create account: standard (30)</summary>\n\n" in said


@pytest.mark.parametrize("number", [3000, 30_000])
def test_markdown_stays_below_its_bound_and_counts_what_it_leaves_out(number: int) -> None:
    said = written(large(number))
    assert len(said) <= ROOM
    shown = len(re.findall(r"`person-\d+@acme\.example`", said))
    assert shown >= 500
    assert f"… and {number - shown:,} more" in said
    assert "`idpsync plan --json` lists everybody." in said


def test_markdown_with_too_many_lists_says_how_many_are_missing() -> None:
    refused = [
        {"user_name": "x", "reason": f"reason {'x' * 90} {at}", "because": []} for at in range(900)
    ]
    said = written({**document(made()), "refused": refused})
    assert len(said) <= ROOM
    shown = said.count("### Refused")
    assert f"… and {900 - shown + 1:,} more lists: `idpsync plan --json` has them all" in said


def test_a_name_of_any_length_is_cut_in_markdown() -> None:
    said = written(told_by(["x" * 100_000]))
    assert len(said) < 3000
    assert "x…" in said


# --- HTML -------------------------------------------------------------------------------------------


def test_the_page_takes_nothing_from_outside_and_runs_nothing() -> None:
    shown = tree(large())
    policy = shown.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert not shown.xpath("//script | //link | //img | //iframe | //a | //form | //@src | //@href")
    assert "url(" not in shown.xpath("string(//style)")
    assert "@import" not in shown.xpath("string(//style)")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_in_html(name: str) -> None:
    plan = told_by([name, "bob"])
    plan["notes"] = [name]
    plan["guard"] = {"held": True, "limits": []}
    shown = tree({**plan, "organization": name})
    assert not shown.xpath("//script | //img | //a")
    said = visible(name)
    assert said in [cell.text_content() for cell in shown.xpath("//td")]
    assert shown.xpath("string(//title)").startswith(f"Plan for {said}".strip())
    assert len(shown.xpath("//main")) == 1


def test_the_bars_say_in_words_and_numbers_what_they_show() -> None:
    plan = document(made(premium=["ada"], users=["bob", "cyd"], accounts=[account("bob")]))
    plan["pool"]["after"][0].update(held=1, reserved=1, free=1, purchased=3, assigned=1)
    bars = tree(plan).xpath("//*[@role='img']")
    assert [bar.get("aria-label") for bar in bars] == [
        "premium, now: 0 assigned, 0 held, 0 reserved, 2 free; 2 purchased",
        "premium, after the plan: 1 assigned, 1 held, 1 reserved, 0 free; 3 purchased",
        "standard, now: 1 assigned, 0 held, 0 reserved, 4 free; 5 purchased",
        "standard, after the plan: 2 assigned, 0 held, 0 reserved, 3 free; 5 purchased",
    ]
    assert [span.text_content().strip() for span in bars[1]] == ["1", "1", "1"]
    assert [span.get("class") for span in bars[1]] == ["assigned", "held", "reserved"]
    assert [span.get("style") for span in bars[3]] == ["flex-grow:2", "flex-grow:3"]
    assert "Reserved seats are kept for logins" in page(plan_outline(plan))
    assert "Reserved seats are kept" not in page(plan_outline(document(made())))


def test_what_is_reserved_and_taken_all_the_same_is_not_drawn_twice() -> None:
    assert [piece.number for piece in pieces(Seats(10, 8, 0, 5, 2))] == [8, 0, 2, 0]


def test_both_bars_of_a_tier_have_one_scale_also_beyond_what_was_bought() -> None:
    over, fits = Seats(10, 15, 5, 0, 0), Seats(10, 5, 0, 0, 5)
    assert (width(over, fits), width(fits, over)) == (100, 50)
    plan = document(made())
    plan["pool"]["after"][0].update(assigned=5, free=0)
    assert "3 beyond it" in tree(plan).xpath("string(//h3[1])")


def test_long_lists_are_folded_in_html_and_whole() -> None:
    shown = tree(large())
    (folded,) = shown.xpath("//details")
    assert folded.xpath("string(./summary)").strip() == "Create account: standard (3,000)"
    assert len(folded.xpath(".//tbody/tr")) == 3000
    assert not tree(large(20)).xpath("//details")


def test_very_long_lists_are_cut_in_html_and_counted() -> None:
    outline: Outline = plan_outline(told_by(f"guest-{at}" for at in range(5007)))
    shown = parsed(page(outline))
    assert len(shown.xpath("//details//tbody/tr")) == 5000
    assert "… and 7 more" in shown.xpath("string(//details)")


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
