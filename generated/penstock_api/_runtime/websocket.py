"""The connections that subscriptions have, over the `websockets` library, which is imported when the first one is made.

Each reads on while its events are worked on, so that the server's pings are answered, until as many bytes wait as may; then it stops
reading, and with it, by TCP's own means, the server stops sending.
"""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self

from .errors import ClientError, InvalidResponse
from .subscription import COMPLETE, PING, SUBPROTOCOL, Conversation, Silent, SubscriptionOptions

if TYPE_CHECKING:
    import asyncio

_CLOSE_TIMEOUT: Final = 2.0
# The client's own, which say something of a request's body and not of a connection.
_OF_REQUESTS: Final = frozenset({"content-type", "accept", "content-length", "connection", "upgrade", "host"})
# The library logs headers and messages at the level DEBUG.
_SILENT: Final = logging.Logger("penstock.subscription", logging.CRITICAL + 1)


def _library(name: str) -> Any:
    # Not an import statement: checkers would ask for the library in projects that have no use for it.
    try:
        return importlib.import_module(f"websockets.{name}")
    except ModuleNotFoundError:
        raise ClientError(
            "Subscriptions need the websockets library, which is not installed. Run: pip install 'websockets>=17.4'"
        ) from None


def _same(error: Exception) -> Exception:
    # What says who asks is for this server: a redirect is not followed, it is an answer like any other.
    return error


def _arguments(url: str, headers: Mapping[str, str], options: SubscriptionOptions) -> dict[str, Any]:
    return {
        "subprotocols": [SUBPROTOCOL],
        "additional_headers": {
            name: value for name, value in headers.items() if name.lower() not in _OF_REQUESTS
        },
        # What came is told from silence here: the library would take a reader that is slow for a server that is gone.
        "ping_interval": None,
        "close_timeout": _CLOSE_TIMEOUT,
        "max_size": options.max_message,
        "max_queue": 1,
        "logger": _SILENT,
        # Given only where it counts: the library refuses None for wss:// and a context for ws://.
        **({"ssl": options.ssl} if options.ssl is not None and url.startswith("wss://") else {}),
    }


def _check_subprotocol(socket: Any, url: str) -> None:
    if socket.subprotocol != SUBPROTOCOL:
        host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
        raise InvalidResponse(f"{host} does not speak {SUBPROTOCOL}, the protocol of subscriptions.")


def _closing_code(end: BaseException | None) -> int:
    return 4400 if isinstance(end, InvalidResponse) else 1000


class _Waiting:
    """What came and was not taken yet: events, and at their end what ended them; None where that was the server's own end."""

    __slots__ = ("_size", "closed", "end", "ended", "items", "limit")

    def __init__(self, limit: int) -> None:
        self.items: deque[bytes] = deque()
        self.limit = limit
        self._size = 0
        self.ended = False
        self.end: Exception | None = None
        self.closed = False

    @property
    def full(self) -> bool:
        # One event fits always, whatever its size.
        return self._size >= self.limit and not self.closed

    def put(self, item: bytes) -> None:
        if not self.closed:
            self.items.append(item)
            self._size += len(item)

    def take(self) -> bytes | None:
        """The next event, or None after the last. Raises what ended them."""
        if self.items:
            item = self.items.popleft()
            self._size -= len(item)
            return item
        if self.end is not None and not self.closed:
            raise self.end
        return None

    @property
    def ready(self) -> bool:
        return bool(self.items) or self.ended or self.closed

    def finish(self, end: Exception | None) -> None:
        self.end, self.ended = end, True

    def close(self) -> None:
        self.closed = True
        self.items.clear()
        self._size = 0


