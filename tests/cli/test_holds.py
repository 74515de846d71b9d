"""Held plans at the command line: what is shown, and that the commands it prints do what they say."""

import re

import pytest

from tests.cli.conftest import PEOPLE, Inside
from tests.e2e.program import Ended

LINES = PEOPLE.splitlines()
BOB, CLEO = "bob@acme.example", "cleo@acme.example"


def write(idpsync: Inside, *gone: str, name: str = "people.csv") -> None:
    kept = [line for line in LINES if not any(f",{who}," in line for who in gone)]
    (idpsync.folder / name).write_text("\n".join(kept) + "\n", encoding="utf-8")


@pytest.fixture
def shrinking(staffed: Inside) -> Inside:
    """bob and cleo have left since; one may go."""
    staffed.config["guard"] = {"removals": {"count": 1}, "tier_drops": "off"}
    write(staffed, BOB, CLEO)
    return staffed


def command(ended: Ended, verb: str) -> list[str]:
    """The words of a command that was printed."""
    (line,) = re.findall(rf"^\s*`?(idpsync {verb} sha256:\w+)`?$", ended.out, re.MULTILINE)
    return str(line).split()[1:]


def standings(idpsync: Inside) -> dict[str, str]:
    return {row["email"]: row["standing"] for row in idpsync.json("members")["members"]}


def states(idpsync: Inside) -> list[str]:
    return [held["state"] for held in idpsync.json("holds")]


# --- what is shown ------------------------------------------------------------------------------------


def test_a_held_plan_names_the_limit_the_people_and_both_commands(shrinking: Inside) -> None:
    shown = shrinking.call("plan")

    assert shown.code == 3
    for part in ("removals.count", "allowed 1", "seen 2", "2/4", BOB, CLEO):
        assert part in shown.out
    assert command(shown, "approve")[1] == command(shown, "reject")[1]
    assert states(shrinking) == []  # looking writes nothing


def test_the_json_of_a_held_plan_has_every_limit_and_the_people(shrinking: Inside) -> None:
    told = shrinking.call("plan", "--json")

    assert told.code == 3
    guard = told.json["guard"]
    assert guard["held"]
    assert [c for c in guard["limits"] if c["tripped"]] == [
        {
            "name": "removals.count",
            "allowed": 1,
            "seen": 2,
            "counted": "2/4",
            "tripped": True,
            "people": [BOB, CLEO],
        },
        {
            "name": "removals.percent",
            "allowed": 10.0,
            "seen": 50.0,
            "counted": "2/4",
            "tripped": True,
            "people": [BOB, CLEO],
        },
    ]


def test_holds_shows_why_whom_and_what_to_do(shrinking: Inside) -> None:
    assert shrinking.call("apply", "--yes").code == 3

    shown = shrinking.done("holds")
    (told,) = shrinking.json("holds")

    assert f"removals.percent: allowed 10 %, seen 50 % (2/4): {BOB}, {CLEO}" in shown.out
    assert command(shown, "approve") == ["approve", told["digest"]]
    assert command(shown, "reject") == ["reject", told["digest"]]
    assert (told["state"], told["limits"]) == ("held", ["removals.count", "removals.percent"])


def test_the_end_of_a_run_in_json_and_the_alert_say_the_same(shrinking: Inside) -> None:
    ended = shrinking.call("apply", "--yes", "--json")

    assert ended.code == 3
    error = ended.json["error"]
    (alert,) = [a for a in shrinking.json("alerts") if "plan.held" in a["key"]]
    digest = ended.json["plan"]["digest"]
    for said in (error, alert["summary"]):
        for part in (f"{BOB}, {CLEO}", f"idpsync approve {digest}", f"idpsync reject {digest}"):
            assert part in said


def test_the_commands_say_what_they_take(idpsync: Inside) -> None:
    for verb in ("approve", "reject"):
        assert "the one that `idpsync plan` has just" in idpsync.done(verb, "--help").out


def test_observe_ends_with_3_and_offers_nothing_to_approve(shrinking: Inside) -> None:
    shrinking.config["policy"]["mode"] = "observe"
    assert shrinking.call("plan", "--json", "--out", "old.json").code == 3

    for words in (("plan",), ("plan", "--diff", "old.json"), ("apply", "--yes")):
        ended = shrinking.call(*words)
        assert ended.code == 3
        assert "approve" not in ended.out + ended.err
    assert "In mode full the guard would hold this plan: removals.count: allowed 1, seen 2" in ended.out
    assert states(shrinking) == []
    assert {alert["phase"] for alert in shrinking.json("alerts")} == {"ok"}


# --- deciding -----------------------------------------------------------------------------------------


