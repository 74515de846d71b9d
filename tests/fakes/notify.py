"""A receiver of alerts that keeps what it got, and fails when it is told to."""

from dataclasses import dataclass, field
from datetime import timedelta

from idpsync.core.alerts import Alert, Severity
from idpsync.core.errors import RateLimited, Refused, RemoteError, Transient
from idpsync.core.records import Health

BOTH = (Severity.WARNING, Severity.CRITICAL)


@dataclass
class FakeNotifier:
    """`got` holds (delivery id, alert) of everything that arrived; `status` is what is answered."""

    name: str = "somebody"
    severities: tuple[Severity, ...] = BOTH
    status: int | None = 200  # None: no answer at all
    after: timedelta = timedelta(seconds=60)
    got: list[tuple[str, Alert]] = field(default_factory=list)
    tried: list[tuple[str, Alert]] = field(default_factory=list)

    def wants(self, alert: Alert) -> bool:
        return alert.severity in self.severities

    def send(self, alert: Alert, delivery_id: str) -> None:
        self.tried.append((delivery_id, alert))
        error = self._error()
        if error is not None:
            raise error
        self.got.append((delivery_id, alert))

    def probe(self) -> Health:
        error = self._error()
        return Health(self.name, ok=error is None, detail=error.reason if error else "answers")

    @property
    def heard(self) -> list[Alert]:
        return [alert for _, alert in self.got]

    def _error(self) -> RemoteError | None:
        system, operation = f"receiver {self.name}", "deliver alert"
        if self.status is None:
            return Transient(system, operation, "no answer")
        reason = f"HTTP {self.status}"
        if self.status // 100 == 2:
            return None
        if self.status == 429:
            return RateLimited(system, operation, reason, self.after)
        later = self.status >= 500 or self.status in {408, 409, 425}
        return (Transient if later else Refused)(system, operation, reason)
