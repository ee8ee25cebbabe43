"""What the names and shapes of a schema say: lists, payloads, errors as data, what stands for an object's identity.

Nothing here is known of one API: these are the conventions that GraphQL APIs share (Relay's connections, offset lists, payloads that name
their problems), and each can be read off a type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeGuard

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
)

from .. import names
from ..config import ErrorFields
from ..failures import matches, tells_problems
from ..mapping import is_one_of
from .text import Selection

# They answer the client's own bookkeeping, not a question.
BOOKKEEPING = frozenset({"clientMutationId", "client_mutation_id", "lastSyncId", "__typename"})
# The same text in another form, or a matter of the page that shows it: what a program reads is beside it.
_OTHER_FORMS = ("HTML", "Html", "_html", "Text", "_text", "ResourcePath", "resourcePath", "_path")
_PAGING_BACK = frozenset({"last", "before"})
_PREPOSITIONS = frozenset({"to", "from", "for", "on", "of", "in", "by", "with", "as", "into"})


@dataclass(frozen=True, slots=True)
class Listed:
    """A field that gives many: of what, and behind which fields of the answer they lie."""

    element: GraphQLNamedType
    form: Literal["list", "nodes", "edges", "items"]


def is_many(type_: GraphQLType) -> bool:
    """Whether a field or an argument is a list."""
    return is_list_type(type_.of_type if isinstance(type_, GraphQLNonNull) else type_)


def listed(type_: GraphQLType) -> Listed | None:
    """How a field's type is a list: a plain one, a Relay connection, or an object with items. None where it is one thing."""
    named = get_named_type(type_)
    if is_many(type_):
        return Listed(named, "list")
    if not isinstance(named, GraphQLObjectType):
        return None
    page = named.fields.get("pageInfo")
    if page is not None and _has(get_named_type(page.type), "hasNextPage", "endCursor"):
        nodes = named.fields.get("nodes")
        if nodes is not None and is_many(nodes.type):
            return Listed(get_named_type(nodes.type), "nodes")
        edges = named.fields.get("edges")
        edge = get_named_type(edges.type) if edges is not None else None
        if isinstance(edge, GraphQLObjectType) and "node" in edge.fields:
            return Listed(get_named_type(edge.fields["node"].type), "edges")
    items = named.fields.get("items")
    if items is not None and is_many(items.type) and not is_required(items):
        return Listed(get_named_type(items.type), "items")
    return None


def _has(type_: GraphQLNamedType, *fields: str) -> bool:
    return isinstance(type_, GraphQLObjectType) and all(name in type_.fields for name in fields)


def has_fields(type_: GraphQLNamedType | None) -> TypeGuard[GraphQLObjectType | GraphQLInterfaceType]:
    """Whether a type has fields."""
    return isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)


def is_required(field: GraphQLField) -> bool:
    """Whether a field cannot be selected without arguments."""
    return any(is_required_argument(argument) for argument in field.args.values())


def is_default_leaf(name: str, field: GraphQLField, owner: GraphQLObjectType | GraphQLInterfaceType) -> bool:
    """Whether a field is a value worth loading by default.

    Not: what needs arguments, what is deprecated, what depends on who asks (`viewerCanUpdate`), and other forms of what is there
    already (`bodyHTML` beside `body`).
    """
    if (
        not is_leaf_type(get_named_type(field.type))
        or is_required(field)
        or field.deprecation_reason is not None
    ):
        return False
    if name.startswith("__") or re.match(r"viewer([A-Z_]|$)", name):
        return False
    for form in _OTHER_FORMS:
        stem = name.removesuffix(form)
        if stem != name and (
            stem in owner.fields or f"{stem}Url" in owner.fields or f"{stem}_url" in owner.fields
        ):
            return False
    return name not in ("resourcePath", "resource_path") or "url" not in owner.fields


def is_input_object(type_: GraphQLType) -> bool:
    """Whether an argument takes one input object that can be written flat: all but those of which exactly one field is given."""
    nullable = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    return isinstance(nullable, GraphQLInputObjectType) and not is_one_of(nullable)


def is_left_out(name: str, definition: GraphQLArgument | GraphQLInputField) -> bool:
    """Whether an argument or an input's field is nothing for a method: deprecated, or bookkeeping. Never what is required."""
    if isinstance(definition.type, GraphQLNonNull) and not _has_default(definition):
        return False
    return definition.deprecation_reason is not None or name in BOOKKEEPING


