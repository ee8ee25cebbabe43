"""The flyte side of the local server on its own: one process, one port, nothing else mounted.

``FlyteServer`` starts it from a test or a benchmark; ``python -m penstock.testing.flyte_server`` is that
process. The data is where ``database`` says, so a server that is started again on it goes on where the former
one ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from starlette.applications import Starlette


@dataclass(frozen=True, slots=True)
class FlyteServerOptions:
    """How to serve.

    ``database`` is a SQLAlchemy URL (SQLite or PostgreSQL). ``lease`` and ``pack_expiry`` are in seconds.
    ``tokens`` says who may call: ``none`` for everybody; ``any`` makes every token a tenant of its own and no
    token the tenant ``""``; anything else is the one token that is accepted.
    """

    database: str
    port: int = 0
    lease: float = 300.0
    pack_expiry: float | None = None
    tokens: str = "none"
    event_loop: Literal["auto", "asyncio"] = "auto"


def flyte_application(options: FlyteServerOptions) -> Starlette:
    """The application of ``options``, its tables created where they are missing."""
    import sqlalchemy
    from starlette.applications import Starlette

    from penstock.server.database import open_database
    from penstock.server.flyte.routes import flyte_routes
    from penstock.server.flyte.tables import define

    database = open_database(options.database)
    metadata = sqlalchemy.MetaData()
    tables = define(metadata)
    with database.write() as connection:
        metadata.create_all(connection)

    def authenticate(token: str) -> str | None:
        return token if options.tokens in {"any", token} else None

    routes = flyte_routes(
        database.engine,
        tables,
        authenticate=None if options.tokens == "none" else authenticate,
        lease=timedelta(seconds=options.lease),
        pack_expiry=None if options.pack_expiry is None else timedelta(seconds=options.pack_expiry),
        reading=database.read,
        writing=database.write,
    )
    return Starlette(routes=routes)


class FlyteServer:
    """A server process, to use in ``with``.

    ``url`` is where it listens. ``kill`` ends it as a crash would; ``start`` begins again on the same port
    and data.
    """

    def __init__(self, options: FlyteServerOptions) -> None:
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self._output: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, with no slash at its end."""
        return f"http://127.0.0.1:{self._options.port}"

    def start(self, *, timeout: float = 30.0) -> Self:
        """Start the process and wait until it listens; raises ``RuntimeError`` where it does not."""
        process = subprocess.Popen(
            [sys.executable, "-m", "penstock.testing.flyte_server", json.dumps(asdict(self._options))],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        watchdog = threading.Timer(timeout, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        if not line:
            raise RuntimeError(f"The flyte server ended with exit code {process.wait()} before it listened.")
        self._options = replace(self._options, port=int(line))
        self._process = process
        return self

    def kill(self) -> None:
        """End the process with SIGKILL and wait for its end."""
        self._end(force=True)

    def stop(self) -> None:
        """End the process and wait for its end."""
        self._end(force=False)

    def _end(self, *, force: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill() if force else process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait(10)
        if process.stdout is not None:
            process.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def main() -> None:
    """Serve until a signal; the port goes to standard output once it listens."""
    import uvicorn

    options = FlyteServerOptions(**json.loads(sys.argv[1]))
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    configuration = uvicorn.Config(
        flyte_application(options),
        log_level="warning",
        access_log=False,
        loop=options.event_loop,
        timeout_graceful_shutdown=2,
        lifespan="off",
    )
    server = uvicorn.Server(configuration)

    async def serve() -> None:
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(0.01)
        if server.started:
            print(listener.getsockname()[1], flush=True)
        await serving

    with configuration_runner(configuration) as runner:
        runner.run(serve())


def configuration_runner(configuration: object) -> asyncio.Runner:
    """An event loop as uvicorn is configured to use: uvloop where it is installed."""
    factory = getattr(configuration, "get_loop_factory", lambda: None)()
    return asyncio.Runner(loop_factory=factory)


if __name__ == "__main__":
    main()
