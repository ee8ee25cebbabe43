"""Schemas as data: what is read without a syntax tree is what graphql-core reads, and what it refuses is not taken."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from graphql import (
    GraphQLSchema,
    build_client_schema,
    build_schema,
    introspection_from_schema,
    parse,
    print_schema,
)
from tests.codegen.golden import CASES, FOLDER

from penstock_codegen.cache import Cache
from penstock_codegen.config import load_config
from penstock_codegen.definitions import Definitions, build
from penstock_codegen.diagnostics import GenerationError, Problems
from penstock_codegen.introspection import read_answer
from penstock_codegen.schema import load_schema
from penstock_codegen.sdl import SchemaText, read_schema_text
from penstock_codegen.sdl_scan import scan

ROOT = Path(__file__).parents[2]
# Every construct that can be read, with the odd places in which comments, commas and descriptions may stand.
EVERYTHING = '''
"""The schema."""
schema @about(text: "a schema", tags: ["x", "y"], more: {one: 1, two: [{three: -0.5e3}]}) { query: Root, mutation: Change }
"On everything." directive @about(text: String! = "none", tags: [String!], more: More) repeatable on SCHEMA | OBJECT | FIELD_DEFINITION
directive @plain on | ENUM_VALUE | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION # at the end
input More { one: Int two: [More!] three: Float = 1.5 }
interface Node { id: ID! }
interface Named implements Node { "An \\"id\\" \\u00e9" id: ID!, name(upper: Boolean = false, """
    How long.

      Deeper.
    """ length: Int = 3 @plain @deprecated): String! }
type Root implements & Named & Node @about @about(text: "twice") {
  id: ID! name(upper: Boolean length: Int extra: [Kind!]! = [ONE, TWO]): String!
  """ one line """ search(by: By, more: More = {one: 1 two: []}): [ Result ! ]
  old: Int @deprecated(reason: """because
    of \\""" that""")
  matrix: [[Float!]]! """"""  empty: moment
}
type Change { make(node: ID!): Root, type: Int, input: Int, implements: String }
union Result = | Root | Change
enum Kind { "first" ONE @plain TWO @deprecated(reason: "") type }
input By @oneOf { id: ID, name: String @plain, kind: Kind @deprecated }
scalar moment @specifiedBy(url: "https://example.com/moment")
'''


def slow(text: str) -> GraphQLSchema:
    return load_schema(SchemaText(("schema.graphql",), (text,)), Problems())


def fast(text: str) -> GraphQLSchema | None:
    """The schema as generating reads it, where it was read without syntax trees."""
    found = SchemaText(("schema.graphql",), (text,))
    if scan((text,)) is None:
        return None
    try:
        schema = load_schema(found, Problems(), nodes=False)
    except GenerationError:
        return None
    return schema if schema.query_type is not None and schema.query_type.ast_node is None else None


def same(one: GraphQLSchema, other: GraphQLSchema) -> None:
    assert print_schema(one) == print_schema(other)
    assert [name for name in one.type_map if not name.startswith("__")] == sorted(
        (name for name in other.type_map if not name.startswith("__")), key=list(one.type_map).index
    )
    assert {item.name for item in one.directives} == {item.name for item in other.directives}
    for name, type_ in one.type_map.items():
        if not name.startswith("__"):
            assert introspected(type_) == introspected(other.type_map[name])
    for name, found in one._implementations_map.items():
        assert [item.name for item in found.objects] == [
            item.name for item in other._implementations_map[name].objects
        ]


def introspected(type_: object) -> object:
    fields = getattr(type_, "fields", {})
    described = (getattr(type_, "description", None), getattr(type_, "specified_by_url", None))
    return described, [
        (
            name,
            str(item.type),
            item.description,
            item.deprecation_reason,
            getattr(item, "default_value", None),
        )
        for name, item in fields.items()
    ]


def test_every_construct_is_read_as_graphql_core_reads_it() -> None:
    schema = fast(EVERYTHING)
    assert schema is not None
    same(slow(EVERYTHING), schema)


@pytest.mark.parametrize("case", CASES)
def test_the_golden_schemas_are_the_same(case: str) -> None:
    config = load_config(FOLDER / case / "pyproject.toml")
    text = "\n".join(read_schema_text(config, Problems()).texts)
    taken = fast(text)
    assert taken is not None
    same(slow(text), taken)


def test_our_own_schema_is_read_without_syntax_trees() -> None:
    text = (ROOT / "schema.graphql").read_text(encoding="utf-8")
    taken = fast(text)
    assert taken is not None
    same(slow(text), taken)


def test_what_is_taken_graphql_core_takes_too() -> None:
    """Small changes anywhere in a schema: where the result is still taken, it is what graphql-core makes of it."""
    chance = random.Random(7)
    pieces = re.findall(r'"""(?:[^"]|"(?!""))*"""|"[^"\n]*"|[A-Za-z_]\w*|\s+|#[^\n]*|\S', EVERYTHING)
    extra = [
        "!",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        ":",
        "=",
        "@plain",
        "@about",
        "@oneOf",
        "&",
        "|",
        "null",
        "$a",
        "...",
        "01",
        "1.",
        "é",
    ]
    extra += [
        "extend",
        "Root",
        "Kind",
        "moment",
        "Missing",
        '"',
        '"""',
        "\\",
        "\f",
        "\u00a0",
        "\ufeff",
        ",",
        "implements",
        "on",
    ]
    taken = 0
    for _ in range(500):
        changed = list(pieces)
        for _ in range(chance.choice((1, 1, 2))):
            place = chance.randrange(len(changed))
            match chance.randrange(4):
                case 0:
                    del changed[place]
                case 1:
                    changed.insert(place, chance.choice(extra))
                case 2:
                    changed[place] = chance.choice(pieces)
                case _:
                    changed.insert(place, changed[place])
        text = "".join(changed)
        found = fast(text)
        if found is not None:
            taken += 1
            same(slow(text), found)
    assert taken > 40


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing",
        "type Query { a: Int } extend type Query { b: Int }",
        "type Query { a: Int a: String }",
        "type Query { a: Missing }",
        "type Query { a: Int @missing }",
        "type Query { a: Int @deprecated @deprecated }",
        "type Query { a: Int @deprecated(why: 1) }",
        "type Query { a(b: Int b: Int): Int }",
        "type Query { a: [Int }",
        "type Query { a: Int!! }",
        "type Query { }",
        "type Query { a: Int } type Query { b: Int }",
        "type Query { a: Int } enum E { true }",
        "type Query { a: Int } scalar String",
        "type Query { a: Int } schema { query: Query } schema { query: Query }",
        "type Query { a: Int = 1 }",
        "type Query { a: Int } directive @a on NOWHERE",
        'type Query { a: Int } "unused"',
        'type Query { """open a: Int }',
        "type Query { a(b: Int = $c): Int }",
        "type Query { a(b: Int = 1x): Int }",
    ],
)
def test_what_is_wrong_or_unusual_is_not_taken(text: str) -> None:
    assert scan((text,)) is None


@pytest.mark.parametrize(
    "text",
    [
        "type Query implements Node { a: Int } interface Node { id: ID! }",
        "type Mutation { a: Int }",
        "type Query { a: In } input In { b: Int }",
        "type Query { a(b: Out): Int } type Out { b: Int }",
        "type Query { a(b: In): Int } input In { b: In! }",
        "union Query = A type A { a: Int }",
        "type Query implements A { a: Int } type A { a: Int }",
        "type Query { a: U } union U = Int",
    ],
)
def test_types_that_do_not_fit_are_told_by_graphql_core(text: str) -> None:
    with pytest.raises(GenerationError):
        load_schema(SchemaText(("schema.graphql",), (text,)), Problems(), nodes=False)


def test_an_introspection_answer_gives_the_same_schema() -> None:
    schema = build_schema(EVERYTHING)
    answer = introspection_from_schema(
        schema,
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        input_object_one_of=True,
    )
    text = json.dumps({"data": answer})
    definitions = read_answer(text)
    assert definitions is not None
    expected = build_client_schema(answer)
    assert print_schema(build(definitions)) == print_schema(expected)
    found = load_schema(SchemaText(("schema.json",), (text,)), Problems(), nodes=False)
    same(load_schema(SchemaText(("schema.json",), (text,)), Problems()), found)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"data": null}', '{"__schema": {"types": [{}]}}', '{"__schema": 1}']
)
def test_an_odd_answer_is_left_to_graphql_core(text: str) -> None:
    assert read_answer(text) is None
    with pytest.raises(GenerationError, match="introspection"):
        load_schema(SchemaText(("schema.json",), (text,)), Problems(), nodes=False)


def test_kept_definitions_give_the_same_schema_and_the_same_warnings(tmp_path: Path) -> None:
    text = EVERYTHING.replace("type Change {", 'type Change { "more" make(node: ID!): Root')
    cache = Cache(tmp_path)
    told = []
    for _ in range(2):
        problems = Problems()
        schema = load_schema(SchemaText(("a.graphql",), (text,)), problems, cache, nodes=False)
        told.append(problems.warnings)
        same(slow(text), schema)
    assert [item.code for item in told[0]] == ["W003"]
    assert told[0] == told[1]
    problems = Problems()
    load_schema(SchemaText(("a.graphql",), (text,)), problems)
    assert problems.warnings == told[0]
    assert len(list((tmp_path / "definitions").iterdir())) == 1


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"[1, 2, 3, 4, 5, 6]", b"\xff"])
def test_damaged_definitions_are_none(data: bytes) -> None:
    assert Definitions.loaded(data) is None


def test_a_kept_schema_of_other_text_is_not_taken(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for field in ("a", "b"):
        schema = load_schema(
            SchemaText(("a.graphql",), (f"type Query {{ {field}: Int }}",)), Problems(), cache, nodes=False
        )
        assert schema.query_type is not None
        assert list(schema.query_type.fields) == [field]


def test_every_construct_is_valid_to_graphql_core() -> None:
    assert parse(EVERYTHING).definitions