def _has_default(definition: GraphQLArgument | GraphQLInputField) -> bool:
    from graphql import Undefined

    return definition.default_value is not Undefined


def is_paging_back(name: str, field: GraphQLField) -> bool:
    """Whether an argument pages a connection from its end: lists go forward."""
    return name in _PAGING_BACK and {"first", "after"} <= field.args.keys()


@dataclass(frozen=True, slots=True)
class ErrorFieldsOf:
    """The fields by which a payload says that it failed, with what to select of each."""

    selections: tuple[Selection, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(item.head for item in self.selections)


def error_fields(payload: GraphQLObjectType | GraphQLInterfaceType, errors: ErrorFields) -> ErrorFieldsOf:
    """How a payload carries errors as data, by the names that the configuration gives: problems, a flag and a text."""
    found: list[Selection] = []
    for name, field in payload.fields.items():
        if not matches(name, errors.problems) or is_required(field) or field.deprecation_reason is not None:
            continue
        if not tells_problems(field):
            continue
        named = get_named_type(field.type)
        below = _problem(named)
        if is_leaf_type(named) or below:
            found.append(Selection(name, below))
    success = next((name for name in errors.success if _leaf(payload, name) == "Boolean"), None)
    message = next((name for name in errors.message if _leaf(payload, name) == "String"), None)
    if success is not None:
        found += [Selection(name) for name in (success, message) if name is not None]
    return ErrorFieldsOf(tuple(found))


def _problem(type_: GraphQLNamedType) -> tuple[Selection, ...]:
    """What to select of a problem."""
    if isinstance(type_, GraphQLUnionType):
        # What all have in one interface; else what is selected of each.
        shared = set.intersection(*({item.name for item in each.interfaces} for each in type_.types))
        for each in type_.types[0].interfaces:
            if each.name in shared and (below := _problem(each)):
                return (Selection(f"... on {each.name}", below),)
        members = [(each.name, _problem(each)) for each in type_.types]
        return tuple(Selection(f"... on {name}", below) for name, below in members if below)
    if not has_fields(type_):
        return ()
    return tuple(
        Selection(each)
        for each in ("field", "path", "code", "message", "detail")
        if each in type_.fields
        and is_leaf_type(get_named_type(type_.fields[each].type))
        and not is_required(type_.fields[each])
    )


def _leaf(type_: GraphQLObjectType | GraphQLInterfaceType, name: str) -> str:
    field = type_.fields.get(name)
    return str(field.type).removesuffix("!") if field is not None and not is_required(field) else ""


def words(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case: `createPullRequest` is create, pull, request."""
    return tuple(word for word in names.snake(name).split("_") if word)


def holds(name: tuple[str, ...], part: tuple[str, ...]) -> int:
    """Where the words of a part stand in a row in a name, or -1. The part's last word may stand in the plural."""
    size = len(part)
    for start in range(len(name) - size, -1, -1):
        found = name[start : start + size]
        if found == part or (found[:-1] == part[:-1] and found[-1] in plurals(part[-1])):
            return start
    return -1


def plurals(word: str) -> frozenset[str]:
    """A word's plurals, as far as rules go."""
    found = {f"{word}s", f"{word}es"}
    if word.endswith("y"):
        found.add(f"{word[:-1]}ies")
    return frozenset(found)


def without(name: tuple[str, ...], part: tuple[str, ...]) -> tuple[str, ...]:
    """A name without the thing that it is about: `add_labels_to_issue` without `issue` is `add_labels`."""
    start = holds(name, part)
    if start < 0:
        return name
    before, after = name[:start], name[start + len(part) :]
    while before and not after and before[-1] in _PREPOSITIONS:
        before = before[:-1]
    return before + after


def node_lookup(schema: GraphQLSchema) -> tuple[str, GraphQLInterfaceType] | None:
    """The root field that finds any object by its global id (Relay's `node(id:)`), and the interface of what it finds."""
    field = schema.query_type.fields.get("node") if schema.query_type else None
    if field is None or [name for name, item in field.args.items() if is_required_argument(item)] != ["id"]:
        return None
    named = get_named_type(field.type)
    return ("node", named) if isinstance(named, GraphQLInterfaceType) and "id" in named.fields else None
