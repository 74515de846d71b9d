"""The accounts of the target as last known, one line each."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from idpsync.core.drift import IN_DOUBT, Drift, facts_of
from idpsync.core.model import Account
from idpsync.core.records import Cause, LastKnown
from idpsync.store.account_tables import known_account
from idpsync.store.database import Database, Driver, driver_of
from idpsync.store.ledger import Scribe

BULK = 500
_STATE = "SELECT saved_at, taken_over_at FROM known_target WHERE organization = :organization"
_LINES = """
SELECT account_id, CASE WHEN noted_at > :since THEN '' ELSE line END
FROM known_account WHERE organization = :organization
"""
_NOTE = """
INSERT INTO known_account (organization, account_id, line, noted_at)
VALUES (:organization, :account_id, :line, :noted_at)
ON CONFLICT (organization, account_id) DO UPDATE SET line = excluded.line, noted_at = excluded.noted_at
"""
_LISTED = _NOTE.rstrip() + " WHERE known_account.noted_at <= excluded.noted_at"
_FORGET = "DELETE FROM known_account WHERE organization = :organization AND account_id = :account_id"
_UNLISTED = _FORGET + " AND noted_at <= :noted_at"
_SAVED = """
INSERT INTO known_target (organization, saved_at) VALUES (:organization, :at)
ON CONFLICT (organization) DO UPDATE SET saved_at = excluded.saved_at
"""
_TAKE_OVER = """
INSERT INTO known_target (organization, taken_over_at) VALUES (:organization, :at)
ON CONFLICT (organization) DO UPDATE SET taken_over_at = excluded.taken_over_at
WHERE known_target.taken_over_at IS NULL
"""


class SqlAccountCache:
    """`AccountCache` on one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recall(self, sure_since: datetime) -> LastKnown:
        with self._database.reading() as connection:
            driver = driver_of(connection)
            state = driver.execute(self._sql(_STATE), self._mine()).fetchone() or (None, None)
            lines = self._lines(driver, sure_since)
        return LastKnown(lines, saved=state[0] is not None, taken_over=state[1] is not None)

    def note(self, account: Account) -> None:
        self._put(account.id, facts_of(account))

    def doubt(self, key: str) -> None:
        self._put(key, IN_DOUBT)

    def forget(self, account_id: str) -> None:
        with self._database.driving() as driver:
            driver.execute(self._sql(_FORGET), self._mine(account_id=account_id))

    def replace(
        self, accounts: Iterable[Account], seen: Iterable[Drift], cause: Cause, read_at: datetime
    ) -> None:
        lines = {account.id: facts_of(account) for account in accounts}
        with self._database.writing(cause) as connection:
            known = self._lines(driver_of(connection), read_at)
            at = self._mine(noted_at=self._database.instant(read_at))
            changed = [{**at, "account_id": k, "line": v} for k, v in lines.items() if known.get(k) != v]
            gone = [{**at, "account_id": key} for key in known if key not in lines]
            self._all(connection, _LISTED, changed)
            self._all(connection, _UNLISTED, gone)
            driver = driver_of(connection)
            driver.execute(self._sql(_SAVED), self._mine(at=self._database.instant(read_at)))
            self._tell(connection, seen, cause)
        if len(changed) >= BULK:
            self._database.analyze(known_account.name)

    def take_over(self, cause: Cause) -> None:
        with self._database.writing(cause) as connection:
            at = self._mine(at=self._database.instant(self._database.clock.now()))
            if driver_of(connection).execute(self._sql(_TAKE_OVER), at).rowcount:
                scribe = Scribe(self._database, connection, cause)
                scribe.note("target.adopted")
                scribe.write()

    def _lines(self, driver: Driver, sure_since: datetime) -> dict[str, str]:
        at = self._mine(since=self._database.instant(sure_since))
        return dict(driver.execute(self._sql(_LINES), at).fetchall())

    def _put(self, key: str, line: str) -> None:
        now = self._database.instant(self._database.clock.now())
        with self._database.driving() as driver:
            values = self._mine(account_id=key, line=line, noted_at=now)
            driver.execute(self._sql(_NOTE), values)

    def _all(self, connection: Connection, statement: str, rows: list[dict[str, object]]) -> None:
        if rows:
            connection.exec_driver_sql(self._sql(statement), rows)

    def _tell(self, connection: Connection, seen: Iterable[Drift], cause: Cause) -> None:
        scribe = Scribe(self._database, connection, cause)
        for one in seen:
            scribe.note(
                "drift.seen",
                one.member,
                account_id=one.account_id,
                because=(str(one),),
                detail=one.detail,
            )
        scribe.write()

    def _mine(self, **values: object) -> Mapping[str, object]:
        return {"organization": self._database.organization, **values}

    def _sql(self, statement: str) -> str:
        return self._database.sql(statement)
