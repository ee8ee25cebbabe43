"""The server as an ASGI application."""

from __future__ import annotations

import json
import logging
import re
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from penstock.server import authentication
from penstock.server.errors import ApiError, UnauthenticatedError
from penstock.server.execution import DocumentCache, RequestContext, executable_schema, execute
from penstock.server.flyte.routes import flyte_routes
from penstock.server.graphiql import graphiql_routes
from penstock.server.metrics import Metrics
from penstock.server.services import ServiceRunner
from penstock.server.tables import flyte

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request

    from penstock.server.config import ServerConfig
    from penstock.server.database import Database

logger = logging.getLogger("penstock.server")

# Clients of the 0.x line post to /graphql/alpha, those of the 1.x line to /.
GRAPHQL_PATHS = ("/graphql", "/", "/graphql/alpha")

# A character that PostgreSQL cannot store, in any of the ways a request can spell it.
_NUL = re.compile(rb"\x00|\\u0000|\\u\{0+\}")


def create_app(database: Database, config: ServerConfig) -> Starlette:
    """The application over a prepared database (see `penstock.server.setup.prepare`).

    Its lifespan starts and stops the background services and, at the end, closes the database.
    """
    executable_schema()
    metrics = Metrics(database)
    documents = DocumentCache(config.limits, introspection=config.introspection)

    async def graphql(request: Request) -> Response:
        started = time.perf_counter()
        try:
            _refuse_other_sites(request.headers)
            data = _request_data(await _body(request, config.limits.body))
        except _Refused as refused:
            metrics.request(refused.response.status_code, time.perf_counter() - started, errors=True)
            return refused.response
        status, errors, answer = await to_thread.run_sync(
            _answer, data, request.headers, database, config, documents
        )
        seconds = time.perf_counter() - started
        metrics.request(status, seconds, errors=errors)
        if logger.isEnabledFor(logging.INFO):
            name = data.get("operationName")
            logger.info(
                "graphql",
                extra={
                    "path": request.url.path,
                    "status": status,
                    "errors": errors or None,
                    "operation": name if isinstance(name, str) else None,
                    "milliseconds": round(seconds * 1000, 1),
                },
            )
        return Response(answer, status, media_type="application/json")

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def show_metrics(_request: Request) -> Response:
        return Response(metrics.text(), headers={"Content-Type": metrics.content_type})

    routes: list[BaseRoute] = [Route(path, graphql, methods=["POST"]) for path in GRAPHQL_PATHS]
    routes.append(Route("/health", health, methods=["GET"]))
    routes.append(Route("/metrics", show_metrics, methods=["GET"]))
    if config.graphiql:
        routes += graphiql_routes()
    routes += flyte_routes(
        database.engine,
        flyte,
        authenticate=partial(authentication.flyte_tenant, database) if config.auth else None,
        lease=timedelta(seconds=config.flyte_lease_seconds),
        body_limit=config.limits.body,
        include_health=False,
        reading=database.read,
        writing=database.write,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        services = ServiceRunner(database, config.services, metrics)
        services.start()
        try:
            yield
        finally:
            await to_thread.run_sync(services.stop)
            database.close()

    return Starlette(routes=routes, lifespan=lifespan)


class _Refused(Exception):
    """A request that is turned away before anything of it is executed."""

    def __init__(self, status: int, message: str, code: str = "BAD_REQUEST") -> None:
        super().__init__(message)
        self.response = JSONResponse({"errors": [{"message": message, "extensions": {"code": code}}]}, status)


def _refuse_other_sites(headers: Mapping[str, str]) -> None:
    """Turn away what a page of another site makes a browser send: a server without tokens would do it.

    A browser sends JSON to another site only after asking, and then names the page's origin.
    """
    if not headers.get("content-type", "").lower().startswith("application/json"):
        raise _Refused(415, "The request must be sent as `Content-Type: application/json`.")
    origin = headers.get("origin")
    if origin and origin.partition("://")[2] != headers.get("host"):
        raise _Refused(403, "The request comes from a page of another site.", "FORBIDDEN")


async def _body(request: Request, limit: int) -> bytes:
    too_large = _Refused(
        413, f"The request is over {limit} bytes long. Send less at once.", "REQUEST_TOO_LARGE"
    )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


def _request_data(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise _Refused(400, 'The request is not JSON; send {"query": "…", "variables": {…}}.') from None
    if not isinstance(data, dict):
        raise _Refused(400, 'The request must be one JSON object; send {"query": "…", "variables": {…}}.')
    variables = data.get("variables")
    if isinstance(variables, str):
        # Clients of the 0.x and 1.x lines send the variables as JSON inside a string.
        try:
            data["variables"] = json.loads(variables or "null")
        except (ValueError, RecursionError):
            raise _Refused(400, "`variables` is a string that is not JSON.") from None
    if _NUL.search(body):
        raise _Refused(400, "A text of the request holds the character NUL (U+0000), which cannot be stored.")
    return data


def _answer(
    data: dict[str, Any],
    headers: Mapping[str, str],
    database: Database,
    config: ServerConfig,
    documents: DocumentCache,
) -> tuple[int, bool, bytes]:
    """(HTTP status, whether there are errors, body)."""
    try:
        principal = authentication.authenticate(database, headers, auth=config.auth)
    except ApiError as error:
        status = 401 if isinstance(error, UnauthenticatedError) else 403
        body = {"errors": [{"message": str(error), "extensions": error.extensions}]}
        return status, True, json.dumps(body, ensure_ascii=False).encode()
    variables = data.get("variables")
    context = RequestContext(
        database=database,
        principal=principal,
        limits=config.limits,
        raw_variables=variables if isinstance(variables, dict) else {},
        headers=headers,
    )
    outcome = execute(data, context, documents)
    return (200 if outcome.valid else 400), outcome.has_errors, outcome.body
