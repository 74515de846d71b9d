"""Telling people: look → judge → save state and messages together → deliver, each receiver by itself."""

import random
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from idpsync.core.alerts import (
    Alert,
    AlertState,
    HeadroomRule,
    Observation,
    Severity,
    judge,
    key_of,
    observe_headroom,
)
from idpsync.core.books import SeatBook, WaitList
from idpsync.core.errors import RateLimited, Refused, RemoteError
from idpsync.core.journals import AlertBook, Ledger, Outbox, RunBook
from idpsync.core.ports import Clock, Notifier
from idpsync.core.records import Delivery
from idpsync.engine import watch
from idpsync.engine.trail import Trail

log = structlog.get_logger()

LOOK_BACK = 50
"""So many runs are looked at; more failures than that in a row say nothing new."""

BATCH = 1
"""Messages leased at once: the lease of a minute is for one sending, however slow those before were."""

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """When something is worth a message. ValueError when two headroom rules watch the same tier."""

    organization: str
    headroom: tuple[HeadroomRule, ...] = ()
    stale_after: int = 3
    reconcile_every: timedelta = timedelta(minutes=10)
    repeat: timedelta = timedelta(hours=12)

    def __post_init__(self) -> None:
        tiers = [rule.tier for rule in self.headroom]
        if len(set(tiers)) != len(tiers):
            raise ValueError(f"two headroom rules watch the same tier: {tiers}")

    @property
    def stale_window(self) -> timedelta:
        return self.reconcile_every * self.stale_after


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPorts:
    """What alerting reads and writes."""

    book: AlertBook
    outbox: Outbox
    seats: SeatBook
    waits: WaitList
    runs: RunBook
    ledger: Ledger


@dataclass(slots=True)
class _Rests:
    """Receivers that failed and are left alone until an instant, so that none holds up the others.

    What comes after a message that failed waits with it: a resolution never overtakes its alert.
    """

    until: dict[str, datetime] = field(default_factory=dict)

    def ends(self, receiver: str, now: datetime) -> datetime | None:
        end = self.until.get(receiver)
        return end if end is not None and end > now else None


