"""What changed between two plans, and which documents are plans at all."""

import copy
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idpsync.core.guard import GuardReport
from idpsync.core.plan_diff import plan_diff
from idpsync.core.plan_shape import PLAN, fault_of
from idpsync.core.planner import plan
from idpsync.core.report import plan_json
from tests.people import POLICY, PREMIUM, STANDARD, account, group, snapshot, world

Document = dict[str, Any]


def made(premium: Sequence[str] = (), users: Sequence[str] = (), seats: int = 2) -> Document:
    read = snapshot(
        dict.fromkeys((*premium, *users)), [group("Premium", premium), group("Users", users)]
    )
    here = world(read, [account("old")], seats={PREMIUM: seats, STANDARD: 5})
    document: Document = json.loads(json.dumps(plan_json(plan(here, POLICY), GuardReport(), "acme")))
    return document


def action(name: str, kind: str = "create_account", **facts: object) -> Document:
    return {"kind": kind, "user_name": name, "external_id": f"id-{name}", "because": ["a rule"], **facts}


def with_actions(*actions: Document) -> Document:
    return {**made(), "actions": list(actions), "digest": f"sha256:{json.dumps(actions)}"}


def actions_of(then: Document, now: Document) -> Document:
    found: Document = plan_diff(then, now)["actions"]
    return found


def names(rows: Sequence[Document]) -> list[str]:
    return [row["user_name"].partition("@")[0] for row in rows]


# --- actions ----------------------------------------------------------------------------------------


def test_a_plan_differs_from_itself_in_nothing() -> None:
    both = made(["ada", "bob", "cyd"], ["eve"])
    found = plan_diff(both, copy.deepcopy(both))
    assert found["same"]
    assert found["actions"] == {"new": [], "gone": [], "changed": [], "unchanged": 4}
    assert found["waiting"] == {"came": [], "went": [], "moved": []}
    assert found["refused"] == {"came": [], "went": [], "changed": []}
    assert all(row["then"] == row["now"] for row in found["seats"])
    assert found["guard"] == {"then": False, "now": False, "tripped": [], "limits": []}


def test_actions_are_new_gone_or_changed_by_person() -> None:
    found = plan_diff(made(["ada"], ["bob", "cyd"]), made(["ada", "bob"], ["eve"]))
    assert not found["same"]
    actions = found["actions"]
    assert names(actions["new"]) == ["eve"]
    assert names(actions["gone"]) == ["cyd"]
    (bob,) = actions["changed"]
    assert bob["user_name"] == "bob@acme.example"
    assert set(bob["differs"]) == {"tier", "because"}
    assert (bob["then"]["tier"], bob["now"]["tier"]) == ("standard", "premium")
    assert actions["unchanged"] == 1


def test_a_person_is_the_same_under_another_user_name() -> None:
    before, after = action("ada"), {**action("ada"), "user_name": "ada.new"}
    (changed,) = actions_of(with_actions(before), with_actions(after))["changed"]
    assert changed["differs"] == ["user_name"]
    assert changed["user_name"] == "ada.new"


def test_without_an_external_id_the_user_name_says_who_it_is() -> None:
    before = {**action("ada", tier="premium"), "external_id": None}
    found = actions_of(with_actions(before), with_actions({**before, "tier": "standard"}))
    assert names(found["changed"]) == ["ada"]


def test_another_kind_of_action_for_one_person_is_a_change() -> None:
    before = action("ada", "deactivate_account", tier=None, previous_tier="premium")
    after = action("ada", "change_tier", tier="standard", previous_tier="premium")
    (changed,) = actions_of(with_actions(before), with_actions(after))["changed"]
    assert changed["differs"] == ["kind", "tier"]


def test_of_several_actions_for_one_person_those_of_one_kind_are_compared() -> None:
    tier = action("ada", "change_tier", tier="premium")
    roles = action("ada", "change_roles", roles=["user"])
    more = {**roles, "roles": ["admin", "user"]}
    found = actions_of(
        with_actions(tier, roles), with_actions(action("ada", "update_profile"), more, tier)
    )
    assert [(c["then"]["kind"], c["differs"]) for c in found["changed"]] == [("change_roles", ["roles"])]
    assert [new["kind"] for new in found["new"]] == ["update_profile"]
    assert (found["gone"], found["unchanged"]) == ([], 1)


