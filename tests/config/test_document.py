"""YAML as it is written by hand, and what can be wrong with it before any key is looked at."""

from pathlib import Path

import pytest

from idpsync.config.document import dotted, parse
from tests.config.writing import SMALL, problems_of, write


def test_a_key_written_twice_is_an_error_at_its_second_line(tmp_path: Path) -> None:
    text = SMALL + "policy: {}\n"
    (problem,) = problems_of(write(tmp_path, text))
    assert (problem.path, problem.line) == ("policy", len(text.splitlines()))
    assert "written twice" in problem.message
    assert "line 13" in problem.message


def test_a_key_written_twice_hides_no_other_fault(tmp_path: Path) -> None:
    text = SMALL.replace("  id: acme", "  id: acme\n  id: emca").replace("tier: premium", "tier: gold")
    assert {p.path for p in problems_of(write(tmp_path, text))} == {
        "organization.id",
        "policy.rules[0].tier",
    }


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a:\n\tb: 1\n", 2, "a tab stands"),
        ("a: 1\n b: 2\n", 2, "wrong indentation"),
        ("a: b: c\n", 1, "needs quotes"),
        ("a: [1, 2\nb: 3\n", 2, "not closed with ]"),
        ("a: {b: 1\nc: 2\n", 2, "not closed with }"),
        ("a: 'x\nb: 2\n", 3, "never closed"),
        ("a: 1\nb: *anchor\n", 2, "begins with *"),
        ("a: 1\nb: @x\n", 2, "needs quotes"),
        ("a: 1\nb: %x\n", 2, "needs quotes"),
        ("a: 1\n---\nb: 2\n", 2, "one file holds one organisation"),
        ("a: 1\nb: !!python/name:os.system x\n", 2, "tag"),
        ("a: 1\nb: !secret x\n", 2, "tag"),
        ("a: &a [*a]\n", 1, "contains itself"),
        ("? [x]\n: 1\n", 1, "not plain text"),
        ("a: 1\nb: \x01\n", 2, "character that YAML does not allow"),
        ("- a\n", 1, "must hold keys"),
        ("just words\n", 1, "must hold keys"),
        ("", 1, "empty"),
        ("# nothing\n", 1, "empty"),
        ("a: " + "[" * 5000, 1, "deep"),
    ],
)
def test_a_slip_in_writing_is_told_with_its_line_in_plain_words(text: str, line: int, says: str) -> None:
    document, faults = parse(text, "x.yaml")
    problems = [document.problem(fault) for fault in faults]
    assert [(p.line, p.file, says in p.message) for p in problems] == [(line, "x.yaml", True)], problems


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    _, problems = parse("\n".join(rows), "x.yaml")
    assert problems
    assert "unfolds without end" in problems[0].message


def test_only_true_and_false_are_truth_values_and_dates_stay_text() -> None:
    document, problems = parse("no: [off, on, yes, NO, true, False, 2023-06-01, none, ~]", "x.yaml")
    assert problems == []
    values = ["off", "on", "yes", "NO", True, False, "2023-06-01", "none", None]
    assert document.tree == {"no": values}


def test_anchors_and_merged_mappings_may_be_used() -> None:
    text = "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n"
    document, problems = parse(text, "x.yaml")
    assert problems == []
    assert document.tree["b"] == {"x": 1, "y": 3}
    assert document.line(("b", "y")) == 4


def test_every_value_knows_its_line() -> None:
    document, _ = parse("a:\n  b:\n    - 1\n    - c: 2\n      d: 3\n", "x.yaml")
    assert document.line(("a", "b", 0)) == 3
    assert document.line(("a", "b", 1, "d")) == 5
    assert document.line(("a", "b", 1, "missing", "deeper")) == 4
    assert document.line(("nowhere",)) == 1


def test_a_path_is_written_as_people_write_it() -> None:
    assert dotted(("policy", "rules", 2, "tier")) == "policy.rules[2].tier"
    assert dotted(()) == ""
