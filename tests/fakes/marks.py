"""Lease and once-only ids in memory."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from idpsync.core.errors import LeaseLost
from idpsync.core.ports import Clock
from idpsync.core.records import Cause


@dataclass
class _Held:
    holder: str
    token: int
    until: datetime


class FakeLease:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rows: dict[str, _Held] = {}

    def acquire(self, name: str, holder: str, ttl: timedelta) -> int | None:
        now, row = self.clock.now(), self.rows.get(name)
        if row and row.holder != holder and row.until > now:
            return None
        changed = row is None or row.holder != holder
        token = (row.token if row else 0) + (1 if changed else 0)
        self.rows[name] = _Held(holder, token, now + ttl)
        return token

    def renew(self, name: str, holder: str, ttl: timedelta) -> bool:
        now, row = self.clock.now(), self.rows.get(name)
        if row is None or row.holder != holder or row.until <= now:
            return False
        row.until = now + ttl
        return True

    def release(self, name: str, holder: str) -> None:
        row = self.rows.get(name)
        if row and row.holder == holder:
            self.rows[name] = _Held("", row.token, self.clock.now())

    def fence(self, cause: Cause | None) -> None:
        """LeaseLost unless the cause carries no token, or the present leader's."""
        if cause is None or cause.token is None:
            return
        row = self.rows.get("leader")
        if row is None or row.token != cause.token or row.until <= self.clock.now():
            raise LeaseLost(f"token {cause.token} is no longer the leader's; stop writing")


class FakeOnceOnly:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rows: dict[tuple[str, str], tuple[str | None, datetime]] = {}

    def claim(self, kind: str, id: str, until: datetime) -> bool:
        row = self.rows.get((kind, id))
        if row and row[1] > self.clock.now():
            return False
        self.rows[kind, id] = (None, until)
        return True

    def remember(self, kind: str, id: str, payload: str, until: datetime) -> None:
        self.rows[kind, id] = (payload, until)

    def recall(self, kind: str, id: str, now: datetime) -> str | None:
        payload, until = self.rows.get((kind, id), (None, now))
        return payload if until > now else None

    def take(self, kind: str, id: str, now: datetime) -> str | None:
        payload = self.recall(kind, id, now)
        if payload is not None:
            del self.rows[kind, id]
        return payload
