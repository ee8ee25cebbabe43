"""What an operation gives: found by descending from its root to what its author evidently meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from . import ir
from .config import ErrorFields
from .operations import Document, Queries, is_composite_with_fields


@dataclass(slots=True)
class Found:
    """Where a result lies and of which kind it is, before it has Python types.

    `node` and `field` are the last field of the path, `owner` the type that has it; `spread` is the fragment of a resource. `nullable`
    says whether anything from the root to the result may be null, `nullable_leaf` whether the result itself may.
    """

    kind: Literal["nothing", "leaf", "handle", "spread", "model", "data"]
    path: tuple[str | int, ...] = ()
    many: bool = False
    nullable: bool = False
    nullable_end: bool = False
    node: FieldNode | None = None
    field: GraphQLField | None = None
    owner: GraphQLNamedType | None = None
    spread: str = ""
    handle: str = ""
    failure: ir.Failure | None = None
    selection_set: SelectionSetNode | None = None
    # The type of the object at the path, or of a list's elements.
    end: GraphQLNamedType | None = None
    root: GraphQLField | None = None
    # The types that the fragment at the end applies to, where the object there may be of another; it is then as if it were not there.
    types: tuple[str, ...] = ()
    # How many steps lead to objects that may be of another type than the one whose fields follow.
    conditional: tuple[int, ...] = ()
    # Where the elements are in a Relay connection, from the connection: ("nodes",) or ("edges", "node").
    connection: tuple[str, ...] = ()
    # Whether elements of the list may be null: those are passed over.
    sparse: bool = False

    @property
    def field_name(self) -> str:
        """The name of the path's last field."""
        return self.node.name.value if self.node else ""


def find_result(
    document: Document,
    schema: GraphQLSchema,
    queries: Queries,
    errors: ErrorFields,
    resources: frozenset[str],
    *,
    only: bool = False,
) -> Found:
    """Descends through an operation's selections while there is one way to go.

    `resources` are the fragments that load a resource. With `only`, the first list's only element is meant (a lookup).
    """
    parent: GraphQLNamedType | None = schema.get_root_type(document.node.operation)
    selection_set = document.node.selection_set
    found = Found("data", selection_set=selection_set)
    while True:
        found.end = parent
        selections = [
            item
            for item in selection_set.selections
            # Under an alias, it was asked for by name.
            if not (isinstance(item, FieldNode) and item.name.value == "__typename" and item.alias is None)
        ]
        payload, rest = _without_errors(selections, parent, errors) if found.path else (None, selections)
        if payload is not None:
            found.failure = ir.Failure(len(found.path), *payload)
            if not rest:
                found.kind = "nothing"
                return found
        if len(rest) == 1 and isinstance(rest[0], FragmentSpreadNode):
            name = rest[0].name.value
            if (
                name in resources
                and parent is not None
                and _may_be(queries.fragments[name].type_name, parent, schema)
            ):
                found.kind, found.spread, found.selection_set = "spread", name, selection_set
                if queries.fragments[name].type_name != parent.name:
                    found.types, found.nullable = _possible(queries.fragments[name].type_name, schema), True
                return found
        if (
            len(rest) == 1
            and isinstance(rest[0], InlineFragmentNode)
            and not rest[0].directives
            and not found.many
        ):
            condition = rest[0].type_condition
            selection_set = found.selection_set = rest[0].selection_set
            if condition is not None and parent is not None and condition.name.value != parent.name:
                found.conditional += (len(found.path),)
                found.nullable = True
                parent = schema.get_type(condition.name.value)
            continue
        elements = _connection(rest, parent, document) if not found.many and found.path else None
        # A connection of leaves has no fields to descend to: it is read as the model that it is.
        if elements is not None and elements[1].selection_set is not None:
            found.connection, node, element = elements
            found.many = found.sparse = True
            assert node.selection_set is not None
            selection_set, parent = node.selection_set, element
            found.selection_set = selection_set
            continue
        if len(rest) != 1 or not isinstance(rest[0], FieldNode) or not is_composite_with_fields(parent):
            found.kind = "model" if found.path else "data"
            return found
        node = rest[0]
        if node.directives and any(item.name.value in ("include", "skip") for item in node.directives):
            found.kind = "model" if found.path else "data"
            return found
        if found.many:
            # Inside a list there is no further path; only a leaf or a handle of the elements could be meant, and a model says more.
            found.kind = "model"
            return found
        definition = parent.fields.get(node.name.value)
        # A list of lists has no one element to give: it stays where it is.
        if definition is None or (
            list_depth(definition.type) > 1 and not is_leaf_type(get_named_type(definition.type))
        ):
            found.kind = "model" if found.path else "data"
            return found
        _step(found, node, definition, parent)
        named = get_named_type(definition.type)
        handle = _directive(node, "resource")
        if handle is not None or is_leaf_type(named):
            found.kind, found.handle = ("handle" if handle is not None else "leaf"), handle or ""
            found.many = is_list_type(get_nullable_type(definition.type))
            return found
        if is_list_type(get_nullable_type(definition.type)):
            if (_directive(node, "only") is not None) or only:
                found.path += (0,)
                found.nullable = True
            else:
                found.many = True
                found.sparse = not str(get_nullable_type(definition.type)).endswith("!]")
        assert node.selection_set is not None
        selection_set, parent = node.selection_set, named
        found.selection_set = selection_set


