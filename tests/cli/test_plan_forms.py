"""Plans as Markdown and HTML: names are text, sizes are bounded, nothing comes from outside."""

import re
from typing import Any

import pytest
from lxml import html as lxml_html
from markdown_it import MarkdownIt

from idpsync.cli.markdown import ROOM
from idpsync.cli.outline import Outline, Seats, visible
from idpsync.cli.page import page, pieces, width
from idpsync.cli.plan_outline import plan_outline
from tests.cli.plan_documents import HOSTILE, ROOMY, document, large, limit, made, many, told_by, written
from tests.people import account


def parsed(text: str) -> Any:
    return lxml_html.document_fromstring(text)


def tree(plan: dict[str, Any]) -> Any:
    return parsed(page(plan_outline(plan)))


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
