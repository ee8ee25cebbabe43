"""Relay connections page themselves, and `node(id:)` finds an object that may be of another type: run against graphql-core."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest
from graphql import build_schema, graphql_sync

from penstock_codegen.config import load_config
from penstock_codegen.generate import generate
from penstock_codegen.write import write

SCHEMA = """
type Query {
  node(id: ID!): Node
  issues(first: Int, after: String): IssueConnection!
}
interface Node { id: ID! }
type Issue implements Node {
  id: ID!
  title: String!
  comments(first: Int, after: String): CommentConnection!
}
type Comment implements Node { id: ID! body: String! }
type IssueConnection { edges: [IssueEdge] pageInfo: PageInfo! totalCount: Int! }
type IssueEdge { node: Issue cursor: String! }
type CommentConnection { nodes: [Comment] pageInfo: PageInfo! }
type PageInfo { hasNextPage: Boolean! endCursor: String }
"""
QUERIES = {
    "issue/fields.graphql": "fragment issue_fields on Issue { id title }",
    "issue/get.graphql": "query ($id: ID!) { node(id: $id) { ...issue_fields } }",
    "issue/list.graphql": (
        "query ($first: Int, $after: String) { issues(first: $first, after: $after)"
        " { edges { node { ...issue_fields } } pageInfo { hasNextPage endCursor } } }"
    ),
    "issue/comments.graphql": (
        "query ($issue_id: ID!, $first: Int, $after: String) { node(id: $issue_id) { ... on Issue {"
        " comments(first: $first, after: $after) { nodes { id body } pageInfo { hasNextPage endCursor } } } } }"
    ),
    "issue/headline.graphql": "query ($issue_id: ID!) { node(id: $issue_id) { ... on Issue { title } } }",
}
COMMENTS = [{"id": f"C{number}", "body": f"comment {number}", "__typename": "Comment"} for number in range(5)]
ISSUES = [{"id": f"I{number}", "title": f"issue {number}", "__typename": "Issue"} for number in range(7)]


class Root:
    """The data, as graphql-core's default resolvers read it."""

    def node(self, info: Any, id: str) -> dict[str, Any] | None:
        found = next((item for item in [*ISSUES, *COMMENTS] if item["id"] == id), None)
        if found is None or found["__typename"] != "Issue":
            return found
        return {**found, "comments": lambda info, **window: _connection(COMMENTS, "nodes", **window)}

    def issues(self, info: Any, **window: Any) -> dict[str, Any]:
        return _connection(ISSUES, "edges", **window)


def _connection(
    items: list[dict[str, Any]], form: str, first: int = 100, after: str | None = None
) -> dict[str, Any]:
    start = 0 if after is None else int(after) + 1
    # A null among them: something that the reader may not see.
    chosen: list[Any] = [*items[start : start + first]]
    last = start + len(chosen) - 1
    info = {"hasNextPage": last + 1 < len(items), "endCursor": str(last)}
    shown = (
        chosen
        if form == "nodes"
        else [*({"node": item, "cursor": "c"} for item in chosen), None, {"node": None, "cursor": "c"}]
    )
    return {form: shown, "pageInfo": info, "totalCount": len(items)}


class Server:
    """What a client sends to, with httpx's surface: graphql-core itself."""

    def __init__(self) -> None:
        self.schema = build_schema(SCHEMA)
        self.sent: list[dict[str, Any]] = []

    def build_request(self, method: str, url: str, *, content: bytes, headers: Any, timeout: Any) -> bytes:
        return content

    def send(self, request: bytes, /) -> Any:
        body = json.loads(request)
        self.sent.append(body["variables"])
        result = graphql_sync(self.schema, body["query"], Root(), variable_values=body["variables"])
        return Answer(json.dumps(result.formatted).encode())

    def close(self) -> None: ...


class Answer:
    """An answer with HTTP 200."""

    def __init__(self, content: bytes) -> None:
        self.status_code = 200
        self.headers: Mapping[str, str] = {}
        self.content = content


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The generated package, imported."""
    root = tmp_path_factory.mktemp("connections")
    (root / "schema.graphql").write_text(SCHEMA, encoding="utf-8")
    (root / "pyproject.toml").write_text('[tool.penstock]\noutput = "connections_api"\n', encoding="utf-8")
    for name, text in QUERIES.items():
        (root / "queries" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "queries" / name).write_text(text, encoding="utf-8")
    config = load_config(root / "pyproject.toml")
    write(config.output, generate(config).files)
    sys.path.insert(0, str(root))
    yield importlib.import_module("connections_api")
    sys.path.remove(str(root))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(package: ModuleType, server: Server) -> Any:
    return package.Client("http://api.test", http_client=server)


def test_a_connection_of_edges_pages_itself(client: Any, server: Server) -> None:
    assert [issue.title for issue in client.issue.list(page_size=3)] == [
        f"issue {number}" for number in range(7)
    ]
    assert server.sent == [
        {"first": 3, "after": None},
        {"first": 3, "after": "2"},
        {"first": 3, "after": "5"},
    ]


def test_a_limit_and_a_start(client: Any, server: Server) -> None:
    assert [issue.id for issue in client.issue.list(limit=4, after="1", page_size=3)] == [
        "I2",
        "I3",
        "I4",
        "I5",
    ]
    assert server.sent == [{"first": 3, "after": "1"}, {"first": 1, "after": "4"}]
    assert client.issue.list(limit=0).all() == []
    first = client.issue.list().first()
    assert first.id == "I0"
    assert server.sent[-1] == {"first": 1, "after": None}


def test_a_connection_of_nodes_behind_an_object(client: Any) -> None:
    assert [comment.body for comment in client.issue(id="I1").comments(page_size=2)] == [
        f"comment {n}" for n in range(5)
    ]


def test_an_object_of_another_type_is_not_found(client: Any, package: ModuleType) -> None:
    assert client.issue(id="I1").headline() == "issue 1"
    for unknown in ("C1", "nothing"):
        with pytest.raises(package.NotFound):
            client.issue(id=unknown).refresh()
        with pytest.raises(package.NotFound):
            client.issue(id=unknown).comments().all()
        with pytest.raises(package.NotFound):
            client.issue(id=unknown).headline()


def test_reading_and_selecting_through_node(client: Any) -> None:
    issue = client.issue(id="I2").refresh()
    assert issue.get("id") == "I2"
    assert issue.query("comments(first: 1) { nodes { body } }") == {
        "comments": {"nodes": [{"body": "comment 0"}]}
    }
