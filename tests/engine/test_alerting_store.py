"""Alerting on the real store: what was told is remembered there, by every process alike."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from idpsync.core.alerts import AlertState, Phase, Severity
from idpsync.core.records import Cause
from idpsync.core.seats import Claim
from idpsync.engine.alerting import Alerting, AlertPorts
from idpsync.store import Store, open_store
from tests.contracts.stores import stock
from tests.engine.alerting_world import CAUSE, MINUTE, POLICY
from tests.fakes.notify import FakeNotifier
from tests.people import LADDER, NOW, PREMIUM, STANDARD, StoppedClock

KEY = "idpsync/acme/headroom/premium"


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def store(clock: StoppedClock, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/store.db"
    store = open_store(url, organization="acme", ladder=LADDER, reserved={}, clock=clock)
    store.upgrade()
    stock(store, {PREMIUM: 20, STANDARD: 100})
    for number in range(16):
        member = f"user{number}@acme.example"
        store.seats.hold(Claim(member, member, (PREMIUM,)), CAUSE)
        store.seats.settle(member, f"account-{number}", CAUSE)
    yield store
    store.close()


def a_process(store: Store, receiver: FakeNotifier, clock: StoppedClock) -> Alerting:
    ports = AlertPorts(
        book=store.alerts,
        outbox=store.outbox,
        seats=store.seats,
        waits=store.waiting,
        runs=store.runs,
        ledger=store.ledger,
    )
    return Alerting(ports, POLICY, [receiver], clock=clock)


def test_the_store_keeps_who_was_told(store: Store) -> None:
    told = {Severity.WARNING: NOW, Severity.CRITICAL: NOW + MINUTE}
    state = AlertState(KEY, Phase.FIRING, Severity.CRITICAL, last_sent_at=NOW, told=told)
    store.alerts.save([state], [])
    assert store.alerts.states()[KEY] == state


def test_trouble_is_told_once_whichever_process_looks_and_its_end_once(
    store: Store, clock: StoppedClock
) -> None:
    receiver = FakeNotifier("it")
    for minute in range(8):
        if minute == 4:
            for number in range(3):
                store.seats.release(f"user{number}@acme.example", Cause("cli:ada"))
        clock.advance(MINUTE)
        process = a_process(store, receiver, clock)
        process.evaluate(clock.now())
        process.deliver(clock.now())
    assert [alert.firing for alert in receiver.heard] == [True, False]


def test_what_the_receiver_did_not_take_waits_in_the_store(store: Store, clock: StoppedClock) -> None:
    receiver = FakeNotifier("it", status=503)
    process = a_process(store, receiver, clock)
    process.evaluate(clock.now())
    assert process.deliver(clock.now()) == 0
    receiver.status = 200
    clock.advance(timedelta(minutes=5))
    assert a_process(store, receiver, clock).deliver(clock.now()) == 1
    assert len({one for one, _ in receiver.tried}) == 1
