"""The JSON documents, on content."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idpsync.core.alerts import Phase
from idpsync.core.records import Cause, LedgerEntry
from tests.console.scenes import DIGEST, Stage, busy, fire, invite, row, store, wait, wish
from tests.fakes.store import FakeStore
from tests.people import NOW, STANDARD


def ask(into: FakeStore, path: str) -> Any:
    answer = Stage(into).get(f"/api/v1/{path}")
    assert answer.status == 200, answer.text
    return json.loads(answer.text)


def test_seats_tell_each_tier_and_the_total() -> None:
    seats = ask(busy(), "seats")
    premium, standard = seats["tiers"]
    assert seats["organization"] == "acme"
    assert (premium["tier"], premium["purchased"], premium["assigned"]) == ("premium", 20, 21)
    assert (premium["free"], premium["waiting"]) == (0, 2)
    assert (standard["held"], standard["reserved"], standard["free"]) == (2, 2, 4)
    assert premium["as_of"] == "2026-03-01T10:00:00Z"
    assert seats["total"]["purchased"] == 120


def test_pending_invites_are_counted_among_the_held() -> None:
    into = store()
    invite(into, STANDARD, "dora")
    _, standard = ask(into, "seats")["tiers"]
    assert (standard["held"], standard["pending_invites"]) == (1, 1)
    into.invites.withdraw("dora@acme.example", Cause("cli:root"))
    assert ask(into, "seats")["total"]["pending_invites"] == 0


def test_an_empty_store_has_documents_too() -> None:
    into = store({})
    assert ask(into, "seats")["total"]["purchased"] == 0
    for path in ("waitlist", "alerts", "runs", "holds", "ledger"):
        assert ask(into, path) == []


def test_the_wait_list_counts_positions_per_tier() -> None:
    into = store()
    wait(into, wish("bob@acme.example", hours=2), wish("eve@acme.example", STANDARD, hours=1))
    wait(into, wish("Carla@acme.example", hours=1))
    rows = {r["user_name"]: r for r in ask(into, "waitlist")}
    assert {name: r["position"] for name, r in rows.items()} == {
        "bob@acme.example": 1,
        "eve@acme.example": 1,
        "Carla@acme.example": 2,
    }
    assert rows["bob@acme.example"]["since"] == "2026-03-01T08:00:00Z"
    assert rows["bob@acme.example"]["because"] == ["premium is full"]
    assert rows["bob@acme.example"]["holds"] is None


def test_alerts_tell_phase_severity_and_runbook() -> None:
    into = store()
    state = fire(into, "headroom/premium", "premium: 0 of 20 seats free")
    assert ask(into, "alerts") == [
        {
            "key": state.key,
            "phase": "firing",
            "severity": "critical",
            "summary": "premium: 0 of 20 seats free",
            "facts": {},
            "runbook": "deploy/RUNBOOK.md#headroom",
            "pending_since": None,
            "firing_since": "2026-03-01T09:48:00Z",
            "last_sent_at": None,
            "acknowledged_by": None,
            "silenced_until": None,
        }
    ]


def test_an_alert_that_is_over_is_told_with_its_phase() -> None:
    into = store()
    over = replace(fire(into, "plan.held", "no plan is held"), severity=None, phase=Phase.OK)
    into.alerts.save([over], [])
    assert [(a["phase"], a["severity"]) for a in ask(into, "alerts")] == [("ok", None)]


def test_runs_come_newest_first_with_their_errors() -> None:
    runs = ask(busy(), "runs")
    assert [run["state"] for run in runs] == ["held", "failed", "incomplete", "done", "done"]
    assert "credentials rejected" in runs[1]["error"]
    assert runs[2]["problems"] == ["group 'Claude Users': size limit reached at 1,500 rows"]


def test_holds_carry_digest_limits_and_plan() -> None:
    (held,) = ask(busy(), "holds")
    assert (held["digest"], held["state"]) == (DIGEST, "held")
    assert held["tripped"] == ["removals.percent: allowed 10 %, seen 25.4 % (30/118)"]
    assert len(held["plan"]["actions"]) == 33


def test_the_ledger_of_one_person_whatever_the_case() -> None:
    rows = ask(busy(), "ledger?user=Mallory@Other.example")
    assert [(r["event"], r["outcome"]) for r in rows] == [("login.refused", "refused")]
    assert rows[0]["because"] == ["other.example is not a verified domain"]


def test_the_ledger_since_an_instant() -> None:
    into = store()
    old = LedgerEntry(NOW - timedelta(days=2), "sync", "account.created", "old@acme.example")
    into.ledger.append([old, row("account.created", "new@acme.example")], Cause("sync"))
    for since in (
        "2026-03-01T09:00:00Z",
        "2026-03-01T09:00:00",
        "2026-03-01",
        "2026-03-01T06:00:00-03:00",
    ):
        assert [r["member"] for r in ask(into, f"ledger?since={since}")] == ["new@acme.example"]
    assert len(ask(into, "ledger?since=2026-02-27T09:00:00%2B00:00")) == 2


def test_the_ledger_is_limited_to_the_newest() -> None:
    into = store()
    into.ledger.append([row("account.created", f"p{n}@acme.example") for n in range(300)])
    assert [r["member"] for r in ask(into, "ledger?limit=2")] == [
        "p298@acme.example",
        "p299@acme.example",
    ]
    assert len(ask(into, "ledger")) == 200


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=1001",
        "limit=ten",
        "limit=²",
        "limit=" + "9" * 5000,
        "since=yesterday",
    ],
)
def test_what_makes_no_sense_is_refused_with_the_right_form(query: str) -> None:
    answer = Stage(store()).get(f"/api/v1/ledger?{query}")
    problem = json.loads(answer.text)
    assert (answer.status, problem["error"]) == (400, "bad_request")
    assert problem["message"].startswith(("limit: give", "since: give"))
