"""The connection to one store: SQLite or PostgreSQL, transactions, fencing, error translation."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from idpsync.core.errors import LeaseLost, StoreError
from idpsync.core.ports import Clock
from idpsync.core.records import Cause
from idpsync.store.fair_lock import FairLock
from idpsync.store.types import instant_text

_PARAMETER = re.compile(r"(?<!:):([a-z_]\w*)")
BUSY_TIMEOUT = 30.0  # seconds; only a foreign program (a backup, a shell) can make us wait


class Collision(StoreError):
    """Somebody else was faster: the row is there already, or their transaction went first."""


class Cursor(Protocol):
    """What both drivers' cursors have in common."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Driver(Protocol):
    """What both drivers' connections have in common: for the claim, where every statement counts."""

    def execute(self, statement: Any, parameters: Any = ..., /) -> Cursor: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...


class _Translation:
    """Errors of the toolkit and of the driver, as ours."""

    def __init__(self, engine: Engine) -> None:
        self._errors = (DBAPIError, engine.dialect.loaded_dbapi.Error)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, self._errors):
            cause = error.orig if isinstance(error, DBAPIError) else error
            lines = str(cause).strip().splitlines()
            ours = Collision if _was_outrun(cause) else StoreError
            raise ours(f"the store failed: {lines[0] if lines else type(cause).__name__}") from error


class Database:
    """One organisation's view of one store."""

    def __init__(
        self, engine: Engine, lock: FairLock | None, *, organization: str, clock: Clock
    ) -> None:
        self.engine, self.lock = engine, lock
        self.organization, self.clock = organization, clock
        self.postgresql = engine.dialect.name == "postgresql"
        self._turn: AbstractContextManager[None] = lock or nullcontext()
        self._translated = _Translation(engine)
        self._at_once = _at_once(engine.url) if self.postgresql else None
        self._snapshots = (
            engine.execution_options(isolation_level="REPEATABLE READ") if self.postgresql else engine
        )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the rows."""
        with self._translated, self._snapshots.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, cause: Cause | None = None) -> Iterator[Connection]:
        """One transaction; all of it happens or nothing. LeaseLost when the cause's token is stale."""
        with self._turn, self._translated, self.engine.connect() as connection:
            writer = connection.execution_options(idpsync_writes=True)
            with writer.begin():
                self.fence(driver_of(writer), cause)
                yield writer

    @contextmanager
    def driving(self, cause: Cause | None = None) -> Iterator[Driver]:
        """`writing` for the path of a login: the same promises on the driver's own connection."""
        with self._turn, self._translated, _borrowed(self.engine) as driver:
            try:
                if not self.postgresql:
                    driver.execute("BEGIN IMMEDIATE")
                self.fence(driver, cause)
                yield driver
            except BaseException:
                driver.rollback()
                raise
            driver.commit()

    @contextmanager
    def at_once(self) -> Iterator[Driver]:
        """PostgreSQL only: every statement is a transaction of its own, without a round trip more."""
        if self._at_once is None:
            raise StoreError("every write to an SQLite store is a transaction with a beginning")
        with self._translated, _borrowed(self._at_once) as driver:
            yield driver

    def fence(self, driver: Driver, cause: Cause | None) -> None:
        """LeaseLost unless the cause carries no token, or the present leader's.

        On PostgreSQL by the database's clock, and the row stays locked until our transaction ends, so
        that nobody can take the lead in between.
        """
        if cause is None or cause.token is None:
            return
        values = {"organization": self.organization, "token": cause.token}
        if self.postgresql:
            row = driver.execute(_FENCE_POSTGRESQL, values).fetchone()
        else:
            values["now"] = instant_text(self.clock.now())
            row = driver.execute(_FENCE_SQLITE, values).fetchone()
        if row is None:
            raise LeaseLost(f"token {cause.token} is no longer the leader's; stop writing")

    def sql(self, statement: str) -> str:
        """A statement with `:name` parameters as this engine's driver takes it."""
        return _PARAMETER.sub(r"%(\1)s", statement) if self.postgresql else statement

    def instant(self, instant: datetime) -> str | datetime:
        """An instant as the driver takes it."""
        return instant if self.postgresql else instant_text(instant)

    def analyze(self, *tables: str) -> None:
        """Tell the planner what is in the tables; plans made on empty tables stay bad."""
        with self._turn, self._translated, self.engine.connect() as connection:
            writer = connection.execution_options(idpsync_writes=True)
            with writer.begin():
                for table in tables:
                    writer.exec_driver_sql(f"ANALYZE {table}")

    def close(self) -> None:
        self.engine.dispose()
        if self._at_once:
            self._at_once.dispose()
        if self.lock:
            self.lock.close()


