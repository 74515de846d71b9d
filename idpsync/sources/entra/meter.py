"""What reading costs the tenant: requests, pauses, and when to slow down before one is asked for."""

import threading
from datetime import datetime, timedelta

from idpsync.answers import Response

NEAR_LIMIT = 0.8  # Graph tells how full its bucket is from here on
FULL = 1.0
WINDOW = timedelta(seconds=10)  # after which the bucket is whole again
SHORTEST = timedelta(seconds=0.1)
LONGEST = timedelta(seconds=60)


class Meter:
    """Counts for all threads. `measure` is the `quota` of an HttpClient: it sees each answer once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = self.throttled = self._in_a_row = 0

    def measure(self, response: Response, now: datetime) -> timedelta | None:  # noqa: ARG002
        """How long nothing should leave after this answer; None for no pause, or for the one it asks."""
        with self._lock:
            self.requests += 1
            if response.status != 429:
                self._in_a_row = 0
                return _easing(response)
            self.throttled += 1
            self._in_a_row += 1
            if "retry-after" in response.headers:
                return None
            return min(timedelta(seconds=2.0 ** min(self._in_a_row - 1, 10)), LONGEST)

    def spent_since(self, requests: int, throttled: int) -> tuple[int, int]:
        return self.requests - requests, self.throttled - throttled


def _easing(response: Response) -> timedelta | None:
    try:
        filled = float(response.headers.get("x-ms-throttle-limit-percentage", ""))
    except ValueError:
        return None
    if not filled >= NEAR_LIMIT:  # "nan" is no number to reckon with
        return None
    share = (min(filled, FULL) - NEAR_LIMIT) / (FULL - NEAR_LIMIT)
    return max(WINDOW * share, SHORTEST)
