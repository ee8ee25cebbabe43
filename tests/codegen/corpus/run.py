"""Runs one case of the corpus: generates, imports, calls, and lists what is not as the case says."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLType,
    GraphQLUnionType,
    build_schema,
    execute_sync,
    is_leaf_type,
    parse,
    validate,
)
from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from tests.codegen.corpus import CANARY, Case
from tests.codegen.oracle import Carrier, Oracle, Sent
from tests.codegen.projects import imported, write_package, write_project

from penstock_codegen import render
from penstock_codegen.cache import Cache
from penstock_codegen.config import Config, load_config
from penstock_codegen.diagnostics import Diagnostic, GenerationError, Problems
from penstock_codegen.generate import Generated, generate
from penstock_codegen.render import RUNTIME
from penstock_codegen.sdl import read_schema_text


class Templates(Cache):
    """A cache of compiled templates in memory, which are most of the time of generating: everything else is done anew."""

    def __init__(self) -> None:
        super().__init__(Path())
        self._kept: dict[str, bytes] = {}

    def load(self, kind: str, key: str) -> bytes | None:
        """The template, where it was compiled before."""
        return self._kept.get(key) if kind == "template" else None

    def store(self, kind: str, key: str, data: bytes) -> None:
        """Keeps a template."""
        if kind == "template":
            self._kept[key] = data


class Packages:
    """A folder for many packages of one process, where what is the same for all is done once: templates and the runtime are compiled once.

    While it is entered, only every third package goes through the formatter, which is half of the time and changes no meaning.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.templates = Templates()
        self._runtime = Path(shutil.copytree(RUNTIME, folder / "runtime"))
        self._count = 0
        self._undo: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        bytecode, formats = sys.dont_write_bytecode, render.format_all

        def undo() -> None:
            sys.dont_write_bytecode, render.format_all = bytecode, formats

        self._undo.append(undo)
        sys.dont_write_bytecode = False
        if os.environ.get("PENSTOCK_STRESS") != "1":
            render.format_all = lambda files: formats(files) if self._count % 3 == 0 else dict(files)
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.pop()()

    def number(self) -> int:
        """The next package's number."""
        self._count += 1
        return self._count

    def write(self, package: Path, files: Mapping[str, str]) -> None:
        """Writes a package, with a link for its runtime."""
        own = {path: text for path, text in files.items() if not path.startswith("_runtime/")}
        write_package(package, own)
        (package / "_runtime").symlink_to(self._runtime)


class Runner:
    """Runs cases, each in a folder of its own."""

    def __init__(self, packages: Packages) -> None:
        self._packages = packages
        self._folder = packages.folder
        self._count = 0

    def run(self, case: Case) -> list[str]:
        """What is wrong, as lines; empty where all is as the case says."""
        self._count = self._packages.number()
        root = write_project(self._folder / "project" / str(self._count), case.files)
        before = _contents(root)
        try:
            config = load_config(root / "pyproject.toml")
            generated = generate(config, self._packages.templates)
        except GenerationError as error:
            found = list(_refusals(case, error.diagnostics))
        except Exception as error:  # what must not be is told like all else
            found = [f"generating: {_told(error)}"]
        else:
            found = ["it is not refused"] if case.refusals else list(self._package(case, config, generated))
        if _contents(root) != before:
            found.append("generating changed the project's files")
        # What a text makes, it makes in the working folder, or beside what it stands in.
        places = (
            self._folder.glob("*"),
            root.rglob("*"),
            (self._folder / "out" / str(self._count)).rglob("*"),
        )
        for path in [path for place in places for path in place if CANARY in path.name]:
            found.append(f"code ran: {path.relative_to(self._folder)} is there")
            path.unlink()
        shutil.rmtree(root)
        shutil.rmtree(self._folder / "out" / str(self._count), ignore_errors=True)
        return found

    def _package(self, case: Case, config: Config, generated: Generated) -> Iterator[str]:
        out = self._folder / "out" / str(self._count)
        package = config.package
        self._packages.write(out / package, generated.files)
        texts = read_schema_text(config, Problems()).texts
        schema = build_schema("\n".join(texts))
        values = {name: value for name, value in case.answers.items() if name in schema.type_map}
        try:
            with imported(out, package) as module:
                oracle = Oracle(module, schema, values, config.errors)
                for item in oracle.package.modules():
                    for value in list(vars(item).values()):
                        inspect.getdoc(value)
                yield from (f"oracle: {line}" for line in oracle.run().failures)
                yield from _expressions(case, module, schema)
        except Exception as error:  # what must not be is told like all else
            yield f"importing: {_told(error)}"


