"""Time for a twin and for the program that talks to it: it passes a little at every look."""

import threading
from datetime import UTC, datetime, timedelta

from idpsync.pace import Timer

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class LivingClock:
    """Each look costs a millisecond; sleeping costs no time of ours."""

    def __init__(self, at: datetime = START) -> None:
        self._at, self._lock = at, threading.Lock()
        self.slept = 0.0

    def now(self) -> datetime:
        with self._lock:
            self._at += timedelta(milliseconds=1)
            return self._at

    def pass_(self, span: timedelta) -> None:
        with self._lock:
            self._at += span

    def sleep(self, seconds: float) -> None:
        """Those who sleep at the same time wake together."""
        until = self._at + timedelta(seconds=max(seconds, 0.001))
        with self._lock:
            self.slept += seconds
            self._at = max(self._at, until)

    def _seconds(self) -> float:
        return (self._at - START).total_seconds()

    @property
    def timer(self) -> Timer:
        return Timer(now=self._seconds, sleep=self.sleep)


class Skewed:
    """A clock that is wrong by `ahead`."""

    def __init__(self, clock: LivingClock, ahead: timedelta) -> None:
        self._clock, self._ahead = clock, ahead

    def now(self) -> datetime:
        return self._clock.now() + self._ahead