_FENCE_SQLITE = """
SELECT token FROM lease
WHERE organization = :organization AND name = 'leader' AND token = :token AND expires_at > :now
"""
_FENCE_POSTGRESQL = """
SELECT token FROM lease
WHERE organization = %(organization)s AND name = 'leader' AND token = %(token)s
  AND expires_at > clock_timestamp() FOR SHARE
"""


@contextmanager
def _borrowed(engine: Engine) -> Iterator[Driver]:
    """The driver's connection, from the toolkit's pool."""
    loan = engine.raw_connection()
    driver: Any = loan.driver_connection
    try:
        yield driver
    finally:
        if engine.dialect.name == "postgresql" and driver.closed:
            loan.invalidate()  # the server went away
        loan.close()


_OUTRUN = {"23505", "40001", "40P01"}  # a unique key is taken; could not serialize; deadlock


def _was_outrun(error: object) -> bool:
    if isinstance(error, sqlite3.IntegrityError):
        unique = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
        return error.sqlite_errorcode in unique
    return getattr(error, "sqlstate", None) in _OUTRUN


def driver_of(connection: Connection) -> Driver:
    """The driver's own connection under a SQLAlchemy one, in the same transaction."""
    driver: Driver | None = connection.connection.driver_connection
    if driver is None:
        raise StoreError("the connection to the store is closed")
    return driver


def open_database(url: str, *, organization: str, clock: Clock) -> Database:
    """Connect lazily; StoreError for an address that no store can have."""
    try:
        address = make_url(url)
        lock: FairLock | None = None
        match address.get_backend_name():
            case "sqlite":
                engine, lock = _sqlite(address)
            case "postgresql":
                engine = _postgresql(address)
            case other:
                raise StoreError(f"store: {other} is not supported; use sqlite or postgresql")
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(
            "store: not an address; use sqlite:///PATH or postgresql://HOST/NAME"
        ) from error
    return Database(engine, lock, organization=organization, clock=clock)


def is_there(url: str) -> bool:
    """False for an SQLite store whose file is missing or empty. Opens nothing, makes nothing.

    A database server is taken to be there. StoreError for what is no address.
    """
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "store: not an address; use sqlite:///PATH or postgresql://HOST/NAME"
        ) from error
    if address.get_backend_name() != "sqlite":
        return True
    try:
        return Path(str(address.database)).stat().st_size > 0
    except OSError:
        return False


def _sqlite(address: URL) -> tuple[Engine, FairLock]:
    if address.database in {None, "", ":memory:"}:
        raise StoreError("store: an SQLite store needs a file, sqlite:///PATH")
    path = Path(str(address.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.chmod(0o600)
    except OSError as error:
        raise StoreError(f"store: {path}: {error.strerror}") from error
    engine = create_engine(address, connect_args={"timeout": BUSY_TIMEOUT})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine, FairLock(path.with_name(path.name + ".lock"))


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours, see _begin_sqlite
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the write lock at once: a read that turns into a write can fail for good."""
    writes = connection.get_execution_options().get("idpsync_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(address: URL) -> Engine:
    try:
        return _pool(address.set(drivername="postgresql+psycopg"))
    except ModuleNotFoundError as error:
        raise StoreError("store: PostgreSQL needs the extra: pip install 'idpsync[postgres]'") from error


def _at_once(address: URL) -> Engine:
    """Connections for a few statements that are always the same: planned once, not for each value."""
    engine = _pool(address, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)
    event.listen(engine, "connect", _plan_once)
    return engine


def _plan_once(connection: Driver, _record: object) -> None:
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.commit()


def _pool(address: URL, **options: Any) -> Engine:
    return create_engine(address, pool_size=16, max_overflow=32, pool_recycle=1800, **options)
