"""Where the `local` target keeps its accounts."""

from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select

from idpsync.core.errors import Conflict
from idpsync.core.model import Account, Profile, Standing, fold
from idpsync.core.seats import Ladder
from idpsync.store.database import Collision, Database
from idpsync.store.schema import shelf
from idpsync.store.seat_rows import tier_named
from idpsync.store.types import instant_of, instant_text


class SqlAccountShelf:
    """`AccountShelf` on one store."""

    def __init__(self, database: Database, ladder: Ladder) -> None:
        self._database, self._ladder = database, ladder

    def all(self) -> tuple[Account, ...]:
        query = select(shelf).where(shelf.c.organization == self._database.organization)
        with self._database.reading() as connection:
            return tuple(self._account(row) for row in connection.execute(query.order_by(shelf.c.id)))

    def get(self, account_id: str) -> Account | None:
        return self._one(shelf.c.id == account_id)

    def find(self, user_name: str) -> Account | None:
        return self._one(shelf.c.user_key == fold(user_name))

    def put(self, account: Account) -> None:
        organization = self._database.organization
        row = {"id": account.id, "user_key": account.member, "record": _record(account)}
        try:
            with self._database.writing() as connection:
                connection.execute(
                    delete(shelf).where(shelf.c.organization == organization, shelf.c.id == account.id)
                )
                connection.execute(insert(shelf).values(organization=organization, **row))
        except Collision as error:
            taken = f"another account has the user name {account.user_name}"
            raise Conflict("local accounts", "put account", taken, "uniqueness") from error

    def remove(self, account_id: str) -> None:
        organization = self._database.organization
        with self._database.writing() as connection:
            connection.execute(
                delete(shelf).where(shelf.c.organization == organization, shelf.c.id == account_id)
            )

    def _one(self, condition: ColumnElement[bool]) -> Account | None:
        mine = shelf.c.organization == self._database.organization
        with self._database.reading() as connection:
            row = connection.execute(select(shelf).where(mine, condition)).first()
        return self._account(row) if row else None

    def _account(self, row: Row[Any]) -> Account:
        record = row.record
        return Account(
            id=row.id,
            profile=Profile(**record["profile"]),
            standing=Standing(record["standing"]),
            tier=tier_named(self._ladder, record["tier"]) if record["tier"] else None,
            external_id=record["external_id"],
            roles=frozenset(record["roles"]),
            last_active_at=instant_of(record["last_active_at"]) if record["last_active_at"] else None,
            version=record["version"],
        )


def _record(account: Account) -> dict[str, object]:
    profile = account.profile
    return {
        "profile": {
            "user_name": profile.user_name,
            "email": profile.email,
            "given_name": profile.given_name,
            "family_name": profile.family_name,
            "display_name": profile.display_name,
        },
        "standing": account.standing.value,
        "tier": account.tier.name if account.tier else None,
        "external_id": account.external_id,
        "roles": sorted(account.roles),
        "last_active_at": instant_text(account.last_active_at) if account.last_active_at else None,
        "version": account.version,
    }
