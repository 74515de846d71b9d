"""Receivers that take their time, and two replicas that tell the same organisation's alerts."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from idpsync.core.alerts import Alert
from idpsync.engine.alerting import Alerting
from tests.engine.alerting_world import MINUTE, Watched
from tests.fakes.notify import FakeNotifier


@dataclass
class SlowNotifier(FakeNotifier):
    """Time passes while it is being told."""

    passes: Callable[[], None] = lambda: None

    def send(self, alert: Alert, delivery_id: str) -> None:
        self.passes()
        super().send(alert, delivery_id)


@dataclass
class Meanwhile:
    """While one replica sends, time passes, and every so many sendings the other one looks."""

    world: Watched
    other: Alerting
    takes: timedelta
    every: int
    sent: int = 0
    looking: bool = False

    def __call__(self) -> None:
        if self.looking:  # the other one's sendings begin and end within the first one's
            return
        self.sent += 1
        self.world.clock.advance(self.takes)
        if self.sent % self.every == 0:
            self.looking = True
            self.other.deliver(self.world.clock.now())
            self.looking = False


def two_replicas(receivers: list[SlowNotifier], seconds: int, every: int) -> Watched:
    world = Watched(list(receivers))
    other = world.alerting
    world.start()
    meanwhile = Meanwhile(world, other, timedelta(seconds=seconds), every)
    for receiver in receivers:
        receiver.passes = meanwhile
    world.hold("sha256:1", "removals.count")
    world.seat(15)
    world.refuse_login("ada@acme.example")
    world.clock.advance(MINUTE)
    world.alerting.evaluate(world.clock.now())
    return world


def finish(world: Watched) -> None:
    for _ in range(500):
        world.alerting.deliver(world.clock.now())
        world.clock.advance(MINUTE)
        if not world.store.outbox.pending():
            return
    raise AssertionError("messages are left")


def tries_of(receivers: list[SlowNotifier]) -> Counter[tuple[str, str]]:
    return Counter((one.name, delivery) for one in receivers for delivery, _ in one.tried)


@pytest.mark.parametrize("seconds", [5, 25, 59])
@pytest.mark.parametrize("every", [1, 2, 5, 11])
def test_nothing_is_sent_twice_by_two_replicas_however_slow_the_receivers_are(
    seconds: int, every: int
) -> None:
    receivers = [SlowNotifier(f"r{number}") for number in range(8)]
    world = two_replicas(receivers, seconds, every)
    posted = world.store.outbox.pending()
    finish(world)
    tries = tries_of(receivers)
    assert set(tries.values()) == {1}
    assert len(tries) == posted == 24


def test_a_pause_begins_when_the_receiver_failed_not_when_the_round_began() -> None:
    receiver = SlowNotifier("it", status=None)
    world = Watched([receiver])
    receiver.passes = lambda: world.clock.advance(timedelta(seconds=30))
    world.seat(15)
    world.tick()
    (row,) = world.store.outbox.rows.values()
    assert row.next_at == world.clock.now() + timedelta(seconds=10)


def test_a_slow_receiver_that_fails_is_asked_once_per_round() -> None:
    mute, slow = SlowNotifier("mute", status=None), SlowNotifier("slow")
    world = Watched([mute, slow])
    for receiver in (mute, slow):
        receiver.passes = lambda: world.clock.advance(timedelta(seconds=50))
    world.seat(15)
    world.hold("sha256:1", "removals.count")
    world.refuse_login("ada@acme.example")
    world.tick()
    assert len(mute.tried) == 1
    assert len(slow.got) == 3
