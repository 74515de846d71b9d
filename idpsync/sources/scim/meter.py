"""What reading costs the provider, and how far its clock is from ours."""

import threading
from datetime import datetime, timedelta

from idpsync.answers import Response, sent_at


class Meter:
    """Counts for all threads. `measure` is the `quota` of an HttpClient: it sees each answer once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = self.throttled = 0
        self.skew: timedelta | None = None

    def measure(self, response: Response, now: datetime) -> timedelta | None:
        """Never asks for a pause beyond the one that an answer names itself."""
        sent = sent_at(response)
        with self._lock:
            self.requests += 1
            self.throttled += response.status == 429
            self.skew = sent - now if sent else self.skew
        return None
