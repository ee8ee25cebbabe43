"""``PackHarness``: a pack against the local flyte server, both inside the test, nothing mocked.

::

    async with PackHarness(pack) as harness:
        result = await harness.call("createIssue", {"project": "FOO", "ticketText": "It broke."})
    assert result == ActionResult("IssueCreated", {"project": "FOO", "issueId": "123"})

The server is the real one (extra ``server``), with its database in memory and no socket between.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
import sqlalchemy
from pydantic_core import from_json
from starlette.applications import Starlette

from penstock.packs import FATAL, FlyteClient, Pack
from penstock.server.database import open_database
from penstock.server.flyte.documents import read_flow
from penstock.server.flyte.errors import FlyteError
from penstock.server.flyte.routes import routes_of
from penstock.server.flyte.store import FlyteStore
from penstock.server.flyte.tables import define

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TENANT: Final = ""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What an action ended in: the event's name and its payload as JSON brought it."""

    event: str
    payload: Any = None

    @property
    def is_fatal(self) -> bool:
        """Whether the action failed."""
        return self.event == FATAL


@dataclass(frozen=True, slots=True)
class PostedEvent:
    """An event that the pack sent by itself."""

    event: str
    payload: Any = None


class PackHarness:
    """Runs ``pack`` against a flyte server of its own while the context lasts. ``timeout``, in seconds,
    bounds waiting."""

    def __init__(self, pack: Pack, *, timeout: float = 10.0) -> None:
        self._pack = pack
        self._timeout = timeout
        self._events: list[PostedEvent] = []
        self._read = 0
        self._arrived = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()
        self._http: httpx.AsyncClient | None = None
        self._store: FlyteStore | None = None

    async def __aenter__(self) -> Self:
        database = open_database(":memory:")
        self._stack.callback(database.close)
        metadata = sqlalchemy.MetaData()
        tables = define(metadata)
        with database.write() as connection:
            metadata.create_all(connection)
        self._store = FlyteStore(database.engine, tables, reading=database.read, writing=database.write)
        application = Starlette(routes=routes_of(self._store))
        transport = httpx.ASGITransport(app=_Listening(application, self._heard))
        self._http = httpx.AsyncClient(transport=transport, base_url="http://flyte.test")
        await self._stack.enter_async_context(self._http)
        client = FlyteClient("http://flyte.test", jwt="", timeout=self._timeout, http_client=self._http)
        self._stack.enter_context(self._pack.under_test(client))
        await self._stack.enter_async_context(self._pack.running())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def events(self) -> list[PostedEvent]:
        """The events the pack sent by itself so far, in order."""
        return list(self._events)

    async def call(self, command: str, value: object = None) -> ActionResult:
        """Have the pack run ``command`` with the input ``value`` (any JSON); what it ended in.

        Raises ``TimeoutError`` where it does not end in time.
        """
        store = self._running_store()
        action_id = store.add_action(TENANT, self._pack.name, command, value)
        self._pack.poll_now()
        async with asyncio.timeout(self._timeout):
            while (result := store.action_result(TENANT, action_id)) is None:  # noqa: ASYNC110 - it is a database
                await asyncio.sleep(0.005)
        return ActionResult(*result)

    async def next_event(self, name: str | None = None) -> PostedEvent:
        """The next event (of that name) that the pack sends by itself and that was not waited for before.

        Raises ``TimeoutError`` where none comes in time.
        """
        async with asyncio.timeout(self._timeout):
            while True:
                while self._read < len(self._events):
                    event = self._events[self._read]
                    self._read += 1
                    if name in {None, event.event}:
                        return event
                self._arrived.clear()
                await self._arrived.wait()

    def install_flow(self, flow: Mapping[str, object]) -> None:
        """Store a flow; raises ``ValueError`` where it is none."""
        try:
            document = read_flow(dict(flow))
        except FlyteError as error:
            raise ValueError(str(error)) from None
        self._running_store().save_flow(TENANT, document)

    async def raise_event(self, pack_name: str, event: str, payload: object = None) -> None:
        """Post an event as another pack would, for flows to pick up."""
        if self._http is None:
            raise RuntimeError("The harness is not running; use it in `async with`.")
        registered = await self._http.post("/v1/packs", json={"name": pack_name})
        links = {link["rel"].rpartition("/")[2]: link["href"] for link in registered.json()["links"]}
        posted = await self._http.post(links["event"], json={"event": event, "payload": payload})
        posted.raise_for_status()
        self._pack.poll_now()

    def _running_store(self) -> FlyteStore:
        if self._store is None:
            raise RuntimeError("The harness is not running; use it in `async with`.")
        return self._store

    def _heard(self, body: bytes) -> None:
        document = from_json(body)
        self._events.append(PostedEvent(document["event"], document.get("payload")))
        self._arrived.set()


class _Listening:
    """Passes requests on and tells of the events the pack posted and the server accepted."""

    def __init__(self, application: ASGIApp, heard: Any) -> None:
        self._application = application
        self._heard = heard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from_foreign_pack = b"idempotency-key" not in dict(scope.get("headers", ()))
        if not scope.get("path", "").endswith("/events") or from_foreign_pack:
            await self._application(scope, receive, send)
            return
        body = bytearray()

        async def listen() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 202:
                self._heard(bytes(body))
            await send(message)

        await self._application(scope, listen, answer)