def list_depth(type_: GraphQLOutputType) -> int:
    """How many lists a type has around it."""
    return str(type_).count("[")


def _possible(name: str, schema: GraphQLSchema) -> tuple[str, ...]:
    """The object types that a type can be."""
    type_ = schema.get_type(name)
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        return tuple(sorted(item.name for item in schema.get_possible_types(type_)))
    return (name,)


def _may_be(name: str, parent: GraphQLNamedType, schema: GraphQLSchema) -> bool:
    """Whether an object that is declared as one type can be of another."""
    return not set(_possible(name, schema)).isdisjoint(_possible(parent.name, schema))


def _connection(
    rest: list[SelectionNode], parent: GraphQLNamedType | None, document: Document
) -> tuple[tuple[str, ...], FieldNode, GraphQLNamedType] | None:
    """Where a Relay connection has its elements, their selection and type; None where this is none, or is not to be paged.

    It is one where the operation pages it: it selects pageInfo with hasNextPage and endCursor, and has $first and $after.
    """
    variables = {item.variable.name.value for item in document.node.variable_definitions or ()}
    if not is_composite_with_fields(parent) or not variables >= {"first", "after"}:
        return None
    chosen = {item.name.value: item for item in rest if isinstance(item, FieldNode) and item.alias is None}
    info = chosen.get("pageInfo")
    if info is None or info.selection_set is None:
        return None
    told = {item.name.value for item in info.selection_set.selections if isinstance(item, FieldNode)}
    if not told >= {"hasNextPage", "endCursor"}:
        return None
    if (nodes := chosen.get("nodes")) is not None:
        return ("nodes",), nodes, get_named_type(parent.fields["nodes"].type)
    edges = chosen.get("edges")
    if edges is None or edges.selection_set is None:
        return None
    edge = get_named_type(parent.fields["edges"].type)
    node = next(
        (
            item
            for item in edges.selection_set.selections
            if isinstance(item, FieldNode) and item.name.value == "node"
        ),
        None,
    )
    if node is None or node.alias is not None or not is_composite_with_fields(edge):
        return None
    return ("edges", "node"), node, get_named_type(edge.fields["node"].type)


def _step(found: Found, node: FieldNode, definition: GraphQLField, parent: GraphQLNamedType) -> None:
    key = node.alias.value if node.alias else node.name.value
    found.path += (key,)
    found.node, found.field, found.owner = node, definition, parent
    found.root = found.root or definition
    found.nullable_end = not isinstance(definition.type, GraphQLNonNull)
    found.nullable = found.nullable or found.nullable_end


def _without_errors(
    selections: list[SelectionNode], parent: GraphQLNamedType | None, errors: ErrorFields
) -> tuple[tuple[Literal["flag", "problems"], tuple[str | None, ...]] | None, list[SelectionNode]]:
    """The convention by which a payload carries errors, and what it selects beside them."""
    if not is_composite_with_fields(parent):
        return None, selections
    plain = {
        item.name.value: item
        for item in selections
        if isinstance(item, FieldNode) and item.alias is None and not item.directives
    }
    for name in errors.problems:
        node = plain.get(name)
        if (
            node is not None
            and name in parent.fields
            and is_list_type(get_nullable_type(parent.fields[name].type))
        ):
            text = "" if node.selection_set is None else _message_field(node.selection_set)
            return ("problems", (name, text)), [item for item in selections if item is not node]
    success = next(
        (name for name in errors.success if name in plain and _is(parent.fields[name].type, "Boolean")), None
    )
    message = next(
        (name for name in errors.message if name in plain and _is(parent.fields[name].type, "String")), None
    )
    # A text named like an error is one only beside the flag: alone it may be what was asked for.
    if success is None:
        return None, selections
    taken = [plain[name] for name in (success, message) if name is not None]
    return ("flag", (success, message)), [item for item in selections if item not in taken]


def _is(type_: GraphQLOutputType, name: str) -> bool:
    return str(type_).removesuffix("!") == name


def _message_field(selection_set: SelectionSetNode) -> str:
    chosen = [item.name.value for item in selection_set.selections if isinstance(item, FieldNode)]
    return "message" if "message" in chosen else (chosen[0] if chosen else "message")


def _directive(node: FieldNode, name: str) -> str | None:
    """The value of a client directive's argument, "" where it has none, None where the field does not carry it."""
    for directive in node.directives or ():
        if directive.name.value == name:
            for argument in directive.arguments or ():
                return str(getattr(argument.value, "value", ""))
            return ""
    return None
