"""Ids that may be used once, and the lease of the leader."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import TextClause, bindparam, text

from idpsync.store.database import Database
from idpsync.store.types import Instant

PURGE_EVERY = timedelta(minutes=1)


def _text(statement: str, *instants: str) -> TextClause:
    return text(statement).bindparams(*(bindparam(name, type_=Instant) for name in instants))


_CLAIM = _text(
    "INSERT INTO once (organization, kind, id, payload, until)"
    " VALUES (:organization, :kind, :id, NULL, :until)"
    " ON CONFLICT (organization, kind, id) DO UPDATE SET until = excluded.until, payload = NULL"
    " WHERE once.until <= :now",
    "until",
    "now",
)
_REMEMBER = _text(
    "INSERT INTO once (organization, kind, id, payload, until)"
    " VALUES (:organization, :kind, :id, :payload, :until)"
    " ON CONFLICT (organization, kind, id)"
    " DO UPDATE SET until = excluded.until, payload = excluded.payload",
    "until",
)
_RECALL = _text(
    "SELECT payload FROM once"
    " WHERE organization = :organization AND kind = :kind AND id = :id AND until > :now",
    "now",
)
_TAKE = _text(
    "DELETE FROM once WHERE organization = :organization AND kind = :kind AND id = :id"
    " AND until > :now AND payload IS NOT NULL RETURNING payload",
    "now",
)
_PURGE = _text("DELETE FROM once WHERE organization = :organization AND until <= :now", "now")


class SqlOnceOnly:
    """`OnceOnly` on one store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._purge_at = database.clock.now()

    def claim(self, kind: str, id: str, until: datetime) -> bool:
        now = self._database.clock.now()
        self._purge(now)
        values = self._at(kind, id, until=until, now=now)
        with self._database.writing() as connection:
            return connection.execute(_CLAIM, values).rowcount == 1

    def remember(self, kind: str, id: str, payload: str, until: datetime) -> None:
        self._purge(self._database.clock.now())
        with self._database.writing() as connection:
            connection.execute(_REMEMBER, self._at(kind, id, payload=payload, until=until))

    def recall(self, kind: str, id: str, now: datetime) -> str | None:
        with self._database.reading() as connection:
            payload: str | None = connection.execute(_RECALL, self._at(kind, id, now=now)).scalar()
        return payload

    def take(self, kind: str, id: str, now: datetime) -> str | None:
        with self._database.writing() as connection:
            payload: str | None = connection.execute(_TAKE, self._at(kind, id, now=now)).scalar()
        return payload

    def _at(self, kind: str, id: str, **values: object) -> dict[str, object]:
        return {"organization": self._database.organization, "kind": kind, "id": id, **values}

    def _purge(self, now: datetime) -> None:
        """What has expired goes, at most once a minute."""
        if now >= self._purge_at:
            self._purge_at = now + PURGE_EVERY
            with self._database.writing() as connection:
                connection.execute(_PURGE, {"organization": self._database.organization, "now": now})


_ACQUIRE = """
INSERT INTO lease (organization, name, holder, token, expires_at)
VALUES (:organization, :name, :holder, 1, {until})
ON CONFLICT (organization, name) DO UPDATE SET holder = excluded.holder,
  token = lease.token + CASE WHEN lease.holder = excluded.holder THEN 0 ELSE 1 END,
  expires_at = excluded.expires_at
WHERE lease.holder = excluded.holder OR lease.expires_at <= {now}
RETURNING token
"""
_RENEW = """
UPDATE lease SET expires_at = {until}
WHERE organization = :organization AND name = :name AND holder = :holder AND expires_at > {now}
"""
_RELEASE = """
UPDATE lease SET holder = '', expires_at = {now}
WHERE organization = :organization AND name = :name AND holder = :holder
"""


class SqlLease:
    """`Lease` on one store. On PostgreSQL only the database's clock counts: replicas' clocks differ."""

    def __init__(self, database: Database) -> None:
        self._database = database
        if database.postgresql:
            clock = {
                "now": "clock_timestamp()",
                "until": "clock_timestamp() + make_interval(secs => :ttl)",
            }
            instants: tuple[str, ...] = ()
        else:
            clock, instants = {"now": ":now", "until": ":until"}, ("now", "until")
        self._acquire = _text(_ACQUIRE.format(**clock), *instants)
        self._renew = _text(_RENEW.format(**clock), *instants)
        self._release = _text(_RELEASE.format(**clock), *instants[:1])

    def acquire(self, name: str, holder: str, ttl: timedelta) -> int | None:
        with self._database.writing() as connection:
            token: Any = connection.execute(self._acquire, self._at(name, holder, ttl)).scalar()
        return None if token is None else int(token)

    def renew(self, name: str, holder: str, ttl: timedelta) -> bool:
        with self._database.writing() as connection:
            return connection.execute(self._renew, self._at(name, holder, ttl)).rowcount == 1

    def release(self, name: str, holder: str) -> None:
        with self._database.writing() as connection:
            connection.execute(self._release, self._at(name, holder, timedelta(0)))

    def _at(self, name: str, holder: str, ttl: timedelta) -> dict[str, object]:
        now = self._database.clock.now()
        return {
            "organization": self._database.organization,
            "name": name,
            "holder": holder,
            "ttl": ttl.total_seconds(),
            "now": now,
            "until": now + ttl,
        }
