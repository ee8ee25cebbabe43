"""The routes of the flyte side: everything under ``/v1``, the links at ``/`` and, unless told otherwise,
``/health``."""

from __future__ import annotations

import asyncio
import functools
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from urllib.parse import unquote

import yaml
from pydantic_core import to_json
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from penstock.server.flyte import answers
from penstock.server.flyte.batches import Batches
from penstock.server.flyte.documents import YAML, parse, read_flow, read_pack
from penstock.server.flyte.errors import BadRequest, FlyteError, NotFound, TooLarge
from penstock.server.flyte.store import (
    DEFAULT_LEASE,
    AuditFilter,
    DatastoreItem,
    FlyteStore,
    PostedResult,
    TakenAction,
    TakeRequest,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta

    from sqlalchemy import Engine

    from penstock.server.flyte.store import Transactions
    from penstock.server.flyte.tables import FlyteTables

logger = logging.getLogger(__name__)

FINAL_HEADER: Final = "X-Penstock-Final"
"""Sent with a refusal that sending the same request again can never change."""

KEY_HEADER: Final = "Idempotency-Key"
"""The sender's own key of an event or result: sent again under the same key, it counts once."""

JSON: Final = "application/json; charset=utf-8"

ResultT = TypeVar("ResultT")


class Authenticate(Protocol):
    """Says whose a token is. Runs in a thread, so it may ask a database."""

    def __call__(self, token: str, /) -> str | None:
        """The tenant ``token`` belongs to, or ``None`` where it opens nothing."""
        ...


@dataclass(frozen=True, slots=True)
class _Served:
    store: FlyteStore
    authenticate: Authenticate | None
    threads: ThreadPoolExecutor
    body_limit: int
    takes: Batches[TakeRequest, TakenAction | FlyteError | None]
    results: Batches[PostedResult, FlyteError | None]

    async def run(self, function: Callable[..., ResultT], *arguments: object) -> ResultT:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, functools.partial(function, *arguments))


