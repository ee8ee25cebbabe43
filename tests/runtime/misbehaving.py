"""A small HTTP server that answers as it is told: refusals, broken connections, delays, and anything that is no GraphQL answer."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: a status, a body (JSON where it is no bytes), headers; `delay` seconds pass before it.

    `cut` sends the head and half of the body and then closes; `reset` closes with a TCP reset before a byte is sent.
    """

    body: object = field(default_factory=lambda: {"data": {"hello": "there"}})
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False
    reset: bool = False

    @property
    def content(self) -> bytes:
        """The body as it goes over the wire."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came: its JSON, its headers (lower case), and the client's port, which tells connections apart."""

    json: dict[str, Any]
    headers: dict[str, str]
    port: int = 0


class Misbehaving:
    """The server's script: `replies` are given one after the other, and the last one for ever."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self._replies: deque[Reply] = deque([Reply()])
        self._lock = threading.Lock()
        # What computes an answer from the request, instead of the script.
        self.answer: Callable[[Received], Reply] | None = None

    def script(self, *replies: Reply) -> None:
        """Answers with these from now on, and forgets what came so far."""
        with self._lock:
            self._replies = deque(replies)
            self.received.clear()

    def next(self, received: Received) -> Reply:
        """Notes a request and gives the reply to it."""
        with self._lock:
            self.received.append(received)
            if self.answer is not None:
                return self.answer(received)
            return self._replies.popleft() if len(self._replies) > 1 else self._replies[0]


@contextmanager
def misbehaving_server() -> Iterator[Misbehaving]:
    """Serves on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one piece: in two, the second waits 40 ms for the first to be acknowledged.
        wbufsize = 65536

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = server.next(
                Received(
                    json.loads(body),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.client_address[1],
                )
            )
            if reply.delay:
                # Not time.sleep, which tests replace.
                threading.Event().wait(reply.delay)
            if reply.reset:
                # Lingering for no time makes closing a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.content)))
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.content[: len(reply.content) // 2] if reply.cut else reply.content)
            self.close_connection = self.close_connection or reply.cut

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

        def finish(self) -> None:
            # The connection was reset on purpose, or the client has given up.
            with contextlib.suppress(OSError, ValueError):
                super().finish()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that give up are part of the tests."""

    http = Server(("127.0.0.1", 0), Handler)
    server = Misbehaving(f"http://127.0.0.1:{http.server_address[1]}/graphql")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join(timeout=10)


def unused_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
