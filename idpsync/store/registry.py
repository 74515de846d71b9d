"""Links: which account we answer for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update

from idpsync.core.model import Link
from idpsync.core.records import Cause
from idpsync.store.database import Database, driver_of
from idpsync.store.ledger import Scribe
from idpsync.store.schema import link as links
from idpsync.store.types import instant_of

_LINKS = """
SELECT account_id, source, external_id, adopted_at, missing_since FROM link
WHERE organization = :organization ORDER BY account_id
"""


class SqlRegistry:
    """`Registry` on one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def links(self) -> tuple[Link, ...]:
        """By the driver itself: there is one for every person."""
        at = {"organization": self._database.organization}
        with self._database.reading() as connection:
            rows = driver_of(connection).execute(self._database.sql(_LINKS), at).fetchall()
            return tuple(map(_link, rows))

    def link(self, link: Link, cause: Cause) -> None:
        values = {
            "source": link.source,
            "external_id": link.external_id,
            "missing_since": link.missing_since,
        }
        with self._database.writing(cause) as connection:
            row = connection.execute(select(links).where(*self._at(link.account_id))).first()
            if row is None:
                organization = self._database.organization
                fresh = {"account_id": link.account_id, "adopted_at": link.adopted_at}
                connection.execute(insert(links).values(organization=organization, **fresh, **values))
            elif any(getattr(row, name) != value for name, value in values.items()):
                connection.execute(update(links).where(*self._at(link.account_id)).values(values))
            else:
                return
            scribe = Scribe(self._database, connection, cause)
            facts = {"source": link.source, "external_id": link.external_id}
            scribe.note("account.linked", account_id=link.account_id, detail=facts)
            scribe.write()

    def unlink(self, account_id: str, cause: Cause) -> None:
        with self._database.writing(cause) as connection:
            if connection.execute(delete(links).where(*self._at(account_id))).rowcount:
                scribe = Scribe(self._database, connection, cause)
                scribe.note("account.unlinked", account_id=account_id)
                scribe.write()

    def mark_missing(self, since: Mapping[str, datetime | None], cause: Cause) -> None:
        query = select(links).where(links.c.organization == self._database.organization)
        with self._database.writing(cause) as connection:
            scribe = Scribe(self._database, connection, cause)
            for row in connection.execute(query.where(links.c.account_id.in_(since))).all():
                instant = since[row.account_id]
                if row.missing_since == instant:
                    continue
                change = update(links).where(*self._at(row.account_id)).values(missing_since=instant)
                connection.execute(change)
                event = "account.missing" if instant else "account.returned"
                scribe.note(event, account_id=row.account_id)
            scribe.write()

    def _at(self, account_id: str) -> tuple[ColumnElement[bool], ...]:
        return (
            links.c.organization == self._database.organization,
            links.c.account_id == account_id,
        )


def _link(row: tuple[Any, ...]) -> Link:
    account_id, source, external_id, adopted_at, missing_since = row
    missing = instant_of(missing_since) if missing_since else None
    return Link(account_id, source, external_id, instant_of(adopted_at), missing)
