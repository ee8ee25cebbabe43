"""Subscriptions over graphql-transport-ws: what is said, what an answer means, and when to connect again, without the waiting.

`Conversation` is one connection's side of the protocol and `Tries` decides what follows a failure; `EventStream` and `AsyncEventStream`
only wait. The rules are those of https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

from .errors import (
    AuthenticationError,
    ClientError,
    InvalidResponse,
    PermissionDenied,
    RequestTimeout,
    TransportError,
)
from .operation import Operation, graphql_error
from .transport import retry_after, status_error
from .values import encode_variables

if TYPE_CHECKING:
    import ssl as ssl_module

    from .client import AsyncClient, SyncClient
    from .websocket import AsyncConnection, Connection

Event = TypeVar("Event", covariant=True)

SUBPROTOCOL: Final = "graphql-transport-ws"
# One subscription has a connection of its own, so that its id need not tell it from others.
_ID: Final = "1"
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 30.0
_LONGEST_WISH: Final = 60.0
# A connection that stood this many seconds worked: what ends it begins a new count of tries.
_STOOD: Final = 10.0


@dataclass(frozen=True, slots=True)
class SubscriptionOptions:
    """How a client subscribes.

    Args:
        url: Where subscriptions are served; else the client's URL with ws:// for http:// and wss:// for https://.
        payload: What is sent with `connection_init`, or a function that gives it anew for each connection; else the client's
            Authorization header, under its name, where there is one. `{}` sends none.
        retries: How often in a row it connects again after a connection was lost or could not be made; None for ever, 0 not at all.
        connect_timeout: Seconds until the server has to have acknowledged a connection; None waits for ever.
        keepalive: Seconds of silence after which the server is asked whether it is there, and again as many until it counts as gone;
            None never asks.
        buffer: Bytes of events that may wait for a slow reader. Where they are more, no more are read from the connection.
        max_message: Bytes that one message may have at most.
        ssl: How the server's certificate is checked; else as Python does by default.
    """

    # Neither is shown: they hold what says who asks.
    url: str | None = field(default=None, repr=False)
    payload: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = field(default=None, repr=False)
    retries: int | None = 5
    connect_timeout: float | None = 10.0
    keepalive: float | None = 20.0
    buffer: int = 1_000_000
    max_message: int = 16_000_000
    ssl: ssl_module.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.url is not None and not self.url.startswith(("ws://", "wss://")):
            raise ValueError("The URL of subscriptions starts with ws:// or wss://.")
        if self.retries is not None and self.retries < 0:
            raise ValueError(f"retries is 0 or more, or None for ever, not {self.retries}.")
        for name in ("connect_timeout", "keepalive", "buffer", "max_message"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} is more than 0, not {value}.")

    def address(self, url: str) -> str:
        """Where a client of this URL subscribes."""
        if self.url is not None:
            return self.url
        scheme, _, rest = url.partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}"

    def greeting(self, headers: Mapping[str, str]) -> Mapping[str, Any]:
        """The payload of `connection_init` for a client with these headers."""
        if callable(self.payload):
            return self.payload()
        if self.payload is not None:
            return self.payload
        return {name: value for name, value in headers.items() if name.lower() == "authorization"}


DEFAULTS: Final = SubscriptionOptions()


# ----------------------------------------------------------------------------------------------------------- what is said


class Silent(Exception):
    """Nothing came for as long as may be, not even an answer to a ping."""


class Conversation:
    """One connection's side of the protocol: what is sent, and what a message amounts to."""

    __slots__ = ("_name", "_request", "acknowledged", "done", "greeting")

    def __init__(self, name: str, payload: Mapping[str, Any], request: bytes) -> None:
        self._name = name
        self._request = request
        told: dict[str, Any] = {"type": "connection_init"}
        if payload:
            told["payload"] = dict(payload)
        self.greeting: Final = json.dumps(told)
        self.acknowledged = False
        # Whether the subscription is over on the server, so that nothing has to be said to end it.
        self.done = False

    def receive(self, message: str | bytes) -> tuple[str | None, bytes | None]:
        """What to answer to a message, and the event's answer that it brings, as JSON.

        The end of the subscription sets `done`. Raises `GraphQLError` where the server refuses the operation, and `InvalidResponse`
        for what is no message of the protocol. Messages of a type that is not known, and those of another subscription, are passed over.
        """
        kind, number, payload = self._parts(message)
        if kind == "connection_ack" and not self.acknowledged:
            self.acknowledged = True
            return f'{{"id":"{_ID}","type":"subscribe","payload":{self._request.decode()}}}', None
        if kind == "ping":
            told = f',"payload":{payload}' if payload else ""
            return f'{{"type":"pong"{told}}}', None
        if kind not in ("next", "error", "complete") or number != _ID:
            return None, None
        if not self.acknowledged:
            raise self._wrong("sent an event before it acknowledged the connection")
        if kind == "next":
            if payload is None:
                raise self._wrong("sent an event without a payload")
            return None, payload.encode()
        self.done = True
        if kind == "error":
            errors = json.loads(payload) if payload else [{"message": "no message"}]
            raise graphql_error(self._name, {"errors": errors})
        return None, None

    def _parts(self, message: str | bytes) -> tuple[str, object, str | None]:
        """A message's type and id, and its payload as the text that came: reading it is the operation's."""
        if not isinstance(message, str):
            raise self._wrong("sent a binary message")
        try:
            found = dict(members(message))
            kind = json.loads(found["type"])
            number = json.loads(found["id"]) if "id" in found else None
        except (ValueError, KeyError, RecursionError):
            raise self._wrong(f"sent what is no message of it: {message[:20]!r}") from None
        payload = found.get("payload")
        return str(kind), number, None if payload == "null" else payload

    def _wrong(self, what: str) -> InvalidResponse:
        return InvalidResponse(
            f"{self._name}: the server speaks {SUBPROTOCOL}, and {what}.", operation=self._name
        )


