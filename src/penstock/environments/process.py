"""Execution in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from penstock.environments.base import Environment, EnvironmentFailure, Outcome, RunRequest
from penstock.execution.__main__ import STATE_LINE
from penstock.execution.context import StopReason
from penstock.states import Cancelled, Failed, State, TimedOut

if TYPE_CHECKING:
    from penstock.storage.base import Storage

# A line of output beyond this is cut, so that a flow that writes none does not fill memory.
LINE_CHARACTERS = 50_000


@dataclass(frozen=True, kw_only=True)
class ProcessEnvironment(Environment):
    """Executes each run in a fresh interpreter, which is told everything by environment variables, and watches it.

    What the flow writes to its output and error streams becomes lines of the run's logs. The process and all it started end with the run,
    and with the agent.

    Attributes:
        python: The interpreter, such as that of a virtual environment with the flow's libraries and penstock; this one, where it is None.
        timeout: Seconds that a run may take; None for no end.
        memory_limit: Bytes that the process may take (its address space); None for no limit.
        variables: Environment variables for the flow. They are part of the registered flow, which many can read: no secrets.
        grace: Seconds between asking the process to end and ending it.
    """

    python: str | None = None
    timeout: float | None = Field(default=None, gt=0)
    memory_limit: int | None = Field(default=None, ge=64 * 1024 * 1024)
    variables: dict[str, str] = Field(default_factory=dict)
    grace: float = Field(default=10.0, ge=0)

    def __hash__(self) -> int:
        return hash((self.python, self.timeout, self.memory_limit, tuple(sorted(self.variables.items()))))

    def execute(self, storage: Storage, flow_location: str, request: RunRequest | None = None) -> Outcome:
        """Execute a stored flow in a process of its own, and wait for it."""
        self.check(storage)
        asked = request or RunRequest()
        runner = storage.get_env_runner(flow_location, self.python)
        variables = {
            **os.environ,
            **self.variables,
            **runner.environment,
            "PENSTOCK_PARAMETERS": json.dumps(dict(asked.parameters), default=str),
            "PENSTOCK_PRINT_STATE": "1",
            "PENSTOCK_WATCH_PARENT": "1",
            "PYTHONUNBUFFERED": "1",
        }
        # The agent may itself be told things about a run; this run's are its own.
        for name in ("PENSTOCK_FLOW_RUN_ID", "PENSTOCK_PROFILE"):
            variables.pop(name, None)
        if asked.identity is not None:
            variables |= asked.identity.variables()
        if self.memory_limit is not None:
            variables["PENSTOCK_MEMORY_LIMIT"] = str(self.memory_limit)
        try:
            process = subprocess.Popen(
                runner.command,
                env=variables,
                cwd=runner.directory,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise EnvironmentFailure(f"{runner.command[0]} cannot be started: {error.strerror}.") from None
        return _Watched(process, asked, self.timeout, self.grace).outcome()


class _Watched:
    """A process of a run, from its start to the run's outcome."""

    def __init__(
        self, process: subprocess.Popen[str], request: RunRequest, timeout: float | None, grace: float
    ) -> None:
        self._process = process
        self._request = request
        self._timeout = timeout
        self._grace = grace
        self._state: State | None = None
        self._reported = False
        self._last = ""
        self._wake = threading.Event()

    def outcome(self) -> Outcome:
        """Wait for the process, end it where it is to stop, and say what came of the run."""
        readers = [
            threading.Thread(target=self._read, args=(stream, level), daemon=True)
            for stream, level in ((self._process.stdout, "INFO"), (self._process.stderr, "WARNING"))
        ]
        waiter = threading.Thread(target=self._wait, daemon=True)
        for thread in (*readers, waiter):
            thread.start()
        try:
            with self._request.stop.calling(self._wake.set):
                self._wake.wait(self._timeout)
                timed_out = self._process.poll() is None and not self._request.stop.is_set()
                if self._process.poll() is None:
                    self._end()
        finally:
            self._kill()
            waiter.join(10)
            for reader in readers:
                reader.join(10)
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError, ValueError):
                        stream.close()
        return self._conclude(timed_out)

    def _wait(self) -> None:
        self._process.wait()
        self._wake.set()

    def _read(self, stream: IO[str] | None, level: str) -> None:
        assert stream is not None
        with contextlib.suppress(OSError, ValueError):
            while line := stream.readline(LINE_CHARACTERS):
                text = line.rstrip("\n")
                if text.startswith(STATE_LINE):
                    self._take_state(text.removeprefix(STATE_LINE), stream, complete=line.endswith("\n"))
                elif text:
                    self._last = text
                    self._request.output(level, text)

    def _take_state(self, text: str, stream: IO[str], *, complete: bool) -> None:
        while not complete:
            more = stream.readline(LINE_CHARACTERS)
            text += more.rstrip("\n")
            complete = not more or more.endswith("\n")
        try:
            found = json.loads(text)
            self._state, self._reported = State.deserialize(found["state"]), bool(found["reported"])
        except (ValueError, KeyError, TypeError):
            self._last = text  # the flow wrote what only looks like it

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _end(self) -> None:
        """Ask the process to end, and give it time to."""
        self._signal(signal.SIGTERM)
        end = time.monotonic() + (0 if self._request.stop.reason is StopReason.LOST else self._grace)
        while self._process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)

    def _kill(self) -> None:
        """End what is left of the process and of all it started."""
        if self._process.poll() is None or sys.platform != "win32":
            self._signal(signal.SIGKILL)

    def _conclude(self, timed_out: bool) -> Outcome:
        code = self._process.returncode
        reason = self._request.stop.reason
        if timed_out:
            return Outcome(
                TimedOut(message=f"The flow run took longer than {self._timeout:g} seconds."), False
            )
        if self._state is not None and (reason is None or self._reported):
            return Outcome(self._state, self._reported)
        if reason is StopReason.SHUTDOWN:
            return Outcome(Failed(message="The agent was stopped before the flow run was over."), False)
        if reason is not None:
            return Outcome(Cancelled(message="The flow run was cancelled."), False)
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            why = f"The flow's process was ended by {name}"
        else:
            why = f"The flow's process ended with exit code {code} before it said what came of the run"
        return Outcome(Failed(message=f"{why}. {self._last}".strip()), False)
