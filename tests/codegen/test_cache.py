"""What is kept between runs gives the same package, and nothing that someone put there can run."""

from __future__ import annotations

import copyreg
import os
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, Undefined, build_schema, print_schema

from penstock_codegen import operations
from penstock_codegen.cache import Cache, default_folder, digest, dump_schema, read_schema
from penstock_codegen.config import load_config
from penstock_codegen.diagnostics import GenerationError
from penstock_codegen.generate import generate
from penstock_codegen.operations import Document

ROOT = Path(__file__).parents[2]


def test_a_schema_comes_back_whole() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))
    printed = print_schema(schema)
    found = read_schema(dump_schema(schema))
    assert found is not None
    assert print_schema(found) == printed


def test_another_librarys_way_with_exceptions_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> str:
        raise TypeError("not this way")

    # graphql-core's Undefined is an exception by its type, and distributed teaches pickle its own way with those.
    monkeypatch.setitem(copyreg.dispatch_table, type(Undefined), refuse)
    schema = build_schema("type Query { a(b: Int): Int }")
    printed = print_schema(schema)
    found = read_schema(dump_schema(schema))
    assert found is not None
    assert print_schema(found) == printed


class Hostile:
    """Runs a function of the system's when it is unpickled the usual way."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def _through_a_module() -> bytes:
    # A dotted name in the STACK_GLOBAL opcode: graphql.type.schema → its import of something → …
    return b"\x80\x04\x8c\x13graphql.type.schema\x8c\x0ccopy.copy.__globals__\x93."


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Hostile(os.mkdir, "hostile")),
        pickle.dumps(Hostile(getattr, Path, "mkdir")),
        pickle.dumps(Hostile(eval, "1")),
        _through_a_module(),
        pickle.dumps({"no": "schema"}),
        b"",
        b"garbage",
        dump_schema(build_schema("type Query { a: Int }"))[:-20],
    ],
)
def test_a_hostile_or_damaged_entry_is_no_schema(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_schema(data) is None
    assert list(tmp_path.iterdir()) == []


def test_the_cache_gives_what_generating_gives(tmp_path: Path) -> None:
    config = load_config(ROOT / "pyproject.toml")
    cache = Cache(tmp_path)
    fresh = generate(config)
    first, again = generate(config, cache), generate(config, cache)
    assert fresh == first == again
    # Without the whole package, its parts are used.
    for path in (tmp_path / "package").iterdir():
        path.unlink()
    assert generate(config, cache) == fresh


def test_a_damaged_cache_is_passed_over(tmp_path: Path) -> None:
    config = load_config(ROOT / "pyproject.toml")
    cache = Cache(tmp_path)
    fresh = generate(config, cache)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.parent.name in ("package", "schema", "definitions", "valid"):
            path.write_bytes(b"\x00damaged")
    assert generate(config, cache) == fresh


_FILES = {
    "pyproject.toml": '[tool.penstock]\nschema = "s.graphql"\nqueries = "q"\noutput = "made"\n',
    "s.graphql": "type Query { thing(id: ID!): Thing } type Thing { id: ID! name: String size: Int }",
    "q/thing.graphql": "query ($id: ID!) { thing(id: $id) { ...part } }",
    "q/size.graphql": "query ($id: ID!) { thing(id: $id) { size } }",
    "q/part.graphql": "fragment part on Thing { id name }",
}


@pytest.mark.parametrize(
    ("file", "before", "after", "wrong"),
    [
        ("q/part.graphql", "name", "size", False),
        ("q/part.graphql", "name", "weight", True),
        ("q/size.graphql", "size", "weight", True),
        ("q/size.graphql", "size", "name", False),
        ("s.graphql", "name: String", "name: Int", False),
        ("s.graphql", "size: Int", "length: Int", True),
        ("s.graphql", "name: String", "label: String", True),
        ("s.graphql", "id: ID!): Thing", "id: Int!): Thing", True),
        ("pyproject.toml", "made", "other", False),
    ],
)
def test_what_changes_is_never_taken_from_before(
    tmp_path: Path, file: str, before: str, after: str, *, wrong: bool
) -> None:
    for name, text in _FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    config = tmp_path / "project/pyproject.toml"
    cache = Cache(tmp_path / "cache")
    first = generate(load_config(config), cache)
    assert (tmp_path / "cache/valid").is_dir()
    changed = tmp_path / "project" / file
    changed.write_text(changed.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    for _ in range(2):
        if wrong:
            told = []
            for kept in (cache, None):
                with pytest.raises(GenerationError) as error:
                    generate(load_config(config), kept)
                told.append(error.value.diagnostics)
            assert told[0] == told[1]
        else:
            assert generate(load_config(config), cache) == generate(load_config(config))
    changed.write_text(_FILES[file], encoding="utf-8")
    assert generate(load_config(config), cache) == first


def test_a_valid_operation_is_not_validated_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in _FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    config, cache = load_config(tmp_path / "project/pyproject.toml"), Cache(tmp_path / "cache")
    generate(config, cache)
    seen: list[list[str]] = []
    validate = operations._validate

    def watched(schema: GraphQLSchema, documents: Iterable[Document], *rest: Any) -> None:
        items = tuple(documents)
        seen.append([item.name for item in items])
        validate(schema, items, *rest)

    monkeypatch.setattr(operations, "_validate", watched)
    (tmp_path / "project/q/more.graphql").write_text("query { __typename }", encoding="utf-8")
    generate(config, cache)
    (tmp_path / "project/q/part.graphql").write_text("fragment part on Thing { id }", encoding="utf-8")
    generate(config, cache)
    assert seen == [["more"], ["thing"]]


def test_a_folder_that_cannot_be_written_is_no_error() -> None:
    cache = Cache(Path(os.devnull) / "cache")
    cache.store("schema", "key", b"data")
    assert cache.load("schema", "key") is None


def test_the_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "cache" / "codegen"


def test_the_borders_of_parts_count() -> None:
    assert digest("ab", "c") != digest("a", "bc")
