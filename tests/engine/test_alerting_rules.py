"""Each rule: when it fires, what it says, how it ends, and that the runbook knows it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from idpsync.core.alerts import RUNBOOK, Alert, Severity
from idpsync.core.errors import CredentialsRejected
from idpsync.core.records import HoldState, RunState
from idpsync.engine import watch
from tests.engine.alerting_world import CAUSE, MINUTE, POLICY, Watched

RULES = (
    *("headroom", "test"),
    *(watch.STALE, watch.FAILING, watch.HELD, watch.INCOMPLETE),
    *(watch.LOGIN_REFUSED, watch.TARGET_REFUSED),
)


@pytest.fixture
def world() -> Watched:
    world = Watched()
    world.run()
    return world


def last(world: Watched, rule: str) -> Alert:
    return [a for a in world.receivers[0].heard if a.key == f"idpsync/acme/{rule}"][-1]


# --- stale -----------------------------------------------------------------------------------------


def test_no_good_run_for_three_intervals_is_stale(world: Watched) -> None:
    world.tick(30 * MINUTE)
    assert world.firing() == set()
    world.tick(MINUTE)
    assert world.firing() == {"reconcile.stale"}
    assert last(world, "reconcile.stale").severity is Severity.CRITICAL
    assert "30 minutes" in last(world, "reconcile.stale").summary
    world.run()
    world.tick()
    assert world.firing() == set()
    assert not last(world, "reconcile.stale").firing


def test_a_run_of_exactly_three_intervals_ago_is_not_yet_stale(world: Watched) -> None:
    world.tick(31 * MINUTE)
    world.run()
    world.tick(30 * MINUTE)
    assert world.firing() == set()


def test_a_process_that_has_just_started_waits_for_its_first_run(world: Watched) -> None:
    world.clock.advance(timedelta(days=3))
    world.start()
    world.tick()
    assert world.firing() == set()
    world.tick(31 * MINUTE)
    assert world.firing() == {"reconcile.stale"}


def test_a_restart_does_not_end_a_stale_alert(world: Watched) -> None:
    world.tick(31 * MINUTE)
    world.start()
    world.tick()
    assert world.firing() == {"reconcile.stale"}
    assert last(world, "reconcile.stale").firing


def test_a_run_that_hangs_is_stale(world: Watched) -> None:
    world.clock.advance(MINUTE)
    world.run(RunState.RUNNING)
    world.tick(31 * MINUTE)
    assert world.firing() == {"reconcile.stale"}


def test_a_person_whom_the_target_refuses_does_not_make_the_runs_stale_or_failing(
    world: Watched,
) -> None:
    for _ in range(5):
        world.clock.advance(10 * MINUTE)
        run = world.run(RunState.FAILED, "1 of 1 actions failed", done=0, failed=1)
        world.refuse_action(run, "ada@acme.example", "target: create account: HTTP 409")
        world.tick(timedelta(0))
    assert world.firing() == {"target.refused"}


# --- failing ---------------------------------------------------------------------------------------


def test_three_failures_in_a_row_are_told_and_one_is_not(world: Watched) -> None:
    for expected in (set(), set(), {"reconcile.failing"}):
        world.clock.advance(5 * MINUTE)
        world.run(RunState.FAILED, "ldap directory: read: cannot be reached")
        world.tick(timedelta(0))
        assert world.firing() == expected
    assert "cannot be reached" in last(world, "reconcile.failing").summary


def test_rejected_credentials_are_told_at_once(world: Watched) -> None:
    world.clock.advance(MINUTE)
    error = CredentialsRejected("scim target", "list accounts", "HTTP 401")
    world.run(RunState.FAILED, str(error))
    world.tick(timedelta(0))
    assert world.firing() == {"reconcile.failing"}
    assert "renew the credential" in last(world, "reconcile.failing").summary


def test_rejected_credentials_are_told_at_once_also_when_they_failed_in_mid_run(world: Watched) -> None:
    world.clock.advance(MINUTE)
    error = CredentialsRejected("scim target", "create account", "HTTP 401")
    world.run(RunState.FAILED, f"7 of 9 actions failed, the first: {error}", done=2, failed=7)
    world.tick(timedelta(0))
    assert "reconcile.failing" in world.firing()


def test_rejected_credentials_are_told_at_once_also_when_the_directory_was_incomplete(
    world: Watched,
) -> None:
    world.clock.advance(MINUTE)
    error = CredentialsRejected("scim target", "create account", "HTTP 401")
    world.run(RunState.INCOMPLETE, f"9 of 9 actions failed, the first: {error}", done=0, failed=9)
    world.tick(timedelta(0))
    assert "reconcile.failing" in world.firing()


def test_a_rejected_credential_followed_by_another_failure_is_not_over(world: Watched) -> None:
    world.clock.advance(MINUTE)
    world.run(RunState.FAILED, str(CredentialsRejected("scim target", "list accounts", "HTTP 401")))
    world.tick()
    world.run(RunState.FAILED, "scim target: list accounts: cannot be reached")
    world.tick()
    assert world.firing() == {"reconcile.failing"}


def test_failures_end_with_the_first_run_that_gets_through(world: Watched) -> None:
    for _ in range(4):
        world.clock.advance(MINUTE)
        world.run(RunState.FAILED, "down")
    world.tick()
    world.clock.advance(MINUTE)
    world.run()
    world.tick()
    assert world.firing() == set()
    assert not last(world, "reconcile.failing").firing


def test_runs_that_fail_are_one_alert_and_not_also_stale(world: Watched) -> None:
    for _ in range(10):
        world.clock.advance(10 * MINUTE)
        world.run(RunState.FAILED, "down")
        world.tick(timedelta(0))
    assert world.firing() == {"reconcile.failing"}


# --- held ------------------------------------------------------------------------------------------


def test_a_held_plan_names_the_limits_and_both_commands(world: Watched) -> None:
    world.hold("sha256:abc", "removals.percent: 30 of 10 allowed")
    world.run(RunState.HELD)
    world.tick()
    told = last(world, "plan.held")
    assert told.severity is Severity.CRITICAL
    for part in (
        "30 of 10",
        "`idpsync approve sha256:abc`",
        "`idpsync reject sha256:abc`",
        "nothing was written",
    ):
        assert part in told.summary


@pytest.mark.parametrize("decision", [HoldState.APPROVED, HoldState.REJECTED])
def test_a_decision_ends_it(world: Watched, decision: HoldState) -> None:
    world.hold("sha256:abc", "removals.percent")
    world.tick()
    world.store.runs.decide("sha256:abc", decision, CAUSE)
    world.tick()
    assert world.firing() == set()


def test_another_plan_held_for_the_same_reason_is_the_same_trouble(world: Watched) -> None:
    world.hold("sha256:abc", "removals.percent")
    world.tick()
    world.hold("sha256:def", "removals.percent")
    world.tick()
    assert len([a for a in world.receivers[0].heard if a.firing]) == 1
    assert world.state("plan.held").facts["digest"] == "sha256:def"


def test_while_somebody_has_to_decide_the_runs_are_not_also_stale(world: Watched) -> None:
    world.hold("sha256:abc", "removals.percent")
    world.tick(5 * POLICY.stale_window)
    assert world.firing() == {"plan.held"}


def test_a_rejected_plan_that_keeps_coming_back_is_stale(world: Watched) -> None:
    world.hold("sha256:abc", "removals.percent")
    world.store.runs.decide("sha256:abc", HoldState.REJECTED, CAUSE)
    world.clock.advance(31 * MINUTE)
    world.run(RunState.HELD)
    world.tick(timedelta(0))
    assert world.firing() == {"reconcile.stale"}


# --- incomplete ------------------------------------------------------------------------------------


def test_an_incomplete_read_names_what_is_missing_and_says_that_nothing_was_removed(
    world: Watched,
) -> None:
    world.clock.advance(MINUTE)
    world.run(RunState.INCOMPLETE, problems=("group 'Claude Premium' is gone",))
    world.tick()
    told = last(world, "directory.incomplete")
    assert told.severity is Severity.WARNING
    assert "group 'Claude Premium' is gone" in told.summary
    assert "nothing was removed" in told.summary


def test_one_of_several_directories_that_rejects_our_credentials_is_critical(world: Watched) -> None:
    world.clock.advance(MINUTE)
    error = CredentialsRejected("okta directory", "get access token", "HTTP 401")
    world.run(RunState.INCOMPLETE, problems=(f"directory 'okta': was not read: {error}",))
    world.tick()
    assert last(world, "directory.incomplete").severity is Severity.CRITICAL


def test_a_failed_run_says_nothing_about_completeness(world: Watched) -> None:
    world.clock.advance(MINUTE)
    world.run(RunState.INCOMPLETE, problems=("cut",))
    world.tick()
    world.run(RunState.FAILED, "down")
    world.tick()
    assert "directory.incomplete" in world.firing()
    world.run()
    world.tick()
    assert "directory.incomplete" not in world.firing()


def test_a_directory_that_stays_incomplete_becomes_stale(world: Watched) -> None:
    world.clock.advance(31 * MINUTE)
    world.run(RunState.INCOMPLETE, problems=("cut",))
    world.tick()
    assert world.firing() == {"directory.incomplete", "reconcile.stale"}


# --- refused logins --------------------------------------------------------------------------------


def test_refused_people_are_named_in_one_alert_that_grows(world: Watched) -> None:
    world.refuse_login("ada@acme.example", "no_seat", "premium is full (20 of 20)")
    world.tick()
    world.refuse_login("bob@acme.example")
    world.refuse_login("bob@acme.example")
    world.tick()
    told = [a for a in world.receivers[0].heard if a.key.endswith("login.refused")]
    assert len(told) == 1
    assert told[0].severity is Severity.CRITICAL
    assert "ada@acme.example" in told[0].summary
    assert told[0].facts["because"] == "ada@acme.example: premium is full (20 of 20)"
    state = world.state("login.refused")
    assert state.facts["people"] == "ada@acme.example, bob@acme.example"
    assert state.facts["reasons"] == "2 × no_seat"


def test_it_ends_when_everybody_has_a_seat(world: Watched) -> None:
    world.refuse_login("user0@acme.example")
    world.tick()
    world.seat(1)
    world.tick()
    assert world.firing() == set()
    assert not last(world, "login.refused").firing


def test_it_ends_when_nobody_has_tried_again_for_the_interval(world: Watched) -> None:
    world.refuse_login("eve@other.example", "domain_not_verified")
    world.tick()
    assert last(world, "login.refused").severity is Severity.WARNING
    world.run()
    world.tick(POLICY.repeat - 2 * MINUTE)
    assert "login.refused" in world.firing()
    world.tick(2 * MINUTE)
    assert "login.refused" not in world.firing()


def test_a_long_silence_of_the_runs_does_not_keep_old_refusals(world: Watched) -> None:
    world.refuse_login("ada@acme.example")
    world.tick(POLICY.repeat)  # the last run is as old as the refusal
    assert "login.refused" not in world.firing()


def test_many_names_are_counted_and_not_all_spelled_out(world: Watched) -> None:
    for number in range(30):
        world.refuse_login(f"p{number:02}@acme.example")
    world.tick()
    told = last(world, "login.refused")
    assert "p09@acme.example and 20 more" in told.summary
    assert "p10@" not in told.summary


# --- refused actions -------------------------------------------------------------------------------


def test_what_the_target_refused_is_named_with_its_answer(world: Watched) -> None:
    world.clock.advance(MINUTE)
    run = world.run(RunState.FAILED, "1 of 9 actions failed", done=8, failed=1)
    world.refuse_action(run, "ada@acme.example", "scim target: create account: HTTP 409: taken")
    world.tick()
    told = last(world, "target.refused")
    assert told.severity is Severity.WARNING
    assert "ada@acme.example" in told.summary
    assert "HTTP 409: taken" in told.summary
    world.run()
    world.tick()
    assert not last(world, "target.refused").firing


def test_a_target_that_did_nothing_at_all_is_critical(world: Watched) -> None:
    world.clock.advance(MINUTE)
    run = world.run(RunState.FAILED, "3 of 3 actions failed", done=0, failed=3)
    for name in ("ada", "bob", "cyd"):
        world.refuse_action(run, f"{name}@acme.example", "HTTP 400")
    world.tick()
    assert last(world, "target.refused").severity is Severity.CRITICAL


def test_failures_of_an_earlier_run_are_over(world: Watched) -> None:
    world.clock.advance(MINUTE)
    run = world.run(RunState.FAILED, "1 of 9 actions failed", done=8, failed=1)
    world.refuse_action(run, "ada@acme.example", "HTTP 409")
    world.clock.advance(MINUTE)
    world.run()
    world.tick()
    assert world.firing() == set()


# --- the runbook -----------------------------------------------------------------------------------


def sections() -> dict[str, str]:
    """Anchor → text, anchors made as code hosts make them from headings."""
    text = (Path(__file__).parents[2] / RUNBOOK).read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return {
        heading.lower().replace(" ", "-"): body
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_section_in_the_runbook(rule: str) -> None:
    assert watch.anchor(rule) in sections()


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "test"])
def test_every_section_says_what_it_means_who_feels_it_what_to_do_and_how_it_ends(rule: str) -> None:
    body = sections()[watch.anchor(rule)]
    for part in ("**Meaning.**", "**Who feels it.**", "**Do.**", "**Ends**"):
        assert part in body


def test_the_runbook_has_no_section_without_a_rule() -> None:
    assert set(sections()) == {watch.anchor(rule) for rule in RULES}
