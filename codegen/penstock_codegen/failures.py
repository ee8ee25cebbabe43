"""How payloads carry errors as data: which selections tell them, by the names that the configuration gives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
)

from . import ir
from .config import Config, ErrorFields, setting_place
from .diagnostics import Problems, did_you_mean
from .operations import Fragment, is_composite_with_fields

_REASONS = ("message", "detail", "description", "reason", "title")


@dataclass(frozen=True, slots=True)
class Reported:
    """A selection in which problems are told, the type that is declared there, and the object types that they may have."""

    selection_set: SelectionSetNode
    declared: GraphQLNamedType
    types: tuple[GraphQLObjectType, ...]


@dataclass(slots=True)
class Told:
    """What a payload's selections tell of errors, and what they select besides."""

    signs: list[ir.Sign] = field(default_factory=list)
    reported: list[Reported] = field(default_factory=list)
    rest: list[SelectionNode] = field(default_factory=list)
    # Whether what is left can only be of a type that is no error.
    succeeded: frozenset[str] = frozenset()


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*"))


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of these, in which `*` stands for anything."""
    return any(_pattern(each).fullmatch(name) for each in patterns)


def error_types(schema: GraphQLSchema, patterns: tuple[str, ...]) -> frozenset[str]:
    """The object types that are errors: those that match, and those that an interface or a union that matches stands for."""
    found: set[str] = set()
    if not patterns:
        return frozenset()
    for name, type_ in schema.type_map.items():
        if name.startswith("__") or not matches(name, patterns):
            continue
        if isinstance(type_, GraphQLObjectType):
            found.add(name)
        elif isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            found |= {item.name for item in schema.get_possible_types(type_)}
    return frozenset(found)


def told_by(
    selections: list[SelectionNode],
    parent: GraphQLNamedType | None,
    schema: GraphQLSchema,
    fragments: Mapping[str, Fragment],
    errors: ErrorFields,
    operation: OperationType,
) -> Told:
    """What the selections on a payload tell of errors.

    A query's object with an id is no payload but what was asked for: its `errors` may be its own.
    """
    told = Told(rest=selections)
    if parent is None:
        return told
    if is_abstract_type(parent):
        _by_type(told, parent, schema, fragments, error_types(schema, errors.types))
    if not is_composite_with_fields(parent):
        return told
    if operation is not OperationType.QUERY or "id" not in parent.fields:
        _by_fields(told, parent, schema, errors)
    if operation is OperationType.MUTATION:
        told.rest = [
            item
            for item in told.rest
            if not (isinstance(item, FieldNode) and item.name.value in errors.ignore)
        ]
    return told


def _by_type(
    told: Told,
    parent: GraphQLNamedType,
    schema: GraphQLSchema,
    fragments: Mapping[str, Fragment],
    errors: frozenset[str],
) -> None:
    """The members of a union, or of an interface, that are errors."""
    assert isinstance(parent, GraphQLInterfaceType | GraphQLUnionType)
    possible = {item.name: item for item in schema.get_possible_types(parent)}
    failing = {name: item for name, item in possible.items() if name in errors}
    if not failing or len(failing) == len(possible):
        return
    rest: list[SelectionNode] = []
    telling: list[SelectionNode] = []
    for item in told.rest:
        types = _types_of(item, schema, fragments)
        if types is None:
            rest.append(item)
            continue
        # A fragment on an interface may be about both.
        telling += [item] if types & failing.keys() else []
        rest += [item] if types & (possible.keys() - failing.keys()) else []
    told.succeeded = frozenset(possible.keys() - failing.keys())
    told.signs.append(ir.Sign("types", (_reason(telling, schema, fragments),), tuple(sorted(told.succeeded))))
    # The fields of an interface are selected on errors, too.
    shared = [item for item in told.rest if isinstance(item, FieldNode)]
    told.reported.append(
        Reported(SelectionSetNode(selections=(*shared, *telling)), parent, tuple(failing.values()))
    )
    told.rest = rest


def _types_of(
    item: SelectionNode, schema: GraphQLSchema, fragments: Mapping[str, Fragment]
) -> frozenset[str] | None:
    """The object types that a fragment applies to; None of a field, or where it says none."""
    if isinstance(item, InlineFragmentNode):
        if item.type_condition is None:
            return None
        name = item.type_condition.name.value
    elif isinstance(item, FragmentSpreadNode):
        name = fragments[item.name.value].type_name
    else:
        return None
    return frozenset(possible_types(name, schema))


def possible_types(name: str, schema: GraphQLSchema) -> tuple[str, ...]:
    """The object types that a type can be."""
    type_ = schema.get_type(name)
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        return tuple(sorted(item.name for item in schema.get_possible_types(type_)))
    return (name,)


def _by_fields(
    told: Told,
    parent: GraphQLObjectType | GraphQLInterfaceType,
    schema: GraphQLSchema,
    errors: ErrorFields,
) -> None:
    plain = {
        item.name.value: item
        for item in told.rest
        if isinstance(item, FieldNode) and item.alias is None and not item.directives
    }
    taken: list[SelectionNode] = []
    for name, node in plain.items():
        definition = parent.fields.get(name)
        if definition is None or not matches(name, errors.problems) or not tells_problems(definition):
            continue
        taken.append(node)
        type_ = get_named_type(definition.type)
        key, own = "message", ""
        if node.selection_set is not None:
            chosen = list(node.selection_set.selections)
            key = _reason(chosen, schema, {})
            types = tuple(
                item
                for item in map(schema.get_type, possible_types(type_.name, schema))
                if isinstance(item, GraphQLObjectType)
            )
            own = "" if is_abstract_type(type_) else type_.name
            told.reported.append(Reported(node.selection_set, type_, types))
        told.signs.append(ir.Sign("problems", (name, key, own)))
    success = next((name for name in errors.success if name in plain and _is(parent, name, "Boolean")), None)
    message = next((name for name in errors.message if name in plain and _is(parent, name, "String")), None)
    # A text named like an error is one only beside the flag: alone it may be what was asked for.
    if success is not None:
        # A text named like an error says that it failed; any other only why, where it did.
        explains = message is not None and "err" not in message.lower()
        told.signs.append(ir.Sign("flag", (success, message), explains=explains))
        taken += [plain[name] for name in (success, message) if name is not None and plain[name] not in taken]
    told.rest = [item for item in told.rest if item not in taken]


def tells_problems(definition: GraphQLField) -> bool:
    """Whether a field can tell problems: a list of texts or objects, or one object that may be null."""
    type_ = definition.type
    if is_list_type(type_.of_type if isinstance(type_, GraphQLNonNull) else type_):
        return True
    named = get_named_type(type_)
    if is_leaf_type(named) or isinstance(type_, GraphQLNonNull):
        return False
    # A connection is a list to be paged, not a problem.
    return not is_composite_with_fields(named) or not {"edges", "nodes"} & named.fields.keys()


def _is(parent: GraphQLObjectType | GraphQLInterfaceType, name: str, type_: str) -> bool:
    return str(parent.fields[name].type).removesuffix("!") == type_


def _reason(
    selections: Iterable[SelectionNode], schema: GraphQLSchema, fragments: Mapping[str, Fragment]
) -> str:
    """The key of what a person should read of a problem."""
    chosen = list(_chosen(selections, fragments))
    return next((name for name in _REASONS if name in chosen), chosen[0] if chosen else "message")


def _chosen(selections: Iterable[SelectionNode], fragments: Mapping[str, Fragment]) -> Iterator[str]:
    for item in selections:
        if isinstance(item, FieldNode):
            if item.selection_set is None and item.name.value != "__typename":
                yield item.alias.value if item.alias else item.name.value
        elif isinstance(item, InlineFragmentNode):
            yield from _chosen(item.selection_set.selections, fragments)
        elif isinstance(item, FragmentSpreadNode) and item.name.value in fragments:
            yield from _chosen(fragments[item.name.value].node.selection_set.selections, fragments)


def check_errors(config: Config, schema: GraphQLSchema, problems: Problems) -> None:
    """Tells what `[tool.penstock.errors]` names and the schema has not. What is there by default need not be."""
    default = ErrorFields()
    names = {name: type_ for name, type_ in schema.type_map.items() if not name.startswith("__")}
    composite = {
        name: item
        for name, item in names.items()
        if isinstance(item, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
    }
    fields = {
        name
        for item in composite.values()
        if isinstance(item, GraphQLObjectType | GraphQLInterfaceType)
        for name in item.fields
    }
    for key in ("success", "message", "problems", "types"):
        # What several APIs share need not be in each.
        if ("errors", key) in config.shared:
            continue
        known = composite.keys() if key == "types" else fields
        for name in getattr(config.errors, key):
            if name in getattr(default, key) or any(matches(each, (name,)) for each in known):
                continue
            what = "type of objects" if key == "types" else "field"
            hint = did_you_mean(name, sorted(known))
            if key == "types" and name in names:
                hint = "Errors are object types, interfaces or unions of them."
            message = f'errors.{key} names "{name}", and the schema has no such {what}.'
            problems.add(setting_place(config, ("errors", key), message, "C012", hint or "Remove it."))
