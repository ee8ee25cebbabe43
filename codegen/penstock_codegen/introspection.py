"""The answer to an introspection query as definitions. An answer that is odd in any way gives None and is left to graphql-core."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from graphql import DirectiveLocation, introspection_types, specified_directives, specified_scalar_types

from .definitions import Definitions, Input, Output, Type, base

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KINDS = {
    "OBJECT": "object",
    "INTERFACE": "interface",
    "INPUT_OBJECT": "input",
    "UNION": "union",
    "ENUM": "enum",
    "SCALAR": "scalar",
}


class _OddError(Exception):
    """This is not for here."""


def read_answer(text: str) -> Definitions | None:
    """The definitions in a JSON text, with its `data` around it or without."""
    try:
        answer = json.loads(text)
        return _definitions(answer.get("data", answer)["__schema"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, _OddError):
        return None


def _definitions(schema: dict[str, Any]) -> Definitions:
    types: dict[str, Type] = {}
    for item in schema["types"]:
        name = _name(item["name"])
        if name in introspection_types or name in specified_scalar_types:
            continue
        if name in types or name.startswith("__"):
            raise _OddError
        types[name] = _type(item)
    known = types.keys() | specified_scalar_types.keys()
    specified = {item.name for item in specified_directives}
    directives: dict[str, list[Any]] = {}
    for item in schema.get("directives") or ():
        name = _name(item["name"])
        if name in specified:
            continue
        locations = item["locations"]
        if name in directives or not all(each in DirectiveLocation.__members__ for each in locations):
            raise _OddError
        directives[name] = [
            _text(item.get("description")),
            locations,
            _inputs(item["args"]),
            bool(item.get("isRepeatable")),
        ]
    if not known >= set(_named(types, directives)):
        raise _OddError
    roots: dict[str, str] = {}
    for kind in ("query", "mutation", "subscription"):
        if schema.get(f"{kind}Type") is not None:
            roots[kind] = _name(schema[f"{kind}Type"]["name"])
            if types[roots[kind]][0] != "object":
                raise _OddError
    return Definitions(types, directives, roots, _text(schema.get("description")))


def _named(types: dict[str, Type], directives: dict[str, list[Any]]) -> Iterable[str]:
    for type_ in types.values():
        if type_[0] in ("object", "interface", "union"):
            yield from type_[2]
        if type_[0] in ("object", "interface", "input"):
            for item in type_[3].values():
                yield base(item[0])
                for argument in item[3].values() if type_[0] != "input" else ():
                    yield base(argument[0])
    for directive in directives.values():
        for argument in directive[2].values():
            yield base(argument[0])


def _type(item: dict[str, Any]) -> Type:
    kind, description = _KINDS[item["kind"]], _text(item.get("description"))
    if kind in ("object", "interface"):
        interfaces = [_name(each["name"]) for each in item.get("interfaces") or ()]
        return [kind, description, interfaces, _unique(item["fields"], _output)]
    if kind == "input":
        return [kind, description, bool(item.get("isOneOf")), _inputs(item["inputFields"])]
    if kind == "union":
        return [kind, description, [_name(each["name"]) for each in item["possibleTypes"]]]
    if kind == "enum":
        values = _unique(
            item["enumValues"],
            lambda value: [_text(value.get("description")), _text(value.get("deprecationReason"))],
        )
        if not values.keys().isdisjoint(("true", "false", "null")):
            raise _OddError
        return [kind, description, values]
    return [kind, description, _text(item.get("specifiedByURL"))]


def _output(item: dict[str, Any]) -> Output:
    return [
        _reference(item["type"]),
        _text(item.get("description")),
        _text(item.get("deprecationReason")),
        _inputs(item["args"]),
    ]


def _inputs(items: list[dict[str, Any]]) -> dict[str, Input]:
    return _unique(items, _input)


def _input(item: dict[str, Any]) -> Input:
    return [
        _reference(item["type"]),
        _text(item.get("description")),
        _text(item.get("deprecationReason")),
        _text(item.get("defaultValue")),
    ]


def _unique(items: list[dict[str, Any]], make: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        found[_name(item["name"])] = make(item)
    if len(found) != len(items):
        raise _OddError
    return found


def _reference(type_: dict[str, Any]) -> str:
    kind = type_["kind"]
    if kind == "NON_NULL":
        inner = _reference(type_["ofType"])
        if inner.endswith("!"):
            raise _OddError
        return f"{inner}!"
    if kind == "LIST":
        return f"[{_reference(type_['ofType'])}]"
    return _name(type_["name"])


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise _OddError
    return value


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise _OddError
    return value
