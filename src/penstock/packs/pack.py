"""``Pack``: what an author writes, and what runs it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, overload

from penstock.packs import settings
from penstock.packs.client import FlyteClient, encode_event
from penstock.packs.definitions import (
    Command,
    Event,
    EventDef,
    PackDef,
    PayloadT,
    RateLimit,
    check_help_url,
    check_labels,
    check_name,
)
from penstock.packs.delivery import Delivery
from penstock.packs.errors import ConfigurationError, DefinitionError, OutboxError, PackError
from penstock.packs.handling import prepare
from penstock.packs.health import DEFAULT_PORT, Health, HealthCheck, HealthChecks, HealthServer
from penstock.packs.outbox import Outbox, outbox_path
from penstock.packs.registration import Registration
from penstock.packs.telemetry import NoTelemetry, PrometheusTelemetry, Telemetry, TracingTelemetry
from penstock.packs.worker import SHORTEST_POLL, Worker, WorkerOptions

logger = logging.getLogger(__name__)

HandlerT = TypeVar("HandlerT", bound=Callable[..., "Event[Any] | Awaitable[Event[Any]]"])
CheckT = TypeVar("CheckT", bound=Callable[[], "Health | Awaitable[Health]"])
NamedCheck = Callable[[], tuple[str, Health]]
"""A check that gives its own name, as the Go client has them."""


class Pack:
    """A flyte pack: commands that flows call, and events that flows wait for.

    Either from a definition, ``Pack(PackDef(…))``, or built up: ``Pack("JiraPack")`` and the decorators
    ``@pack.command`` and ``@pack.health_check``.

    ``client`` is how the API is reached (default: what the ``FLYTE_*`` environment says). ``labels``
    distinguish this pack from others of its name; ``FLYTE_LABELS`` adds to them and wins. ``events`` are
    those the pack sends by itself. ``poll_interval`` is the longest time between polls in seconds, at least
    0.5. ``max_concurrency`` is how many actions are handled at once and ``takers`` how many are asked for at
    once. ``drain_timeout`` is how many seconds a stopping pack waits for its handlers.

    ``health_port`` is where the health server listens: by default 8090, and the pack goes on without where
    that port is taken; a port named here must be had; 0 takes any, ``False`` starts none. ``health_host`` is
    the address it listens on, by default all.

    ``outbox`` is the file that keeps results and events until the API has accepted them (default: one per
    pack and API under ``PENSTOCK_HOME``, else ``~/.penstock``); ``False`` keeps them in memory only.
    ``metrics`` serves Prometheus metrics at ``/metrics`` of the health server, ``tracing`` makes
    OpenTelemetry spans.

    Raises ``DefinitionError``.
    """

    def __init__(
        self,
        name: str | PackDef | None = None,
        client: FlyteClient | None = None,
        *,
        pack_def: PackDef | None = None,
        labels: Mapping[str, str] | None = None,
        help_url: str | None = None,
        events: Iterable[EventDef[Any]] = (),
        health_checks: Iterable[HealthCheck | NamedCheck] = (),
        health_port: int | Literal[False] | None = None,
        health_host: str | None = None,
        poll_interval: float = 5.0,
        max_concurrency: int = 32,
        takers: int = 8,
        drain_timeout: float = 30.0,
        outbox: str | Path | Literal[False] | None = None,
        metrics: bool = False,
        tracing: bool = False,
    ) -> None:
        given = name if isinstance(name, PackDef) else pack_def
        if given is None:
            if not isinstance(name, str):
                raise DefinitionError("A pack needs a name or a PackDef.")
            given = PackDef(check_name("pack", name))
        elif isinstance(name, str):
            raise DefinitionError("A pack takes a name or a PackDef, not both.")
        self._name = given.name
        self._labels = {**given.labels, **check_labels(labels or {})}
        self._help_url = (
            given.help_url if help_url is None else check_help_url(help_url, f"the pack {given.name!r}")
        )
        self._commands: list[Command] = list(given.commands)
        self._events: list[EventDef[Any]] = [*given.event_defs, *events]
        self._health_checks = [
            check if isinstance(check, HealthCheck) else _named(check) for check in health_checks
        ]
        self._client = client
        if poll_interval < SHORTEST_POLL:
            raise DefinitionError(
                f"A poll_interval of {poll_interval} s is too short: at least {SHORTEST_POLL} s."
            )
        if max_concurrency < 1 or takers < 1:
            raise DefinitionError("max_concurrency and takers must be at least 1.")
        self._options = WorkerOptions(
            poll_interval=poll_interval,
            max_concurrency=max_concurrency,
            takers=min(takers, max_concurrency),
            drain_timeout=drain_timeout,
        )
        self._health_port = health_port
        self._health_host = health_host
        self._outbox_choice = outbox
        self._metrics = metrics
        self._tracing = tracing
        self._outbox: Outbox | None = None
        self._delivery: Delivery | None = None
        self._registration: Registration | None = None
        self._worker: Worker | None = None
        self._stopping: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._health_server: HealthServer | None = None
        self._running_definition: PackDef | None = None

    def __repr__(self) -> str:
        return f"Pack({self._name!r})"

    @property
    def name(self) -> str:
        """The pack's name."""
        return self._name

    @property
    def definition(self) -> PackDef:
        """The pack as it registers, ``FLYTE_LABELS`` included; raises ``DefinitionError``."""
        return PackDef(
            name=self._name,
            commands=tuple(self._commands),
            labels={**self._labels, **settings.labels()},
            event_defs=tuple(self._events),
            help_url=self._help_url,
        )

    @property
    def is_registered(self) -> bool:
        """Whether the API knows the pack, as far as the pack knows."""
        return self._registration is not None and self._registration.ready.is_set()

    @property
    def health_address(self) -> tuple[str, int] | None:
        """Where the health server listens; ``None`` where there is none."""
        return None if self._health_server is None else self._health_server.address

    # --------------------------------------------------------------- defining

    def command(
        self,
        name: str,
        *,
        outputs: Sequence[EventDef[Any]],
        help_url: str | None = None,
        timeout: float | None = None,
        max_concurrency: int | None = None,
        rate_limit: RateLimit | None = None,
        rerun: bool = True,
    ) -> Callable[[HandlerT], HandlerT]:
        """Make the decorated function the handler of a command.

        It takes the action's input, validated to its annotation (or takes nothing), and returns one of the
        events in ``outputs``. The other arguments are those of ``Command``. Raises ``DefinitionError``.
        """

        def decorate(handler: HandlerT) -> HandlerT:
            command = Command(
                name=name,
                handler=handler,
                output_events=tuple(outputs),
                help_url=help_url,
                timeout=timeout,
                max_concurrency=max_concurrency,
                rate_limit=rate_limit,
                rerun=rerun,
            )
            self.add_command(command)
            return handler

        return decorate

    def add_command(self, command: Command) -> None:
        """Add a command; raises ``DefinitionError`` where one has its name already."""
        if any(known.name == command.name for known in self._commands):
            raise DefinitionError(f"The pack {self._name!r} already has a command {command.name!r}.")
        self._commands.append(command)

    @overload
    def event(self, name: str, *, help_url: str | None = None, payload: None = None) -> EventDef[Any]: ...
    @overload
    def event(
        self, name: str, *, help_url: str | None = None, payload: type[PayloadT]
    ) -> EventDef[PayloadT]: ...
    def event(self, name: str, *, help_url: str | None = None, payload: Any = None) -> EventDef[Any]:
        """Define an event the pack sends by itself; the arguments are those of ``EventDef``."""
        definition: EventDef[Any] = EventDef(name, help_url, payload=payload)
        self._events.append(definition)
        return definition

    def health_check(self, name: str, *, timeout: float = 5.0) -> Callable[[CheckT], CheckT]:
        """Make the decorated function, plain or async, a health check; ``timeout`` is in seconds."""

        def decorate(check: CheckT) -> CheckT:
            self._health_checks.append(HealthCheck(name, check, timeout))
            return check

        return decorate

    def configure(
        self,
        *,
        api: str | None = None,
        health_port: int | Literal[False] | None = None,
        metrics: bool | None = None,
    ) -> None:
        """Change what whoever runs the pack decides; ``None`` leaves a choice as it is.

        Raises ``ConfigurationError``.
        """
        if api is not None:
            self._client = FlyteClient(api)
        if health_port is not None:
            self._health_port = health_port
        if metrics is not None:
            self._metrics = metrics

    # ---------------------------------------------------------------- running

    def run(self) -> None:
        """Run until SIGTERM, SIGINT or SIGHUP, then finish what was begun; a second signal does not wait for
        that.

        For a pack that is its own program: writes logs to standard error unless logging is set up, and ends
        with a sentence and exit code 2 where the pack cannot start.
        """
        if not logging.getLogger().handlers:
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
            # One line per request says nothing that the pack's own lines do not.
            logging.getLogger("httpx").setLevel(logging.WARNING)
        try:
            asyncio.run(self.start(handle_signals=True))
        except PackError as error:
            print(f"The pack {self._name!r} cannot run: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise SystemExit(130) from None

    async def start(self, *, handle_signals: bool = False) -> None:
        """Register, and handle actions until ``stop`` is called or the task is cancelled; then finish what
        was begun.

        ``handle_signals`` makes SIGTERM, SIGINT and SIGHUP call ``stop``. Raises ``DefinitionError`` and
        ``ConfigurationError`` before anything is sent; an API that is away or refuses is waited for.
        """
        if self._stopping is not None:
            raise PackError(f"The pack {self._name!r} is running already.")
        definition = self.definition
        commands = prepare(definition)
        self._running_definition = definition
        owned_client = self._client is None
        client = self._client or FlyteClient()
        telemetry = self._telemetry(definition)
        stopping = self._stopping = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        page = telemetry.page if isinstance(telemetry, PrometheusTelemetry) else None
        told: Telemetry = TracingTelemetry(self._name, telemetry) if self._tracing else telemetry
        delivering: asyncio.Task[None] | None = None
        worker: asyncio.Task[None] | None = None
        try:
            await self._start_health_server(page)
            outbox = self._open_outbox(definition, client)
            registration = self._registration = Registration(client, definition, told, stopping)
            delivery = self._delivery = Delivery(client, outbox, registration, told)
            with self._signals(handle_signals, stopping):
                await registration.obtain()
                delivering = asyncio.create_task(delivery.run(), name="pack delivery")
                self._worker = Worker(
                    client, commands, registration, delivery, outbox, told, self._options, stopping
                )
                worker = asyncio.create_task(self._worker.run(), name="pack worker")
                await self._until_done(worker, delivering, stopping)
                seconds = min(5.0, self._options.drain_timeout) if registration.current is not None else 0.0
                left = await delivery.flush(seconds)
            if left:
                logger.warning(
                    "%d results and events wait in %s for the next start.", left, outbox.path or "memory"
                )
        finally:
            for task in (worker, delivering):
                if task is not None:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
            self._delivery = self._registration = self._worker = None
            if self._outbox is not None:
                self._outbox.close()
                self._outbox = None
            if self._health_server is not None:
                await self._health_server.stop()
                self._health_server = None
            if owned_client:
                await client.aclose()
            self._stopping = self._loop = self._running_definition = None

    def stop(self) -> None:
        """Ask a running pack to finish what was begun and end; may be called from any thread."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stopping.set)

    def poll_now(self) -> None:
        """Ask a running pack to look for actions now, where something else told that there are some.

        Only from the event loop the pack runs in; does nothing where it does not run.
        """
        if self._worker is not None:
            self._worker.poll_now()

    @contextlib.contextmanager
    def under_test(self, client: FlyteClient) -> Iterator[None]:
        """While the context lasts, the pack talks to ``client``, keeps nothing on disk and starts no health
        server."""
        before = self._client, self._outbox_choice, self._health_port
        self._client, self._outbox_choice, self._health_port = client, False, False
        try:
            yield
        finally:
            self._client, self._outbox_choice, self._health_port = before

    @contextlib.asynccontextmanager
    async def running(self, *, registered: bool = True) -> AsyncIterator[Self]:
        """The pack, running while the context lasts; with ``registered``, entered once the API knows it.

        For a pack inside of another program. Raises what ``start`` raises.
        """
        task = asyncio.create_task(self.start(), name=f"pack {self._name}")
        try:
            while registered and not self.is_registered and not task.done():
                ready = self._registration.ready if self._registration is not None else None
                if ready is None:
                    await asyncio.sleep(0)
                    continue
                waiting = asyncio.ensure_future(ready.wait())
                await asyncio.wait([waiting, task], return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
            if task.done():
                await task
            yield self
        finally:
            self.stop()
            await task

    async def send_event(self, event: Event[Any]) -> None:
        """Send an event that the pack observed.

        It is on disk when this returns, and is sent, in order, until the API has accepted it: also where the
        API is away, the pack is not started yet, or it dies. Raises ``DefinitionError`` for an event that
        neither the pack nor one of its commands declares, ``ValueError`` for a payload that is no JSON, and
        ``OutboxError``.
        """
        definition = self._running_definition or self.definition
        declared = [known.name for known in definition.all_events]
        if event.name not in declared:
            raise DefinitionError(
                f"The pack {self._name!r} does not declare the event {event.name!r}; it declares: {', '.join(declared)}."
            )
        body = encode_event(event)
        if self._delivery is not None:
            await self._delivery.event(body)
            return
        await self._open_outbox(definition, self._client or FlyteClient()).put_event(body)

    def send_event_from_thread(self, event: Event[Any], *, timeout: float = 30.0) -> None:
        """``send_event`` for a handler that is a plain function; blocks for at most ``timeout`` seconds.

        Raises what ``send_event`` raises, and ``PackError`` where the pack does not run.
        """
        if self._loop is None:
            raise PackError(f"The pack {self._name!r} does not run.")
        asyncio.run_coroutine_threadsafe(self.send_event(event), self._loop).result(timeout)

    # ------------------------------------------------------------------ parts

    def _telemetry(self, definition: PackDef) -> PrometheusTelemetry | NoTelemetry:
        return PrometheusTelemetry(definition.id) if self._metrics else NoTelemetry()

    def _open_outbox(self, definition: PackDef, client: FlyteClient) -> Outbox:
        if self._outbox is None:
            choice = self._outbox_choice
            if isinstance(choice, bool):
                self._outbox = Outbox(None)
            elif choice is not None:
                self._outbox = Outbox.open(Path(choice))
            else:
                try:
                    self._outbox = Outbox.open(
                        outbox_path(settings.home() / "packs", definition.id, client.url)
                    )
                except OutboxError as error:
                    logger.warning(
                        "%s Results and events are kept in memory only, and die with the pack.", error
                    )
                    self._outbox = Outbox(None)
        return self._outbox

    async def _start_health_server(self, metrics: Callable[[], tuple[str, bytes]] | None) -> None:
        if self._health_port is False:
            return
        port = DEFAULT_PORT if self._health_port is None else self._health_port
        server = HealthServer(
            HealthChecks(self._health_checks), host=self._health_host, port=port, metrics=metrics
        )
        try:
            await server.start()
        except ConfigurationError as error:
            if self._health_port is not None:
                raise
            logger.warning(
                "%s The pack runs without one; health_port names another port or turns it off.", error
            )
            return
        self._health_server = server

    @contextlib.contextmanager
    def _signals(self, wanted: bool, stopping: asyncio.Event) -> Iterator[None]:
        names = [name for name in ("SIGTERM", "SIGINT", "SIGHUP") if wanted and hasattr(signal, name)]
        loop = asyncio.get_running_loop()
        this_task = asyncio.current_task()

        def received(name: str) -> None:
            if stopping.is_set() and this_task is not None:
                logger.warning(
                    "%s again: the pack ends now; what it had in hand is begun again with the next start.",
                    name,
                )
                this_task.cancel()
                return
            logger.info("%s: the pack finishes what it began, and ends.", name)
            stopping.set()

        installed = []
        for name in names:
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
                loop.add_signal_handler(getattr(signal, name), received, name)
                installed.append(name)
        try:
            yield
        finally:
            for name in installed:
                loop.remove_signal_handler(getattr(signal, name))

    async def _until_done(
        self, worker: asyncio.Task[None], delivering: asyncio.Task[None], stopping: asyncio.Event
    ) -> None:
        try:
            await asyncio.wait([worker, delivering], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if stopping.is_set():
                raise
            # The program ends (Ctrl-C under asyncio.run cancels its main task): what was begun is finished
            # first.
            stopping.set()
            await worker
            raise
        for task in (worker, delivering):
            if task.done():
                task.result()


def _named(check: NamedCheck) -> HealthCheck:
    name, _ = check()
    return HealthCheck(name, lambda: check()[1])
