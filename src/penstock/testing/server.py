"""A local API server in a process of its own, for tests and benchmarks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

# A server that is not ready by then will not be.
START_SECONDS = 30.0
STOP_SECONDS = 30.0


class ServerProcess:
    """`penstock server start` on a free port of the loopback, for as long as the `with` block runs.

    `database_url` is where its data is. `options` are further options of `penstock server start`. `url` is the base
    URL, `output` what the server said. Raises RuntimeError where the server does not start.
    """

    def __init__(self, database_url: str, *options: str, environment: dict[str, str] | None = None) -> None:
        self._command: Sequence[str] = (
            *(sys.executable, "-m", "penstock.server", "start", "--port", "0"),
            *("--database-url", database_url),
            *options,
        )
        self._environment = os.environ | (environment or {})
        self._process: subprocess.Popen[str] | None = None
        self.output: list[str] = []
        self.url = ""

    def start(self) -> Self:
        """Start the process and wait until it serves."""
        ready = threading.Event()
        self._process = subprocess.Popen(
            self._command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=self._environment
        )
        threading.Thread(target=self._read, args=(self._process, ready), daemon=True).start()
        if not ready.wait(START_SECONDS) or not self.url:
            self.kill()
            raise RuntimeError("The server did not start:\n" + "\n".join(self.output))
        return self

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self.output.append(line.rstrip("\n"))
                if line.startswith("API "):
                    self.url = line.split()[1].removesuffix("/graphql")
                    ready.set()
        ready.set()

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> int:
        """Ask the server to end, as a service manager would; its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End the server at once, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOP_SECONDS)
        self.url = ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
