"""Introspection answers that lie: names with code in them, keys that are missing, kinds that are wrong, types without an end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from graphql import build_schema, introspection_from_schema
from tests.codegen.corpus import Case, refused, works
from tests.codegen.corpus.texts import PAYLOADS

_CONFIG = 'schema = "schema.json"\n'
_CODE = "x: int = __import__('pathlib').Path('pwned').touch()"
_SDL = """
enum Color { RED }
input In { text: String = "d" color: Color = RED }
interface Node { id: ID! }
union Either = Thing
type Thing implements Node { id: ID! name: String color: Color old: Int @deprecated(reason: "why") }
type Query { thing(in: In, n: Int = 3): Thing either: Either echo(in: In): String }
"""
_QUERIES = {
    "odd.graphql": "query ($in: In) { echo(in: $in) }",
    "thing.graphql": "{ thing { id name color } either { ... on Thing { name } } }",
}


def answer(change: Callable[[Any], object] = lambda _: None) -> dict[str, Any]:
    """The answer to an introspection query, changed."""
    found: dict[str, Any] = json.loads(
        json.dumps(introspection_from_schema(build_schema(_SDL), input_value_deprecation=True))
    )
    change(found["__schema"])
    return found


def _type(schema: Any, name: str) -> Any:
    return next(item for item in schema["types"] if item["name"] == name)


def _field(schema: Any, type_: str, name: str) -> Any:
    return next(item for item in _type(schema, type_)["fields"] if item["name"] == name)


def _lie(
    name: str,
    change: Callable[[Any], object],
    gist: str = "this file holds no answer to an introspection query",
) -> Case:
    return refused(
        name,
        "",
        _QUERIES,
        ("S003", "schema.json", gist),
        config=_CONFIG,
        files={"schema.json": json.dumps(answer(change))},
    )


def _text(name: str, text: str | bytes, gist: str = "this file holds no answer") -> Case:
    return refused(
        name, "", _QUERIES, ("S003", "schema.json", gist), config=_CONFIG, files={"schema.json": text}
    )


def _deep(schema: Any) -> None:
    type_: Any = {"kind": "SCALAR", "name": "Int", "ofType": None}
    for _ in range(400):
        type_ = {"kind": "LIST", "name": None, "ofType": type_}
    _field(schema, "Thing", "name")["type"] = type_


def _described(text: str) -> Callable[[Any], None]:
    def change(schema: Any) -> None:
        for item in schema["types"]:
            if item["name"].startswith("__"):
                continue
            item["description"] = text
            for inner in (*(item["fields"] or ()), *(item["inputFields"] or ()), *(item["enumValues"] or ())):
                inner["description"] = text
                if inner.get("isDeprecated"):
                    inner["deprecationReason"] = text
                for argument in inner.get("args") or ():
                    argument["description"] = text
        schema["description"] = text

    return change


def _hostile(name: str, payload: str) -> Case:
    return works(
        f"an introspection answer that says {name}",
        "",
        _QUERIES,
        ('client.odd(in_={"text": "x"})', '{"in": {"color": "RED", "text": "x"}}'),
        ("client.thing().thing.name", "Thing.name"),
        config=_CONFIG,
        files={"schema.json": json.dumps({"data": answer(_described(payload))})},
    )


CASES: list[Case] = [
    works(
        "an introspection answer that tells the truth",
        "",
        _QUERIES,
        ("client.odd(in_={})", '{"in": {"color": "RED", "text": "d"}}'),
        (
            "client.thing()",
            {
                "thing": {"id": "id-1", "name": "Thing.name", "color": "RED"},
                "either": {"__typename": "Thing", "name": "Thing.name"},
            },
        ),
        config=_CONFIG,
        files={"schema.json": json.dumps(answer())},
    ),
    works(
        "no type for queries, and one of its name",
        "",
        _QUERIES,
        ("client.odd(in_={})", '{"in": {"color": "RED", "text": "d"}}'),
        config=_CONFIG,
        files={"schema.json": json.dumps(answer(lambda s: s.update(queryType=None)))},
    ),
    *(
        _hostile(name, PAYLOADS[name])
        for name in (
            "a docstring's end",
            "a docstring's end, escaped",
            "line ends of every kind",
            "a terminal's escapes",
            "a NUL and other control characters",
            "a quote at the end",
            "a backslash at the end",
            "blank lines",
            "a template's statement",
            "another encoding",
        )
    ),
    _lie(
        "a type's name that is code",
        lambda s: _type(s, "Thing").update(name=_CODE),
        "Names must only contain",
    ),
    _lie("a type's name with a line's end", lambda s: _type(s, "Color").update(name="Color\nimport os")),
    _lie(
        "a field's name that is code",
        lambda s: _field(s, "Thing", "name").update(name=_CODE),
        "Names must only contain",
    ),
    _lie(
        "an argument's name that is code",
        lambda s: _field(s, "Query", "thing")["args"][0].update(name=_CODE),
        "Names must only contain",
    ),
    _lie(
        "an enum value's name that is code",
        lambda s: _type(s, "Color")["enumValues"][0].update(name=_CODE),
        "Names must only contain",
    ),
    _lie(
        "an enum value named true", lambda s: _type(s, "Color")["enumValues"][0].update(name="true"), "true"
    ),
    _lie(
        "an input field's name that is code",
        lambda s: _type(s, "In")["inputFields"][0].update(name=_CODE),
        "Names must only contain",
    ),
    _lie(
        "a directive's name that is code",
        lambda s: s["directives"][0].update(name=_CODE),
        "Names must only contain",
    ),
    _lie("a name that is empty", lambda s: _type(s, "Thing").update(name="")),
    _lie("a name that is null", lambda s: _type(s, "Thing").update(name=None)),
    _lie("a name that is a number", lambda s: _type(s, "Thing").update(name=3)),
    _lie("a name that is a list", lambda s: _type(s, "Thing").update(name=["Thing"])),
    _lie(
        "a default that is code",
        lambda s: _type(s, "In")["inputFields"][0].update(defaultValue='") ; import os'),
    ),
    _lie("a default that is a number", lambda s: _type(s, "In")["inputFields"][0].update(defaultValue=3)),
    _lie("a description that is a number", lambda s: _type(s, "Thing").update(description=3)),
    _lie("a reason that is a list", lambda s: _field(s, "Thing", "old").update(deprecationReason=[1])),
    _lie("a kind that there is not", lambda s: _type(s, "Thing").update(kind="TABLE")),
    _lie("a kind of another type", lambda s: _type(s, "Thing").update(kind="ENUM")),
    _lie(
        "an input as an output",
        lambda s: _field(s, "Thing", "name").update(
            type={"kind": "INPUT_OBJECT", "name": "In", "ofType": None}
        ),
    ),
    _lie(
        "a type that is not there",
        lambda s: _field(s, "Thing", "name").update(
            type={"kind": "OBJECT", "name": "Nothing", "ofType": None}
        ),
    ),
    _lie(
        "a type without a name",
        lambda s: _field(s, "Thing", "name").update(type={"kind": "OBJECT", "ofType": None}),
    ),
    _lie("a field without a type", lambda s: _field(s, "Thing", "name").pop("type")),
    _lie("a field without arguments", lambda s: _field(s, "Thing", "name").pop("args")),
    _lie("fields that are null", lambda s: _type(s, "Thing").update(fields=None)),
    _lie("fields that are a text", lambda s: _type(s, "Thing").update(fields="name")),
    _lie("types that are null", lambda s: s.update(types=None)),
    _lie("types that hold null", lambda s: s["types"].append(None)),
    _lie("no types", lambda s: s.pop("types")),
    _lie("a type for queries that is no object", lambda s: s.update(queryType={"name": "Color"})),
    _lie(
        "a list of nothing",
        lambda s: _field(s, "Thing", "name").update(type={"kind": "LIST", "name": None, "ofType": None}),
    ),
    _lie(
        "a non-null of a non-null",
        lambda s: _field(s, "Thing", "id")["type"].update(
            ofType={"kind": "NON_NULL", "name": None, "ofType": {"kind": "SCALAR", "name": "ID"}}
        ),
    ),
    refused(
        "a list 400 deep",
        "",
        _QUERIES,
        ("M001", "queries/thing.graphql:1:1", "maximum recursion depth"),
        config=_CONFIG,
        files={"schema.json": json.dumps(answer(_deep))},
    ),
    _lie(
        "a union of scalars",
        lambda s: _type(s, "Either").update(
            possibleTypes=[{"kind": "SCALAR", "name": "Int", "ofType": None}]
        ),
    ),
    _lie(
        "an interface that is an enum",
        lambda s: _type(s, "Thing").update(interfaces=[{"kind": "ENUM", "name": "Color", "ofType": None}]),
    ),
    _text("an introspection answer that is no JSON", "type Query { a: Int }"),
    _text("an introspection answer that is a list", "[]"),
    _text("an introspection answer of nothing within", "{}"),
    _text("an introspection answer of null", '{"data": null}'),
    _text("an introspection answer of errors", '{"errors": [{"message": "\\u001b[31mno"}]}'),
    _text("an introspection answer 100,000 deep", "[" * 100_000),
    _text("an introspection answer that is not UTF-8", b'{"data": "\xff"}', "not UTF-8"),
    _text("an introspection answer of a schema that is a number", '{"__schema": 3}'),
    _text("an introspection answer without an end", '{"__schema": {"types": ['),
]
