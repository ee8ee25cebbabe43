"""Servers and agents as processes of their own, on free ports, that end with the test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

START_SECONDS = 60.0


def environment(home: Path, url: str | None = None, tenant_id: object = None) -> dict[str, str]:
    """The variables of a process that belongs to a test: those of this one, without its settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    told = {"PENSTOCK_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    if url is not None:
        told["PENSTOCK_URL"] = url
    if tenant_id is not None:
        told["PENSTOCK_TENANT_ID"] = str(tenant_id)
    return {**clean, **told}


@contextmanager
def hurried_server(home: Path, database_url: str) -> Iterator[str]:
    """A server whose services are quick to give runs up; its URL."""
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    command = [sys.executable, "-m", "tests.agent.hurried_server", "start", "--port", "0"]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, "--database-url", database_url, "--service-interval", "0.5"],
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _ready(process, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=30)


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode}:\n{log.read_text()}")
        if found := re.search(r"(http://\S+:\d+)/graphql", log.read_text()):
            try:
                if httpx.get(f"{found[1]}/health", timeout=5).status_code == 200:
                    return found[1]
            except httpx.TransportError:
                pass  # it listens a moment after it says so
        time.sleep(0.05)
    raise RuntimeError(f"The server was not healthy in {START_SECONDS} seconds:\n{log.read_text()}")


class AgentProcess:
    """`penstock agent start` as a process; `log` is the file with what it said."""

    def __init__(self, url: str, home: Path, *options: str, tenant_id: object = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.log = home / f"agent-{time.monotonic_ns()}.log"
        with self.log.open("w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "penstock.cli", "agent", "start", *options],
                env=environment(home, url, tenant_id),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        """What the agent has said."""
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        """Wait until the agent has said something; AssertionError where it has not in time."""
        end = time.monotonic() + seconds
        while text not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, f"{text!r} was not said:\n{self.said()}"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(timeout=30)

    def terminate(self, timeout: float = 60.0) -> int:
        """Ask it to end, as a service manager would; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=timeout)


@contextmanager
def agents(
    url: str, home: Path, count: int, options: Sequence[str], tenant_id: object = None
) -> Iterator[list[AgentProcess]]:
    """Agents that are alive until the block ends; the list may be changed."""
    running = [AgentProcess(url, home, *options, tenant_id=tenant_id) for _ in range(count)]
    try:
        yield running
    finally:
        for agent in running:
            if agent.process.poll() is None:
                agent.kill()
