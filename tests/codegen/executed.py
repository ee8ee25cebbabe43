"""A generated package against graphql-core's executor: what a test calls goes over no wire, and nothing else is made up."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from graphql import build_schema, graphql_sync

from penstock_codegen.config import load_config
from penstock_codegen.generate import generate
from penstock_codegen.write import write


class Executor:
    """What a client sends to, with httpx's surface. `data` is what graphql-core's default resolvers read at the root.

    Its schema may be a newer one than the package was made from.
    """

    def __init__(self, schema: str, data: Any) -> None:
        self.schema = build_schema(schema)
        self.data = data
        self.sent: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []

    def build_request(self, method: str, url: str, *, content: bytes, headers: Any, timeout: Any) -> bytes:
        return content

    def send(self, request: bytes) -> Any:
        body = json.loads(request)
        self.sent.append(body)
        found = graphql_sync(
            self.schema, body["query"], root_value=self.data, variable_values=body["variables"]
        )
        self.answers.append(found.formatted)  # type: ignore[arg-type]  # a TypedDict is a dict
        return _Response(json.dumps(found.formatted).encode())

    def close(self) -> None:
        pass


class AsyncExecutor(Executor):
    """The same for an async client."""

    async def send(self, request: bytes) -> Any:
        return super().send(request)

    async def aclose(self) -> None:
        pass


class _Response:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.status_code = 200
        self.headers: Mapping[str, str] = {}


def write_files(folder: Path, schema: str, queries: Mapping[str, str], name: str, settings: str = "") -> Path:
    """A project's files, and the configuration's path."""
    for path, text in queries.items():
        target = folder / "queries" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    (folder / "schema.graphql").write_text(schema, encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        f'[tool.penstock]\nschema = "schema.graphql"\nqueries = "queries"\noutput = "{name}"\n{settings}',
        encoding="utf-8",
    )
    return folder / "pyproject.toml"


@contextmanager
def package(
    folder: Path, schema: str, queries: Mapping[str, str], *, name: str, settings: str = ""
) -> Iterator[ModuleType]:
    """A package, generated in the folder and imported, and forgotten afterwards."""
    config = load_config(write_files(folder, schema, queries, name, settings))
    write(config.output, generate(config).files)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        for module in [each for each in sys.modules if each.split(".")[0] == name]:
            del sys.modules[module]


CHECKERS = ("mypy", "pyright")


def wrong_lines(checker: str, folder: Path, program: str, scratch: Path) -> dict[int, str]:
    """What a checker, as strict as it can be, has against a program that uses the packages in a folder: line → what it says.

    What it has against another file fails the test.
    """
    path = scratch / "program.py"
    path.write_text(program, encoding="utf-8")
    environment = {**os.environ, "MYPYPATH": str(folder)}
    if checker == "mypy":
        options = [
            "--strict",
            "--enable-error-code=deprecated",
            "--config-file=",
            f"--cache-dir={scratch / 'cache'}",
            str(path),
        ]
    else:
        settings = {"extraPaths": [str(folder)], "typeCheckingMode": "strict", "reportDeprecated": "error"}
        (scratch / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
        options = ["--pythonpath", sys.executable, "-p", str(scratch)]
    command = [sys.executable, "-m", checker, *options]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    found: dict[int, str] = {}
    for line in done.stdout.splitlines():
        if "error:" in line:
            told = re.search(r"program\.py:(\d+)\b.*?error: (.*)", line)
            assert told, done.stdout
            found[int(told[1])] = found.get(int(told[1]), "") + told[2]
    assert found or done.returncode == 0, done.stdout + done.stderr
    return found


def expected_lines(program: str) -> set[int]:
    """The lines that are marked as wrong."""
    return {number for number, line in enumerate(program.splitlines(), 1) if line.endswith("# wrong")}
