"""The operations manifest holds what clients send, and clients send hashes where they are told to."""

from __future__ import annotations

import json
import pkgutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import pytest
from tests.codegen.projects import base_project, write_project

import penstock_api
from penstock_api import GraphQLError
from penstock_api._runtime.operation import Operation, answers_unknown_hash
from penstock_codegen.cache import Cache
from penstock_codegen.cli import main
from penstock_codegen.config import load_config
from penstock_codegen.generate import generate

ROOT = Path(__file__).parents[2]


def _sent() -> dict[str, str]:
    """Every document that our package holds, by its hash."""
    folder = import_module("penstock_api._operations")
    return {
        sha256(value.document.encode()).hexdigest(): value.document
        for module in pkgutil.iter_modules(folder.__path__)
        for value in vars(import_module(f"{folder.__name__}.{module.name}")).values()
        if isinstance(value, Operation)
    }


def test_the_manifest_holds_every_document_as_it_is_sent(tmp_path: Path) -> None:
    config = load_config(ROOT / "pyproject.toml")
    cache = Cache(tmp_path)
    first, again = generate(config, cache), generate(config, cache)
    assert first.manifest == again.manifest
    manifest = json.loads(first.manifest)
    assert manifest["version"] == 1
    assert {key: entry["document"] for key, entry in manifest["operations"].items()} == _sent()
    by_name = {entry["name"]: entry["kind"] for entry in manifest["operations"].values()}
    assert by_name["flow_archive"] == "mutation"
    assert by_name["flow_list"] == "query"


def test_the_command_writes_it_and_sees_its_drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_project(tmp_path, base_project())
    file = root / "operations.json"
    given = ["--config", str(root / "pyproject.toml"), "--no-cache", "--quiet"]
    assert main([*given, "--manifest", str(file)]) == 0
    written = file.stat()
    # A second run touches nothing.
    assert main([*given, "--manifest", str(file)]) == 0
    assert file.stat().st_mtime_ns == written.st_mtime_ns
    config = root / "pyproject.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(
        text.replace("[tool.penstock]", '[tool.penstock]\nmanifest = "operations.json"', 1), encoding="utf-8"
    )
    assert main([*given, "--check"]) == 0
    (root / "queries/book/delete.graphql").unlink()
    assert main([*given]) == 0
    assert "book_delete" not in file.read_text(encoding="utf-8")
    file.write_text("{}", encoding="utf-8")
    capsys.readouterr()
    assert main([*given, "--check"]) == 1
    assert "operations.json does not hold the operations as they are" in capsys.readouterr().err


class _Server:
    """An API behind a socket that keeps documents by their hashes, as Apollo's servers do."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        self.known: dict[str, str] = {}
        self.bodies: list[dict[str, Any]] = []
        self.status = status
        self.error = error

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.bodies.append(body)
        key = body.get("extensions", {}).get("persistedQuery", {}).get("sha256Hash")
        if "query" in body and key:
            assert sha256(body["query"].encode()).hexdigest() == key
            self.known[key] = body["query"]
        if "query" not in body and key not in self.known:
            return self.status, {"errors": [self.error]}
        return 200, {"data": {"hello": "hello"}}


@contextmanager
def _serving(server: _Server) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, answer = server.answer(body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/graphql"
        finally:
            http.shutdown()
            thread.join()


_ERRORS = [
    (200, {"message": "PersistedQueryNotFound"}),
    (200, {"message": "no such document", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}),
    (400, {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}),
    (200, {"message": "PersistedQueryNotSupported"}),
]


@pytest.mark.parametrize(("status", "error"), _ERRORS)
def test_a_hash_that_the_server_does_not_know_is_sent_with_its_text_once(
    status: int, error: dict[str, Any]
) -> None:
    server = _Server(status, error)
    with _serving(server) as url, penstock_api.Client(url=url, persisted="hash") as client:
        assert client.hello() == "hello"
        assert client.hello() == "hello"
    assert ["query" in body for body in server.bodies] == [False, True, False]
    manifest = json.loads(generate(load_config(ROOT / "pyproject.toml")).manifest)
    for body in server.bodies:
        assert body["extensions"]["persistedQuery"]["version"] == 1
        assert manifest["operations"][body["extensions"]["persistedQuery"]["sha256Hash"]]["name"] == "hello"
        assert body["operationName"] == "hello"
        assert body["variables"] == {}


async def _hello(url: str, persisted: Literal["hash", "only"]) -> str | None:
    async with penstock_api.AsyncClient(url=url).with_options(persisted=persisted) as client:
        return await client.hello()


@pytest.mark.parametrize(("status", "error"), _ERRORS[::2])
def test_an_async_client_does_the_same(status: int, error: dict[str, Any]) -> None:
    import asyncio

    server = _Server(status, error)
    with _serving(server) as url:
        assert asyncio.run(_hello(url, "hash")) == "hello"
        assert asyncio.run(_hello(url, "only")) == "hello"
    assert ["query" in body for body in server.bodies] == [False, True, False]


@pytest.mark.parametrize("status", [200, 400])
def test_with_only_the_text_is_never_sent(status: int) -> None:
    server = _Server(status, {"message": "PersistedQueryNotFound"})
    with (
        _serving(server) as url,
        penstock_api.Client(url=url, persisted="only", retries=0) as client,
        pytest.raises(GraphQLError, match="PersistedQueryNotFound"),
    ):
        client.hello()
    assert ["query" in body for body in server.bodies] == [False]


def test_without_the_option_the_text_is_sent_as_ever() -> None:
    server = _Server(200, {})
    with _serving(server) as url, penstock_api.Client(url=url) as client:
        client.hello()
    assert server.bodies[0].keys() == {"operationName", "query", "variables"}


def test_another_value_is_refused() -> None:
    with pytest.raises(ValueError, match='persisted is None, "hash" or "only"'):
        penstock_api.Client(url="http://127.0.0.1:1/", persisted="text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PersistedQueryNotFound",
        b'["PersistedQueryNotFound"]',
        b'{"data":{"a":"PersistedQueryNotFound"}}',
    ],
)
def test_an_answer_that_only_mentions_it_is_an_answer(content: bytes) -> None:
    assert not answers_unknown_hash(content)
