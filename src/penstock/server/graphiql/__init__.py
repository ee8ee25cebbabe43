"""GraphiQL, the query editor in the browser, served from this package: the page works without the internet.

`assets/` holds the published builds of graphiql 3.9.0, react 18.3.1 and react-dom 18.3.1 (their licences are in
`assets/LICENSES.txt`), compressed. From graphiql's style sheet the embedded fonts were removed; the page uses the
system's.
"""

from __future__ import annotations

import gzip
from importlib import resources
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

if TYPE_CHECKING:
    from starlette.requests import Request

MEDIA_TYPES = {
    "graphiql.css": "text/css",
    "graphiql.js": "text/javascript",
    "react.js": "text/javascript",
    "react-dom.js": "text/javascript",
    "start.js": "text/javascript",
}

# The page may load and talk to this server only.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>penstock · GraphiQL</title>
<link rel="stylesheet" href="/graphiql/graphiql.css">
<style>html, body, #graphiql { height: 100%; margin: 0 }</style>
</head>
<body>
<div id="graphiql">Loading…</div>
<script src="/graphiql/react.js"></script>
<script src="/graphiql/react-dom.js"></script>
<script src="/graphiql/graphiql.js"></script>
<script src="/graphiql/start.js"></script>
</body>
</html>
"""

START = """"use strict";
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: "/graphql" }),
    defaultEditorToolsVisibility: true,
    shouldPersistHeaders: false,
  })
);
"""


def asset(name: str) -> bytes:
    """One of the files that the page loads, compressed with gzip."""
    if name == "start.js":
        return gzip.compress(START.encode(), mtime=0)
    return resources.files("penstock.server.graphiql").joinpath("assets", f"{name}.gz").read_bytes()


async def _page(_request: Request) -> Response:
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in MEDIA_TYPES:
        return Response("Not Found", 404, media_type="text/plain")
    compressed = asset(name)
    headers = {"Cache-Control": "public, max-age=86400", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            compressed, media_type=MEDIA_TYPES[name], headers=headers | {"Content-Encoding": "gzip"}
        )
    return Response(gzip.decompress(compressed), media_type=MEDIA_TYPES[name], headers=headers)


def graphiql_routes() -> list[BaseRoute]:
    """The page at `GET /graphql`, and what it loads."""
    return [Route("/graphql", _page, methods=["GET"]), Route("/graphiql/{name}", _asset, methods=["GET"])]
