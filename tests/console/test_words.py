"""Times, spans and counts in words."""

from datetime import timedelta

import pytest

from idpsync.console import words
from idpsync.core.records import RunRecord, RunState
from tests.people import NOW


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (59, "just now"),
        (-30, "just now"),
        (60, "1 minute ago"),
        (240, "4 minutes ago"),
        (3600, "1 hour ago"),
        (86_400 * 3 + 5, "3 days ago"),
        (-7200, "in 2 hours"),
        (86_400 * 4000, "4,000 days ago"),
    ],
)
def test_an_instant_is_told_relative_to_now(seconds: int, said: str) -> None:
    assert words.relative(NOW - timedelta(seconds=seconds), NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.42, "0.4 s"), (12, "12 s"), (59.9, "1 min 0 s"), (125, "2 min 5 s"),
        (3780, "1 h 3 min"), (-1, "0.0 s"),
    ],
)  # fmt: skip
def test_a_span_is_told_in_the_two_units_that_matter(seconds: float, said: str) -> None:
    assert words.lasting(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("state", "counts", "said"),
    [
        (RunState.DONE, {"actions": 0, "done": 0}, "nothing to change"),
        (RunState.DONE, {"actions": 1, "done": 1}, "1 of 1 change made"),
        (RunState.DONE, {"actions": 6, "done": 5, "failed": 1}, "5 of 6 changes made, 1 not"),
        (RunState.HELD, {"actions": 33}, "nothing was written, 33 changes held"),
        (RunState.DONE, {"actions": 0, "waiting": 2}, "nothing to change, 2 waiting"),
        (RunState.FAILED, {}, "nothing was written"),
        (RunState.RUNNING, {}, "under way"),
    ],
)
def test_a_run_says_what_it_changed(state: RunState, counts: dict[str, int], said: str) -> None:
    assert words.changes(RunRecord("r", NOW, state, "schedule", counts=counts)) == said


def test_a_run_that_never_ended_is_not_said_to_go_on() -> None:
    running = RunRecord("r", NOW - timedelta(seconds=90), RunState.RUNNING, "schedule")
    crashed = RunRecord("r", NOW - timedelta(seconds=90), RunState.FAILED, "schedule")
    assert words.duration(running, NOW) == "1 min 30 s so far"
    assert words.duration(crashed, NOW) == "not known"


def test_the_intent_of_a_plan_names_the_gravest_first() -> None:
    kinds = ("create_account", "delete_account", "create_account")
    actions = [{"kind": kind, "user_name": f"p{n}"} for n, kind in enumerate(kinds)]
    assert words.intent({"actions": actions}) == "delete 1 account, create 2 accounts"
    assert words.named({"actions": actions}) == ("delete 1 account: p1", "create 2 accounts: p0, p2")
    assert words.intent({}) == ""


def test_of_many_people_the_first_ten_are_named() -> None:
    actions = [{"kind": "deactivate_account", "user_name": f"p{n}"} for n in range(30)]
    (line,) = words.named({"actions": actions})
    assert line.startswith("deactivate 30 accounts: p0, p1,")
    assert line.endswith("p9 and 20 more")


def test_commands_in_a_summary_become_code_and_the_rest_is_escaped() -> None:
    assert words.spelled("add: `idpsync seats add <b>=3` & go") == (
        "add: <code>idpsync seats add &lt;b&gt;=3</code> &amp; go"
    )


def test_details_keep_plain_values_only() -> None:
    detail = {"tier": "premium", "moving": True, "old": None, "rows": [1], "late": False, "n_of": 3}
    assert words.details(detail) == "tier premium · moving yes · n of 3"
