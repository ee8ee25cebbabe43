"""What a client sends, written down as it goes out to a real server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: the operation's name, its document, its variables and the HTTP headers (lower case)."""

    name: str
    document: str
    variables: dict[str, Any]
    headers: dict[str, str]


class Requests:
    """The requests that were sent, in their order."""

    def __init__(self) -> None:
        self.all: list[Sent] = []

    def note(self, request: httpx.Request) -> None:
        """Writes a request down."""
        body = json.loads(request.content)
        self.all.append(
            Sent(
                body.get("operationName", ""),
                body["query"],
                body.get("variables") or {},
                {name.lower(): value for name, value in request.headers.items()},
            )
        )

    def clear(self) -> None:
        """Forgets what was sent so far."""
        self.all.clear()

    def take(self) -> list[str]:
        """The names of the operations sent since the last time, in their order."""
        names = [sent.name for sent in self.all]
        self.all.clear()
        return names

    def only(self) -> Sent:
        """The only request since the last time."""
        (sent,) = self.all
        self.all.clear()
        return sent


class RecordingTransport(httpx.HTTPTransport):
    """Sends over a socket, and writes down what it sends."""

    def __init__(self, requests: Requests) -> None:
        super().__init__()
        self._requests = requests

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._requests.note(request)
        return super().handle_request(request)


class AsyncRecordingTransport(httpx.AsyncHTTPTransport):
    """`RecordingTransport`, for asyncio."""

    def __init__(self, requests: Requests) -> None:
        super().__init__()
        self._requests = requests

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._requests.note(request)
        return await super().handle_async_request(request)
