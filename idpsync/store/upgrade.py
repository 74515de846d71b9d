"""Bringing a store's tables up to the version this program works with.

Versions are known by the names of the steps, so that a verb that finds its store up to date has no need
of Alembic, which takes as long to import as a plan of a thousand people.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

UPGRADE_LOCK = 0x69647073  # "idps"
STEPS = Path(__file__).parent / "migrations" / "versions"


@cache
def versions() -> tuple[str, ...]:
    """Every version this program knows, the first step first: `0004_contract.py` makes "0004"."""
    return tuple(sorted(step.name.partition("_")[0] for step in STEPS.glob("[0-9]*_*.py")))


def head() -> str:
    """The version this program works with."""
    return versions()[-1]


def is_known(version: str) -> bool:
    """Whether this program has that version among its own."""
    return version in versions()


def version_of(connection: Connection) -> str:
    """The version the store has; "" for a store without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def bring_to_head(connection: Connection) -> None:
    """Run every missing step inside the connection's transaction.

    Two programs that start at once take turns: SQLite by its write lock, PostgreSQL by an advisory
    lock of the transaction, which also holds behind a pooler.
    """
    from alembic import command  # noqa: PLC0415 -- see above
    from alembic.config import Config  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
    config = Config()
    config.set_main_option("script_location", "idpsync.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
