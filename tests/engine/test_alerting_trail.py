"""The ledger is read once, then only its end; and what a scrape shows of it all."""

from datetime import datetime, timedelta

import pytest

from idpsync.core.records import LedgerEntry, RunState
from idpsync.engine.gauges import Gauges
from idpsync.engine.trail import Trail
from idpsync.metrics import TierCount
from tests.engine.alerting_world import MINUTE, Watched
from tests.fakes.ledger import FakeLedger
from tests.fakes.marks import FakeLease
from tests.people import NOW, PREMIUM, STANDARD, StoppedClock


class CountingLedger(FakeLedger):
    """Keeps from when on it was asked."""

    def __init__(self) -> None:
        clock = StoppedClock()
        super().__init__(clock, FakeLease(clock))
        self.asked: list[datetime | None] = []

    def entries(
        self, member: str | None = None, since: datetime | None = None, limit: int | None = None
    ) -> tuple[LedgerEntry, ...]:
        self.asked.append(since)
        return super().entries(member, since, limit)

    def write(self, event: str, member: str, outcome: str, at: datetime) -> None:
        self.append([LedgerEntry(at, "jit", event, member, outcome=outcome)])


def after(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.fixture
def ledger() -> CountingLedger:
    return CountingLedger()


def test_only_what_rules_look_at_is_kept(ledger: CountingLedger) -> None:
    ledger.write("login.refused", "ada", "refused", NOW)
    ledger.write("login.admitted", "bob", "done", NOW)
    ledger.write("account.created", "cyd", "failed", NOW)
    ledger.write("account.created", "dan", "unknown", NOW)
    ledger.write("account.created", "eve", "done", NOW)
    assert [row.member for row in Trail(ledger).rows(NOW, after(1))] == ["ada", "cyd", "dan"]


def test_the_second_look_reads_only_the_end_and_forgets_nothing(ledger: CountingLedger) -> None:
    trail = Trail(ledger)
    ledger.write("login.refused", "ada", "refused", NOW)
    trail.rows(NOW, after(60))
    ledger.write("login.refused", "bob", "refused", after(60))
    assert [row.member for row in trail.rows(NOW, after(61))] == ["ada", "bob"]
    assert ledger.asked == [NOW, after(58)]


def test_a_row_that_shows_up_late_is_seen_and_none_is_seen_twice(ledger: CountingLedger) -> None:
    trail = Trail(ledger)
    ledger.write("login.refused", "ada", "refused", after(9))
    trail.rows(NOW, after(10))
    ledger.write("login.refused", "bob", "refused", after(9))
    assert [row.member for row in trail.rows(NOW, after(11))] == ["ada", "bob"]


def test_what_is_older_than_wanted_is_dropped(ledger: CountingLedger) -> None:
    trail = Trail(ledger)
    ledger.write("login.refused", "ada", "refused", NOW)
    trail.rows(NOW, after(1))
    assert trail.rows(after(1), after(2)) == ()


def test_a_scrape_shows_seats_runs_alerts_and_held_plans() -> None:
    world = Watched()
    world.run()
    world.seat(16)
    world.wait("zoe@acme.example")
    world.clock.advance(MINUTE)
    world.run(RunState.FAILED, "down")
    world.hold("sha256:1", "removals.count")
    world.tick()
    store = world.store
    gauges = Gauges(
        organization="acme",
        seats=store.seats,
        runs=store.runs,
        alerts=store.alerts,
        pending=lambda: 7,
    )
    reading = gauges.read()
    assert reading.tiers == {
        PREMIUM.name: TierCount(purchased=20, assigned=16, held=0, free=4, waiting=1),
        STANDARD.name: TierCount(purchased=100, assigned=0, held=0, free=100, waiting=0),
    }
    assert reading.last_success == NOW.timestamp()
    assert reading.runs == {"done": 1, "failed": 1}
    assert reading.firing["headroom/premium"] == "warning"
    assert reading.firing["reconcile.failing"] == ""
    assert (reading.plans_held, reading.outbox_pending) == (1, 7)


def test_before_the_first_good_run_there_is_no_time_of_it() -> None:
    store = Watched().store
    gauges = Gauges(organization="acme", seats=store.seats, runs=store.runs, alerts=store.alerts)
    assert gauges.read().last_success is None
    assert gauges.read().outbox_pending is None
