"""A schema as plain data, and that data as graphql-core's objects: each type is built when it is first looked into.

Two sources give this data without graphql-core: `sdl_scan` reads SDL, `introspection` an answer. Both take only what is beyond doubt;
what they do not take goes through graphql-core's parser and validation, which can say what is wrong and where. As JSON, the data is
what is kept between runs: reading it back can run no code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from graphql import (
    DirectiveLocation,
    GraphQLArgument,
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    introspection_types,
    parse_value,
    specified_directives,
    specified_scalar_types,
    value_from_ast,
)
from graphql.pyutils import cached_property
from graphql.type.schema import InterfaceImplementations

_T = TypeVar("_T", GraphQLArgument, GraphQLInputField)
_N = TypeVar("_N", bound=GraphQLNamedType)
# An argument or an input's field: its type, description, deprecation and default, the last as GraphQL text.
Input = list[str | None]
# A field: its type, description, deprecation and arguments.
Output = list[Any]
# A type: its kind, its description, and what the kind has; see `Definitions`.
Type = list[Any]


@dataclass(slots=True)
class Definitions:
    """The definitions of a schema, in its own order, which is that of possible types and so of what is generated.

    A type is a list of its kind, its description and, for a scalar, its URL; for an object or interface, its interfaces and its fields by
    name; for a union, its members; for an enum, its values by name, each with description and deprecation; for an input, whether it is
    `@oneOf`, and its fields by name.
    """

    types: dict[str, Type]
    # Name → description, locations, arguments by name, whether it can be repeated.
    directives: dict[str, list[Any]]
    # "query" and the like → the type's name.
    roots: dict[str, str]
    description: str | None = None
    # What was read and is odd: file index, offset and message of each.
    warnings: list[list[Any]] = field(default_factory=list)

    def dumped(self) -> bytes:
        """The definitions as JSON."""
        content = [self.types, self.directives, self.roots, self.description, self.warnings]
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def loaded(cls, data: bytes) -> Definitions | None:
        """The definitions from JSON, or None where it is damaged."""
        try:
            return cls(*json.loads(data))
        except (ValueError, TypeError):
            return None


def base(type_: str) -> str:
    """The named type in a type such as `[Int!]!`."""
    return type_.strip("[]!")


def build(definitions: Definitions) -> GraphQLSchema:
    """The schema of the definitions. Its types are built as they are looked into."""
    return _Builder(definitions).schema()


class _Builder:
    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._types: dict[str, GraphQLNamedType] = {}
        self._wrapped: dict[str, Any] = {}

    def schema(self) -> GraphQLSchema:
        given = self._definitions
        types = self._types
        for name, type_ in given.types.items():
            types[name] = self._type(name, type_)
        own = dict(types)
        # graphql-core's own scalars are known where they are used.
        types.update(specified_scalar_types)
        directives = tuple(self._directive(name, item) for name, item in given.directives.items())
        directives += tuple(item for item in specified_directives if item.name not in given.directives)
        schema = object.__new__(GraphQLSchema)
        vars(schema).update(vars(_EMPTY))
        roots = {kind: types.get(given.roots.get(kind, "")) for kind in ("query", "mutation", "subscription")}
        implementations: dict[str, InterfaceImplementations] = {}
        for name, type_ in given.types.items():
            if type_[0] not in ("object", "interface"):
                continue
            for interface in type_[2]:
                kept = implementations.setdefault(
                    interface, InterfaceImplementations(objects=[], interfaces=[])
                )
                both: tuple[list[Any], list[Any]] = (kept.objects, kept.interfaces)
                both[type_[0] == "interface"].append(own[name])
        used = {"String", "Boolean", *self._scalars_used()}
        scalars = {name: item for name, item in specified_scalar_types.items() if name in used}
        vars(schema).update(
            query_type=roots["query"],
            mutation_type=roots["mutation"],
            subscription_type=roots["subscription"],
            description=given.description,
            directives=directives,
            type_map={**own, **scalars, **introspection_types},
            _implementations_map=implementations,
            _sub_type_map={},
            _validation_errors=None,
        )
        return schema

    def _scalars_used(self) -> Iterable[str]:
        for type_ in self._definitions.types.values():
            if type_[0] in ("object", "interface", "input"):
                for item in type_[3].values():
                    yield base(item[0])
                    if type_[0] != "input":
                        for argument in item[3].values():
                            yield base(argument[0])
        for item in self._definitions.directives.values():
            for argument in item[2].values():
                yield base(argument[0])

    def _type(self, name: str, type_: Type) -> GraphQLNamedType:
        kind, description = type_[0], type_[1]
        made: GraphQLNamedType
        if kind == "object":
            made = _new(_Object, name, description)
            vars(made)["_build"] = lambda: (self._named(type_[2]), self._outputs(type_[3]))
        elif kind == "interface":
            made = _new(_Interface, name, description)
            vars(made)["_build"] = lambda: (self._named(type_[2]), self._outputs(type_[3]))
        elif kind == "input":
            made = _new(_Input, name, description)
            vars(made)["is_one_of"] = bool(type_[2])
            vars(made)["_build"] = lambda: self._inputs(type_[3], GraphQLInputField)
        elif kind == "union":
            made = _new(_Union, name, description)
            vars(made)["_build"] = lambda: self._named(type_[2])
        elif kind == "enum":
            made = _new(_Enum, name, description)
            vars(made)["_build"] = lambda: {
                value: GraphQLEnumValue(value, item[0], item[1]) for value, item in type_[2].items()
            }
        else:
            made = GraphQLScalarType(name, description=description, specified_by_url=type_[2])
        return made

    def _named(self, names: Iterable[str]) -> tuple[Any, ...]:
        return tuple(self._types[name] for name in names)

    def _reference(self, type_: str) -> Any:
        found = self._wrapped.get(type_)
        if found is None:
            if type_.endswith("!"):
                found = GraphQLNonNull(self._reference(type_[:-1]))
            elif type_.endswith("]"):
                found = GraphQLList(self._reference(type_[1:-1]))
            else:
                found = self._types[type_]
            self._wrapped[type_] = found
        return found

    def _outputs(self, fields: Mapping[str, Output]) -> dict[str, GraphQLField]:
        found = {}
        for name, (type_, description, deprecation, arguments) in fields.items():
            made = object.__new__(GraphQLField)
            content = vars(made)
            content.update(_FIELD)
            content["type"] = self._reference(type_)
            content["args"] = self._inputs(arguments, GraphQLArgument) if arguments else {}
            content["description"] = description
            content["deprecation_reason"] = deprecation
            found[name] = made
        return found

    def _inputs(self, inputs: Mapping[str, Input], class_: type[_T]) -> dict[str, _T]:
        found: dict[str, _T] = {}
        template = _ARGUMENT if class_ is GraphQLArgument else _INPUT_FIELD
        for name, (type_, description, deprecation, default) in inputs.items():
            made = object.__new__(class_)
            content = vars(made)
            content.update(template)
            content["type"] = reference = self._reference(str(type_))
            content["description"] = description
            content["deprecation_reason"] = deprecation
            if default is not None:
                content["default_value"] = value_from_ast(parse_value(default, no_location=True), reference)
            found[name] = made
        return found

    def _directive(self, name: str, item: list[Any]) -> GraphQLDirective:
        description, locations, arguments, repeatable = item
        return GraphQLDirective(
            name,
            [DirectiveLocation[location] for location in locations],
            self._inputs(arguments, GraphQLArgument),
            repeatable,
            description=description,
        )


# What graphql-core's constructors set, without their checks: those are made once, when a schema is read.
_ANY: Any = GraphQLString
_FIELD = vars(GraphQLField(_ANY))
_ARGUMENT = vars(GraphQLArgument(_ANY))
_INPUT_FIELD = vars(GraphQLInputField(_ANY))
_EMPTY = GraphQLSchema()


class _WithFields:
    """What objects and interfaces are built into when they are looked into: both at once, whichever is asked for first."""

    _build: Callable[[], tuple[tuple[GraphQLInterfaceType, ...], dict[str, GraphQLField]]]

    @cached_property
    def fields(self) -> dict[str, GraphQLField]:
        vars(self)["interfaces"], fields = self._build()
        return fields

    @cached_property
    def interfaces(self) -> tuple[GraphQLInterfaceType, ...]:
        interfaces, vars(self)["fields"] = self._build()
        return interfaces


class _Object(_WithFields, GraphQLObjectType):
    pass


class _Interface(_WithFields, GraphQLInterfaceType):
    pass


class _Input(GraphQLInputObjectType):
    _build: Callable[[], dict[str, GraphQLInputField]]

    @cached_property
    def fields(self) -> dict[str, GraphQLInputField]:
        return self._build()


class _Union(GraphQLUnionType):
    _build: Callable[[], tuple[GraphQLObjectType, ...]]

    @cached_property
    def types(self) -> tuple[GraphQLObjectType, ...]:
        return self._build()


class _Enum(GraphQLEnumType):
    _build: Callable[[], dict[str, GraphQLEnumValue]]

    @cached_property
    def values(self) -> dict[str, GraphQLEnumValue]:  # pyright: ignore[reportIncompatibleVariableOverride]  # an attribute there, made at once
        return self._build()


_TEMPLATES: dict[type[GraphQLNamedType], dict[str, Any]] = {
    _Object: vars(_Object("T", {})),
    _Interface: vars(_Interface("T", {})),
    _Input: vars(_Input("T", {})),
    _Union: vars(_Union("T", ())),
    _Enum: {name: item for name, item in vars(_Enum("T", {})).items() if name != "values"},
}


def _new(class_: type[_N], name: str, description: str | None) -> _N:
    made = object.__new__(class_)
    content = vars(made)
    content.update(_TEMPLATES[class_])
    content["name"], content["description"] = name, description
    return made
