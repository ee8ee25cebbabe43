"""Whether a pack is well: its checks, and the small HTTP server that answers with them.

The JSON and the statuses are those of the flyte client: ``{"Name": {"healthy": bool, "status": any}}``, 200
where all are healthy, else 500, on every path and to every method. Unlike there, a check that hangs or raises
is unhealthy.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json

from penstock.packs.client import FlyteClient
from penstock.packs.errors import ConfigurationError, DefinitionError, FlyteApiError

logger = logging.getLogger(__name__)

DEFAULT_PORT: Final = 8090
REQUEST_LIMIT: Final = 16 * 1024
REQUEST_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Health:
    """What a check found; ``status`` is any JSON value that says more."""

    healthy: bool
    status: Any = None


CheckFunction = Callable[[], "Health | Awaitable[Health]"]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A named check. ``check`` may be a coroutine function; a plain one runs in a thread of its own.

    After ``timeout`` seconds it counts as unhealthy.
    """

    name: str
    check: CheckFunction
    timeout: float = 5.0

    def __post_init__(self) -> None:
        if not self.name:
            raise DefinitionError("A health check needs a name.")
        if self.timeout <= 0:
            raise DefinitionError(
                f"The timeout of the health check {self.name!r} is {self.timeout}; make it positive."
            )


def flyte_api_health_check(
    client: FlyteClient, *, name: str = "FlyteApiCheck", timeout: float = 5.0
) -> HealthCheck:
    """A check that the flyte API answers; unhealthy whenever it does not."""

    async def check() -> Health:
        try:
            url = await client.health()
        except FlyteApiError as error:
            return Health(healthy=False, status=f"flyte-api is not healthy. {error}")
        return Health(healthy=True, status=f"flyte-api is up and responding to requests. url: '{url}'")

    return HealthCheck(name, check, timeout)


_DEFAULT_CHECK = HealthCheck("DefaultCheck", lambda: Health(healthy=True, status="Pack is running."))


class HealthChecks:
    """Runs checks, each once at a time: a check that hangs is not started again on top of itself."""

    def __init__(self, checks: Iterable[HealthCheck]) -> None:
        self._checks: Sequence[HealthCheck] = tuple(checks) or (_DEFAULT_CHECK,)
        names = [check.name for check in self._checks]
        for name in names:
            if names.count(name) > 1:
                raise DefinitionError(f"The health check {name!r} is there more than once.")
        self._running: dict[str, asyncio.Task[Health]] = {}

    async def run(self) -> dict[str, Health]:
        """All checks at the same time: what each found, by name, in the order of the names."""
        found = await asyncio.gather(*(self._run(check) for check in self._checks))
        return dict(sorted(zip((check.name for check in self._checks), found, strict=True)))

    async def _run(self, check: HealthCheck) -> Health:
        task = self._running.get(check.name)
        if task is None or task.done():
            task = asyncio.create_task(_call(check.check), name=f"health check {check.name}")
            self._running[check.name] = task
        try:
            return await asyncio.wait_for(asyncio.shield(task), check.timeout)
        except TimeoutError:
            return Health(healthy=False, status=f"The check did not answer within {check.timeout:g} s.")
        except Exception as error:
            logger.warning("The health check %r raised %s.", check.name, type(error).__name__)
            return Health(healthy=False, status=f"The check failed: {type(error).__name__}: {error}")

    def cancel(self) -> None:
        """Give up what still runs."""
        for task in self._running.values():
            task.cancel()


async def _call(check: CheckFunction) -> Health:
    if inspect.iscoroutinefunction(check):
        found = await check()
    else:
        found = await _in_own_thread(check)
        if inspect.isawaitable(found):
            found = await found
    if not isinstance(found, Health):
        raise TypeError(f"it returned {type(found).__name__}, not a Health")
    return found


async def _in_own_thread(check: CheckFunction) -> Any:
    """Not in a pool, whose threads Python waits for at its end: a check that hangs must not keep the
    process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(result: object, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def run() -> None:
        result: object = None
        failure: BaseException | None = None
        try:
            result = check()
        except Exception as error:
            failure = error
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="pack-health-check", daemon=True).start()
    return await done


class HealthServer:
    """Answers every request with the checks; ``/metrics`` with ``metrics``, where given.

    ``address`` is where it listens, once started.
    """

    def __init__(
        self,
        checks: HealthChecks,
        *,
        host: str | None,
        port: int,
        metrics: Callable[[], tuple[str, bytes]] | None = None,
    ) -> None:
        self._checks = checks
        self._host = host
        self._port = port
        self._metrics = metrics
        self._server: asyncio.Server | None = None
        self.address: tuple[str, int] | None = None

    async def start(self) -> None:
        """Listen; raises ``ConfigurationError`` where the port cannot be had."""
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigurationError(
                f"The health server cannot listen on port {self._port}: {reason}."
            ) from None
        self.address = self._server.sockets[0].getsockname()[:2]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        self._checks.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            method, _, rest = head.partition(b" ")
            path = rest.partition(b" ")[0].partition(b"?")[0]
            if len(head) > REQUEST_LIMIT or not rest:
                status, kind, body = 400, "text/plain; charset=utf-8", b"This is no HTTP request.\n"
            elif path == b"/metrics" and self._metrics is not None:
                status = 200
                kind, body = self._metrics()
            else:
                status, body = await self._answer()
                kind = "application/json; charset=utf-8"
            reason = {200: "OK", 400: "Bad Request", 500: "Internal Server Error"}[status]
            writer.write(
                f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n".encode()
            )
            if method != b"HEAD":
                writer.write(body)
            async with asyncio.timeout(REQUEST_SECONDS):
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # The caller went away or never said what it wanted.
        finally:
            writer.close()

    async def _answer(self) -> tuple[int, bytes]:
        found = await self._checks.run()
        document = {
            name: {"healthy": health.healthy, "status": health.status} for name, health in found.items()
        }
        try:
            body = to_json(document, inf_nan_mode="null")
        except (ValueError, TypeError) as error:
            logger.error("A health check's status cannot be written as JSON: %s", error)
            return 500, to_json(
                {"HealthServer": {"healthy": False, "status": f"A status is no JSON: {error}"}}
            )
        for name, health in found.items():
            if not health.healthy:
                logger.warning("The health check %r is unhealthy.", name)
        return (200 if all(health.healthy for health in found.values()) else 500), body
