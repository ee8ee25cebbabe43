"""A GraphQL server of ariadne's making, in a process of its own: subscriptions over graphql-transport-ws and files in multipart requests.

It keeps to what servers want of uploads: a multipart request without the header Apollo-Require-Preflight is refused, as one that a
browser would send for anybody. With the header X-Busy it is busy for so many requests (HTTP 429).
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CONFIG = """\
[tool.penstock]
schema = "schema.graphql"
queries = "queries"
output = "live_api"

[tool.penstock.scalars]
File = "Upload"
"""

SCHEMA = """\
scalar Upload
scalar File

type Issue { id: ID! title: String! cursor: Int! }

input Attachment { file: Upload!, note: String, more: [Upload!] }

type Received { name: String! size: Int! sha256: String! kind: String! }

type Query {
  issue(id: ID!): Issue
  "How many subscriptions have ended."
  ended: Int!
  "How many requests came."
  requests: Int!
}

type Mutation {
  attach(id: ID!, files: [Attachment!]!, extra: File): [Received!]!
  send(file: Upload!): Received!
}

type Subscription {
  "An issue each time that it changes."
  issueChanged(after: Int = 0, until: Int): Issue!
  comments(issueId: ID!): String
  closed: Issue
  failing: Int!
}
"""

QUERIES = {
    "issue/fields.graphql": "fragment issue_fields on Issue { id title cursor }",
    "issue/get.graphql": "query ($id: ID!) { issue(id: $id) { ...issue_fields } }",
    "issue/changes.graphql": (
        "subscription ($after: Int, $until: Int) {"
        " issueChanged(after: $after, until: $until) { ...issue_fields } }"
    ),
    "issue/comments.graphql": "subscription ($issueId: ID!) { comments(issueId: $issueId) }",
    "issue/closed.graphql": 'subscription { closed { id @resource(name: "issue") } }',
    "issue/attach.graphql": (
        "mutation ($id: ID!, $files: [Attachment!]!, $extra: File) {"
        " attach(id: $id, files: $files, extra: $extra) { name size sha256 kind } }"
    ),
    "send.graphql": "mutation ($file: Upload!) { send(file: $file) { name size sha256 kind } }",
    "titles.graphql": "subscription ($until: Int) { issueChanged(until: $until) { title } }",
    "both.graphql": "subscription ($until: Int) { issueChanged(until: $until) { id title } }",
    "failing.graphql": "subscription { failing }",
    "counts.graphql": "query { ended requests }",
}


def project() -> dict[str, str]:
    """The files that the client is generated from."""
    return {
        "pyproject.toml": CONFIG,
        "schema.graphql": SCHEMA,
        **{f"queries/{path}": text for path, text in QUERIES.items()},
    }


@contextmanager
def running() -> Iterator[str]:
    """Serves on a free port until the block ends; gives the URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        root = Path(__file__).parents[2]
        command = [sys.executable, "-m", "tests.codegen.live_api", str(listener.fileno())]
        process = subprocess.Popen(command, cwd=root, pass_fds=[listener.fileno()])
        try:
            # Whoever connects before it is there waits in the listener's queue.
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def serve(listener: socket.socket) -> None:
    """Answers until the process is ended."""
    import uvicorn
    from ariadne import (
        MutationType,
        QueryType,
        ScalarType,
        SubscriptionType,
        make_executable_schema,
        upload_scalar,
    )
    from ariadne.asgi import GraphQL
    from ariadne.asgi.handlers import GraphQLTransportWSHandler
    from starlette.datastructures import Headers
    from starlette.responses import PlainTextResponse

    counts = {"ended": 0, "requests": 0}
    query, mutation, subscription = QueryType(), MutationType(), SubscriptionType()

    @query.field("issue")
    def issue(*_: Any, id: str) -> Any:
        return {"id": id, "title": f"issue {id}", "cursor": int(id)}

    query.set_field("ended", lambda *_: counts["ended"])
    query.set_field("requests", lambda *_: counts["requests"])

    async def received(file: Any) -> Any:
        digest, size = hashlib.sha256(), 0
        while piece := await file.read(1 << 16):
            digest.update(piece)
            size += len(piece)
        await file.seek(0)
        return {
            "name": file.filename,
            "size": size,
            "sha256": digest.hexdigest(),
            "kind": file.content_type,
        }

    @mutation.field("attach")
    async def attach(*_: Any, id: str, files: list[Any], extra: Any = None) -> Any:
        everything = [each for item in files for each in (item["file"], *(item.get("more") or []))]
        return [await received(each) for each in [*everything, *([extra] if extra else [])]]

    @mutation.field("send")
    async def send(*_: Any, file: Any) -> Any:
        return await received(file)

    async def numbers(start: int, until: int | None) -> AsyncGenerator[int, None]:
        try:
            number = start
            while until is None or number < until:
                number += 1
                yield number
                await asyncio.sleep(0.001)
        finally:
            counts["ended"] += 1

    @subscription.source("issueChanged")
    async def changed(*_: Any, after: int = 0, until: int | None = None) -> AsyncGenerator[Any, None]:
        numbered = numbers(after, until)
        try:
            async for number in numbered:
                yield {"id": str(number), "title": f"issue {number}", "cursor": number}
        finally:
            await numbered.aclose()

    @subscription.source("comments")
    async def comments(*_: Any, issueId: str) -> AsyncGenerator[str | None, None]:
        yield f"first of {issueId}"
        yield None

    @subscription.source("closed")
    async def closed(*_: Any) -> AsyncGenerator[Any, None]:
        yield {"id": "5"}
        yield None

    @subscription.source("failing")
    async def failing(*_: Any) -> AsyncGenerator[int, None]:
        yield 1
        yield 2

    @subscription.field("failing")
    def fail(number: int, *_: Any) -> int:
        if number == 2:
            raise ValueError("two is too many")
        return number

    subscription.set_field("issueChanged", lambda value, *_, **__: value)
    subscription.set_field("comments", lambda value, *_, **__: value)
    subscription.set_field("closed", lambda value, *_, **__: value)
    schema = make_executable_schema(
        SCHEMA,
        query,
        mutation,
        subscription,
        upload_scalar,
        ScalarType("File", value_parser=lambda value: value),
    )
    graphql = GraphQL(schema, websocket_handler=GraphQLTransportWSHandler())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            counts["requests"] += 1
            headers = Headers(scope=scope)
            multipart = headers.get("content-type", "").startswith("multipart/")
            status = 429 if multipart and counts["requests"] <= int(headers.get("x-busy", "0")) else 0
            if multipart and "apollo-require-preflight" not in headers:
                status = 400
            if status:
                # A refused body is read all the same, so that the answer is.
                while (await receive()).get("more_body"):
                    pass
                await PlainTextResponse("no", status, {"Retry-After": "0"})(scope, receive, send)
                return
        await graphql(scope, receive, send)

    config = uvicorn.Config(app, log_level="error", lifespan="off", ws="websockets-sansio")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