def test_the_commands_that_plan_prints_work_at_once(shrinking: Inside) -> None:
    approved = shrinking.done(*command(shrinking.call("plan"), "approve"))

    assert f"removals.percent: allowed 10 %, seen 50 % (2/4): {BOB}, {CLEO}" in approved.out
    assert "It passes once, until 20" in approved.out
    shrinking.done(*command(approved, "apply --digest"))
    assert states(shrinking) == ["used"]
    assert BOB not in {who for who, standing in standings(shrinking).items() if standing == "active"}


def test_who_approved_is_in_the_ledger(shrinking: Inside) -> None:
    shrinking.done(*command(shrinking.call("plan"), "approve"))

    rows = [(r["event"], r["actor"].partition(":")[0]) for r in shrinking.json("ledger")]
    assert rows[-2:] == [("plan.held", "cli"), ("plan.approved", "cli")]


def test_a_plan_rejected_from_a_look_stays_stopped(shrinking: Inside) -> None:
    rejected = shrinking.done(*command(shrinking.call("plan"), "reject"))
    assert "nothing was written" in rejected.out

    ended = shrinking.call("apply", "--yes", "--json")

    assert ended.code == 3
    assert "it stays stopped, as cli:" in ended.json["error"]
    assert states(shrinking) == ["rejected"]
    assert not [
        a for a in shrinking.json("alerts") if "plan.held" in a["key"] and a["phase"] == "firing"
    ]


def test_an_approval_says_whose_rejection_it_reverses(shrinking: Inside) -> None:
    assert shrinking.call("apply", "--yes").code == 3
    (held,) = shrinking.json("holds")
    first = shrinking.done("approve", held["digest"])
    assert "reverses" not in first.out

    shrinking.done("reject", held["digest"])
    approved = shrinking.done("approve", held["digest"])

    assert re.search(
        r"^This reverses the rejection by cli:\S+ of 20\d\d-\d\d-\d\d \d\d:\d\d UTC\.$",
        approved.out,
        re.MULTILINE,
    )


@pytest.mark.parametrize("wrong", ["abc", "", "sha256:", "sha256:xyz", "md5:00"])
def test_what_is_no_digest_is_a_usage_error_and_no_run(staffed: Inside, wrong: str) -> None:
    runs = [row for row in staffed.json("ledger") if row["event"] == "run.ended"]

    ended = staffed.call("apply", "--yes", "--digest", wrong)

    assert ended.code == 2
    assert f"'{wrong}' is no digest: copy the one of `idpsync plan`" in ended.err
    assert [row for row in staffed.json("ledger") if row["event"] == "run.ended"] == runs


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_digest_that_is_not_that_of_the_present_plan_is_refused(shrinking: Inside, verb: str) -> None:
    refused = shrinking.call(verb, "sha256:0000")

    assert refused.code == 2
    assert "no plan with digest sha256:0000 is held, and the plan made now has sha256:" in refused.err
    assert "Traceback" not in refused.err
    assert states(shrinking) == []


def test_a_plan_within_the_limits_needs_no_approval(staffed: Inside) -> None:
    digest = staffed.json("plan")["digest"]

    refused = staffed.call("approve", digest)

    assert refused.code == 2
    assert f"`idpsync apply --digest {digest}` carries it out" in refused.err


# --- reads that are not believed ----------------------------------------------------------------------


def test_a_missing_canary_takes_nothing_and_ends_with_4(shrinking: Inside) -> None:
    shrinking.config["guard"] = {"must_contain": ["root@acme.example"]}

    for verb in (("plan",), ("apply", "--yes")):
        ended = shrinking.call(*verb)
        assert ended.code == 4
        assert "must_contain: root@acme.example not found in the directory" in ended.out
    assert set(standings(shrinking).values()) == {"active"}


def test_another_file_is_another_scope_and_takes_nothing_unseen(staffed: Inside) -> None:
    write(staffed, BOB, name="other.csv")
    staffed.config["directory"]["path"] = str(staffed.folder / "other.csv")

    shown = staffed.call("plan")

    assert shown.code == 3
    assert "scope" in shown.out
    assert "something else is asked for than at the last complete read" in shown.out
    staffed.done(*command(shown, "approve"))
    assert staffed.call("apply", "--yes").code == 0
    assert staffed.call("plan").code == 0


def test_a_group_that_is_gone_says_which_key_to_change(staffed: Inside) -> None:
    text = PEOPLE.replace("Premium", "Gold")
    (staffed.folder / "people.csv").write_text(text, encoding="utf-8")

    ended = staffed.call("plan", "--json")

    assert ended.code == 4
    assert ended.json["actions"] == []
    (problem,) = ended.json["directory"]["problems"]
    assert "group 'Premium' is gone" in problem
    assert "change policy.rules[0].group; until then nobody loses anything" in problem