class Alerting:
    """Decides what is said, and says it. One process evaluates at a time: the leader."""

    def __init__(
        self,
        ports: AlertPorts,
        policy: AlertPolicy,
        receivers: Sequence[Notifier],
        *,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._ports, self._policy, self._jitter = ports, policy, jitter
        self._clock = clock
        self._receivers = {receiver.name: receiver for receiver in receivers}
        self._staleness = watch.Staleness(policy.stale_window, clock.now())
        self._trail, self._rests = Trail(ports.ledger), _Rests()
        self._judging = threading.Lock()

    # --- deciding ------------------------------------------------------------------------------

    def evaluate(self, now: datetime) -> tuple[Alert, ...]:
        """Look at everything, judge it, save states and messages in one write; what was decided."""
        with self._judging:  # a second judge would not know yet what the first one says
            return self._evaluate(now)

    def _evaluate(self, now: datetime) -> tuple[Alert, ...]:
        states = self._ports.book.states()
        changed: list[AlertState] = []
        messages: list[tuple[str, Alert]] = []
        alerts: list[Alert] = []
        for key, seen in self._observe(now, states).items():
            before = states.get(key, AlertState(key))
            after, said = judge(before, seen, now, self._policy.repeat)
            if after != before:
                changed.append(after)
            for alert in said:
                alerts.append(alert)
                messages += self._addressed(alert, before)
        if changed:
            self._ports.book.save(changed, messages)
        for alert in alerts:
            log.info("alert.decided", alert=alert.key, firing=alert.firing, severity=alert.severity)
        return tuple(alerts)

    def _observe(self, now: datetime, states: Mapping[str, AlertState]) -> dict[str, Observation | None]:
        seen = [*self._of_seats(), *self._of_runs(now)]
        found = {self._key(one.key): one for one in seen}
        return {**self._forgotten(states, found), **found}

    def _of_seats(self) -> Iterable[Observation]:
        pool, waiting = self._ports.seats.pool(), self._ports.waits.entries()
        return observe_headroom(self._policy.headroom, pool, waiting)

    def _of_runs(self, now: datetime) -> Iterable[Observation]:
        runs, held = self._ports.runs.runs(LOOK_BACK), self._ports.runs.held_plans()
        applied = watch.applied(runs)
        since = now - self._policy.repeat
        rows = self._trail.rows(min(since, applied.started_at) if applied else since, now)
        seated = {holding.member for holding in self._ports.seats.holdings()}
        stopped, failing = watch.observe_held(held), watch.observe_failing(runs)
        told_already = stopped.severity or (failing and failing.severity)
        seen = (
            failing,
            stopped,
            watch.observe_incomplete(runs),
            # one trouble, one alert: what stops the runs is told by its own name
            None if told_already else self._staleness.observe(runs, now),
            watch.observe_refused_logins((row for row in rows if row.at > since), seated),
            watch.observe_refused_actions(rows, applied) if applied else None,
        )
        return (one for one in seen if one is not None)

    def _forgotten(
        self, states: Mapping[str, AlertState], found: Mapping[str, Observation]
    ) -> dict[str, Observation]:
        """Headroom alerts whose rule is no longer configured end; nobody looks at them any more."""
        prefix = self._key("headroom/")
        return {
            key: Observation(
                key.removeprefix(self._key("")), None, "no longer watched", {}, state.runbook
            )
            for key, state in states.items()
            if key.startswith(prefix) and key not in found
        }

    def _key(self, rule: str) -> str:
        return key_of(self._policy.organization, rule)

    def _addressed(self, alert: Alert, before: AlertState) -> list[tuple[str, Alert]]:
        """Who gets it: those who want its severity; a resolution those who were told, as they were."""
        said: Iterable[Severity] = (alert.severity,) if alert.firing else before.told
        worst_first = sorted(said, key=lambda severity: -severity.rank)
        versions = [replace(alert, severity=severity) for severity in worst_first]
        wanted = (
            (name, next((version for version in versions if receiver.wants(version)), None))
            for name, receiver in self._receivers.items()
        )
        return [(name, version) for name, version in wanted if version is not None]

    # --- delivering ----------------------------------------------------------------------------

    def deliver(self, now: datetime) -> int:
        """Send what is due; how many messages arrived. What failed is tried again, or put aside.

        `now` is when the round begins: a receiver that fails after it is not tried again in it. Leases
        and pauses run from the clock, because sending takes time.
        """
        arrived = 0
        while due := self._ports.outbox.due(self._clock.now(), BATCH):
            for delivery in due:
                arrived += self._attempt(delivery, now)
        return arrived

    def _attempt(self, delivery: Delivery, began: datetime) -> bool:
        receiver = self._receivers.get(delivery.receiver)
        if receiver is None:
            return self._put_aside(delivery, "the receiver is no longer configured")
        rest = self._rests.ends(delivery.receiver, began)
        if rest is not None:
            now = self._clock.now()
            after = rest if rest > now else now + FIRST_PAUSE  # others may have been that slow
            self._ports.outbox.failed(delivery, "waits for an earlier message", after)
            return False
        try:
            receiver.send(delivery.alert, delivery.id)
        except Refused as error:
            return self._put_aside(delivery, str(error))
        except RemoteError as error:
            self._postpone(delivery, error)
            return False
        self._ports.outbox.done(delivery)
        log.info("alert.delivered", receiver=delivery.receiver, alert=delivery.alert.key)
        return True

    def _put_aside(self, delivery: Delivery, reason: str) -> bool:
        self._ports.outbox.failed(delivery, reason, None)
        log.error(
            "alert.undeliverable",
            receiver=delivery.receiver,
            alert=delivery.alert.key,
            reason=reason,
        )
        return False

    def _postpone(self, delivery: Delivery, error: RemoteError) -> None:
        pause = self._pause(delivery.attempts)
        if isinstance(error, RateLimited):
            pause = max(pause, min(error.after, LONGEST_PAUSE))
        next_at = self._clock.now() + pause
        self._rests.until[delivery.receiver] = next_at
        self._ports.outbox.failed(delivery, str(error), next_at)
        log.warning(
            "alert.postponed",
            receiver=delivery.receiver,
            alert=delivery.alert.key,
            reason=str(error),
            until=next_at.isoformat(),
        )

    def _pause(self, attempts: int) -> timedelta:
        """Exponential, between half of it and all of it, never above LONGEST_PAUSE."""
        ceiling = min(FIRST_PAUSE * (1 << min(attempts, 20)), LONGEST_PAUSE)
        return ceiling * (0.5 + 0.5 * self._jitter())

    # --- trying out ----------------------------------------------------------------------------

    def rehearse(self, receiver: str, now: datetime) -> None:
        """Send a test message past the outbox; KeyError for an unknown receiver, else RemoteError."""
        key = self._key("test")
        summary = "test message from idpsync; nothing is wrong and nothing has to be done"
        alert = Alert(key, Severity.WARNING, True, summary, {}, "test", now)  # noqa: FBT003
        self._receivers[receiver].send(alert, f"test-{now.isoformat()}")
