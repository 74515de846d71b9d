"""Alert states and the outbox in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from idpsync.core.alerts import Alert, AlertState, Phase
from idpsync.core.ports import Clock
from idpsync.core.records import Cause, Delivery
from tests.fakes.ledger import FakeLedger

LEASE = timedelta(minutes=1)


@dataclass
class _Message:
    delivery: Delivery
    next_at: datetime | None
    begun: int = 0
    leased_until: datetime | None = None
    state: str = "pending"
    error: str | None = None


class FakeOutbox:
    def __init__(self) -> None:
        self.rows: dict[str, _Message] = {}

    def post(self, receiver: str, alert: Alert) -> None:
        name = f"msg-{len(self.rows) + 1}"
        self.rows[name] = _Message(Delivery(name, receiver, alert), alert.at)

    def due(self, now: datetime, limit: int = 20) -> tuple[Delivery, ...]:
        found: list[Delivery] = []
        blocked: set[tuple[str, str]] = set()
        for row in self.rows.values():
            lane = (row.delivery.receiver, row.delivery.alert.key)
            if row.state != "pending" or lane in blocked:
                continue
            blocked.add(lane)  # what is told of one alert arrives in order
            if row.next_at is None or row.next_at > now or len(found) == limit:
                continue
            if row.leased_until is None or row.leased_until <= now:
                row.begun, row.leased_until = row.begun + 1, now + LEASE
                found.append(replace(row.delivery, attempts=row.begun - 1))
        return tuple(found)

    def pending(self) -> int:
        return sum(row.state == "pending" for row in self.rows.values())

    def done(self, delivery: Delivery) -> None:
        row = self._mine(delivery)
        if row:
            row.state, row.leased_until = "done", None

    def failed(self, delivery: Delivery, error: str, next_at: datetime | None) -> None:
        row = self._mine(delivery)
        if row:
            row.error, row.next_at, row.leased_until = error, next_at, None
            row.state = "pending" if next_at else "dead"

    def _mine(self, delivery: Delivery) -> _Message | None:
        """The message, unless somebody else was given it since."""
        row = self.rows.get(delivery.id)
        late = row is None or row.state != "pending" or row.begun != delivery.attempts + 1
        return None if late or row is None or row.leased_until is None else row


class FakeAlertBook:
    def __init__(self, clock: Clock, outbox: FakeOutbox, ledger: FakeLedger) -> None:
        self.clock, self.outbox, self.ledger = clock, outbox, ledger
        self.rows: dict[str, AlertState] = {}

    def states(self) -> Mapping[str, AlertState]:
        return dict(self.rows)

    def save(self, states: Iterable[AlertState], messages: Iterable[tuple[str, Alert]]) -> None:
        new, posts = list(states), list(messages)  # both are read before anything changes
        for state in new:
            old = self.rows.get(state.key)
            self.rows[state.key] = _with_what_people_said(old, state) if old else state
        for receiver, alert in posts:
            self.outbox.post(receiver, alert)

    def acknowledge(self, key: str, cause: Cause) -> AlertState:
        return self._change(key, "alert.acknowledged", cause, acknowledged_by=cause.actor)

    def silence(self, key: str, until: datetime, cause: Cause) -> AlertState:
        return self._change(key, "alert.silenced", cause, silenced_until=until)

    def _change(
        self,
        key: str,
        event: str,
        cause: Cause,
        acknowledged_by: str | None = None,
        silenced_until: datetime | None = None,
    ) -> AlertState:
        self.ledger.lease.fence(cause)
        old = self.rows[key]
        self.rows[key] = replace(
            old,
            acknowledged_by=acknowledged_by or old.acknowledged_by,
            silenced_until=silenced_until or old.silenced_until,
        )
        self.ledger.record(event, cause, detail={"key": key})
        return self.rows[key]


def _with_what_people_said(old: AlertState, new: AlertState) -> AlertState:
    """The new state; an acknowledgement ends with the trouble, or when it gets worse."""
    worse = bool(old.told) and _rank(new) > _rank(old)
    ended = new.acknowledged_by is None and (new.phase is Phase.OK or worse)
    by = None if ended else old.acknowledged_by
    return replace(new, acknowledged_by=by, silenced_until=old.silenced_until)


def _rank(state: AlertState) -> int:
    return max((severity.rank for severity in state.told), default=0)
