"""`@skip` and `@include`, wherever they may stand: what graphql-core answers is read, and just what may be missing is optional."""

from __future__ import annotations

import importlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.codegen.executed import Executor, package, write_files

from penstock_codegen.config import load_config
from penstock_codegen.diagnostics import GenerationError
from penstock_codegen.generate import generate

SCHEMA = """
type Query { a: A! named: Named hit: Hit! all: [A!]! box(id: ID!): Box boxes(first: Int, after: String): Boxes! }
type A implements Named { id: ID! x: Int! y: Int! b: B! many: [B!]! named: Named! }
type B implements Named { id: ID! x: Int! y: Int! b: B }
interface Named { id: ID! x: Int! }
union Hit = A | B
type Box { id: ID! x: Int! }
type Boxes { nodes: [Box!]! pageInfo: PageInfo! }
type PageInfo { hasNextPage: Boolean! endCursor: String }
"""
INNER = {"__typename": "B", "id": "b", "x": 1, "y": 2, "b": {"__typename": "B", "id": "c", "x": 3, "y": 4}}
OUTER = {"__typename": "A", "id": "a", "x": 5, "y": 6, "b": INNER, "many": [INNER], "named": INNER}
DATA = {"a": OUTER, "named": OUTER, "hit": OUTER, "all": [OUTER, OUTER], "box": {"id": "1", "x": 1}}

IF = [
    "",
    "@include(if: $a)",
    "@skip(if: $a)",
    "@include(if: $a) @skip(if: $b)",
    "@include(if: true)",
    "@skip(if: true)",
]
# What stands in `a { … }`, with conditions in its holes.
FORMS = {
    "field": "x <0> y",
    "object": "id b <0> { x <1> y }",
    "untyped": "id ... <0> { x y <1> }",
    "typed": "id ... on A <0> { x b { y <1> } }",
    "interface": "id ... on Named <0> { x <1> }",
    "twice": "id x <0> x <1>",
    "objects": "id b <0> { x } b <1> { y }",
    "nested": "id ... <0> { ... <1> { b { ... @skip(if: $b) { x } id } } }",
    "list": "id many <0> { x <1> y }",
    "abstract": "id named { x <0> ... on B <1> { y } }",
    "deep": "id b <0> { b <1> { x } x }",
}  # fmt: skip
SPREADS = {
    "spread": ("id ...F_spread <0>", "on A { x <1> b { y } }"),
    "spreads": ("id b { ...F_spreads <0> ...F_spreads <1> id }", "on B { x y }"),
}


def operations() -> dict[str, str]:
    found = {}
    head = "query ($a: Boolean = true, $b: Boolean! = false)"
    forms = {**{name: (form, "") for name, form in FORMS.items()}, **SPREADS}
    for name, (form, fragment) in forms.items():
        for number, (one, two) in enumerate(itertools.product(IF, IF[:4])):
            if "<1>" not in form + fragment and two:
                continue
            key = f"{name}_{number}"
            text = f"{form} z{number}: id @include(if: $a) w{number}: id @skip(if: $b)"
            shown = f"{head} {{ a {{ {text} }} hit {{ ... on A {{ {form} }} kind: __typename }} }}"
            if fragment:
                shown += f"\nfragment F_{name} {fragment}"
            shown = shown.replace("<0>", one).replace("<1>", two).replace(f"F_{name}", f"F_{key}")
            found[f"{key}.graphql"] = shown
    return found


QUERIES = operations()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with package(tmp_path_factory.mktemp("if"), SCHEMA, QUERIES, name="conditions_api") as module:
        yield module


def test_every_answer_is_read_and_what_may_be_missing_is_optional(api: ModuleType) -> None:
    server = Executor(SCHEMA, DATA)
    client = api.Client("https://api.example.com", http_client=server)
    operations = importlib.import_module("conditions_api._operations.client")
    for name in QUERIES:
        method = name.removesuffix(".graphql")
        given = []
        models = []
        for a, b in itertools.product((True, False), repeat=2):
            models.append(getattr(client, method)(a=a, b=b))
            given.append(server.answers[-1]["data"])
        _check(models, given, f"{method}: {getattr(operations, method.upper()).document}")


def _check(models: list[Any], answers: list[Any], where: str) -> None:
    """Models of one class against the answers that they were read from."""
    if isinstance(models[0], list):
        _check([one for each in models for one in each], [one for each in answers for one in each], where)
        return
    by_class: dict[Any, list[tuple[Any, Any]]] = {}
    for model, answer in zip(models, answers, strict=True):
        by_class.setdefault(type(model), []).append((model, answer))
    for class_, pairs in by_class.items():
        fields = {field.alias or name: (name, field) for name, field in class_.model_fields.items()}
        for key, (name, field) in fields.items():
            missing = [key not in answer for _, answer in pairs]
            assert any(missing) is not field.is_required(), f"{where}: {class_.__name__}.{name}"
            below: tuple[list[Any], list[Any]] = ([], [])
            for (model, answer), gone in zip(pairs, missing, strict=True):
                value = getattr(model, name)
                if gone:
                    assert value is None, where
                elif isinstance(answer[key], dict | list):
                    below[0].append(value)
                    below[1].append(answer[key])
                else:
                    assert value == answer[key], where
            if below[0]:
                _check(*below, f"{where}.{key}")
        assert set().union(*(answer for _, answer in pairs)) <= fields.keys(), where


MORE = {
    "box/fields.graphql": "fragment box on Box { id x }",
    "box/get.graphql": "query ($id: ID!) { box(id: $id) { ...box } }",
    "maybe_box.graphql": "query ($id: ID!, $a: Boolean!) { box(id: $id) { ...box @include(if: $a) } }",
    "maybe.graphql": "query ($a: Boolean!) { a { b @include(if: $a) { x } } }",
    "root.graphql": "query ($a: Boolean!) { a @include(if: $a) { x } }",
    "kind.graphql": "query ($a: Boolean!) { named { __typename @include(if: $a) id ... on A { y } } }",
    "boxes.graphql": "query ($first: Int, $after: String, $a: Boolean!) { boxes(first: $first, after: $after)"
    " { nodes @include(if: $a) { ...box } pageInfo { hasNextPage endCursor } } }",
}


def test_conditions_on_the_way_to_a_result(tmp_path: Path) -> None:
    with package(tmp_path, SCHEMA, MORE, name="ways_api") as api:
        boxes = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
        server = Executor(SCHEMA, {**DATA, "boxes": boxes})
        client = api.Client("https://api.example.com", http_client=server)
        assert (client.maybe_box("1", True).x, client.maybe_box("1", False).x) == (1, None)
        assert client.maybe(True).b.x == 1
        assert client.maybe(False).b is None
        assert client.root(True).a.x == 5
        assert client.root(False).a is None
        assert [client.kind(each).y for each in (True, False)] == [6, 6]
        assert client.boxes(False).nodes is None
        assert client.boxes(True).nodes == []


def test_a_default_field_cannot_be_conditional(tmp_path: Path) -> None:
    queries = {**MORE, "box/fields.graphql": "fragment box on Box { id x @skip(if: true) }"}
    with pytest.raises(GenerationError) as caught:
        generate(load_config(write_files(tmp_path, SCHEMA, queries, "ways_api")))
    assert re.search(r"without aliases, fragments and conditions", str(caught.value))
