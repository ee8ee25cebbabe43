"""A real API server in a process of its own, on a free port, with a home of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

# Linux ends the server with the test process even where that is killed; elsewhere the fixture's own ending has to do.
_LAUNCH = """
import sys
if sys.platform == "linux":
    import ctypes, signal
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
from penstock.cli import main
sys.exit(main(sys.argv[1:]))
"""
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server: `url` is where it answers, `home` the folder it keeps its data in, `log` the file it writes to."""

    url: str
    home: Path
    log: Path

    def token(self, *arguments: str) -> str:
        """A new API token of this server, made with `penstock server token`."""
        done = subprocess.run(
            [sys.executable, "-m", "penstock.cli", "server", "token", *arguments],
            env=_environment(self.home),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def _environment(home: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    return {**clean, "PENSTOCK_HOME": str(home), "PYTHONUNBUFFERED": "1"}


@contextmanager
def running_server(home: Path, arguments: Sequence[str] = ()) -> Iterator[ServerProcess]:
    """Starts a server with its data in `home`, waits until it is healthy, and stops it in the end."""
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, "server", "start", "--port", "0", *arguments],
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield ServerProcess(_wait(process, log), home, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode}:\n{log.read_text()}")
        found = re.search(r"(http://\S+:\d+)/graphql", log.read_text())
        if found:
            try:
                if httpx.get(f"{found[1]}/health", timeout=5).status_code == 200:
                    return found[1]
            except httpx.TransportError:
                pass  # it listens a moment later than it says so
        time.sleep(0.05)
    raise RuntimeError(f"The server was not healthy within {_START_SECONDS} seconds:\n{log.read_text()}")
