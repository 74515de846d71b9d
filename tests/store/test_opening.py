"""Opening, checking and upgrading a store."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from idpsync.core.errors import StoreError
from idpsync.store import Store, open_store
from idpsync.store.schema import metadata
from idpsync.store.upgrade import STEPS, head, versions
from tests.people import LADDER, StoppedClock
from tests.postgres import new_database
from tests.store.shell import run, shell


def at(url: str) -> Store:
    return open_store(url, organization="acme", ladder=LADDER, reserved={}, clock=StoppedClock())


def test_an_empty_sqlite_store_gets_its_tables_at_once(tmp_path: Path) -> None:
    store = at(f"sqlite:///{tmp_path}/deep/er/store.db")

    store.check()
    assert store.version() == head()
    store.close()


def test_the_versions_are_those_of_the_steps() -> None:
    steps = ScriptDirectory(str(STEPS.parent))

    assert steps.get_heads() == [head()]
    assert [step.revision for step in steps.walk_revisions()] == list(reversed(versions()))


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = at(f"sqlite:///{tmp_path}/new/store.db")
    finally:
        os.umask(before)
    store.lease.acquire("leader", "one", timedelta(hours=1))

    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new").iterdir()}
    assert set(modes) >= {"store.db", "store.db.lock"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    store.close()


def test_a_relative_path_is_meant_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    at("sqlite:///var/store.db").close()

    assert (tmp_path / "var" / "store.db").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "needs a file"),
        ("mysql://host/db", "use sqlite or postgresql"),
        ("nonsense", "not an address"),
        ("sqlite:////proc/nowhere/store.db", "/proc/nowhere"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        at(url)


def test_a_store_of_another_version_asks_for_the_upgrade(sqlite_url: str) -> None:
    at(sqlite_url).close()
    run(sqlite_url, "UPDATE alembic_version SET version_num = '0001'")
    store = at(sqlite_url)

    with pytest.raises(StoreError, match=r"at version 0001.*`idpsync store upgrade`"):
        store.check()
    store.close()


def test_a_file_that_is_no_store_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("this is not a database, but it is long enough to look like a file" * 20)

    with pytest.raises(StoreError, match="not a database"):
        at(f"sqlite:///{path}")


@pytest.mark.server
def test_an_empty_postgresql_store_waits_for_the_upgrade(postgres_cluster: str) -> None:
    store = at(new_database(postgres_cluster, "empty"))
    assert store.version() == ""
    with pytest.raises(StoreError, match=r"has no tables yet.*`idpsync store upgrade`"):
        store.check()

    store.upgrade()
    store.upgrade()

    store.check()
    store.close()


def test_a_server_that_is_not_there_is_a_store_error() -> None:
    store = at("postgresql://idpsync@127.0.0.1:1/nothing")

    with pytest.raises(StoreError, match="the store failed"):
        store.check()
    with pytest.raises(StoreError, match="the store failed"):
        store.seats.pool()
    store.close()


def test_migrations_from_empty_to_head_make_what_the_schema_says(url: str) -> None:
    if url.startswith("sqlite"):
        at(url).close()
    with shell(url) as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                # Alembic does not see that this index is for PostgreSQL alone
                "include_name": lambda name, kind, _: kind != "index" or name != "ledger_order",
                "include_object": lambda thing, name, kind, *_: name != "ledger_order",
            },
        )
        assert compare_metadata(context, metadata) == []


def test_migrations_write_the_tables_word_for_word(sqlite_url: str, tmp_path: Path) -> None:
    """What Alembic does not compare: checks, partial indexes, numbers that are never given twice."""
    at(sqlite_url).close()
    fresh = f"sqlite:///{tmp_path}/fresh.db"
    with shell(fresh) as connection:
        metadata.create_all(connection)

    assert words(sqlite_url) == words(fresh)


def words(url: str) -> dict[str, list[str]]:
    query = text("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql <> ''")
    with shell(url) as connection:
        rows = connection.execute(query).all()
    return {
        # SQLite writes a column that came later behind the last one, on the same line
        name: sorted(part.strip() for part in sql.replace(",", "\n").splitlines() if part.strip())
        for name, sql in rows
        if name not in {"alembic_version", "sqlite_sequence"}
    }
