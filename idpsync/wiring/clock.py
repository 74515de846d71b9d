"""The one place where the machine's time enters."""

from datetime import UTC, datetime

from idpsync.core.ports import Clock


class SystemClock:
    """The clock of the machine, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


CLOCK: Clock = SystemClock()
