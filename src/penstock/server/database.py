"""The database behind the server: one SQLite file (or none, in memory), or PostgreSQL by URL."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import StaticPool

from penstock.server import sqlite_functions
from penstock.server.types import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

IN_MEMORY = ":memory:"

# Seconds a SQLite writer waits for another process's transaction before it gives up.
SQLITE_BUSY_SECONDS = 30

POSTGRESQL_CONNECTIONS = 16

# A read that takes longer is given up, so that no request can keep the server from the others.
READ_SECONDS = 30

# How many steps of its virtual machine SQLite takes between two looks at the clock.
PROGRESS_STEPS = 100_000


class DatabaseUrlError(ValueError):
    """The database URL is none that the server can use; the text says why."""


def default_home() -> Path:
    """The folder that holds the server's data: `PENSTOCK_HOME`, else `~/.penstock`."""
    return Path(os.environ.get("PENSTOCK_HOME") or Path.home() / ".penstock").expanduser()


def default_database_url() -> str:
    """The SQLite file that is used when no URL is given."""
    return f"sqlite:///{default_home() / 'server.db'}"


class Database:
    """An open database. `read()` and `write()` give a connection inside one transaction.

    On SQLite one writer of this process goes at a time, so that writers queue here instead of polling the file's
    lock; other processes are waited for. A database in memory has one connection, which everybody takes in turn.
    """

    def __init__(self, engine: sa.Engine, *, in_memory: bool) -> None:
        self.engine = engine
        self.is_postgresql = engine.dialect.name == "postgresql"
        self.in_memory = in_memory
        self._turn = threading.RLock()

    def _queue(self, *, writing: bool) -> AbstractContextManager[object]:
        return self._turn if self.in_memory or (writing and not self.is_postgresql) else nullcontext()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that reads one consistent state of the database."""
        with self._queue(writing=False), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A connection whose changes are kept together when the block ends, or not at all if it raises."""
        with (
            self._queue(writing=True),
            self.engine.connect().execution_options(penstock_begin="BEGIN IMMEDIATE") as connection,
            connection.begin(),
        ):
            yield connection

    def connections_in_use(self) -> int:
        """How many connections are reading or writing now."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, sa.QueuePool) else 0

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open the database at `url`: `sqlite:///FILE`, `:memory:`, or `postgresql://…`.

    The file's folder is made where it is missing, readable by its owner only. Raises DatabaseUrlError for a URL of
    another kind.
    """
    if url in (IN_MEMORY, "sqlite://", "sqlite:///:memory:"):
        return Database(_sqlite_engine("sqlite://", None), in_memory=True)
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError:
        raise DatabaseUrlError(
            f"The database URL {url.partition('://')[0]!r}… is not one; write sqlite:///FILE or "
            "postgresql://USER@HOST/DATABASE."
        ) from None
    match parsed.get_backend_name():
        case "sqlite":
            file = Path(parsed.database or "").expanduser()
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600, exist_ok=True)
            return Database(_sqlite_engine(f"sqlite:///{file}", file), in_memory=False)
        case "postgresql" | "postgres":
            return Database(_postgresql_engine(parsed), in_memory=False)
        case other:
            raise DatabaseUrlError(
                f"A {other} database is not supported; use sqlite:///FILE or postgresql://…."
            )


def _sqlite_engine(url: str, file: Path | None) -> sa.Engine:
    arguments: dict[str, Any] = {"check_same_thread": False, "timeout": SQLITE_BUSY_SECONDS}
    if file is None:
        engine = sa.create_engine(url, connect_args=arguments, poolclass=StaticPool)
    else:
        engine = sa.create_engine(url, connect_args=arguments, pool_size=8, max_overflow=32)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, see below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        sqlite_functions.register(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A transaction that reads first and writes later can fail on SQLite; a writer takes the lock at once.
        statement = connection.get_execution_options().get("penstock_begin", "BEGIN")
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_progress_handler(_until(READ_SECONDS) if statement == "BEGIN" else None, PROGRESS_STEPS)
        connection.exec_driver_sql(statement)

    return engine


def _until(seconds: float) -> Callable[[], bool]:
    """What SQLite asks while it works: whether to give up. PostgreSQL has a setting for it."""
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline


def _postgresql_engine(url: sa.URL) -> sa.Engine:
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={
            "options": f"-c timezone=UTC -c statement_timeout={READ_SECONDS * 1000}",
            "connect_timeout": 10,
        },
        json_serializer=json_text,
        pool_size=POSTGRESQL_CONNECTIONS,
        pool_pre_ping=True,
        pool_timeout=30,
    )
