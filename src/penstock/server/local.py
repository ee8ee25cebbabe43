"""The server inside the client's process: the same application, without a socket.

An httpx transport runs it, so that everything above the socket is as it is against a remote server. One database is
one transport: close the transport to let go of it.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
import httpx

from penstock.server.app import create_app
from penstock.server.config import ServerConfig, Services
from penstock.server.database import IN_MEMORY, open_database
from penstock.server.setup import default_tenant_id, prepare

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.applications import Starlette

    from penstock.server.database import Database

ResultT = TypeVar("ResultT")

NO_SERVICES = Services(scheduler=False, zombie_killer=False, lazarus=False, cloud_hooks=False)


def _local_app(path: str | Path, config: ServerConfig | None) -> tuple[Starlette, Database]:
    chosen = config or ServerConfig(services=NO_SERVICES)
    text = str(path)
    url = text if text == IN_MEMORY or "://" in text else f"sqlite:///{Path(text).expanduser().absolute()}"
    chosen = replace(chosen, database_url=url)
    database = open_database(url)
    prepare(database)
    return create_app(database, chosen), database


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
        app, self._database = _local_app(path, config)
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

    @property
    def default_tenant_id(self) -> str:
        """The tenant that a new database has, or the oldest one of an older database."""
        return default_tenant_id(self._database)

    async def aclose(self) -> None:
        """Stop the server and close its database."""
        await self._lifespan.enter()
        await self._lifespan.leave()


class LocalTransport(httpx.BaseTransport):
    """Requests answered by a server in this process, whose event loop runs in a thread of its own.

    The thread is a daemon: a program that forgets to close its client still ends.
    """

    def __init__(self, path: str | Path = IN_MEMORY, config: ServerConfig | None = None) -> None:
        self._inner = AsyncLocalTransport(path, config)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request. Callable from several threads at once."""
        body = request.read()
        exchange = self._exchange(request.method, request.url, request.headers.raw, body)
        return self._run(exchange)

    def _run(self, coroutine: Coroutine[object, object, ResultT]) -> ResultT:
        with self._lock:
            if self._closed:
                coroutine.close()
                raise RuntimeError("The local server is closed. Make a new client.")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="penstock-local", daemon=True
                )
                self._thread.start()
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _exchange(
        self, method: str, url: httpx.URL, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> httpx.Response:
        answer = await self._inner.handle_async_request(
            httpx.Request(method, url, headers=headers, content=body)
        )
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers.raw, content=content)

    @property
    def default_tenant_id(self) -> str:
        """The tenant that a new database has, or the oldest one of an older database."""
        return self._inner.default_tenant_id

    def close(self) -> None:
        """Stop the server and close its database."""
        if self._closed:
            return
        self._run(self._inner.aclose())
        with self._lock:
            self._closed = True
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def local_transport(path: str | Path = IN_MEMORY, config: ServerConfig | None = None) -> LocalTransport:
    """A transport to a server of its own over the database at `path`: a SQLite file, `:memory:`, or a database URL.

    The database is migrated, and given a tenant if it has none, at once. Background services are off unless the
    config switches them on.
    """
    return LocalTransport(path, config)


def async_local_transport(
    path: str | Path = IN_MEMORY, config: ServerConfig | None = None
) -> AsyncLocalTransport:
    """The same for asynchronous clients."""
    return AsyncLocalTransport(path, config)