def test_the_same_action_twice_is_not_the_same_as_once() -> None:
    found = actions_of(with_actions(action("ada")), with_actions(action("ada"), action("ada")))
    assert (names(found["new"]), found["unchanged"]) == (["ada"], 1)


def test_a_key_that_only_one_version_writes_is_no_change() -> None:
    found = actions_of(with_actions(action("ada")), with_actions(action("ada", yields_to="bob")))
    assert found["unchanged"] == 1


def test_another_order_is_no_change_of_any_person() -> None:
    first, second = action("ada"), action("bob")
    found = plan_diff(with_actions(first, second), with_actions(second, first))
    assert not found["same"]
    assert found["actions"]["unchanged"] == 2


@given(st.lists(st.sampled_from("abcdef")), st.lists(st.sampled_from("abcdef")))
def test_every_action_of_both_plans_is_counted_once(then: list[str], now: list[str]) -> None:
    old = [action(name[0], tier=str(at % 2)) for at, name in enumerate(then)]
    new = [action(name[0], tier=str(at % 2)) for at, name in enumerate(now)]
    found = actions_of(with_actions(*old), with_actions(*new))
    both = len(found["changed"]) + found["unchanged"]
    assert len(found["gone"]) + both == len(old)
    assert len(found["new"]) + both == len(new)


# --- the rest ---------------------------------------------------------------------------------------


def test_seats_are_told_before_and_after_either_plan() -> None:
    rows = {row["tier"]: row for row in plan_diff(made(["ada"]), made(["ada", "bob"], seats=3))["seats"]}
    premium = rows["premium"]
    assert [premium[when]["before"]["purchased"] for when in ("then", "now")] == [2, 3]
    assert [premium[when]["after"]["assigned"] for when in ("then", "now")] == [1, 2]


def test_a_tier_that_only_one_plan_knows_is_null_in_the_other() -> None:
    now = made()
    then = copy.deepcopy(now)
    for moment in ("before", "after"):
        then["pool"][moment] = [row for row in then["pool"][moment] if row["tier"] != "premium"]
        then["pool"][moment].append({**then["pool"][moment][0], "tier": "basic"})
    rows = {row["tier"]: row for row in plan_diff(then, now)["seats"]}
    assert rows["premium"]["then"] is None
    assert rows["premium"]["now"] is not None
    assert rows["basic"]["now"] is None


def test_the_queue_tells_who_came_who_went_and_who_moved() -> None:
    then, now = made(["ada", "bob", "cyd", "eve"], seats=1), made(["ada", "cyd", "eve", "fay"], seats=1)
    waiting = plan_diff(then, now)["waiting"]
    assert names(waiting["came"]) == ["fay"]
    assert names(waiting["went"]) == ["bob"]
    assert [(m["then"]["position"], m["now"]["position"]) for m in waiting["moved"]] == [(2, 1), (3, 2)]


def test_refusals_came_went_or_have_another_reason() -> None:
    def refused(**reasons: str) -> Document:
        rows = [{"user_name": n, "reason": r, "because": []} for n, r in reasons.items()]
        return {**made(), "refused": rows}

    found = plan_diff(refused(ada="guest", bob="guest"), refused(bob="not_assigned", cyd="guest"))[
        "refused"
    ]
    assert (names(found["came"]), names(found["went"])) == (["cyd"], ["ada"])
    assert [(c["then"]["reason"], c["now"]["reason"]) for c in found["changed"]] == [
        ("guest", "not_assigned")
    ]


def test_conflicts_orphans_and_notes_came_and_went() -> None:
    keys = {"keys": ["a", "b"], "reason": "ambiguous_correlation"}
    then = {**made(), "orphans": ["x", "y"], "notes": ["old"], "conflicts": []}
    now = {**made(), "orphans": ["y", "z"], "notes": ["new"], "conflicts": [keys]}
    found = plan_diff(then, now)
    assert found["orphans"] == {"came": ["z"], "went": ["x"]}
    assert found["notes"] == {"came": ["new"], "went": ["old"]}
    assert found["conflicts"] == {"came": [keys], "went": []}


