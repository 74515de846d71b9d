"""How much of an organisation's limits we use: its headers are read at every answer.

Each family of calls has limits of its own, which everybody in the organisation shares.
https://developer.okta.com/docs/reference/rl-best-practices/
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from idpsync.answers import LONGEST_PAUSE, Response, sent_at

AT_ONCE = 4  # requests in flight, of the 75 that an organisation has
DIGITS = 12  # of a number that is believed: more would not fit into a span of time
BRIEFLY = timedelta(seconds=1)  # after the limit of requests in flight, whose own reset is a guess


class Crowd:
    """How many requests are in flight together; one fewer each time Okta says that it is too many."""

    def __init__(self, most: int = AT_ONCE) -> None:
        self._change = threading.Condition()
        self._first, self._most, self._inside = most, most, 0

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Wait for room."""
        with self._change:
            self._change.wait_for(lambda: self._inside < self._most)
            self._inside += 1
        try:
            yield
        finally:
            with self._change:
                self._inside -= 1
                self._change.notify()

    @property
    def most(self) -> int:
        return self._most

    def thin_out(self) -> None:
        with self._change:
            self._most = max(1, self._most - 1)

    def restore(self) -> None:
        """Back to as many as at first."""
        with self._change:
            self._most = self._first
            self._change.notify_all()


@dataclass(slots=True)
class Tally:
    """What was asked so far, and how often a pause was the answer.

    `began` is Okta's own time at the first answer since the last `begin`.
    """

    requests: int = 0
    throttled: int = 0
    began: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> tuple[int, int]:
        """From here on; how much there was before."""
        with self._lock:
            self.began = None
            return self.requests, self.throttled

    def note(self, answer: Response) -> None:
        with self._lock:
            self.requests += 1
            self.throttled += answer.status == 429
            self.began = self.began or sent_at(answer)


def quota(share: float, crowd: Crowd, tally: Tally) -> Callable[[Response, datetime], timedelta | None]:
    """Reads from an answer how long nothing may leave; `share` of the limit is ours."""

    def rest(answer: Response, now: datetime) -> timedelta | None:
        tally.note(answer)
        limit, left, reset = (_number(answer, name) for name in ("limit", "remaining", "reset"))
        if limit is None or left is None or reset is None:
            return None
        if limit == 0 and left == 0:
            crowd.thin_out()
            return BRIEFLY + _jitter()
        ours = max(1, int(limit * share))
        if answer.status != 429 and left > limit - ours:
            return None
        span = timedelta(seconds=reset) - ((sent_at(answer) or now) - EPOCH)
        if answer.status != 429 and span <= timedelta(0):
            return None
        return min(max(span, BRIEFLY), LONGEST_PAUSE) + _jitter()

    return rest


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _number(answer: Response, name: str) -> int | None:
    text = answer.headers.get(f"x-rate-limit-{name}", "")
    return int(text) if text.isdecimal() and len(text) <= DIGITS else None


def _jitter() -> timedelta:
    """So that those who were stopped together do not come back together."""
    return timedelta(seconds=random.SystemRandom().random() / 2)
