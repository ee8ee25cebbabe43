"""The server inside the client's process: the same application, without a socket.

An httpx transport runs it, so that everything above the socket is as it is against a remote server. One database is
one transport: close the transport to let go of it.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import httpx
from anyio.from_thread import start_blocking_portal

from penstock.server.app import create_app
from penstock.server.config import ServerConfig, Services
from penstock.server.database import IN_MEMORY, open_database
from penstock.server.setup import prepare

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from anyio.from_thread import BlockingPortal
    from starlette.applications import Starlette

NO_SERVICES = Services(scheduler=False, zombie_killer=False, lazarus=False, cloud_hooks=False)


def _local_app(path: str | Path, config: ServerConfig | None) -> tuple[Starlette, ServerConfig]:
    chosen = config or ServerConfig(services=NO_SERVICES)
    text = str(path)
    url = text if text == IN_MEMORY or "://" in text else f"sqlite:///{Path(text).expanduser().absolute()}"
    chosen = replace(chosen, database_url=url)
    database = open_database(url)
    prepare(database)
    return create_app(database, chosen), chosen


class _Lifespan:
    """The application's lifespan, entered with the first request: until then nothing runs."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._context = app.router.lifespan_context(app)
        self._entered = False

    async def enter(self) -> None:
        if not self._entered:
            self._entered = True
            await self._context.__aenter__()

    async def leave(self) -> None:
        if self._entered:
            self._entered = False
            await self._context.__aexit__(None, None, None)


class AsyncLocalTransport(httpx.AsyncBaseTransport):
    """Requests answered by a server in this process."""

    def __init__(self, path: str | Path = IN_MEMORY, config: ServerConfig | None = None) -> None:
        app, _ = _local_app(path, config)
        self._lifespan = _Lifespan(app)
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._starting: anyio.Lock | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if self._starting is None:
            self._starting = anyio.Lock()
        async with self._starting:
            await self._lifespan.enter()
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Stop the server and close its database."""
        await self._lifespan.enter()
        await self._lifespan.leave()


class LocalTransport(httpx.BaseTransport):
    """Requests answered by a server in this process, whose event loop runs in a thread of its own."""

    def __init__(self, path: str | Path = IN_MEMORY, config: ServerConfig | None = None) -> None:
        self._inner = AsyncLocalTransport(path, config)
        self._lock = threading.Lock()
        self._portal: BlockingPortal | None = None
        self._portal_context: AbstractContextManager[BlockingPortal] | None = None
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request. Callable from several threads at once."""
        body = request.read()
        return self._started().call(self._exchange, request.method, request.url, request.headers.raw, body)

    def _started(self) -> BlockingPortal:
        with self._lock:
            if self._closed:
                raise RuntimeError("The local server is closed. Make a new client.")
            if self._portal is None:
                self._portal_context = start_blocking_portal()
                self._portal = self._portal_context.__enter__()
            return self._portal

    async def _exchange(
        self, method: str, url: httpx.URL, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> httpx.Response:
        answer = await self._inner.handle_async_request(
            httpx.Request(method, url, headers=headers, content=body)
        )
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers.raw, content=content)

    def close(self) -> None:
        """Stop the server and close its database."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._portal_context is None:
                self._portal_context = start_blocking_portal()
                self._portal = self._portal_context.__enter__()
            assert self._portal is not None
            self._portal.call(self._inner.aclose)
            self._portal_context.__exit__(None, None, None)


def local_transport(path: str | Path = IN_MEMORY, config: ServerConfig | None = None) -> httpx.BaseTransport:
    """A transport to a server of its own over the database at `path`: a SQLite file, `:memory:`, or a database URL.

    The database is migrated, and given a tenant if it has none, at once. Background services are off unless the
    config switches them on.
    """
    return LocalTransport(path, config)


def async_local_transport(
    path: str | Path = IN_MEMORY, config: ServerConfig | None = None
) -> httpx.AsyncBaseTransport:
    """The same for asynchronous clients."""
    return AsyncLocalTransport(path, config)