PING: Final = '{"type":"ping"}'
COMPLETE: Final = f'{{"id":"{_ID}","type":"complete"}}'
_DECODER: Final = json.JSONDecoder()
_BLANK: Final = " \t\r\n"


def members(text: str) -> Generator[tuple[str, str], None, None]:
    """The members of a JSON object, each value as its text: numbers keep all their digits. Raises `ValueError` where it is none."""

    def skip(position: int) -> int:
        while text[position : position + 1] and text[position] in _BLANK:
            position += 1
        return position

    def expect(position: int, wanted: str) -> int:
        position = skip(position)
        if text[position : position + 1] != wanted:
            raise ValueError(f"{wanted} is missing at {position}")
        return position + 1

    position = expect(0, "{")
    more = text[skip(position) : skip(position) + 1] != "}"
    while more:
        position = skip(position)
        key, position = _DECODER.raw_decode(text, position)
        if not isinstance(key, str):
            raise ValueError("a key is no string")
        start = skip(expect(position, ":"))
        _, position = _DECODER.raw_decode(text, start)
        yield key, text[start:position]
        position = skip(position)
        more = text[position : position + 1] == ","
        position += more
    if skip(expect(position, "}")) != len(text):
        raise ValueError("something follows the object")


# -------------------------------------------------------------------------------------------------- what follows a failure


