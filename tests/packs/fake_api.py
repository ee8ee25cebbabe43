"""A flyte API that behaves as it is told, request by request, over a real socket. It records what it is
sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``raw`` replaces everything, and an empty one closes the connection without a word."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    raw: bytes | None = None


CLOSE = Reply(raw=b"")
HTML = Reply(200, b"<html><body>Welcome to the proxy</body></html>", {"Content-Type": "text/html"})

Behaviour = Callable[[Request], "Reply | None"]


def as_json(value: object, status: int = 200, content_type: str = "application/json; charset=utf-8") -> Reply:
    """An answer with JSON."""
    return Reply(status, json.dumps(value).encode(), {"Content-Type": content_type})


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until ``condition`` holds; raises ``TimeoutError`` where it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition is about another thread or process
            await asyncio.sleep(0.01)


class FakeApi:
    """The API of one pack. ``behave`` may answer a request itself, or return ``None`` for the usual answer.

    ``actions`` are (command, input) pairs to hand out; ``results`` and ``events`` what was accepted, as
    (path, JSON).
    """

    def __init__(self, behave: Behaviour | None = None) -> None:
        self.behave: Behaviour = behave or (lambda _: None)
        self.requests: list[Request] = []
        self.actions: list[tuple[str, Any]] = []
        self.results: list[tuple[str, Any]] = []
        self.events: list[Any] = []
        self.port = 0
        self._handed_out = 0
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def listen(self) -> None:
        """Listen, on the former port if there was one."""

        async def start() -> None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

        asyncio.run_coroutine_threadsafe(start(), self._loop).result(10)

    def close(self) -> None:
        """Stop listening and close all connections."""

        async def stop() -> None:
            if self._server is not None:
                self._server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            # Transports close in the loop's next rounds.
            for _ in range(3):
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)

    def wait_until(self, condition: Callable[[], object], timeout: float = 10.0) -> None:
        """Wait for ``condition`` to hold; fails with what was asked so far where it does not."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                seen = [f"{request.method} {request.path}" for request in self.requests]
                raise AssertionError(f"It did not come to that; the requests were {seen}.")
            time.sleep(0.01)

    def sent(self, ending: str) -> list[Request]:
        """The requests whose path ends so."""
        return [request for request in self.requests if request.path.partition("?")[0].endswith(ending)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, path, _ = first.split(" ")
                request = Request(method, path, headers, body)
                self.requests.append(request)
                reply = self.behave(request) or self._usual(request)
                if reply.delay:
                    await asyncio.sleep(reply.delay)
                if reply.raw is not None:
                    writer.write(reply.raw)
                    break
                lines = [f"{name}: {value}" for name, value in reply.headers.items()]
                if reply.status != 204:
                    lines.append(f"Content-Length: {len(reply.body)}")
                writer.write(
                    "\r\n".join([f"HTTP/1.1 {reply.status} X", *lines, "", ""]).encode() + reply.body
                )
                await writer.drain()
        writer.close()

    def _usual(self, request: Request) -> Reply:
        base = f"http://{request.headers['host']}"
        path = request.path.partition("?")[0]
        if path == "/v1":
            links = [
                {"href": f"{base}/v1", "rel": "self"},
                {"href": f"{base}/health", "rel": f"{base}/swagger#!/info/health"},
                {"href": f"{base}/v1/packs", "rel": f"{base}/swagger#!/pack/listPacks"},
            ]
            return as_json({"links": links})
        if path == "/health":
            return Reply()
        if path == "/v1/packs":
            pack = request.json
            url = f"{base}/v1/packs/{pack['name']}"
            added = [
                {"href": url, "rel": "self"},
                {"href": f"{url}/actions/take", "rel": f"{base}/swagger#!/action/takeAction"},
                {"href": f"{url}/events", "rel": f"{base}/swagger#/event"},
            ]
            document = {**pack, "id": pack["name"], "links": [*pack.get("links", []), *added]}
            return as_json(document, 201, "text/plain; charset=utf-8")
        if path.endswith("/actions/take"):
            return self._hand_out(f"{base}{path.removesuffix('/take')}", base)
        if path.endswith("/result"):
            self.results.append((path, request.json))
            return Reply(202)
        if path.endswith("/events"):
            self.events.append(request.json)
            return Reply(202)
        return Reply(404, b"Not Found", {"Content-Type": "text/plain; charset=utf-8"})

    def _hand_out(self, actions_url: str, base: str) -> Reply:
        if self._handed_out == len(self.actions):
            return Reply(204)
        command, value = self.actions[self._handed_out]
        link = {"href": f"{actions_url}/act{self._handed_out}/result", "rel": f"{base}/swagger#/actionResult"}
        self._handed_out += 1
        return as_json({"command": command, "input": value, "links": [link]})
