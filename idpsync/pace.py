"""How fast another system may be asked and how long it may take: pace, retry budget, watchdog.

Time is monotonic seconds here; `Timer` is passed in, so that tests need not wait.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from socket import SHUT_RDWR, socket
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

HALVED_AT_MOST = 16  # a rate is never pressed below configured/16
RECOVERY = 0.01  # of the configured rate, regained per second
IDLE = 30.0  # seconds without a request after which the watchdog's thread ends


@dataclass(frozen=True, slots=True)
class Timer:
    """Monotonic seconds, and waiting for some of them."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds, bytes and counts. `patience` is for one call with all its pauses and retries.

    `framed`: a success must show where its answer ends, by a length or a body. Without it an answer
    that was cut inside its headers counts as one.
    """

    connect: float = 5.0
    read: float = 30.0
    deadline: float = 30.0
    patience: float = 60.0
    body: int = 8 * 1024 * 1024
    attempts: int = 4
    concurrency: int = 8
    rate: float | None = None
    framed: bool = True


class Pace:
    """One rate for all threads that talk to one system.

    Requests leave on a virtual schedule of `rate` per second, `burst` of them at once after a rest.
    `pause` closes the gate for everybody and halves the rate, which recovers by a tenth every 10 s.
    """

    def __init__(self, rate: float | None, *, burst: int = 1, timer: Timer) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._rate = self._current = rate or 0.0
        self._burst = burst
        self._slowed_at = self._next_at = self._open_at = timer.now()

    def admit(self, until: float) -> float:
        """Wait for a turn; 0.0 when it has come, else how many seconds away it is: beyond `until`."""
        while True:
            with self._lock:
                now = self._timer.now()
                wait, ready = self._turn(now, until)
            if now + wait > until:
                return wait
            if wait > 0:
                self._timer.sleep(wait)
            if ready and self._timer.now() >= self._open_at:
                return 0.0

    def _turn(self, now: float, until: float) -> tuple[float, bool]:
        """Seconds to wait, and whether a place on the schedule was taken."""
        if now < self._open_at:
            return self._open_at - now, False
        if not self._rate:
            return 0.0, True
        gap = 1 / self._rate_at(now)
        slot = max(self._next_at, now - (self._burst - 1) * gap)
        if slot > until:
            return slot - now, False
        self._next_at = slot + gap
        return max(0.0, slot - now), True

    def _rate_at(self, now: float) -> float:
        regained = (now - self._slowed_at) * RECOVERY * self._rate
        return min(self._rate, self._current + regained)

    def pause(self, seconds: float) -> None:
        """Nothing leaves for `seconds`; a longer pause that runs already stays."""
        with self._lock:
            now = self._timer.now()
            if (
                self._rate and now >= self._open_at
            ):  # once per pause, not once per thread that hears of it
                self._current = max(self._rate_at(now) / 2, self._rate / HALVED_AT_MOST)
                self._slowed_at = now
            self._open_at = max(self._open_at, now + seconds)

    def hold(self, seconds: float) -> None:
        """Nothing leaves for `seconds`: our share of a quota is used up, nobody was asked too fast."""
        with self._lock:
            self._open_at = max(self._open_at, self._timer.now() + seconds)


class Deadline:
    """When one piece of reading has to be done, however many requests it takes; nothing runs at first.

    It holds for whatever is read by the same clients meanwhile. A write is never kept from leaving.
    """

    def __init__(self, timer: Timer) -> None:
        self._timer, self.at = timer, math.inf

    @property
    def over(self) -> bool:
        return self._timer.now() >= self.at

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """The work in this block has so long, or less where it is part of other work."""
        before, self.at = self.at, min(self.at, self._timer.now() + seconds)
        try:
            yield
        finally:
            self.at = before


class RetryBudget:
    """Retries may be a fifth of all requests, after a starting credit; spares a system that is down."""

    def __init__(self, share: float = 0.2, credit: float = 10.0) -> None:
        self._lock = threading.Lock()
        self._share, self._credit, self._left = share, credit, credit

    def earn(self) -> None:
        """One request was made."""
        with self._lock:
            self._left = min(self._credit, self._left + self._share)

    def spend(self) -> bool:
        """Whether one more retry is affordable; it is then paid for."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True


def backoff(attempt: int, *, first: float = 0.5, cap: float = 30.0) -> float:
    """Seconds before retry number `attempt` (from 0): exponential, the upper half at random."""
    ceiling = min(cap, first * 2.0**attempt)
    return ceiling / 2 + random.SystemRandom().random() * ceiling / 2


@dataclass(eq=False, slots=True)
class Watch:
    """One request under a deadline; `fired` when the deadline cut it."""

    attended: socket | None = None
    fired: bool = False
    over: bool = False


class Watchdog:
    """Ends what a socket timeout cannot: an answer that drips for ever. One thread for all requests."""

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._due: list[tuple[float, int, Watch]] = []
        self._numbers = count()
        self._thread: threading.Thread | None = None
        self._present = threading.local()

    @contextmanager
    def watch(self, seconds: float) -> Iterator[Watch]:
        """Cut whatever this thread attends to after `seconds`."""
        watch = self._present.watch = Watch()
        with self._wake:
            heappush(self._due, (time.monotonic() + seconds, next(self._numbers), watch))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._due[0][2] is watch:
                self._wake.notify()
        try:
            yield watch
        finally:
            with self._wake:  # else the socket could be cut in the hands of its next user
                watch.over, watch.attended = True, None

    def attend(self, attended: socket | None) -> None:
        """The request of this thread waits for its answer on this socket."""
        watch: Watch | None = getattr(self._present, "watch", None)
        if watch is not None:
            watch.attended = attended
            if watch.fired:  # too late already
                _cut(watch)

    def _run(self) -> None:
        with self._wake:
            while True:
                while self._due and (self._due[0][2].over or self._due[0][0] <= time.monotonic()):
                    _cut(heappop(self._due)[2])
                if self._due:
                    self._wake.wait(self._due[0][0] - time.monotonic())
                elif not self._wake.wait(IDLE) and not self._due:
                    self._thread = None
                    return


def _cut(watch: Watch) -> None:
    if watch.over:
        return
    watch.fired = True
    if watch.attended is not None:
        # not SSLSocket's own shutdown: that drops its state under the reader
        with suppress(OSError):  # closed meanwhile
            socket.shutdown(watch.attended, SHUT_RDWR)


def watched_pools(watchdog: Watchdog) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools whose connections tell the watchdog which socket the present request uses."""

    class Plain(HTTPConnection):
        def getresponse(self) -> Any:
            watchdog.attend(self.sock)
            return super().getresponse()

    class Tls(HTTPSConnection):
        def getresponse(self) -> Any:
            watchdog.attend(self.sock)
            return super().getresponse()

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}