class Tries:
    """How often a subscription connects: after a failure, either the seconds until the next try, or the error that ends it."""

    __slots__ = ("_failures", "_name", "_retries", "_shown", "_timeout")

    def __init__(self, name: str, url: str, options: SubscriptionOptions) -> None:
        self._name = name
        parts = urlsplit(url)
        # Without what stands before the host and behind the path, where secrets stand.
        self._shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        self._retries = options.retries
        self._timeout = options.connect_timeout
        self._failures = 0

    def worked(self) -> None:
        """An event came: the next failure is the first one."""
        self._failures = 0

    def failed(self, error: Exception, stood: float = 0.0) -> float:
        """The seconds until the next try, after a connection that stood for some. Raises the error that ends it, as one of ours."""
        judged, again, wish = self._judge(error)
        if stood >= _STOOD:
            self._failures = 0
        if not again or (self._retries is not None and self._failures >= self._retries):
            if judged is error:
                raise error
            raise judged from (error if again else None)
        self._failures += 1
        if wish is not None and wish <= _LONGEST_WISH:
            return wish
        longest: float = min(_FIRST_DELAY * 2 ** min(self._failures - 1, 10), _LONGEST_DELAY)
        return longest * (0.5 + random.random() / 2)

    def _judge(self, error: Exception) -> tuple[Exception, bool, float | None]:
        """The error as one of ours, whether another try may mend it, and how long the server asks to wait."""
        # Ruled by name, not by class: what carries messages is imported only where it is used.
        names = {base.__name__ for base in type(error).__mro__}
        name, where = self._name, self._shown
        if isinstance(error, ClientError):
            return error, False, None
        if isinstance(error, Silent):
            return TransportError(f"{name}: {where} has gone silent."), True, None
        if "ConnectionClosed" in names:
            return self._closed(error)
        if "InvalidStatus" in names:
            answer: Any = getattr(error, "response")  # noqa: B009  # the class is not imported
            headers = {key.lower(): value for key, value in answer.headers.raw_items()}
            judged = status_error(name, answer.status_code, headers, answer.body or b"")
            return judged, answer.status_code in (429, 502, 503, 504), retry_after(headers.get("retry-after"))
        if isinstance(error, TimeoutError):
            limit = f" within {self._timeout:g} seconds" if self._timeout is not None else ""
            return RequestTimeout(f"{name}: {where} did not acknowledge the connection{limit}."), True, None
        if "InvalidMessage" in names or "InvalidProxyMessage" in names:
            return TransportError(f"{name}: {where} closed the connection before it was made."), True, None
        if "InvalidHandshake" in names or "InvalidURI" in names:
            return (
                TransportError(
                    f"{name}: {where} does not make a WebSocket connection; is this where subscriptions are served?"
                ),
                False,
                None,
            )
        if isinstance(error, OSError):
            again = "SSLCertVerificationError" not in names
            return TransportError(f"{name}: {where} cannot be reached: {error}", sent=False), again, None
        return error, False, None

    def _closed(self, error: Exception) -> tuple[ClientError, bool, float | None]:
        """What a closed connection means: the protocol's own codes are final, but for the one that says it took too long."""
        received, sent = getattr(error, "rcvd", None), getattr(error, "sent", None)
        code = received.code if received is not None else None
        reason = f": {received.reason}" if received is not None and received.reason else ""
        name = self._name
        if code == 4401:
            message = (
                f"{name}: the server does not accept these credentials (4401{reason}); check the API key."
            )
            return AuthenticationError(message, status_code=401, operation=name), False, None
        if code == 4403:
            message = f"{name}: the server does not allow this (4403{reason})."
            return PermissionDenied(message, status_code=403, operation=name), False, None
        if received is None and sent is not None and sent.code == 1009:
            message = f"{name}: an event is larger than max_message allows; make that larger, or select less."
            return InvalidResponse(message, operation=name), False, None
        if code is None:
            ours = sent is not None and sent.code in (1002, 1007)
            what = "sent what is no WebSocket message" if ours else "lost the connection"
            return TransportError(f"{name}: {self._shown} {what}."), not ours, None
        final = code in (1002, 1003, 1007, 1009, 1010) or (4400 <= code < 4500 and code != 4408)
        return (
            TransportError(f"{name}: {self._shown} closed the connection ({code}{reason})."),
            not final,
            None,
        )


# --------------------------------------------------------------------------------------------------------------- the streams


class _Stream(Generic[Event]):
    """What both streams share: the request, and where it goes on."""

    def __init__(
        self,
        client: Any,
        operation: Operation[Any],
        wrap: Callable[[Any], Event],
        resume: Callable[[Event], Mapping[str, Any]] | None,
    ) -> None:
        self._client = client
        self._operation = operation
        self._wrap = wrap
        self._resume = resume
        # The variables that the last event asked to go on with.
        self._changes: dict[str, Any] = {}

    @property
    def _options(self) -> SubscriptionOptions:
        options: SubscriptionOptions | None = self._client._options.subscriptions
        return options or DEFAULTS

    @property
    def _url(self) -> str:
        return self._options.address(self._client._options.url)

    def _conversation(self, variables: Mapping[str, Any], headers: Mapping[str, str]) -> Conversation:
        operation = self._operation
        request = self._client._prefix(operation) + encode_variables({**variables, **self._changes}) + b"}"
        return Conversation(operation.name, self._options.greeting(headers), request)

    def _event(self, content: bytes) -> Event:
        """The event that an answer amounts to, noting how to go on behind it."""
        event = self._wrap(self._operation.read(content))
        if self._resume is not None:
            self._changes = self._renamed(self._resume(event))
        return event

    def _renamed(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        known = dict(self._operation.parameters)
        for name in changes:
            if name not in known:
                ways = ", ".join(known)
                raise TypeError(
                    f"resume names {name!r}, and this subscription has no such argument; it has {ways}."
                )
        return {known[name]: value for name, value in changes.items()}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._operation.name}>"


_CLOSED: Final = "This stream is closed; call the method again for another one."


