"""Sizes: deep, wide and long inputs, within a recursion limit and without, in bounded time."""

from __future__ import annotations

import os

from tests.codegen.corpus import Case, refused, works

_SELF = "type Query { a: A! }\ntype A { a: A x: Int! y: Int }"


def _nested(depth: int, inner: str) -> str:
    return "{ a " * depth + inner + " }" * depth


def _wide(count: int) -> str:
    return (
        "type Query { a: A! }\ntype A {\n" + "\n".join(f"  f{number}: Int" for number in range(count)) + "\n}"
    )


# Ten thousand take five seconds.
_FIELDS = 10_000 if os.environ.get("PENSTOCK_STRESS") == "1" else 1_000
_TYPES = 1500
_CHAIN = "type Query { a: T0 }\n" + "".join(
    f"type T{n} {{ x: Int a: T{(n + 1) % _TYPES} }}\n" for n in range(_TYPES)
)

CASES: list[Case] = [
    works("a selection 30 levels deep", _SELF, _nested(30, "{ x y }"), ("client.odd().y", 7)),
    works(
        "a selection 60 levels deep on each",
        _SELF,
        "{ a " + "{ x a " * 60 + "{ x }" + " }" * 61,
        ("client.odd().a.a.a.a.x", 7),
        ("eval('client.odd()' + '.a' * 60 + '.x', {'client': client})", 7),
    ),
    works(
        "fragments 100 deep",
        _SELF,
        "query odd { a { ...F0 y } }\n"
        + "\n".join(f"fragment F{n} on A {{ ...F{n + 1} }}" for n in range(100))
        + "\nfragment F100 on A { x }",
        ("client.odd()", {"x": 7, "y": 7}),
    ),
    works(
        "a list of lists 5 deep",
        f"type Query {{ a: {'[' * 5}Int{']' * 5} echo(a: {'[' * 5}Int{']' * 5}): String }}",
        {"odd.graphql": "{ a }", "echo.graphql": f"query ($a: {'[' * 5}Int{']' * 5}) {{ echo(a: $a) }}"},
        ("client.odd()", None),
        (f"client.echo(a={'[' * 5}1{']' * 5})", f'{{"a": {"[" * 5}1{"]" * 5}}}'),
        answers={"Query.a": None},
    ),
    works(
        "an input 40 deep",
        "type Query { echo(a: In): String }\ninput In { in: In n: Int }",
        f"{{ echo(a: {'{in: ' * 40}{{n: 1}}{'}' * 40}) }}",
        ("client.odd()", '{"a": ' + '{"in": ' * 40 + '{"n": 1}' + "}" * 41),
    ),
    works(
        "one field selected 600 times",
        _SELF,
        "{ a { " + "x " * 600 + "y } }",
        ("client.odd()", {"x": 7, "y": 7}),
    ),
    refused(
        "one field selected 10,000 times",
        _SELF,
        {"odd.graphql": "{ a { " + "x " * 10_000 + "y } }", "fine.graphql": "{ a { x } }"},
        ("Q008", "queries/odd.graphql:1:1", "selects the same keys too often to be checked"),
    ),
    works(
        f"a type of {_FIELDS} fields, all selected",
        _wide(_FIELDS),
        "{ a { " + " ".join(f"f{number}" for number in range(_FIELDS)) + " } }",
        (f"client.odd().f{_FIELDS - 1}", 7),
    ),
    works(
        "a field under 500 aliases",
        _SELF,
        "{ a { " + " ".join(f"a{number}: x" for number in range(500)) + " } }",
        ("client.odd().a499", 7),
    ),
    works(
        "an operation of 100 variables",
        "type Query { echo(" + " ".join(f"a{n}: Int" for n in range(100)) + "): String }",
        "query ("
        + " ".join(f"$a{n}: Int!" for n in range(100))
        + ") { echo("
        + " ".join(f"a{n}: $a{n}" for n in range(100))
        + ") }",
        (f"len(client.odd({', '.join(map(str, range(100)))}))", 1080),
    ),
    works(
        "an enum of 1,000 values",
        "type Query { e: E! }\nenum E { " + " ".join(f"V{n}" for n in range(1000)) + " }",
        "{ e }",
        ("client.odd()", "V999"),
        answers={"Query.e": "V999"},
    ),
    works("types in a chain of 1,500", _CHAIN, "{ a { a { a { x } } } }", ("client.odd()", 7)),
    works(
        "a description of 100,000 characters on one line",
        f'"{"word " * 20_000}"\ntype Query {{ "{"x" * 100_000}" a: Int b: Int }}',
        "{ a b }",
        ("client.odd()", {"a": 7, "b": 7}),
    ),
    works(
        "a default of 100,000 characters",
        "type Query { echo(a: String): String }",
        f'query ($a: String = "{"x" * 100_000}") {{ echo(a: $a) }}',
        ("len(client.odd())", 100_009),
    ),
    works(
        "an ID of 1,000 digits",
        "type Query { echo(a: ID): String }",
        f"{{ echo(a: {'9' * 1000}) }}",
        ("client.odd()", f'{{"a": "{"9" * 1000}"}}'),
    ),
    works(
        "a Float of many digits",
        "type Query { echo(a: Float): String }",
        "{ echo(a: 0.1000000000000000055511151231257827021181583404541015625) }",
        ("client.odd()", '{"a": 0.1}'),
    ),
    refused(
        "an Int of 5,000 digits",
        "type Query { echo(a: Int): String }",
        f"{{ echo(a: {'9' * 5000}) }}",
        ("Q008", "queries/odd.graphql:1:11", 'Expected value of type "Int"'),
    ),
    works(
        "a Float without an end",
        "type Query { echo(a: Float): String other: Int }",
        {"odd.graphql": "{ echo(a: 1e400) }", "other.graphql": "{ other }"},
        ("(client.odd(), sent[0].document)[1]", "query odd{echo(a:1e400)}"),
        ("client.other()", 7),
    ),
    refused(
        "a selection 5,000 levels deep",
        _SELF,
        _nested(5_000, "{ x }"),
        ("Q002", "queries/odd.graphql:1:801", "nested too deeply"),
    ),
    refused(
        "a list type 100,000 deep",
        f"type Query {{ a: {'[' * 100_000}Int{']' * 100_000} }}",
        "{ a }",
        ("S001", "schema.graphql:1:218", "nested too deeply"),
    ),
    refused(
        "a value 100,000 deep",
        "type Query { echo(a: Int): String }",
        f"{{ echo(a: {'[' * 100_000}1{']' * 100_000}) }}",
        ("Q002", "queries/odd.graphql:1:210", "nested too deeply"),
    ),
    refused(
        "braces 100,000 deep without an end",
        _SELF,
        "{a" * 100_000,
        ("Q002", "queries/odd.graphql:1:401", "nested too deeply"),
    ),
    refused(
        "more mistakes than a hundred",
        _SELF,
        "{ a { " + " ".join(f"z{n}" for n in range(150)) + " } }",
        *(
            ("Q008", f"queries/odd.graphql:1:{7 + sum(len(str(m)) + 2 for m in range(n))}", f'"z{n}"')
            for n in range(150)
        ),
    ),
]