@dataclass(frozen=True, slots=True)
class _Call:
    request: Request
    served: _Served
    tenant: str

    @property
    def base(self) -> str:
        """Scheme and host of the links in an answer."""
        return answers.origin(self.request.headers, self.request.scope["scheme"])

    @property
    def store(self) -> FlyteStore:
        return self.served.store

    async def run(self, function: Callable[..., ResultT], *arguments: object) -> ResultT:
        return await self.served.run(function, *arguments)

    def path(self, name: str) -> str:
        value: str = self.request.path_params[name]
        return value

    async def body(self) -> bytes:
        parts: list[bytes] = []
        length = 0
        async for part in self.request.stream():
            length += len(part)
            if length > self.served.body_limit:
                raise TooLarge(
                    f"The body is longer than {self.served.body_limit} bytes, the most this server takes."
                )
            parts.append(part)
        return b"".join(parts)

    async def value(self) -> object:
        return parse(await self.body(), self.request.headers.get("content-type", ""))

    def answer(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        if YAML in self.request.headers.get("accept", ""):
            text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
            return Response(text, status, headers, media_type=f"{YAML}; charset=utf-8")
        return Response(to_json(value, inf_nan_mode="constants"), status, headers, media_type=JSON)


Handler = "Callable[[_Call], Awaitable[Response]]"


def flyte_routes(
    engine: Engine,
    tables: FlyteTables,
    *,
    authenticate: Authenticate | None = None,
    lease: timedelta = DEFAULT_LEASE,
    pack_expiry: timedelta | None = None,
    body_limit: int = 8 * 1024 * 1024,
    threads: int | None = None,
    include_root: bool = True,
    include_health: bool = True,
    reading: Transactions | None = None,
    writing: Transactions | None = None,
) -> list[BaseRoute]:
    """The flyte side as routes of a Starlette application.

    ``engine`` and ``tables`` say where the data is; the tables must exist. ``authenticate`` turns a bearer
    token into a tenant, and each tenant sees its own packs and flows only; without it everything is open and
    one tenant's. ``lease`` is how long a taken action may stay without a result before it is offered again.
    ``pack_expiry`` removes packs unseen for so long. ``body_limit`` is in bytes. ``threads`` is how many
    threads wait for the database, by default 4 for SQLite and 16 for others. ``include_root`` and
    ``include_health`` leave out ``GET /`` and ``GET /health`` for an application with its own.
    """
    store = FlyteStore(engine, tables, lease=lease, pack_expiry=pack_expiry, reading=reading, writing=writing)
    return routes_of(
        store,
        authenticate=authenticate,
        body_limit=body_limit,
        threads=threads or (4 if engine.dialect.name == "sqlite" else 16),
        include_root=include_root,
        include_health=include_health,
    )


def routes_of(
    store: FlyteStore,
    *,
    authenticate: Authenticate | None = None,
    body_limit: int = 8 * 1024 * 1024,
    threads: int = 4,
    include_root: bool = True,
    include_health: bool = True,
) -> list[BaseRoute]:
    """The same for a store that the caller keeps a hold of."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="flyte")
    served = _Served(
        store=store,
        authenticate=authenticate,
        threads=pool,
        body_limit=body_limit,
        takes=Batches(store.take_actions, pool),
        results=Batches(store.post_results, pool),
    )

    def route(
        path: str, *, public: bool = False, **handlers: Callable[[_Call], Awaitable[Response]]
    ) -> BaseRoute:
        by_method = {method.upper(): handler for method, handler in handlers.items()}
        if "GET" in by_method:
            by_method["HEAD"] = by_method["GET"]

        async def endpoint(request: Request) -> Response:
            return await _handle(request, served, by_method[request.method], public)

        return Route(path, endpoint, methods=list(by_method), include_in_schema=False)

    routes = [
        # What packs ask for all the time comes first: routes are tried in their order.
        route("/v1/packs/{pack_id}/actions/take", post=_take_action),
        route("/v1/packs/{pack_id}/actions/{action_id}/result", post=_post_result),
        route("/v1/packs/{pack_id}/events", post=_post_event),
        route("/v1", public=True, get=_index),
        # Exactly /v1 is there: a client that builds URLs from a base with a slash too many must not seem to
        # work.
        Route("/v1/", _not_there, include_in_schema=False),
        route("/v1/swagger", public=True, get=_swagger),
        route("/v1/packs", get=_list_packs, post=_register_pack),
        route("/v1/packs/{pack_id}", get=_get_pack, delete=_remove_pack),
        route("/v1/flows", get=_list_flows, post=_save_flow),
        route("/v1/flows/{name}", get=_get_flow, delete=_remove_flow),
        route("/v1/audit/flows", get=_audit),
        route("/v1/audit/flows/{correlation_id}", get=_audited_execution),
        route("/v1/datastore", get=_list_datastore),
        route("/v1/datastore/{key}", get=_get_item, put=_put_item, post=_post_item, delete=_remove_item),
    ]
    if include_root:
        routes.append(route("/", public=True, get=_root))
        routes.append(route("/swagger", public=True, get=_swagger))
    if include_health:
        routes.append(route("/health", public=True, get=_health))
    return routes


async def _handle(
    request: Request, served: _Served, handler: Callable[[_Call], Awaitable[Response]], public: bool
) -> Response:
    try:
        tenant = ""
        if served.authenticate is not None and not public:
            token = _token(request.headers.get("authorization", ""))
            found = await served.run(served.authenticate, token) if token else None
            if found is None:
                challenge = 'Bearer realm="token"' + (', error="invalid_token"' if token else "")
                return Response(status_code=401, headers={"WWW-Authenticate": challenge})
            tenant = found
        return await handler(_Call(request, served, tenant))
    except FlyteError as error:
        headers = {FINAL_HEADER: "true"} if error.final else None
        return Response(f"{error}\n", error.status, headers, media_type="text/plain")
    except SQLAlchemyError as error:
        # Not the error's own text: it may hold the statement's values.
        logger.error("%s %s: the database failed: %s", request.method, request.url.path, type(error).__name__)
        return Response("The database failed; try again.\n", 503, media_type="text/plain")
    except ClientDisconnect:
        return Response(status_code=400)


def _token(header: str) -> str:
    """The token of an Authorization header; the scheme's case does not matter, and it may be missing."""
    scheme, _, rest = header.strip().partition(" ")
    if not rest:
        return "" if scheme.lower() == "bearer" else scheme
    return rest.strip() if scheme.lower() == "bearer" else ""


async def _not_there(request: Request) -> Response:
    return Response("Not Found", 404, media_type="text/plain")


async def _root(call: _Call) -> Response:
    return call.answer(answers.root(call.base))


async def _index(call: _Call) -> Response:
    return call.answer(answers.index(call.base))


async def _health(call: _Call) -> Response:
    await call.run(call.store.ping)
    return Response(status_code=200)


async def _list_packs(call: _Call) -> Response:
    return call.answer(answers.packs(call.base, await call.run(call.store.packs, call.tenant)))


async def _register_pack(call: _Call) -> Response:
    document = read_pack(await call.value())
    stored = await call.run(call.store.register_pack, call.tenant, document)
    location = {"Location": answers.pack_url(call.base, stored.id)}
    body = to_json(answers.pack(call.base, stored))
    return Response(body, 201, location, media_type="text/plain; charset=utf-8")


async def _get_pack(call: _Call) -> Response:
    stored = await call.run(call.store.pack, call.tenant, call.path("pack_id"))
    return call.answer(answers.pack(call.base, stored))


async def _remove_pack(call: _Call) -> Response:
    await call.run(call.store.remove_pack, call.tenant, call.path("pack_id"))
    return Response(status_code=204)


async def _take_action(call: _Call) -> Response:
    await call.body()
    # The flyte server reads actionName, and writes commandName into the links it gives: both narrow here.
    query = call.request.query_params
    command = query.get("actionName") or query.get("commandName") or ""
    pack_id = call.path("pack_id")
    action = await call.served.takes.submit(TakeRequest(call.tenant, pack_id, command))
    if isinstance(action, FlyteError):
        raise action
    if action is None:
        return Response(status_code=204)
    return call.answer(answers.action(call.base, pack_id, action.id, action.command, action.input))


async def _post_result(call: _Call) -> Response:
    key = call.request.headers.get(KEY_HEADER, "")[:80]
    value = await call.value()
    post = PostedResult(call.tenant, call.path("pack_id"), call.path("action_id"), value, key)
    refusal = await call.served.results.submit(post)
    if refusal is not None:
        raise refusal
    return Response(status_code=202)


async def _post_event(call: _Call) -> Response:
    key = call.request.headers.get(KEY_HEADER, "")[:80]
    value = await call.value()
    await call.run(call.store.post_event, call.tenant, call.path("pack_id"), value, key)
    return Response(status_code=202)


async def _list_flows(call: _Call) -> Response:
    return call.answer(answers.flows(call.base, await call.run(call.store.flows, call.tenant)))


async def _save_flow(call: _Call) -> Response:
    document = read_flow(await call.value())
    await call.run(call.store.save_flow, call.tenant, document)
    return Response(status_code=201, headers={"Location": answers.flow_url(call.base, document.name)})


async def _get_flow(call: _Call) -> Response:
    return call.answer(
        answers.flow(call.base, await call.run(call.store.flow, call.tenant, call.path("name")))
    )


async def _remove_flow(call: _Call) -> Response:
    await call.run(call.store.remove_flow, call.tenant, call.path("name"))
    return Response(status_code=204)


async def _audit(call: _Call) -> Response:
    query = call.request.query_params
    pairs = (pair.partition(":") for pair in query.get("actionPackLabels", "").split(",") if ":" in pair)
    wanted = AuditFilter(
        flow_name=query.get("flowName", ""),
        step_id=query.get("stepId", ""),
        command=query.get("actionName", ""),
        pack_name=query.get("actionPackName", ""),
        pack_labels={key.strip(): value.strip() for key, _, value in pairs},
        start=_count(query.get("start", ""), 0, 2**31),
        limit=_count(query.get("limit", ""), 50, 1000),
    )
    return call.answer(answers.audit(call.base, await call.run(call.store.audit, call.tenant, wanted)))


def _count(text: str, default: int, highest: int) -> int:
    return min(int(text), highest) if text.isascii() and text.isdigit() else default


async def _audited_execution(call: _Call) -> Response:
    found = await call.run(call.store.audited_execution, call.tenant, call.path("correlation_id"))
    return call.answer(answers.audited_execution(call.base, found))


async def _list_datastore(call: _Call) -> Response:
    return call.answer(answers.datastore(call.base, await call.run(call.store.datastore_items, call.tenant)))


async def _get_item(call: _Call) -> Response:
    item = await call.run(call.store.datastore_item, call.tenant, call.path("key"))
    return Response(item.value, media_type=item.content_type)


async def _put_item(call: _Call) -> Response:
    item = await _read_item(call)
    is_new = await call.run(call.store.put_datastore_item, call.tenant, item)
    location = {"Location": answers.datastore_url(call.base, item.key)}
    return Response(status_code=201 if is_new else 204, headers=location)


async def _post_item(call: _Call) -> Response:
    key = call.path("key")
    try:
        await call.run(call.store.datastore_item, call.tenant, key)
    except NotFound:
        return await _put_item(call)
    return Response(
        f"The datastore already has an item {key!r}; PUT replaces it.\n", 409, media_type="text/plain"
    )


async def _remove_item(call: _Call) -> Response:
    await call.run(call.store.remove_datastore_item, call.tenant, call.path("key"))
    return Response(status_code=204)


async def _read_item(call: _Call) -> DatastoreItem:
    """A datastore item from a multipart form (``value``, ``description``), as flyte clients send it, or a
    plain body."""
    key = unquote(call.path("key"))
    content_type = call.request.headers.get("content-type", "")
    body = await call.body()
    description = ""
    if content_type.startswith("multipart/form-data"):
        head = f"Content-Type: {content_type}\r\n\r\n".encode()
        form = BytesParser(policy=HTTP).parsebytes(head + body)
        value: bytes | None = None
        for part in form.iter_parts() if form.is_multipart() else ():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if not isinstance(content, bytes):
                continue
            if name == "value":
                value, content_type = content, part.get("content-type", "")
            elif name == "description":
                description = content.decode("utf-8", errors="replace")
        if value is None:
            raise BadRequest("The form has no file called 'value'.")
        body = value
    if not body:
        raise BadRequest(f"The value of the datastore item {key!r} is empty.")
    return DatastoreItem(key, content_type or "text/plain; charset=us-ascii", description, body)


async def _swagger(call: _Call) -> Response:
    def operation(identifier: str, summary: str) -> dict[str, object]:
        tag, _, name = identifier.partition("/")
        return {
            "tags": [tag],
            "operationId": name,
            "summary": summary,
            "responses": {"default": {"description": ""}},
        }

    paths = {
        "/v1": {"get": operation("info/v1", "Links to everything else.")},
        "/health": {"get": operation("info/health", "200 while the server and its database answer.")},
        "/v1/packs": {
            "get": operation("pack/listPacks", "All registered packs."),
            "post": operation("pack/registerPack", "Register a pack, in place of an earlier registration."),
        },
        "/v1/packs/{packId}": {
            "get": operation("pack/getPack", "A pack with its links."),
            "delete": operation("pack/deletePack", "Forget a pack."),
        },
        "/v1/packs/{packId}/events": {
            "post": operation("event/event", "Post an event that the pack observed.")
        },
        "/v1/packs/{packId}/actions/take": {
            "post": operation("action/takeAction", "Take the next action, 204 where none waits.")
        },
        "/v1/packs/{packId}/actions/{actionId}/result": {
            "post": operation("action/actionResult", "Complete an action with an event.")
        },
        "/v1/flows": {
            "get": operation("flow/listFlows", "All flows."),
            "post": operation("flow/addFlow", "Store a flow, JSON or YAML."),
        },
        "/v1/flows/{flowName}": {
            "get": operation("flow/getFlow", "A flow."),
            "delete": operation("flow/deleteFlow", "Delete a flow."),
        },
        "/v1/audit/flows": {"get": operation("flowAudit/findFlows", "Executions of flows, newest first.")},
        "/v1/audit/flows/{correlationId}": {"get": operation("flowAudit/getFlow", "One execution.")},
        "/v1/datastore": {"get": operation("datastore/listDatastoreItems", "All items.")},
        "/v1/datastore/{key}": {
            "get": operation("datastore/getDatastoreItem", "An item's value."),
            "put": operation("datastore/storeDatastoreItem", "Store an item."),
            "delete": operation("datastore/deleteDatastoreItem", "Delete an item."),
        },
    }
    document = {
        "swagger": "2.0",
        "info": {"title": "flyte API", "version": "1"},
        "basePath": "/",
        "paths": paths,
    }
    return call.answer(document)