class EventStream(_Stream[Event]):
    """The events of a subscription, as they come: `for event in stream`.

    Nothing is sent until it is iterated; each iteration subscribes anew, behind the last event where the method was given `resume`. A
    connection that is lost is made again, as often as the client's `SubscriptionOptions` say. Leaving the loop ends the subscription;
    `with stream:` does so for certain, and `close()` from any thread.

    Raises while it is iterated: `GraphQLError` where the server refuses the operation or an event comes with errors, `AuthenticationError`
    and `PermissionDenied`, `InvalidResponse` for an event that does not fit the schema, `TransportError` once it has been tried often
    enough.
    """

    _client: SyncClient

    def __init__(
        self,
        client: SyncClient,
        operation: Operation[Any],
        variables: Callable[[], dict[str, Any]],
        wrap: Callable[[Any], Event],
        resume: Callable[[Event], Mapping[str, Any]] | None,
    ) -> None:
        super().__init__(client, operation, wrap, resume)
        self._variables = variables
        self._closed = threading.Event()
        self._open: set[Connection] = set()

    def __iter__(self) -> Generator[Event, None, None]:
        if self._closed.is_set():
            raise RuntimeError(_CLOSED)
        return self._events()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the subscription; a loop over it, in whatever thread, ends too."""
        self._closed.set()
        for connection in tuple(self._open):
            connection.close()

    def _events(self) -> Generator[Event, None, None]:
        options = self._options
        variables = self._client._with_context(self._operation, self._variables())
        tries = Tries(self._operation.name, self._url, options)
        while not self._closed.is_set():
            try:
                connection = self._connect(variables)
            except Exception as error:
                self._closed.wait(tries.failed(error))
                continue
            self._open.add(connection)
            try:
                while not self._closed.is_set():
                    try:
                        content = connection.next()
                    except Exception as error:
                        if self._closed.is_set():
                            return
                        delay = tries.failed(error, connection.stood)
                        break
                    if content is None:
                        return
                    tries.worked()
                    yield self._event(content)
                else:
                    return
            finally:
                self._open.discard(connection)
                connection.close()
            self._closed.wait(delay)

    def _connect(self, variables: Mapping[str, Any]) -> Connection:
        from .websocket import Connection

        headers = self._client._call_headers()
        return Connection(self._url, headers, self._conversation(variables, headers), self._options)


class AsyncEventStream(_Stream[Event]):
    """`EventStream`, for `async for`. Leaving the loop ends the subscription soon after; `async with stream:` ends it there and then."""

    _client: AsyncClient

    def __init__(
        self,
        client: AsyncClient,
        operation: Operation[Any],
        variables: Callable[[], Awaitable[dict[str, Any]]],
        wrap: Callable[[Any], Event],
        resume: Callable[[Event], Mapping[str, Any]] | None,
    ) -> None:
        super().__init__(client, operation, wrap, resume)
        self._variables = variables
        import asyncio

        self._closed = asyncio.Event()
        self._open: set[AsyncConnection] = set()

    def __aiter__(self) -> AsyncGenerator[Event, None]:
        if self._closed.is_set():
            raise RuntimeError(_CLOSED)
        return self._events()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the subscription; a loop over it, in whatever task, ends too."""
        self._closed.set()
        for connection in tuple(self._open):
            await connection.close()

    async def _events(self) -> AsyncGenerator[Event, None]:
        options = self._options
        variables = await self._client._with_context(self._operation, await self._variables())
        tries = Tries(self._operation.name, self._url, options)
        while not self._closed.is_set():
            try:
                connection = await self._connect(variables)
            except Exception as error:
                await self._pause(tries.failed(error))
                continue
            self._open.add(connection)
            try:
                while not self._closed.is_set():
                    try:
                        content = await connection.next()
                    except Exception as error:
                        if self._closed.is_set():
                            return
                        delay = tries.failed(error, connection.stood)
                        break
                    if content is None:
                        return
                    tries.worked()
                    yield self._event(content)
                else:
                    return
            finally:
                self._open.discard(connection)
                await connection.close()
            await self._pause(delay)

    async def _pause(self, seconds: float) -> None:
        import asyncio

        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            pass

    async def _connect(self, variables: Mapping[str, Any]) -> AsyncConnection:
        from .websocket import AsyncConnection

        headers = await self._client._call_headers()
        return await AsyncConnection.make(
            self._url, headers, self._conversation(variables, headers), self._options
        )