class Connection:
    """One subscription's connection, acknowledged and subscribed, read by a thread of its own."""

    def __init__(
        self, url: str, headers: Mapping[str, str], conversation: Conversation, options: SubscriptionOptions
    ) -> None:
        limit = options.connect_timeout
        deadline = None if limit is None else time.monotonic() + limit
        connector = _library("sync.client").reconnect(
            url, open_timeout=limit, **_arguments(url, headers, options)
        )
        connector.process_redirect = _same
        self._conversation = conversation
        self._keepalive = options.keepalive
        self._waiting = _Waiting(options.buffer)
        self._changed = threading.Condition()
        self._socket: Any = connector.__enter__()
        self._thread: threading.Thread | None = None
        self._acknowledged = time.monotonic()
        try:
            _check_subprotocol(self._socket, url)
            self._socket.send(conversation.greeting)
            while not conversation.acknowledged:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                answer, _ = conversation.receive(self._socket.recv(timeout=left))
                if answer is not None:
                    self._socket.send(answer)
        except BaseException as error:
            self._socket.close(_closing_code(error))
            raise
        self._acknowledged = time.monotonic()
        self._thread = threading.Thread(target=self._read, name="penstock-subscription", daemon=True)
        self._thread.start()

    @property
    def stood(self) -> float:
        """The seconds since it was acknowledged."""
        return time.monotonic() - self._acknowledged

    def next(self) -> bytes | None:
        """The next event's answer; None where there are no more. Raises what ended the connection, behind the events that came."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting.ready)
            content = self._waiting.take()
            self._changed.notify_all()
            return content

    def close(self) -> None:
        """Ends the subscription and the connection."""
        with self._changed:
            if self._waiting.closed:
                return
            end = self._waiting.end
            self._waiting.close()
            self._changed.notify_all()
        if not self._conversation.done and end is None:
            self._send(COMPLETE)
        self._socket.close(_closing_code(end))
        # What is no longer read may be thrown away by any thread, the reading one as well.
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_CLOSE_TIMEOUT)

    def _send(self, message: str) -> None:
        try:
            self._socket.send(message)
        except Exception:
            # It is closed already; reading from it says why.
            return

    def _read(self) -> None:
        end: Exception | None = None
        try:
            while not self._conversation.done:
                self._receive()
        except Exception as error:
            end = error
        with self._changed:
            self._waiting.finish(end)
            self._changed.notify_all()

    def _receive(self) -> None:
        try:
            message = self._socket.recv(timeout=self._keepalive)
        except TimeoutError:
            self._send(PING)
            try:
                message = self._socket.recv(timeout=self._keepalive)
            except TimeoutError:
                raise Silent from None
        answer, event = self._conversation.receive(message)
        if answer is not None:
            self._send(answer)
        if event is not None:
            with self._changed:
                self._changed.wait_for(lambda: not self._waiting.full)
                self._waiting.put(event)
                self._changed.notify_all()


class AsyncConnection:
    """`Connection`, read by a task of its own."""

    def __init__(self, socket: Any, conversation: Conversation, options: SubscriptionOptions) -> None:
        import asyncio

        self._socket = socket
        self._conversation = conversation
        self._keepalive = options.keepalive
        self._waiting = _Waiting(options.buffer)
        self._changed = asyncio.Condition()
        self._acknowledged = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def make(
        cls, url: str, headers: Mapping[str, str], conversation: Conversation, options: SubscriptionOptions
    ) -> Self:
        """Connects, and waits until the server has acknowledged it."""
        import asyncio

        connector = _library("asyncio.client").connect(
            url, open_timeout=None, **_arguments(url, headers, options)
        )
        connector.process_redirect = _same
        async with asyncio.timeout(options.connect_timeout):
            socket = await connector.__aenter__()
            try:
                _check_subprotocol(socket, url)
                await socket.send(conversation.greeting)
                while not conversation.acknowledged:
                    answer, _ = conversation.receive(await socket.recv())
                    if answer is not None:
                        await socket.send(answer)
            except BaseException as error:
                await socket.close(_closing_code(error))
                raise
        made = cls(socket, conversation, options)
        made._task = asyncio.create_task(made._read())
        return made

    @property
    def stood(self) -> float:
        """The seconds since it was acknowledged."""
        return time.monotonic() - self._acknowledged

    async def next(self) -> bytes | None:
        """The next event's answer; None where there are no more. Raises what ended the connection, behind the events that came."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting.ready)
            content = self._waiting.take()
            self._changed.notify_all()
            return content

    async def close(self) -> None:
        """Ends the subscription and the connection."""
        if self._waiting.closed:
            return
        end = self._waiting.end
        self._waiting.close()
        async with self._changed:
            self._changed.notify_all()
        if not self._conversation.done and end is None:
            await self._send(COMPLETE)
        await self._socket.close(_closing_code(end))
        if self._task is not None:
            import asyncio

            await asyncio.wait([self._task], timeout=_CLOSE_TIMEOUT)

    async def _send(self, message: str) -> None:
        try:
            await self._socket.send(message)
        except Exception:
            # It is closed already; reading from it says why.
            return

    async def _read(self) -> None:
        end: Exception | None = None
        try:
            while not self._conversation.done:
                await self._receive()
        except Exception as error:
            end = error
        async with self._changed:
            self._waiting.finish(end)
            self._changed.notify_all()

    async def _receive(self) -> None:
        import asyncio

        try:
            async with asyncio.timeout(self._keepalive):
                message = await self._socket.recv()
        except TimeoutError:
            await self._send(PING)
            try:
                async with asyncio.timeout(self._keepalive):
                    message = await self._socket.recv()
            except TimeoutError:
                raise Silent from None
        answer, event = self._conversation.receive(message)
        if answer is not None:
            await self._send(answer)
        if event is not None:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._waiting.full)
                self._waiting.put(event)
                self._changed.notify_all()