def _contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _told(error: Exception) -> str:
    import traceback

    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error)[:300]} ({Path(place.filename).name}:{place.lineno})"


def _refusals(case: Case, diagnostics: tuple[Diagnostic, ...]) -> Iterator[str]:
    wanted = list(case.refusals)
    for item in diagnostics:
        if not item.text().isprintable() and not item.source:
            yield f"it says what a terminal would obey: {item.text()!r}"
        matching = [
            one
            for one in wanted
            if (one.code, one.place) == (item.code, item.place) and one.gist in item.sentence()
        ]
        if matching:
            wanted.remove(matching[0])
        else:
            yield f"it is refused: {item.sentence()}"
    yield from (f"it does not say: {one.place}: {one.gist} [{one.code}]" for one in wanted)


# --------------------------------------------------------------------------------------------------------------- the server


class Server:
    """Answers by the schema, each field with what the case says, or with a value that says where it is from."""

    def __init__(self, schema: GraphQLSchema, answers: Mapping[str, object]) -> None:
        self._schema = schema
        self._answers = answers
        self.sent: list[Sent] = []

    def answer(self, content: bytes) -> bytes:
        """The answer to a request's body."""
        body = json.loads(content)
        self.sent.append(Sent(body["query"], body.get("operationName", ""), body["variables"]))
        document = parse(body["query"])
        assert not (problems := validate(self._schema, document)), problems[0].message
        result = execute_sync(
            self._schema,
            document,
            variable_values=body["variables"],
            operation_name=body.get("operationName"),
            field_resolver=self._resolve,
            type_resolver=lambda value, *_: value["__typename"],
        )
        return json.dumps(result.formatted).encode()

    def _resolve(self, source: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        origin = f"{info.parent_type.name}.{info.field_name}"
        if isinstance(source, dict) and info.field_name in source:
            return source[info.field_name]
        if origin in self._answers:
            return self._answers[origin]
        type_ = info.return_type
        named = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if arguments and str(named) == "String":
            return json.dumps(arguments, sort_keys=True, ensure_ascii=False)
        return self._value(type_, origin)

    def _value(self, type_: GraphQLType, origin: str) -> object:
        if isinstance(type_, GraphQLNonNull):
            return self._value(type_.of_type, origin)
        if isinstance(type_, GraphQLList):
            return [self._value(type_.of_type, origin) for _ in range(2)]
        if isinstance(type_, GraphQLEnumType):
            return next(iter(type_.values.values())).value
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return {"__typename": self._schema.get_possible_types(type_)[0].name}
        if not is_leaf_type(type_):
            return {}
        name = str(type_)
        known: dict[str, object] = {"Int": 7, "Float": 1.5, "Boolean": True, "ID": "id-1"}
        return self._answers.get(name, known.get(name, origin))


def _expressions(case: Case, module: ModuleType, schema: GraphQLSchema) -> Iterator[str]:
    if not case.gives:
        yield "the case does not say what it gives"
    for expression, wanted in case.gives:
        server = Server(schema, case.answers)
        client = import_module(f"{module.__name__}.client").Client(
            "http://corpus.test/graphql", http_client=Carrier(server), retries=0
        )
        known = {"client": client, "package": module, "sent": server.sent}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                given = _plain(eval(expression, known))  # noqa: S307  # the case's own text
        except Exception as error:  # what must not be is told like all else
            given = f"{type(error).__name__}: {error}"
        if given != wanted or type(given) is not type(wanted):
            yield f"{expression} gives {given!r}, not {wanted!r}"


def _plain(value: Any) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, str | int | float | bool | None):
        return value.value if isinstance(value, Enum) else value
    return to_jsonable_python(value)


def watch() -> list[str]:
    """The programs that this process starts from now on, but the formatter."""
    started: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        # From Python 3.13 on, subprocess starts programs by os.posix_spawn.
        starts = event in ("subprocess.Popen", "os.posix_spawn")
        if event in ("os.system", "os.exec", "os.fork", "os.spawn", "pty.spawn", "webbrowser.open") or (
            starts and Path(str(arguments[0])).name not in ("ruff", "ruff.exe")
        ):
            started.append(f"{event} {arguments!r}"[:200])

    sys.addaudithook(hook)
    return started
