"""Who is told what, when: the store in memory, the receivers real enough to keep count."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

import pytest

from idpsync.core.alerts import Alert, AlertState, HeadroomRule, Phase, Severity, Threshold
from idpsync.core.errors import RemoteError
from idpsync.core.records import Cause
from idpsync.engine.alerting import Alerting, AlertPolicy
from tests.engine.alerting_world import MINUTE, POLICY, Watched
from tests.fakes.alert_books import FakeAlertBook
from tests.fakes.notify import FakeNotifier
from tests.people import LADDER

KEY = "idpsync/acme/headroom/premium"
REPEAT = POLICY.repeat


@pytest.fixture
def world() -> Watched:
    return Watched()


def of(alerts: Iterable[Alert], key: str = KEY) -> list[tuple[bool, Severity]]:
    return [(alert.firing, alert.severity) for alert in alerts if alert.key == key]


def test_running_short_is_told_once_and_its_end_once(world: Watched) -> None:
    world.seat(15)
    for _ in range(5):
        world.tick()
    world.leave("user0@acme.example", "user1@acme.example")
    for _ in range(5):
        world.tick()
    (receiver,) = world.receivers
    assert of(receiver.heard) == [(True, Severity.WARNING), (False, Severity.WARNING)]
    assert receiver.heard[0].summary.startswith("premium: 5 of 20 seats free, nobody waits; add seats:")


def test_what_was_decided_is_also_returned(world: Watched) -> None:
    world.seat(19)
    assert of(world.tick()) == [(True, Severity.CRITICAL)]
    assert of(world.tick()) == []


def test_the_same_cause_is_repeated_only_after_the_interval(world: Watched) -> None:
    world.seat(15)
    world.tick()
    world.tick(REPEAT - MINUTE)
    assert len(of(world.receivers[0].heard)) == 1
    world.tick(MINUTE)
    assert of(world.receivers[0].heard) == [(True, Severity.WARNING)] * 2


def test_each_receiver_hears_of_its_severities_only() -> None:
    oncall = FakeNotifier("oncall", (Severity.CRITICAL,))
    channel = FakeNotifier("channel")
    world = Watched([oncall, channel])
    world.seat(15)
    world.tick()
    assert (of(oncall.heard), of(channel.heard)) == ([], [(True, Severity.WARNING)])
    world.seat(4, name="more")
    world.tick()
    assert of(oncall.heard) == [(True, Severity.CRITICAL)]
    assert of(channel.heard) == [(True, Severity.WARNING), (True, Severity.CRITICAL)]


def test_the_end_is_told_to_those_who_heard_of_it_in_the_severity_they_know() -> None:
    oncall = FakeNotifier("oncall", (Severity.CRITICAL,))
    mail = FakeNotifier("mail", (Severity.WARNING,))
    world = Watched([oncall, mail])
    world.seat(15)
    world.tick()
    world.leave(*(f"user{number}@acme.example" for number in range(5)))
    world.tick()
    assert of(oncall.heard) == []
    assert of(mail.heard) == [(True, Severity.WARNING), (False, Severity.WARNING)]
    world.seat(5)
    world.tick()
    world.seat(4, name="more")
    world.tick()
    world.leave(*(f"user{number}@acme.example" for number in range(9)))
    world.tick()
    assert of(oncall.heard) == [(True, Severity.CRITICAL), (False, Severity.CRITICAL)]
    assert of(mail.heard)[2:] == [(True, Severity.WARNING), (False, Severity.WARNING)]


def test_the_end_has_the_worst_severity_that_a_receiver_heard_of(world: Watched) -> None:
    world.seat(15)
    world.tick()
    world.seat(4, name="more")
    world.tick()
    world.leave(*(f"user{number}@acme.example" for number in range(9)))
    world.tick()
    assert of(world.receivers[0].heard)[-1] == (False, Severity.CRITICAL)


def test_an_acknowledged_alert_is_not_repeated(world: Watched) -> None:
    world.seat(15)
    world.tick()
    world.store.alerts.acknowledge(KEY, Cause("cli:ada"))
    world.tick(3 * REPEAT)
    assert len(of(world.receivers[0].heard)) == 1


def test_a_silenced_alert_is_told_when_the_silence_is_over(world: Watched) -> None:
    world.tick()
    world.store.alerts.silence(KEY, world.clock.now() + timedelta(hours=2), Cause("cli:ada"))
    world.seat(15)
    world.tick()
    assert world.state("headroom/premium").phase is Phase.FIRING
    assert of(world.receivers[0].heard) == []
    world.tick(timedelta(hours=2))
    assert of(world.receivers[0].heard) == [(True, Severity.WARNING)]


def test_trouble_must_last_as_long_as_the_rule_says() -> None:
    rule = HeadroomRule("premium", Threshold(5), hold_for=timedelta(minutes=10))
    world = Watched(policy=AlertPolicy("acme", (rule,)))
    world.seat(15)
    world.tick()
    world.tick(9 * MINUTE)
    assert of(world.receivers[0].heard) == []
    world.tick(MINUTE)
    assert of(world.receivers[0].heard) == [(True, Severity.WARNING)]


class CountingBook(FakeAlertBook):
    saves = 0

    def save(self, states: Iterable[AlertState], messages: Iterable[tuple[str, Alert]]) -> None:
        self.saves += 1
        super().save(states, messages)


def test_nothing_is_written_when_nothing_changes(world: Watched) -> None:
    store = world.store
    book = CountingBook(world.clock, store.outbox, store.ledger)
    store.alerts = book
    world.start()
    world.seat(15)
    world.tick()
    assert book.saves == 1
    world.tick()
    assert book.saves == 1


def test_an_alert_whose_rule_was_taken_out_of_the_configuration_ends(world: Watched) -> None:
    world.seat(15)
    world.tick()
    world.policy = AlertPolicy("acme")
    world.start()
    world.tick()
    world.tick()
    assert of(world.receivers[0].heard) == [(True, Severity.WARNING), (False, Severity.WARNING)]
    assert world.receivers[0].heard[-1].summary == "no longer watched"


def test_a_fresh_organisation_is_quiet(world: Watched) -> None:
    world.run()
    world.tick()
    assert world.firing() == set()
    assert world.receivers[0].heard == []


def test_two_rules_for_one_tier_are_refused() -> None:
    rule = HeadroomRule(LADDER.tiers[0].name, Threshold(1))
    with pytest.raises(ValueError, match="same tier"):
        AlertPolicy("acme", (rule, rule))


# --- when the process dies -----------------------------------------------------------------------


def test_what_was_decided_before_a_crash_is_delivered_after_it_exactly_once(world: Watched) -> None:
    world.seat(15)
    world.clock.advance(MINUTE)
    world.alerting.evaluate(world.clock.now())  # and here the process dies
    assert world.receivers[0].heard == []
    world.start()
    world.tick()
    world.tick()
    assert of(world.receivers[0].heard) == [(True, Severity.WARNING)]


class Dying(FakeNotifier):
    """The message arrives, and the process is gone before it can say so."""

    def send(self, alert: Alert, delivery_id: str) -> None:
        super().send(alert, delivery_id)
        raise KeyboardInterrupt


def test_a_message_whose_delivery_was_not_recorded_goes_out_again_under_the_same_id() -> None:
    receiver = Dying("it")
    world = Watched([receiver])
    world.seat(15)
    with pytest.raises(KeyboardInterrupt):
        world.tick()
    survivor = FakeNotifier("it")
    world.receivers = [survivor]
    world.start()
    world.tick(2 * MINUTE)  # the lease of the dead process is over
    world.tick()
    assert [one for one, _ in survivor.got] == [one for one, _ in receiver.got]


# --- when a receiver fails -----------------------------------------------------------------------


def test_a_receiver_that_fails_does_not_hold_up_the_others() -> None:
    broken, well = FakeNotifier("broken", status=503), FakeNotifier("well")
    world = Watched([broken, well])
    world.seat(15)
    world.tick()
    assert of(well.heard) == [(True, Severity.WARNING)]
    assert broken.heard == []


def test_a_receiver_that_does_not_answer_is_asked_once_per_round_however_much_waits() -> None:
    mute = FakeNotifier("mute", status=None)
    world = Watched([mute])
    world.seat(15)
    world.hold("sha256:1", "removals.count")
    world.refuse_login("ada@acme.example")
    world.tick()
    assert len(world.store.outbox.rows) == 3
    assert len(mute.tried) == 1


def test_a_failed_message_is_tried_again_with_growing_pauses_under_the_same_id() -> None:
    receiver = FakeNotifier("it", status=500)
    world = Watched([receiver])
    world.seat(15)
    world.tick()
    tries = [world.clock.now()]
    for _ in range(60 * 60 * 6):  # every second of six hours
        world.clock.advance(timedelta(seconds=1))
        world.alerting.deliver(world.clock.now())
        if len(receiver.tried) > len(tries):
            tries.append(world.clock.now())
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(tries)]
    assert pauses[:9] == [10, 20, 40, 80, 160, 320, 640, 1280, 2560]
    assert set(pauses[9:]) == {3600}
    assert len({one for one, _ in receiver.tried}) == 1
    receiver.status = 200
    world.clock.advance(timedelta(hours=1))
    assert world.alerting.deliver(world.clock.now()) == 1
    assert of(receiver.heard) == [(True, Severity.WARNING)]


def test_the_pause_that_a_receiver_asks_for_is_kept() -> None:
    receiver = FakeNotifier("it", status=429, after=timedelta(minutes=7))
    world = Watched([receiver])
    world.seat(15)
    world.tick()
    receiver.status = 200
    world.tick(timedelta(minutes=6))
    assert receiver.heard == []
    world.tick(MINUTE)
    assert len(receiver.heard) == 1


def test_no_receiver_is_left_alone_for_more_than_an_hour() -> None:
    receiver = FakeNotifier("it", status=429, after=timedelta(days=2))
    world = Watched([receiver])
    world.seat(15)
    world.tick()
    receiver.status = 200
    world.tick(timedelta(hours=1))
    assert of(receiver.heard) == [(True, Severity.WARNING)]


def test_a_refused_message_is_put_aside_and_not_tried_again() -> None:
    receiver = FakeNotifier("it", status=404)
    world = Watched([receiver])
    world.seat(15)
    world.tick()
    receiver.status = 200
    world.tick(timedelta(hours=2))
    assert of(receiver.heard) == []
    dead = [row.delivery.alert.key for row in world.store.outbox.rows.values() if row.state == "dead"]
    assert dead == [KEY]


def test_an_end_never_overtakes_its_trouble() -> None:
    receiver = FakeNotifier("it", status=503)
    world = Watched([receiver])
    world.seat(15)
    world.tick()
    receiver.status = 200
    world.leave(*(f"user{number}@acme.example" for number in range(5)))
    world.clock.advance(timedelta(seconds=1))
    world.alerting.evaluate(world.clock.now())
    world.alerting.deliver(world.clock.now())
    world.tick(5 * MINUTE)
    assert of(receiver.heard) == [(True, Severity.WARNING), (False, Severity.WARNING)]


def test_messages_for_a_receiver_that_is_gone_are_put_aside(world: Watched) -> None:
    world.seat(15)
    world.alerting.evaluate(world.clock.now())
    world.receivers = [FakeNotifier("other")]
    world.start()
    world.tick()
    assert [row.error for row in world.store.outbox.rows.values()] == [
        "the receiver is no longer configured"
    ]


def test_jitter_shortens_a_pause_by_half_at_most(world: Watched) -> None:
    receiver = FakeNotifier("it", status=500)
    world.receivers = [receiver]
    world.start()
    world.alerting._jitter = lambda: 0.0
    world.seat(15)
    world.tick()
    for _ in range(4):
        world.clock.advance(timedelta(seconds=1))
        world.alerting.deliver(world.clock.now())
    assert len(receiver.tried) == 1
    world.clock.advance(timedelta(seconds=1))
    world.alerting.deliver(world.clock.now())
    assert len(receiver.tried) == 2


# --- trying a receiver out -------------------------------------------------------------------------


def test_a_rehearsal_reaches_one_receiver_and_leaves_no_state(world: Watched) -> None:
    other = FakeNotifier("other")
    world.receivers.append(other)
    world.start()
    world.alerting.rehearse("it", world.clock.now())
    assert "nothing is wrong" in world.receivers[0].heard[0].summary
    assert other.heard == []
    assert world.store.alerts.states() == {}


def test_a_rehearsal_says_what_went_wrong(world: Watched) -> None:
    world.receivers[0].status = 404
    with pytest.raises(RemoteError, match="404"):
        world.alerting.rehearse("it", world.clock.now())
    with pytest.raises(KeyError):
        world.alerting.rehearse("nobody", world.clock.now())


def test_alerting_needs_no_receivers_to_keep_states() -> None:
    world = Watched([])
    world.seat(15)
    world.tick()
    assert isinstance(world.alerting, Alerting)
    assert world.firing() == {"headroom/premium"}
