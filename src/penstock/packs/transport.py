"""An httpx transport for many small requests to one place.

httpx's own looks at every connection of its pool for every request, which a pack with dozens of them under
way pays for dearly. This one takes the connection that was used last. It speaks HTTP/1.1, reads bodies whole
(what the flyte API answers is small) and leaves deadlines to its caller. It knows no proxies: ``FlyteClient``
uses httpx's where there is one.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final

import httpx

Origin = tuple[str, str, int]

HEAD_LIMIT: Final = 64 * 1024
BODY_LIMIT: Final = 64 * 1024 * 1024
IDLE_SECONDS: Final = 4.0
"""How long a connection may lie idle: uvicorn closes after 5 s, and a request must not meet that."""

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idle_since: float = 0.0

    def is_usable(self, now: float) -> bool:
        fresh = now - self.idle_since < IDLE_SECONDS
        return fresh and not self.reader.at_eof() and not self.writer.transport.is_closing()

    def close(self) -> None:
        self.writer.transport.abort()


class KeepAliveTransport(httpx.AsyncBaseTransport):
    """Keeps up to ``max_connections`` connections; ``tls`` is for https URLs."""

    def __init__(self, *, tls: ssl.SSLContext | None, max_connections: int) -> None:
        self._tls = tls
        self._max_connections = max_connections
        self._loop: asyncio.AbstractEventLoop | None = None
        self._places = asyncio.Semaphore(max_connections)
        self._idle: dict[Origin, list[_Connection]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` and read its answer; raises httpx's transport errors."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # Used in one asyncio.run after another: what belonged to the former loop ended with it.
            self._loop = loop
            self._places = asyncio.Semaphore(self._max_connections)
            self._idle.clear()
        url = request.url
        if url.scheme not in _PORTS:
            raise httpx.UnsupportedProtocol(f"{url.scheme!r} is not spoken here.", request=request)
        origin = (url.scheme, url.host, url.port or _PORTS[url.scheme])
        content = await request.aread()
        async with self._places:
            connection = self._pop_idle(origin) or await self._connect(origin, request)
            try:
                response, stays = await _exchange(connection, request, content)
            except BaseException:
                connection.close()
                raise
            if stays:
                connection.idle_since = loop.time()
                self._idle.setdefault(origin, []).append(connection)
            else:
                connection.close()
            return response

    async def aclose(self) -> None:
        """Close all connections."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
        # Transports let go of their sockets in the loop's next round.
        await asyncio.sleep(0)

    def _pop_idle(self, origin: Origin) -> _Connection | None:
        idle = self._idle.get(origin, [])
        now = asyncio.get_running_loop().time()
        while idle:
            connection = idle.pop()
            if connection.is_usable(now):
                return connection
            connection.close()
        return None

    async def _connect(self, origin: Origin, request: httpx.Request) -> _Connection:
        scheme, host, port = origin
        tls = self._tls if scheme == "https" else None
        if scheme == "https" and tls is None:
            tls = httpx.create_ssl_context()
        try:
            reader, writer = await asyncio.open_connection(host, port, ssl=tls, limit=HEAD_LIMIT)
        except (OSError, ssl.SSLError, UnicodeError) as error:
            raise httpx.ConnectError(str(error) or type(error).__name__, request=request) from error
        return _Connection(reader, writer)


async def _exchange(
    connection: _Connection, request: httpx.Request, content: bytes
) -> tuple[httpx.Response, bool]:
    target = request.url.raw_path
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), target)]
    lines += [b"%b: %b" % (name, value) for name, value in request.headers.raw]
    connection.writer.write(b"\r\n".join([*lines, b"", b""]) + content)
    try:
        await connection.writer.drain()
        while True:
            head = await connection.reader.readuntil(b"\r\n\r\n")
            status, version, headers = _read_head(head, request)
            # 1xx is news of an answer to come.
            if status >= 200:
                break
        body, ends = await _read_body(connection.reader, request, status, headers)
    except asyncio.IncompleteReadError as error:
        what = "in the middle of its answer" if error.partial else "without an answer"
        raise httpx.RemoteProtocolError(f"the connection was closed {what}", request=request) from None
    except (asyncio.LimitOverrunError, ValueError) as error:
        raise httpx.RemoteProtocolError(f"the answer is no HTTP: {error}", request=request) from None
    except (OSError, ssl.SSLError) as error:
        raise httpx.ReadError(str(error) or type(error).__name__, request=request) from error
    tokens = {name: value.lower() for name, value in headers}.get(b"connection", b"")
    stays = not ends and version == b"HTTP/1.1" and b"close" not in tokens
    return httpx.Response(status, headers=headers, content=body, request=request), stays


def _read_head(head: bytes, request: httpx.Request) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    first, *lines = head[:-4].split(b"\r\n")
    version, _, rest = first.partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/1.") or not code.isdigit() or len(code) != 3:
        raise httpx.RemoteProtocolError(f"the answer is no HTTP: {first[:60]!r}", request=request)
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise httpx.RemoteProtocolError(f"the answer has a broken header: {line[:60]!r}", request=request)
        headers.append((name.lower(), value.strip()))
    return int(code), version, headers


async def _read_body(
    reader: asyncio.StreamReader, request: httpx.Request, status: int, headers: list[tuple[bytes, bytes]]
) -> tuple[bytes, bool]:
    """The body, and whether the connection ends with it."""
    if request.method == "HEAD" or status in {204, 304}:
        return b"", False
    named = dict(headers)
    if b"chunked" in named.get(b"transfer-encoding", b"").lower():
        return await _read_chunks(reader), False
    if b"content-length" in named:
        length = named[b"content-length"]
        if not length.isdigit() or int(length) > BODY_LIMIT:
            raise ValueError(f"a body of {length[:20]!r} bytes")
        return await reader.readexactly(int(length)), False
    body = await reader.read(BODY_LIMIT)
    while part := await reader.read(BODY_LIMIT):
        body += part
        if len(body) > BODY_LIMIT:
            raise ValueError("a body without end")
    return body, True


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    total = 0
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.partition(b";")[0].strip(), 16)
        total += size
        if size < 0 or total > BODY_LIMIT:
            raise ValueError("a body without end")
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
            return b"".join(parts)
        parts.append(await reader.readexactly(size))
        if await reader.readexactly(2) != b"\r\n":
            raise ValueError("a chunk that is longer than it says")