def test_of_equal_notes_those_that_are_missing_are_told() -> None:
    then, now = {**made(), "notes": ["a", "a"]}, {**made(), "notes": ["a"]}
    assert plan_diff(then, now)["notes"] == {"came": [], "went": ["a"]}


def test_an_older_plan_without_notes_can_be_compared() -> None:
    then = made()
    del then["notes"]
    assert plan_diff(then, {**made(), "notes": ["new"]})["notes"] == {"came": ["new"], "went": []}


def test_the_guard_tells_limits_that_say_something_else() -> None:
    def guarded(held: bool, **limits: int) -> Document:
        rows = [
            {
                "name": n,
                "allowed": 5,
                "seen": s,
                "counted": f"{s}/9",
                "tripped": s > 5,
                "people": ["x"] * s,
            }
            for n, s in limits.items()
        ]
        return {**made(), "guard": {"held": held, "limits": rows}}

    found = plan_diff(guarded(False, a=1, b=2, c=3), guarded(True, a=1, b=6, d=4))["guard"]
    assert (found["then"], found["now"]) == (False, True)
    told = {row["name"]: (row["then"] and row["then"]["seen"], row["now"] and row["now"]["seen"])
            for row in found["limits"]}  # fmt: skip
    assert told == {"b": (2, 6), "d": (None, 4), "c": (3, None)}


def test_what_either_plan_was_made_from_is_told() -> None:
    now = {**made(), "assumptions": ["seats=premium:+1"]}
    found = plan_diff(made(["ada"]), now)
    assert found["then"]["actions"] == 1
    assert "assumptions" not in found["then"]
    assert found["now"]["assumptions"] == ["seats=premium:+1"]
    assert found["now"]["directory"] == {"kind": "file", "complete": True, "users": 0}
    assert found["now"]["made_at"] == datetime(2026, 3, 1, 10, tzinfo=UTC).isoformat().replace(
        "+00:00", "Z"
    )


def test_the_difference_is_plain_json() -> None:
    found = plan_diff(made(["ada", "bob", "cyd"]), made(["bob"], ["eve"]))
    assert json.loads(json.dumps(found)) == found


# --- is it a plan? ----------------------------------------------------------------------------------


def test_what_the_program_writes_is_a_plan() -> None:
    assert fault_of(made(["ada", "bob", "cyd"], ["eve"]), "acme") is None


@pytest.mark.parametrize("key", PLAN)
def test_a_document_without_one_of_the_keys_is_none(key: str) -> None:
    document = made(["ada"])
    del document[key]
    assert fault_of(document, "acme") == f"{key} is missing"


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("actions",), {}, "actions is an object"),
        (("actions", 0), "x", "actions[0] is text"),
        (("actions", 0, "user_name"), None, "actions[0].user_name is null"),
        (("actions", 0, "because"), "x", "actions[0].because is text"),
        (("actions", 0, "because"), [1], "actions[0].because[0] is a number"),
        (("actions", 0, "external_id"), ["x"], "actions[0].external_id is a list"),
        (("actions", 0, "roles"), 1, "actions[0].roles is a number"),
        (("pool", "after", 1, "free"), True, "pool.after[1].free is true or false"),
        (("pool", "after", 1, "free"), 1.5, "pool.after[1].free is a number"),
        (("directory", "complete"), 1, "directory.complete is a number"),
        (("guard",), [], "guard is a list"),
    ],
)
def test_a_value_of_another_type_is_named_with_its_place(
    path: Sequence[Any], value: object, fault: str
) -> None:
    document: Any = made(["ada"])
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert fault_of(document, "acme") == fault


@pytest.mark.parametrize(
    ("document", "said"),
    [([], "a list"), (None, "null"), ("x", "text"), (1.5, "a number"), (True, "true or false")],
)
def test_any_other_json_is_no_plan(document: object, said: str) -> None:
    assert fault_of(document, "acme") == f"it is {said}, not a plan"


def test_a_plan_of_another_organisation_is_refused() -> None:
    assert fault_of(made(), "globex") == "it is a plan for 'acme', and this is 'globex'"
