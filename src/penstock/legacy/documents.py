"""GraphQL documents as the old client took them: text, or nested dicts, lists and sets, with arguments.

parse_graphql({"query": {with_args("flow", {"where": {"name": {"_eq": "etl"}}}): {"id", "name"}}})
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

# How deep a document may nest before it is taken for one that holds itself.
_DEEPEST = 100


class EnumValue:
    """A member of a GraphQL enum, which stands in a document without quotes: `EnumValue("asc")`."""

    def __init__(self, value: str) -> None:
        if not value.isidentifier():
            raise ValueError(f"{value!r} cannot be a member of a GraphQL enum: it is no name.")
        self.value = value

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return f"EnumValue({self.value!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnumValue) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)


def with_args(field: object, arguments: Mapping[str, Any]) -> str:
    """A field with its arguments, to be a key of a document: `with_args("flow", {"limit": 2})` is `flow(limit: 2)`."""
    return f"{field}({parse_graphql_arguments(arguments)})"


def parse_graphql_arguments(arguments: Mapping[str, Any]) -> str:
    """Arguments as GraphQL writes them: `{"limit": 2}` is `limit: 2`. Text is quoted, an `EnumValue` is not."""
    if not isinstance(arguments, Mapping):
        raise TypeError(f"Arguments are a dict by name, not {type(arguments).__name__}.")
    return ", ".join(f"{name}: {_literal(value, 0)}" for name, value in arguments.items())


def parse_graphql(document: Any) -> str:
    """A document as text.

    Text stays as it is. In a dict, a key is a field and its value what is selected of it: a dict, a list, tuple or set of fields, one
    field's name, or True for a field without a selection; with False or None the field is left out. An object with a `name` and fields as
    attributes (such as an `Enum`) counts by its name.

    Raises:
        TypeError: Something in it is none of these.
    """
    return _selection(document, 0)


def _selection(value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        raise ValueError(f"The document nests more than {_DEEPEST} levels; does it hold itself?")
    match value:
        case str():
            return value
        case EnumValue():
            return value.value
        case Enum():
            return str(value.value)
        case Mapping():
            return "\n".join(part for key, item in value.items() if (part := _field(key, item, depth)))
        case set() | frozenset():
            # Sorted: one document has one text, whatever order the set gives.
            return "\n".join(sorted(_selection(item, depth + 1) for item in value))
        case Iterable():
            return "\n".join(_selection(item, depth + 1) for item in value)
    raise TypeError(
        f"A document is text, a dict, a list or a set of fields, and {type(value).__name__} is none of them."
    )


def _field(key: Any, value: Any, depth: int) -> str:
    name = _selection(key, depth + 1)
    if value is True:
        return name
    if value is False or value is None:
        return ""
    inner = _selection(value, depth + 1)
    indented = "\n".join(f"    {line}" for line in inner.splitlines())
    return f"{name} {{\n{indented}\n}}" if inner else name


def _literal(value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        raise ValueError(f"The arguments nest more than {_DEEPEST} levels; do they hold themselves?")
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case EnumValue():
            return value.value
        case Enum():
            return _literal(value.value, depth + 1)
        case int() | Decimal():
            return str(value)
        case float():
            return json.dumps(value, allow_nan=False)
        case str():
            # GraphQL's strings escape as JSON's do (spec, 2.9.4).
            return json.dumps(value, ensure_ascii=False)
        case UUID():
            return f'"{value}"'
        case datetime() | date():
            return f'"{value.isoformat()}"'
        case Mapping():
            inner = ", ".join(f"{name}: {_literal(item, depth + 1)}" for name, item in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case set() | frozenset():
            return f"[{', '.join(sorted(_literal(item, depth + 1) for item in value))}]"
        case Iterable():
            return f"[{', '.join(_literal(item, depth + 1) for item in value)}]"
    raise TypeError(f"{type(value).__name__} has no form as a GraphQL argument.")
