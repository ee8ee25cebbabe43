"""A server of graphql-transport-ws that does as it is told, connection by connection, and holds the client to the protocol."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from ssl import SSLContext
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

_SECONDS = 10


class Peer:
    """The server's end of one connection: each step fails where the client does not keep to the protocol."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.init: dict[str, Any] = {}
        self.id = ""
        # All that the client said after it subscribed.
        self.said: list[dict[str, Any]] = []

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the handshake, lower case."""
        assert self.connection.request is not None
        return {name.lower(): value for name, value in self.connection.request.headers.raw_items()}

    def send(self, kind: str, **parts: Any) -> None:
        self.connection.send(json.dumps({"type": kind, **parts}))

    def receive(self) -> dict[str, Any]:
        message = self.connection.recv(timeout=_SECONDS)
        assert isinstance(message, str), "a message is text"
        found = json.loads(message)
        assert isinstance(found, dict)
        return found

    def await_init(self) -> dict[str, Any]:
        self.init = self.receive()
        assert self.init["type"] == "connection_init"
        assert self.init.keys() <= {"type", "payload"}
        return self.init

    def await_subscribe(self) -> dict[str, Any]:
        """The payload of `subscribe`, once the connection is acknowledged."""
        message = self.receive()
        while message["type"] == "pong":
            self.said.append(message)
            message = self.receive()
        assert message.keys() == {"id", "type", "payload"}
        assert message["type"] == "subscribe"
        assert isinstance(message["id"], str) and message["id"]
        assert message["payload"].keys() <= {"operationName", "query", "variables", "extensions"}
        self.id = message["id"]
        found: dict[str, Any] = message["payload"]
        return found

    def accept(self) -> dict[str, Any]:
        """The usual opening; gives what is subscribed to."""
        self.await_init()
        self.send("connection_ack")
        return self.await_subscribe()

    def event(self, data: Any, **more: Any) -> None:
        self.send("next", id=self.id, payload={"data": data, **more})

    def complete(self) -> None:
        self.send("complete", id=self.id)

    def listen(self) -> None:
        """Notes what the client says until it is gone."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.said.append(self.receive())


Script = Callable[[Peer], None]


@dataclass
class Talking:
    """A running server: `scripts` are for one connection after the other, the last one for all that follow."""

    url: str
    scripts: list[Script] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    # What is answered instead of a handshake, connection by connection; None makes the connection.
    refusals: list[tuple[int, dict[str, str]] | None] = field(default_factory=list)
    handshakes: int = 0
    subprotocol: str | None = "graphql-transport-ws"
    _gone: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def http_url(self) -> str:
        """Where queries would be sent."""
        return self.url.replace("ws", "http", 1)

    def script(self, *scripts: Script) -> None:
        self.scripts = list(scripts)

    def settled(self, connections: int) -> list[Peer]:
        """The connections, once so many are over; none of their scripts failed."""
        for _ in range(connections):
            assert self._gone.acquire(timeout=_SECONDS), "a connection is still there"
        assert self.failures == []
        return self.peers

    def serve(self, connection: ServerConnection) -> None:
        peer = Peer(connection)
        self.peers.append(peer)
        script = self.scripts[min(len(self.peers), len(self.scripts)) - 1]
        try:
            script(peer)
        except ConnectionClosed:
            pass
        except BaseException as error:
            self.failures.append(error)
        finally:
            self._gone.release()


@contextmanager
def talking_server(ssl: SSLContext | None = None) -> Iterator[Talking]:
    """Serves on a free port until the block ends."""

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        number, talking.handshakes = talking.handshakes, talking.handshakes + 1
        told = talking.refusals[number] if number < len(talking.refusals) else None
        if told is None:
            return None
        status, headers = told
        response = connection.respond(HTTPStatus(status), "no")
        for name, value in headers.items():
            response.headers[name] = value
        return response

    def choose(connection: ServerConnection, offered: Any) -> Subprotocol | None:
        assert list(offered) == ["graphql-transport-ws"]
        return None if talking.subprotocol is None else Subprotocol(talking.subprotocol)

    quiet = logging.Logger("quiet", logging.CRITICAL + 1)
    with serve(
        lambda connection: talking.serve(connection),
        "127.0.0.1",
        0,
        process_request=refuse,
        select_subprotocol=choose,
        ping_interval=None,
        close_timeout=1,
        logger=quiet,
        ssl=ssl,
    ) as server:
        talking = Talking(f"{'wss' if ssl else 'ws'}://127.0.0.1:{server.socket.getsockname()[1]}/graphql")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield talking
        finally:
            server.shutdown()
            thread.join(timeout=_SECONDS)
