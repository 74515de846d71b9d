"""Bringing a store's tables up to the version this program works with."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

UPGRADE_LOCK = 0x69647073  # "idps"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "idpsync.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The version this program works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def is_known(version: str) -> bool:
    """Whether this program has that version among its own."""
    return version in {step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()}


def version_of(connection: Connection) -> str:
    """The version the store has; "" for a store without tables."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def bring_to_head(connection: Connection) -> None:
    """Run every missing step inside the connection's transaction.

    Two programs that start at once take turns: SQLite by its write lock, PostgreSQL by an advisory
    lock of the transaction, which also holds behind a pooler.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
    command.upgrade(_config(connection), "head")
