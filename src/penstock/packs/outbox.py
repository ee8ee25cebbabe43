"""What a pack owes the API, on disk: results and events not yet accepted, and actions taken but not finished.

One SQLite file in WAL mode with full synchronisation: what ``put_*`` has acknowledged outlives the process,
and the machine's power. One thread writes; everything that waits meanwhile goes into its next transaction, so
that a busy pack pays for one disk flush per batch and not per action.

The file belongs to one process: SQLite's exclusive lock, which the system releases however the process ends,
says so. A second process of the same pack gets a file of its own beside it, and adopts those of processes
that are gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import queue
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from penstock.packs.errors import OutboxError

logger = logging.getLogger(__name__)

Kind = Literal["event", "result"]
ResultT = TypeVar("ResultT")
Operation = Callable[[sqlite3.Connection], Any]

BATCH: Final = 500
FILES: Final = 64
"""How many processes of one pack may keep outboxes in one folder."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at REAL NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_result_per_action ON entry (url) WHERE kind = 'result';
CREATE TABLE IF NOT EXISTS action (
    url TEXT PRIMARY KEY,
    command TEXT NOT NULL,
    input BLOB NOT NULL,
    taken_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS refused (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at REAL NOT NULL,
    reason TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A result or an event that waits to be accepted.

    ``key`` identifies it to the API. ``url`` is where a result goes, ``""`` for an event: its URL is the
    registration's. ``created_at`` is in seconds since the epoch.
    """

    sequence: int
    key: str
    kind: Kind
    url: str
    body: bytes
    created_at: float


@dataclass(frozen=True, slots=True)
class UnfinishedAction:
    """An action that was taken and has no result here; ``input`` is its JSON."""

    url: str
    command: str
    input: bytes


@dataclass(frozen=True, slots=True)
class _Job:
    operation: Operation
    done: asyncio.Future[Any] | None


def outbox_path(folder: Path, pack_id: str, api_url: str) -> Path:
    """The outbox of a pack at an API: the pack's id for people, a digest of the API's URL to tell APIs
    apart."""
    digest = hashlib.sha256(api_url.encode()).hexdigest()[:8]
    readable = re.sub(r"[^\w.-]", "_", pack_id)[:80]
    return folder / f"{readable}-{digest}.sqlite"


class Outbox:
    """An open outbox. To be used from one event loop.

    Without a path it is in memory: nothing outlives the process.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection = _open(path) if path is not None else _open(None)
        self._thread = threading.Thread(target=self._work, name="pack-outbox", daemon=True)
        self._thread.start()
        self._closed = False

    @classmethod
    def open(cls, path: Path) -> Outbox:
        """Open the outbox at ``path``, or beside it where another process has that one, and adopt what is
        orphaned.

        Raises ``OutboxError`` where no file can be opened.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OutboxError(
                f"The outbox's folder {path.parent} cannot be made: {error.strerror}."
            ) from None
        candidates = [
            path,
            *(path.with_name(f"{path.stem}.{number}{path.suffix}") for number in range(2, FILES + 1)),
        ]
        opened: Outbox | None = None
        for candidate in candidates:
            if opened is not None and not candidate.exists():
                continue
            try:
                if opened is None:
                    opened = cls(candidate)
                else:
                    opened._adopt(candidate)
            except _Locked:
                continue
        if opened is None:
            raise OutboxError(f"{FILES} processes have an outbox beside {path}; name another folder.")
        return opened

    def close(self) -> None:
        """Write what waits and close the file."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    async def put_event(self, body: bytes) -> Entry:
        """Keep an event until it is accepted; it is on disk when this returns. Raises ``OutboxError``."""
        entry = await self._put("event", "", body)
        assert entry is not None, "events have no identity that could clash"
        return entry

    async def put_result(self, url: str, body: bytes) -> Entry | None:
        """Keep an action's result until it is accepted, and forget that the action is unfinished.

        It is on disk when this returns. ``None`` where that action's result is kept already: there is one per
        action. Raises ``OutboxError``.
        """
        return await self._put("result", url, body)

    async def _put(self, kind: Kind, url: str, body: bytes) -> Entry | None:
        key = str(uuid.uuid4())
        now = time.time()

        def put(connection: sqlite3.Connection) -> int | None:
            cursor = connection.execute(
                "INSERT OR IGNORE INTO entry (key, kind, url, body, created_at) VALUES (?, ?, ?, ?, ?)",
                (key, kind, url, body, now),
            )
            if url:
                connection.execute("DELETE FROM action WHERE url = ?", (url,))
            return cursor.lastrowid if cursor.rowcount else None

        sequence = await self._run(put)
        return None if sequence is None else Entry(sequence, key, kind, url, body, now)

    def note_taken(self, url: str, command: str, value: bytes) -> None:
        """Remember an action as taken and not finished; returns at once, written with the next batch."""
        self._later(
            lambda connection: connection.execute(
                "INSERT OR IGNORE INTO action (url, command, input, taken_at) VALUES (?, ?, ?, ?)",
                (url, command, value, time.time()),
            )
        )

    def forget_action(self, url: str) -> None:
        """An action needs no result any more."""
        self._later(lambda connection: connection.execute("DELETE FROM action WHERE url = ?", (url,)))

    def accepted(self, entry: Entry) -> None:
        """The API has accepted ``entry``; returns at once. Should the process die first, it is sent again."""
        self._later(
            lambda connection: connection.execute("DELETE FROM entry WHERE sequence = ?", (entry.sequence,))
        )

    def refused(self, entry: Entry, reason: str) -> None:
        """The API will never accept ``entry``: set it aside, where it can be read, and do not send it
        again."""

        def refuse(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO refused (key, kind, url, body, created_at, reason) VALUES (?, ?, ?, ?, ?, ?)",
                (entry.key, entry.kind, entry.url, entry.body, entry.created_at, reason),
            )
            connection.execute("DELETE FROM entry WHERE sequence = ?", (entry.sequence,))

        self._later(refuse)

    async def waiting(self, after: int = 0, limit: int = 100) -> Sequence[Entry]:
        """Entries with a sequence beyond ``after``, in the order they were put."""

        def read(connection: sqlite3.Connection) -> list[Entry]:
            rows = connection.execute(
                "SELECT sequence, key, kind, url, body, created_at FROM entry WHERE sequence > ? ORDER BY sequence LIMIT ?",
                (after, limit),
            )
            return [Entry(*row) for row in rows]

        return await self._run(read)

    async def has_result(self, url: str) -> bool:
        """Whether a result for that action waits."""
        found = await self._run(
            lambda connection: connection.execute(
                "SELECT 1 FROM entry WHERE kind = 'result' AND url = ?", (url,)
            ).fetchone()
        )
        return found is not None

    async def count(self) -> int:
        """How many entries wait."""
        count: int = await self._run(
            lambda connection: connection.execute("SELECT count(*) FROM entry").fetchone()[0]
        )
        return count

    async def refusals(self) -> list[tuple[str, str]]:
        """What was set aside: (URL or kind, reason) each."""
        rows = await self._run(
            lambda connection: connection.execute(
                "SELECT url, kind, reason FROM refused ORDER BY created_at"
            ).fetchall()
        )
        return [(url or kind, reason) for url, kind, reason in rows]

    async def unfinished(self) -> list[UnfinishedAction]:
        """Actions that were taken and not finished, in the order they were taken."""
        rows = await self._run(
            lambda connection: connection.execute(
                "SELECT url, command, input FROM action ORDER BY rowid"
            ).fetchall()
        )
        return [UnfinishedAction(*row) for row in rows]

    async def _run(self, operation: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        if self._closed:
            raise OutboxError("The outbox is closed.")
        self._loop = asyncio.get_running_loop()
        done: asyncio.Future[ResultT] = self._loop.create_future()
        self._jobs.put(_Job(operation, done))
        return await done

    def _later(self, operation: Operation) -> None:
        if not self._closed:
            self._jobs.put(_Job(operation, None))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch = [job]
            ends = False
            with contextlib.suppress(queue.Empty):
                while len(batch) < BATCH and not ends:
                    following = self._jobs.get_nowait()
                    if following is None:
                        ends = True
                    else:
                        batch.append(following)
            self._write(batch)
            if ends:
                return

    def _write(self, batch: Sequence[_Job]) -> None:
        results: list[tuple[asyncio.Future[Any], object]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                result = job.operation(self._connection)
                if job.done is not None:
                    results.append((job.done, result))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            failure = OutboxError(f"The outbox {self.path or 'in memory'} cannot be written: {error}.")
            logger.error("%s", failure)
            results = [(job.done, failure) for job in batch if job.done is not None]
        if results and self._loop is not None:
            # The loop may be closing while the last batch is written; then nobody waits for it any more.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_settle, results)

    def _adopt(self, orphan: Path) -> None:
        """Move over what a process that is gone left behind."""
        connection = _open(orphan)
        try:
            entries = connection.execute(
                "SELECT key, kind, url, body, created_at FROM entry ORDER BY sequence"
            ).fetchall()
            actions = connection.execute(
                "SELECT url, command, input, taken_at FROM action ORDER BY rowid"
            ).fetchall()
            refusals = connection.execute("SELECT * FROM refused").fetchall()
            if not entries and not actions and not refusals:
                return
            moved = threading.Event()

            def move(own: sqlite3.Connection) -> None:
                own.executemany(
                    "INSERT OR IGNORE INTO entry (key, kind, url, body, created_at) VALUES (?, ?, ?, ?, ?)",
                    entries,
                )
                own.executemany(
                    "INSERT OR IGNORE INTO action (url, command, input, taken_at) VALUES (?, ?, ?, ?)",
                    actions,
                )
                own.executemany("INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?, ?, ?)", refusals)

            # A job behind it proves that the first is committed: should we die in between, it is adopted
            # twice, and the keys make that once.
            self._later(move)
            self._later(lambda _: moved.set())
            if moved.wait(30):
                for table in ("entry", "action", "refused"):
                    connection.execute(f"DELETE FROM {table}")
        finally:
            connection.close()


class _Locked(OutboxError):
    """Another process has the file."""


def _settle(results: Sequence[tuple[asyncio.Future[Any], object]]) -> None:
    for done, result in results:
        if done.done():
            continue
        if isinstance(result, OutboxError):
            done.set_exception(result)
        else:
            done.set_result(result)


def _open(path: Path | None) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            path or ":memory:", timeout=0, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_SCHEMA)
            # Takes the exclusive lock now, not with the first entry.
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except sqlite3.Error:
            connection.close()
            raise
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise _Locked(f"The outbox {path} is in use: its pack is running.") from None
        raise OutboxError(f"The outbox {path} cannot be opened: {error}.") from None
    except sqlite3.DatabaseError as error:
        raise OutboxError(
            f"The outbox {path} is no outbox or is damaged: {error}. Move it away to begin anew."
        ) from None
    if path is not None:
        with contextlib.suppress(OSError):
            path.chmod(0o600)
    return connection
