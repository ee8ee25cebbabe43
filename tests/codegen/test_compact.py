"""Documents as text: the same, to the character, as graphql-core's own two steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import parse, print_ast, strip_ignored_characters

from penstock_codegen.compact import compact

QUERIES = Path(__file__).parents[2] / "queries"

ODD = [
    'query a($x: [Int!]! = [1, -2, 3.5e3], $y: String = "a\\"b\\n", $z: I = {a: {b: null, c: true}, d: E}) @d { f }',
    '{ a: b(c: $x, d: "e") @include(if: $y) ...F @x ... on T { b ... { c } } ... @skip(if: true) { d } e(x: 1) { ...F } }',
    'fragment F on T @d(a: """block "quoted"\n  second\n""") { a(x: 1) ...G }',
    "mutation { a(b: 0.1) ...F }",
    "subscription S { a }",
    '{ a(b: "\\u00e9\\u0007 é 𝄞") }',
]


@pytest.mark.parametrize("text", ODD)
def test_odd_documents(text: str) -> None:
    for node in parse(text).definitions:
        assert compact(node) == strip_ignored_characters(print_ast(node))


def test_our_queries() -> None:
    for path in sorted(QUERIES.rglob("*.graphql")):
        for node in parse(path.read_text(encoding="utf-8")).definitions:
            assert compact(node) == strip_ignored_characters(print_ast(node)), path


def test_a_schema_definition_is_refused() -> None:
    with pytest.raises(TypeError, match="object_type_definition"):
        compact(parse("type A { b: Int }").definitions[0])
