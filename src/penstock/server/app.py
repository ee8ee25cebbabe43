"""The server as an ASGI application."""

from __future__ import annotations

import json
import logging
import re
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from penstock.server import authentication
from penstock.server.errors import ApiError, UnauthenticatedError
from penstock.server.execution import DocumentCache, RequestContext, executable_schema, execute

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from penstock.server.config import ServerConfig
    from penstock.server.database import Database

logger = logging.getLogger("penstock.server")

# Clients of the 0.x line post to /graphql/alpha, those of the 1.x line to /.
GRAPHQL_PATHS = ("/graphql", "/", "/graphql/alpha")

# A character that PostgreSQL cannot store, in any of the ways a request can spell it.
_NUL = re.compile(rb"\x00|\\u0000|\\u\{0+\}")


def create_app(database: Database, config: ServerConfig) -> Starlette:
    """The application over a prepared database (see `penstock.server.setup.prepare`)."""
    executable_schema()
    documents = DocumentCache(config.limits, introspection=config.introspection)

    async def graphql(request: Request) -> Response:
        started = time.perf_counter()
        try:
            body = await _body(request, config.limits.body)
            data = _request_data(body)
        except _Refused as refused:
            return refused.response
        status, answer = await to_thread.run_sync(_answer, data, request.headers, database, config, documents)
        logger.info(
            "graphql",
            extra={
                "path": request.url.path,
                "status": status,
                "operation": data.get("operationName"),
                "milliseconds": round((time.perf_counter() - started) * 1000, 1),
            },
        )
        return Response(answer, status, media_type="application/json")

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    routes: list[BaseRoute] = [Route(path, graphql, methods=["POST"]) for path in GRAPHQL_PATHS]
    routes.append(Route("/health", health, methods=["GET"]))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        database.close()

    return Starlette(routes=routes, lifespan=lifespan)


class _Refused(Exception):
    def __init__(self, status: int, message: str, code: str = "BAD_REQUEST") -> None:
        super().__init__(message)
        self.response = JSONResponse({"errors": [{"message": message, "extensions": {"code": code}}]}, status)


async def _body(request: Request, limit: int) -> bytes:
    too_large = _Refused(
        413, f"The request is over {limit} bytes long. Send less at once.", "REQUEST_TOO_LARGE"
    )
    try:
        announced = int(request.headers.get("content-length", "0"))
    except ValueError:
        announced = 0
    if announced > limit:
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
    data: dict[str, Any], headers: Any, database: Database, config: ServerConfig, documents: DocumentCache
) -> tuple[int, bytes]:
    try:
        principal = authentication.authenticate(database, headers, auth=config.auth)
    except ApiError as error:
        status = 401 if isinstance(error, UnauthenticatedError) else 403
        return status, json.dumps(
            {"errors": [{"message": str(error), "extensions": error.extensions}]}
        ).encode()
    variables = data.get("variables")
    context = RequestContext(
        database=database,
        principal=principal,
        limits=config.limits,
        raw_variables=variables if isinstance(variables, dict) else {},
        headers=headers,
    )
    valid, answer = execute(data, context, documents)
    return (200 if valid else 400), answer
