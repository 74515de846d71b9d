"""The console page of an admin, on content."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from idpsync.core.alerts import Phase, Severity
from idpsync.core.records import Cause, HoldState, RunState
from idpsync.core.seats import Claim, WaitEntry
from tests.console.scenes import (
    DIGEST,
    Stage,
    busy,
    calm,
    counted,
    empty,
    fire,
    hold_plan,
    ran,
    row,
    seat,
    store,
    wait,
    wish,
)
from tests.fakes.store import FakeStore
from tests.people import NOW, PREMIUM, STANDARD

EVIL = "<script>alert('x')</script>"


def page(into: FakeStore) -> str:
    answer = Stage(into).get("/")
    assert answer.status == 200
    return answer.text


def section(text: str, name: str) -> str:
    """The words of one section, tags taken away."""
    found = re.search(rf'<section id="{name}".*?</section>', text, re.DOTALL)
    assert found, f"no section {name}"
    return words_of(found[0])


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def verdict(text: str) -> str:
    found = re.search(r'<section class="verdict".*?</section>', text, re.DOTALL)
    assert found
    return words_of(found[0])


# --- the verdict ---------------------------------------------------------------------------------


def test_on_a_good_day_the_page_says_so() -> None:
    said = verdict(page(calm()))
    assert "All is well" in said
    assert "45 of 120 seats free" in said
    assert "nobody waits" in said
    assert "last run 4 minutes ago: nothing to change" in said
    assert "As of 2026-03-01 10:00:00 UTC" in said


def test_on_a_bad_night_the_worst_is_named_first() -> None:
    text = page(busy())
    said = verdict(text)
    assert "<title>Act now · Acme Ltda</title>" in text
    assert said.index("1 over the contract") < said.index("a plan is held") < said.index("all tiers:")
    assert "3 people wait for a seat" in said
    assert "1 alert acknowledged or silenced" in said


def test_what_keeps_the_program_from_its_work_stands_in_the_verdict() -> None:
    answer = Stage(calm(), problems=["no run for 40 minutes"]).get("/")
    assert "not ready: no run for 40 minutes" in verdict(answer.text)
    assert "Act now" in verdict(answer.text)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (RunState.FAILED, "the last run failed"),
        (
            RunState.INCOMPLETE,
            "could not read the whole directory: nothing was removed for what is missing",
        ),
    ],
)
def test_a_bad_last_run_is_worth_a_look(state: RunState, said: str) -> None:
    into = calm()
    ran(into, state, minutes=1, error="ldap directory: read: timed out")
    assert "Worth a look" in verdict(page(into))
    assert said in verdict(page(into))


def test_a_run_under_way_does_not_hide_that_the_last_one_failed() -> None:
    into = calm()
    ran(into, RunState.FAILED, minutes=2, error="x")
    ran(into, RunState.RUNNING, minutes=1)
    said = verdict(page(into))
    assert "a run is under way, begun 1 minute ago" in said
    assert "the last run failed" in said


def test_many_alerts_are_named_up_to_five_and_then_counted() -> None:
    into = calm()
    for n in range(9):
        fire(into, f"rule{n}", f"trouble {n}", Severity.WARNING)
    said = verdict(page(into))
    assert "trouble 4" in said
    assert "trouble 5" not in said
    assert "4 more alerts" in said


# --- the sections --------------------------------------------------------------------------------


def test_an_empty_store_says_what_would_appear() -> None:
    text = page(empty())
    assert "Nothing has run yet" in verdict(text)
    assert "no seat is purchased" in verdict(text)
    for name in ("alerts", "held", "queue", "trend", "runs", "ledger", "members"):
        assert "would" in section(text, name)
    assert "none purchased" in section(text, "headroom")


def test_headroom_gives_every_number_in_text() -> None:
    said = section(page(busy()), "headroom")
    assert "premium 1 over the contract , 2 waiting ■ critical 20 21 0 0 0 2" in said
    assert "standard 4 free , 2 reserved for logins, 1 waiting 100 94 2 2 4 1" in said
    assert "all tiers 4 free, 1 over the contract" in said


def test_a_bar_is_spoken_for_those_who_do_not_see_it() -> None:
    text = page(busy())
    spoken = "premium: 21 assigned, 0 held, 0 free of 20 purchased, 1 seat over the contract"
    assert f'aria-label="{spoken}"' in text


def test_an_overdrawn_pool_without_any_alert_rule_is_still_shown() -> None:
    into = store({PREMIUM: 1, STANDARD: 1})
    seat(into, PREMIUM, "ada", "bob", "carla")
    ran(into, RunState.DONE)
    text = page(into)
    assert "premium: 2 over the contract" in verdict(text)
    assert "2 over the contract ▲ warning" in section(text, "headroom")
    assert 'class="beyond"' in text


def test_the_queue_shows_place_wish_and_reason() -> None:
    into = store()
    entry = WaitEntry("bob", "bob@acme.example", PREMIUM, NOW - timedelta(hours=3), STANDARD, owed=True)
    wait(into, replace(entry, because=("group 'P' → premium", "premium is full (20 of 20)")))
    wait(into, wish("eve@acme.example"))
    said = section(page(into), "queue")
    assert "1 (owed a seat) bob@acme.example premium standard 3 hours ago 2026-03-01 07:00 UTC" in said
    assert "premium is full (20 of 20)" in said
    assert "2 eve@acme.example premium no seat 1 hour ago" in said


def test_a_long_queue_is_cut_and_says_where_the_rest_is() -> None:
    into = store()
    wait(into, *(wish(f"p{n:03}@acme.example") for n in range(130)))
    said = section(page(into), "queue")
    assert "p099@" in said
    assert "p100@" not in said
    assert "30 more: idpsync waitlist" in said


def test_alerts_come_worst_first_and_the_handled_ones_last() -> None:
    said = section(page(busy()), "alerts")
    order = [said.index(t) for t in ("0 of 20 seats", "plan held", "4 of 120 seats", "refused at login")]
    assert order == sorted(order)
    assert "add seats: idpsync seats add premium=4" in said
    assert "Since 12 minutes ago (2026-03-01 09:48 UTC)" in said
    assert "deploy/RUNBOOK.md#headroom" in said
    assert "acknowledged by cli:ada" in said


def test_alerts_that_are_over_or_only_pending_are_not_shown() -> None:
    into = calm()
    for rule, phase in (("gone", Phase.OK), ("soon", Phase.PENDING)):
        state = fire(into, rule, f"it is {rule}")
        into.alerts.save([replace(state, phase=phase)], [])
    assert section(page(into), "alerts").startswith("Alerts firing now None.")


def test_a_silenced_alert_says_when_it_speaks_again() -> None:
    into = calm()
    state = fire(into, "headroom/total", "all tiers: 4 of 120 seats free")
    into.alerts.silence(state.key, NOW + timedelta(hours=2), Cause("cli:ada"))
    text = page(into)
    assert "silenced, speaks again in 2 hours" in section(text, "alerts")
    assert "Worth a look" in verdict(text)


def test_a_held_plan_shows_what_it_would_do_and_both_commands() -> None:
    said = section(page(busy()), "held")
    assert "deactivate 30 accounts, change the tier of 2 accounts, create 1 account" in said
    assert "member09@acme.example and 20 more" in said
    assert "removals.percent: allowed 10 %, seen 25.4 % (30/118)" in said
    assert f"idpsync approve {DIGEST}" in said
    assert f"idpsync reject {DIGEST}" in said


def test_an_approved_plan_waits_for_its_run_and_a_rejected_one_is_gone() -> None:
    into = calm()
    hold_plan(into, {"deactivate_account": 30})
    into.runs.decide(DIGEST, HoldState.APPROVED, Cause("cli:ada"))
    text = page(into)
    assert "Approved by cli:ada: the next run may deactivate 30 accounts" in section(text, "held")
    assert "idpsync approve" not in text
    assert "All is well" in verdict(text)
    into.runs.decide(DIGEST, HoldState.REJECTED, Cause("cli:ada"))
    assert "Held plans None." in section(page(into), "held")


def test_runs_show_state_duration_changes_and_error() -> None:
    said = section(page(busy()), "runs")
    assert "2026-03-01 09:56 UTC by schedule ■ held 12 s nothing was written, 33 changes held" in said
    assert "■ failed 12 s nothing was written ldap directory: read: credentials rejected" in said
    assert "▲ incomplete 12 s 2 of 2 changes made, 3 waiting, 1 refused group 'Claude" in said.replace(
        "&#39;", "'"
    )
    assert "5 of 6 changes made, 1 not" in said


def test_the_ledger_shows_the_newest_fifty_newest_first() -> None:
    into = store()
    into.ledger.append([row("account.created", f"p{n:03}@acme.example") for n in range(60)])
    said = section(page(into), "ledger")
    assert said.index("p059@") < said.index("p058@") < said.index("p010@")
    assert "p009@" not in said


def test_a_ledger_row_shows_who_by_whom_why_and_what() -> None:
    into = store()
    into.seats.hold(
        Claim("bob@acme.example", "bob@acme.example", (STANDARD,)), Cause("jit", ("first login",))
    )
    into.ledger.append([row("account.created", "eve@acme.example", "no seat left", outcome="failed")])
    said = section(page(into), "ledger")
    assert "seat.held bob@acme.example jit" in said
    assert "tier standard · door sync" in said
    assert "account.created ▲ failed eve@acme.example sync no seat left" in said


def test_members_are_listed_with_tier_and_state() -> None:
    said = section(page(busy()), "members")
    assert "person00@acme.example premium assigned" in said
    assert "newcomer@acme.example standard held" in said
    assert "Show 117 seats" in said


def test_the_trend_keeps_the_lowest_point_and_says_it() -> None:
    into = store()
    frees = {27: 9, 14: 0, 1: 4}
    into.runs.finish(
        ran(into, RunState.DONE), [counted(PREMIUM, free, days=days) for days, free in frees.items()]
    )
    text = page(into)
    assert "premium most 9 · lowest 0 (2026-02-15) · now 4" in section(text, "trend")
    assert "premium: 9 free seats on 2026-02-02, lowest 0 on 2026-02-15, 4 at the last run" in text


def test_the_page_says_for_how_many_accounts_we_answer() -> None:
    assert "idpsync answers for 74 accounts" in words_of(page(calm()))


# --- safety and access ---------------------------------------------------------------------------


def test_nothing_that_comes_from_outside_becomes_markup() -> None:
    into = store()
    into.alerts.save([replace(fire(into, f"x/{EVIL}", f"{EVIL}; `{EVIL}`"), runbook=EVIL)], [])
    seat(into, PREMIUM, EVIL)
    wait(into, wish(EVIL, because=EVIL))
    ran(into, RunState.FAILED, error=EVIL, problems=(EVIL,))
    held = hold_plan(into, {})
    plan = {"actions": [{"kind": "delete_account", "user_name": EVIL}]}
    into.runs.held[held.digest] = replace(held, tripped=(EVIL,), plan=plan)
    into.ledger.append([replace(row(EVIL, EVIL, EVIL, outcome=EVIL), detail={EVIL: EVIL}, actor=EVIL)])
    text = page(into)
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(") >= 14


def test_the_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    text = page(busy())
    assert "<script" not in text
    assert "style=" not in text
    assert not re.search(r'(src|href)="(https?:)?//', text)


def test_it_reloads_by_itself_only_when_asked_to() -> None:
    assert 'http-equiv="refresh"' not in page(calm())
    live = Stage(calm()).get("/?live=1").text
    assert '<meta http-equiv="refresh" content="30">' in live
    assert "Stop reloading" in live


def test_tables_say_what_their_rows_and_columns_are() -> None:
    text = page(busy())
    assert text.count("<table") == text.count("<caption>") == 5
    assert not re.search(r"<th(?![^>]*scope=)[ >]", text)
    assert '<html lang="en">' in text
    assert text.count("<main") == text.count("<h1") == 1


def test_every_link_inside_the_page_leads_somewhere() -> None:
    text = page(busy())
    for anchor in re.findall(r'href="#([^"]+)"', text):
        assert f'id="{anchor}"' in text


def test_the_ids_of_the_page_are_distinct() -> None:
    ids = re.findall(r' id="([^"]+)"', page(busy()))
    assert len(ids) == len(set(ids))


def test_style_sheet_and_icon_are_served_from_here() -> None:
    stage = Stage(calm())
    for path in re.findall(r'<link[^>]+href="([^"]+)"', page(calm())):
        assert stage.get(path).status == 200
