"""Somebody at the database with a client of their own, past all our code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, text


@contextmanager
def shell(url: str) -> Iterator[Connection]:
    """One transaction, committed at the end."""
    address = url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(address)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def run(url: str, statement: str, **values: Any) -> None:
    with shell(url) as connection:
        connection.execute(text(statement), values)


def without_guards(url: str, table: str, statement: str, **values: Any) -> None:
    """What the owner of the tables can do: take the triggers away, write, put them back."""
    with shell(url) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            connection.execute(text(statement), values)
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
            return
        query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
        triggers = connection.execute(query, {"table": table}).all()
        for name, _ in triggers:
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text(statement), values)
        for _, sql in triggers:
            connection.exec_driver_sql(sql)
