"""The run that this thread works on, and how it is told to stop."""

from __future__ import annotations

import contextvars
import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from penstock.execution.engine import Engine
    from penstock.execution.reporting import Reporter


class StopReason(StrEnum):
    """Why a run is to stop."""

    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"
    LOST = "lost"
    SHUTDOWN = "shutdown"


class RunStopped(BaseException):
    """Raised inside a flow that is to stop. No `Exception`, so that a flow's own error handling lets it pass."""

    def __init__(self, reason: StopReason = StopReason.CANCELLED) -> None:
        super().__init__(f"The run was stopped: {reason.value}.")
        self.reason = reason


class StopSignal:
    """Tells a run to stop, once, from any thread. What was added by `call` is called then, or at once if it is set already."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self.reason: StopReason | None = None

    def set(self, reason: StopReason) -> None:
        """Tell the run to stop; the first reason counts."""
        with self._lock:
            if self.reason is not None:
                return
            self.reason = reason
            callbacks, self._callbacks = self._callbacks, []
        self._event.set()
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        """Whether the run is to stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until the run is to stop, at most so many seconds; whether it is."""
        return self._event.wait(seconds)

    def check(self) -> None:
        """Raise RunStopped if the run is to stop."""
        if self.reason is not None:
            raise RunStopped(self.reason)

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have something called when the run is to stop, while the block runs."""
        with self._lock:
            already = self.reason is not None
            if not already:
                self._callbacks.append(callback)
        if already:
            callback()
        try:
            yield
        finally:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)


class Interruptible:
    """Lets another thread raise `RunStopped` in this one, between two lines of Python, while the `with` block runs.

    Code that waits in C (a socket, a lock, `time.sleep`) notices when that returns.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._inside = False

    def interrupt(self) -> None:
        """Raise RunStopped in the thread, if it is still inside."""
        with self._lock:
            if self._inside:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread), ctypes.py_object(RunStopped)
                )

    def __enter__(self) -> Interruptible:
        self._inside = True
        return self

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside = False
            # One that was sent and has not arrived must not arrive later, in code of ours.
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), None)


@dataclass
class FlowContext:
    """What a flow that runs knows of itself.

    Attributes:
        flow_name: The flow's name.
        parameters: The run's parameters, validated.
        flow_run_id: The run's id in the API; None outside it.
        attempt: 1 for a run's first execution, one more each time it was rescheduled.
        reporter: Whom states and logs are told.
        engine: What runs tasks.
        stop: Tells the run to stop.
    """

    flow_name: str
    parameters: dict[str, Any]
    reporter: Reporter
    engine: Engine
    stop: StopSignal
    flow_run_id: UUID | None = None
    attempt: int = 1
    slugs: dict[int, str] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    futures: list[Any] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_index(self, slug: str) -> int:
        """The map index of a task's next call: -1 for the first, then 1, 2, …"""
        with self.lock:
            count = self.calls.get(slug, 0)
            self.calls[slug] = count + 1
        return -1 if count == 0 else count


@dataclass(frozen=True, slots=True)
class LogTarget:
    """Where the log lines of this thread go: a flow run, and the task run inside it, if there is one."""

    write: Callable[[UUID | None, str, str, str, float], None]
    task_run_id: UUID | None = None


current_flow: contextvars.ContextVar[FlowContext | None] = contextvars.ContextVar(
    "current_flow", default=None
)
log_target: contextvars.ContextVar[LogTarget | None] = contextvars.ContextVar("log_target", default=None)


@contextmanager
def entered(variable: contextvars.ContextVar[Any], value: object) -> Iterator[None]:
    """A context variable with a value, while the block runs."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
