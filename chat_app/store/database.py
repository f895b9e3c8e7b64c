"""One database, SQLite or PostgreSQL: connections, transactions, migrations. It does not know what is stored.

SQLite runs in WAL mode and every write transaction begins with `BEGIN IMMEDIATE`: a transaction that starts as a
reader and turns writer fails at once when somebody else wrote meanwhile, however long the busy timeout is
(sqlite.org/lang_transaction.html).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import uuid_utils
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, ColumnElement, Connection, cast, event, func, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from chat_app.errors import StoreUnavailable

T = TypeVar("T")
_MIGRATIONS = Path(__file__).parent / "migrations"
_MOST_FAULTS = 20
_DAMAGED = ("database disk image is malformed", "file is not a database")  # SQLite's words, sqlite.org/rescode.html
_MIGRATION_LOCK = 0x6368_6174  # any constant that every worker agrees on: "chat"


def new_id() -> str:
    """A UUIDv7: sorts by the time it was made."""
    return str(uuid_utils.uuid7())


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def total(column: ColumnElement[int]) -> ColumnElement[int]:
    """The sum of a column, 0 of nothing, as a whole number: of big ones PostgreSQL makes decimals."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


async def to_the_end(work: Coroutine[None, None, T]) -> T:
    """Await something and, when cancelled meanwhile, be cancelled only after it.

    A statement that is left in mid-air leaves its connection's thread behind, which then outlives the event loop.
    """
    task = asyncio.ensure_future(work)  # noqa: TID251 # whose end is awaited here, whatever happens
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # which nobody waits for any more
        raise


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Which database it is, and how large."""

    kind: str
    version: str
    size_bytes: int


class Database:
    """Connections to one database.

    Args:
        url: SQLAlchemy's async address.
        busy_timeout_s: How long SQLite waits for another writer.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 5) -> None:
        self._busy_timeout_s = busy_timeout_s
        self.is_sqlite = url.startswith("sqlite")
        self._engine = _sqlite(url, busy_timeout_s) if self.is_sqlite else _postgres(url)
        self._writing = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        self._plain = self._engine.execution_options(begin="")

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """A read transaction.

        Raises:
            StoreUnavailable: The database is locked, full or gone.
        """
        with _translated():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def glance(self) -> AsyncGenerator[AsyncConnection]:
        """For one statement, or some that need not see the same moment: on SQLite no transaction is begun around them.

        Each call of SQLite is a trip to its thread and back, and half of a short read were those of its transaction.

        Raises:
            StoreUnavailable: The database is locked, full or gone.
        """
        with _translated():
            async with self._plain.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """A write transaction, committed when the block ends well. Keep it short: SQLite has one writer at a time.

        Raises:
            StoreUnavailable: The database is locked, full or gone; nothing of the block was stored.
        """
        with _translated():
            async with self._writing.begin() as connection:
                yield connection

    async def migrate(self, to: str = "head") -> None:
        """Bring the tables to this version's shape; one process at a time, the others wait.

        Args:
            to: The revision; tests of a migration stop at the one before.

        Raises:
            StoreUnavailable: The database is locked, full or gone.
        """
        with _translated():
            if self.is_sqlite:
                await self._use_wal()
            async with self._writing.connect() as connection:
                if not self.is_sqlite:  # SQLite's BEGIN IMMEDIATE is the lock
                    await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
                await connection.run_sync(_upgrade, to)
                await connection.commit()

    async def facts(self) -> DatabaseFacts:
        """What is known of the database.

        Raises:
            StoreUnavailable: It cannot be used.
        """
        if self.is_sqlite:
            size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
            kind, query = "SQLite", f"SELECT sqlite_version(), ({size})"  # our own words alone
        else:
            kind = "PostgreSQL"
            query = "SELECT current_setting('server_version'), pg_database_size(current_database())"
        async with self.read() as connection:
            version, size_bytes = (await connection.execute(text(query))).one()
        return DatabaseFacts(kind, str(version).split()[0], int(size_bytes))

    async def check(self) -> list[str]:
        """Read the whole database; PostgreSQL looks after its own pages, and only has to answer.

        Returns:
            What is wrong with it, a few lines at most.

        Raises:
            StoreUnavailable: It cannot be used.
        """
        query = f"PRAGMA quick_check({_MOST_FAULTS})" if self.is_sqlite else "SELECT 'ok'"
        try:
            async with self.read() as connection:
                found = (await connection.execute(text(query))).scalars().all()
        except StoreUnavailable as error:
            if error.detail not in _DAMAGED:
                raise
            return [error.detail]
        return [str(line) for line in found if line != "ok"]

    async def _use_wal(self) -> None:
        """Switch the file to WAL, which it keeps. SQLite does not wait for others here, whatever the busy timeout."""
        deadline = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                async with self._plain.connect() as connection:
                    await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                    return
            except OperationalError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.02)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def migration_config() -> Config:
    """Alembic's configuration, for the application and for the tests of each migration."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _upgrade(connection: Connection, revision: str) -> None:
    config = migration_config()
    current = MigrationContext.configure(connection).get_current_revision()
    if revision == "head" and current == ScriptDirectory.from_config(config).get_current_head():
        return
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


_OURS = (IntegrityError, ProgrammingError, DataError)


class _translated:  # noqa: N801 # reads as an adjective at its uses
    """Turn the drivers' errors into ours.

    Integrity errors pass, as they are answers, and so do those of a statement or value that is wrong whatever the
    database's condition. All others are its condition: locked, full, starting, out of connections, gone.
    """

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        is_condition = isinstance(error, DBAPIError) and (error.connection_invalidated or not isinstance(error, _OURS))
        if is_condition or isinstance(error, PoolTimeout):
            detail = str(error.orig) if isinstance(error, DBAPIError) else str(error)
            raise StoreUnavailable("The database cannot be used just now.", detail=detail) from error
        if isinstance(error, OSError):  # asyncpg lets the socket's own errors out
            raise StoreUnavailable("The database cannot be reached.", detail=str(error)) from error


# Parameters are hidden from errors: they are people's words, and errors reach the log.
def _postgres(url: str) -> AsyncEngine:
    return create_async_engine(url, pool_pre_ping=True, hide_parameters=True)


def _sqlite(url: str, busy_timeout_s: float) -> AsyncEngine:
    engine = create_async_engine(url, connect_args={"timeout": busy_timeout_s}, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.isolation_level = None  # pyright: ignore[reportAttributeAccessIssue] # we begin ourselves, below
        cursor = connection.cursor()
        for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _on_begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        if begin := connection.get_execution_options().get("begin", "BEGIN"):
            connection.exec_driver_sql(begin)

    return engine
