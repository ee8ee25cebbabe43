"""Servers for the tests of the handwritten layer, and a carrier of requests that remembers them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from penstock.testing.server import ServerProcess

QUIET = ("--no-scheduler", "--no-zombie-killer", "--no-lazarus", "--no-cloud-hooks")


@dataclass(frozen=True)
class Served:
    """A server that runs: its URL, and a key that opens its tenant `default` where it asks for keys."""

    url: str
    database: str
    api_key: str = ""


@contextmanager
def serving(folder: Path, *, auth: bool = False) -> Iterator[Served]:
    """A local server in a process of its own, with its data in a folder."""
    database = f"sqlite:///{folder / 'server.db'}"
    key = make_key(database) if auth else ""
    with ServerProcess(database, *QUIET, "--auth" if auth else "--no-auth") as server:
        yield Served(server.url, database, key)


def make_key(database: str, *arguments: str) -> str:
    """An API key, made as an administrator makes one: on the command line, beside the database."""
    command = [sys.executable, "-m", "penstock.server", "token", "--database-url", database, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Sent:
    """A request: its document, its variables, and the headers, their names in lower case."""

    document: str
    variables: dict[str, Any]
    headers: dict[str, str]


class Recorder(httpx.Client):
    """A carrier that remembers what it sent."""

    def __init__(self) -> None:
        super().__init__(timeout=20)
        self.sent: list[Sent] = []
        self._lock = threading.Lock()

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        with self._lock:
            self.sent.append(_sent(request))
        return super().send(request, **options)

    def asked(self, field: str) -> list[Sent]:
        """The requests whose document speaks of a field."""
        return [item for item in self.sent if field in item.document]


class AsyncRecorder(httpx.AsyncClient):
    """`Recorder`, for the async client."""

    def __init__(self) -> None:
        super().__init__(timeout=20)
        self.sent: list[Sent] = []

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        self.sent.append(_sent(request))
        # Lets every other task come to where it sends.
        await asyncio.sleep(0)
        return await super().send(request, **options)

    def asked(self, field: str) -> list[Sent]:
        """The requests whose document speaks of a field."""
        return [item for item in self.sent if field in item.document]


def _sent(request: httpx.Request) -> Sent:
    body = json.loads(request.content) if request.content else {}
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Sent(body.get("query", ""), body.get("variables") or {}, headers)
