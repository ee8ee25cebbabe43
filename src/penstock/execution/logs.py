"""Logs of runs: any `logging` record made inside a run is one of its lines, and lines are sent in batches."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from penstock.execution.context import log_target

if TYPE_CHECKING:
    from uuid import UUID

    from penstock import Client

# A longer message is cut: the API's database is no file store.
MESSAGE_CHARACTERS = 50_000
LINES_PER_REQUEST = 500
# So many lines wait while the API cannot be reached; then the oldest are dropped, and a line says so.
LINES_KEPT = 20_000

# What our own transport, and Dask's, say about themselves is not the flow's.
_FOREIGN = (
    "httpx",
    "httpcore",
    "urllib3",
    "distributed",
    "dask",
    "asyncio",
    "penstock.agent",
    "botocore",
    "fsspec",
    "s3fs",
)

run_logger = logging.getLogger("penstock.run")

_LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO")


def level_name(level: int) -> str:
    """The API's name of a level of `logging`: the highest that is not above it."""
    return next((name for name in _LEVELS if level >= getattr(logging, name)), "DEBUG")


class RunLogHandler(logging.Handler):
    """Sends the records of threads that work on a run to that run, and ignores all others."""

    def emit(self, record: logging.LogRecord) -> None:
        target = log_target.get()
        if (
            target is None
            or record.name.split(".")[0] in _FOREIGN
            or record.name.startswith("penstock.agent")
        ):
            return
        try:
            message = record.getMessage()
            if record.exc_info and record.exc_info[0] is not None:
                message += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
            target.write(target.task_run_id, record.name, level_name(record.levelno), message, record.created)
        except Exception:
            self.handleError(record)


_installing = threading.Lock()


def install_handler() -> None:
    """Have `logging` tell runs their lines; once per process."""
    root = logging.getLogger()
    with _installing:
        if not any(isinstance(handler, RunLogHandler) for handler in root.handlers):
            root.addHandler(RunLogHandler(logging.INFO))
            if run_logger.level == logging.NOTSET:
                run_logger.setLevel(logging.INFO)


class LogBatches:
    """Lines of logs of any runs, sent together every `interval` seconds and when it is closed.

    Lines that cannot be sent are kept and tried again with the next batch. `write` never waits and never raises.
    """

    def __init__(self, client: Client, interval: float = 1.0) -> None:
        self._client = client
        self._interval = interval
        self._lines: deque[dict[str, Any]] = deque()
        self._dropped = 0
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def write(
        self,
        flow_run_id: UUID,
        task_run_id: UUID | None,
        name: str,
        level: str,
        message: str,
        timestamp: float | None = None,
    ) -> None:
        """Add a line. `timestamp` is in seconds since 1970; now, where it is None."""
        if len(message) > MESSAGE_CHARACTERS:
            message = f"{message[:MESSAGE_CHARACTERS]}… ({len(message)} characters)"
        moment = datetime.fromtimestamp(timestamp if timestamp is not None else time.time(), UTC)
        line: dict[str, Any] = {
            "flow_run_id": flow_run_id,
            "task_run_id": task_run_id,
            "timestamp": moment.isoformat(),
            "name": name,
            "level": level,
            # PostgreSQL takes no NUL in a text.
            "message": message.replace("\x00", "\ufffd"),
        }
        with self._lock:
            if len(self._lines) >= LINES_KEPT:
                self._lines.popleft()
                self._dropped += 1
            self._lines.append(line)
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="penstock-logs", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closing.wait(self._interval):
            self.flush()

    def flush(self) -> bool:
        """Send what waits; whether nothing waits any more."""
        with self._sending:
            while True:
                with self._lock:
                    batch = [self._lines.popleft() for _ in range(min(LINES_PER_REQUEST, len(self._lines)))]
                    if batch and self._dropped:
                        dropped, self._dropped = self._dropped, 0
                        batch[0]["message"] += (
                            f"\n({dropped} lines before this one were dropped: the API was not reached.)"
                        )
                if not batch:
                    return True
                if not self._send(batch):
                    with self._lock:
                        self._lines.extendleft(reversed(batch))
                    return False

    def _send(self, batch: list[dict[str, Any]]) -> bool:
        from penstock_api import ClientError, GraphQLError

        try:
            self._client.log.write(batch)  # type: ignore[arg-type]  # the keys are those of the input type
        except GraphQLError:
            # One line of a run that was deleted refuses all others with it: each run's lines alone, then.
            runs = {line["flow_run_id"] for line in batch}
            if len(runs) > 1:
                # Every run is tried, whatever became of those before it.
                sent = [self._send([line for line in batch if line["flow_run_id"] == run]) for run in runs]
                return all(sent)
            return True
        except ClientError:
            return False
        return True

    def close(self) -> None:
        """Send what waits, with a few tries, and stop."""
        self._closing.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=60)
        for wait in (0.2, 1.0, 3.0):
            if self.flush():
                return
            time.sleep(wait)
