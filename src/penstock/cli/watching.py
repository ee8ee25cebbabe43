"""Following a run: its states and its log entries as they come, until it is over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from penstock.cli.common import FOUND, fail, state_text
from penstock.states import TYPES, Finished, Success

if TYPE_CHECKING:
    from penstock_api import FlowRun
    from penstock_api.inputs import LogBoolExp

INTERVAL = 1.0
"""Seconds between two looks at a run."""


@dataclass(frozen=True, slots=True)
class Happened:
    """A state that a run entered, or a log entry: `level` is None for a state."""

    at: datetime | None
    level: str | None
    name: str | None
    text: str


def follow(
    run: FlowRun, *, logs: bool, interval: float = INTERVAL, timeout: float | None = None
) -> Iterator[Happened]:
    """What happens to a run, from its beginning until it is over.

    Raises:
        TimeoutError: It was not over within `timeout` seconds.
    """
    end = None if timeout is None else time.monotonic() + timeout
    versions: set[int | None] = set()
    seen: set[UUID] = set()
    newest: datetime | None = None
    while True:
        # The run first: what is written until it is over is then read below.
        run.refresh()
        over = is_finished(run.state)
        for state in run.states(order_by=[{"version": "asc"}]):
            if state.version not in versions:
                versions.add(state.version)
                yield Happened(state.timestamp, None, state.state, state.message or "")
        if logs:
            where: LogBoolExp = {} if newest is None else {"timestamp": {"_gte": newest}}
            for log in run.logs(where=where):
                if log.id not in seen:
                    seen.add(log.id)
                    newest = max(newest or log.timestamp, log.timestamp)
                    yield Happened(log.timestamp, log.level, log.name, log.message or "")
        if over:
            return
        if end is not None and time.monotonic() + interval > end:
            raise TimeoutError
        time.sleep(interval)


def is_finished(state: str | None) -> bool:
    """Whether a state's name is that of a finished one."""
    return issubclass(TYPES.get(state or "", type(None)), Finished)


def watch_run(run: FlowRun, *, logs: bool, timeout: float | None = None) -> int:
    """Prints what happens to a run until it is over, and gives the exit code: 0 where it succeeded."""
    try:
        for event in follow(run, logs=logs, timeout=timeout):
            print_event(event)
    except TimeoutError:
        fail(f"The run is {run.state} after {timeout:g} seconds; it goes on without being watched.", FOUND)
    return 0 if issubclass(TYPES.get(run.state or "", type(None)), Success) else FOUND


def print_event(event: Happened) -> None:
    """Prints one state or log entry, on stderr's side of things: a person follows it."""
    from rich.console import Console
    from rich.text import Text

    moment = event.at.astimezone().strftime("%H:%M:%S") if event.at is not None else "        "
    line: Any = Text(f"{moment}  ")
    if event.level is None:
        line.append_text(state_text(event.name))
        line.append(f": {event.text}" if event.text else "")
    else:
        line.append(f"{event.level:<8} ", style=_LEVELS.get(event.level, ""))
        line.append(f"{event.name}: " if event.name else "")
        line.append(event.text)
    Console(stderr=True, highlight=False, soft_wrap=True).print(line)


_LEVELS = {"DEBUG": "dim", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
