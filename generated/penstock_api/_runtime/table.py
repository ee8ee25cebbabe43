"""The schema's output types as a compact table, so that a selection can be checked without graphql-core.

A type is one string: its fields, separated by one space, each `name:type` or
`name(argument:type,argument:type):type`, where a type is a GraphQL type reference such as `[flow!]!`. A
string is parsed when its type is first asked for: a schema has hundreds of types, a program uses a few.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAME = "[_A-Za-z][_0-9A-Za-z]*"
_IS_NAME = re.compile(_NAME)
_FIELD = re.compile(rf"({_NAME})(?:\(([^()]*)\))?:([^ ()]+)(?: |$)")


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """A field of an output type.

    `type` is its type reference (`[flow!]!`) and `named_type` the type in it (`flow`); `arguments` are name →
    type reference, in the schema's order.
    """

    name: str
    type: str
    named_type: str
    arguments: Mapping[str, str]


_TYPENAME = FieldEntry("__typename", "String!", "String", {})


class SchemaTable:
    """The output types of a schema.

    `types` has an entry for each object type and interface (its fields) and each union (`""`); every other
    name is a leaf: a scalar or an enum. `abstract` has the object types that each interface and union can be.
    """

    __slots__ = ("_abstract", "_parsed", "_types")

    def __init__(
        self, types: Mapping[str, str], abstract: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self._types = types
        self._abstract = abstract or {}
        self._parsed: dict[str, Mapping[str, FieldEntry]] = {}

    def is_leaf(self, name: str) -> bool:
        """Whether `name` is a scalar or an enum: what a selection ends at."""
        return name not in self._types

    def is_abstract(self, name: str) -> bool:
        """Whether `name` is an interface or a union."""
        return name in self._abstract

    def possible_types(self, name: str) -> frozenset[str]:
        """The object types that a value of type `name` can be: several for an interface or a union, itself
        for an object, none for a leaf.
        """
        if name in self._abstract:
            return frozenset(self._abstract[name])
        return frozenset((name,)) if name in self._types else frozenset()

    def fields(self, type_name: str) -> Mapping[str, FieldEntry]:
        """The fields of an object type or interface by name, in the schema's order; a union has none.

        Raises `LookupError` where the schema has no such type, or it is a leaf.
        """
        parsed = self._parsed.get(type_name)
        if parsed is None:
            text = self._types.get(type_name)
            if text is None:
                raise LookupError(f"The schema has no object, interface or union named {type_name}.")
            parsed = self._parsed[type_name] = _parse(type_name, text)
        return parsed

    def field(self, type_name: str, field_name: str) -> FieldEntry | None:
        """The field of a type, or None where the type has no such field. Every type has `__typename`.

        Raises `LookupError` where the schema has no such type, or it is a leaf.
        """
        fields = self._parsed.get(type_name)
        if fields is None:
            fields = self.fields(type_name)
        entry = fields.get(field_name)
        if entry is None and field_name == "__typename":
            return _TYPENAME
        return entry

    def resolve(self, type_name: str, path: tuple[str, ...]) -> str:
        """The type reference of the field at the end of `path`, which begins at `type_name`; of an empty
        path, `type_name` itself.

        It is the last field's own reference: whether something before it can be null or is a list is not in
        it. Raises `LookupError` where the path leads nowhere.
        """
        reference = named = type_name
        for name in path:
            entry = self.field(named, name)
            if entry is None:
                raise LookupError(f'{named} has no field "{name}".')
            reference, named = entry.type, entry.named_type
        return reference


def named_type(reference: str) -> str:
    """The type that a type reference is made of: `flow` of `[flow!]!`."""
    return reference.strip("[]!")


def compact_type(fields: Iterable[tuple[str, Mapping[str, str], str]]) -> str:
    """A type's entry in the table, from its fields: (name, arguments by name, type reference).

    A selection has to give every argument whose type ends in `!`, and the table holds no defaults: write an
    argument `first: Int! = 10` as `Int`. Raises `ValueError` where a name or a type reference is none, so
    that no schema can write what would be read as something else.
    """
    return " ".join(_compact_field(*field) for field in fields)


def _compact_field(name: str, arguments: Mapping[str, str], reference: str) -> str:
    for each in (name, *arguments):
        if not _IS_NAME.fullmatch(each):
            raise ValueError(f"{each!r} is no GraphQL name.")
    for each in (reference, *arguments.values()):
        if not _is_reference(each):
            raise ValueError(f"{each!r} is no GraphQL type reference.")
    inside = ",".join(f"{argument}:{type_}" for argument, type_ in arguments.items())
    return f"{name}({inside}):{reference}" if inside else f"{name}:{reference}"


def _is_reference(text: str) -> bool:
    while True:
        text = text.removesuffix("!")
        if not (text.startswith("[") and text.endswith("]")):
            return _IS_NAME.fullmatch(text) is not None
        text = text[1:-1]


def _parse(type_name: str, text: str) -> Mapping[str, FieldEntry]:
    fields: dict[str, FieldEntry] = {}
    end = 0
    for match in _FIELD.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        name, inside, reference = match.groups()
        arguments = dict(argument.split(":", 1) for argument in inside.split(",")) if inside else {}
        fields[name] = FieldEntry(name, reference, reference.strip("[]!"), arguments)
    if end != len(text):
        raise ValueError(f"The table's entry of {type_name} is damaged: {text[end : end + 40]!r}.")
    return fields
