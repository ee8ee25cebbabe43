"""What an operation gives: found by descending from its root to what its author evidently meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from . import ir
from .conditions import directives_of
from .config import ErrorFields
from .failures import Reported, possible_types, told_by
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
    # The selections in which that tells its problems.
    reported: tuple[Reported, ...] = ()
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
    def succeeded(self) -> tuple[str, ...]:
        """The types that the result itself has where it is no error; empty where any type is none."""
        if self.failure is None or self.failure.depth != len(self.path):
            return ()
        return tuple(name for sign in self.failure.signs for name in sign.types)

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
    found = _descend(document, schema, queries, errors, resources, only=only)
    at_end = found.conditional[-1:] == (len(found.path),) and found.kind in ("model", "spread")
    if at_end and not found.types and isinstance(found.end, GraphQLObjectType):
        found.types = (found.end.name,)
    return found


def _descend(
    document: Document,
    schema: GraphQLSchema,
    queries: Queries,
    errors: ErrorFields,
    resources: frozenset[str],
    *,
    only: bool,
) -> Found:
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
        rest, succeeded = selections, frozenset[str]()
        # Where a payload has told how it fails, what lies deeper is what it gives; the elements of a list are no payloads.
        within = found.failure is None or found.failure.depth == len(found.path)
        if found.path and not found.many and within:
            told = told_by(selections, parent, schema, queries.fragments, errors, document.node.operation)
            rest, succeeded = told.rest, told.succeeded
            if told.signs:
                signs = found.failure.signs if found.failure else ()
                found.failure = ir.Failure(len(found.path), (*signs, *told.signs))
                found.reported += tuple(told.reported)
            if not rest and (found.failure or len(rest) < len(selections)):
                found.kind = "nothing"
                return found
        if len(rest) == 1 and isinstance(rest[0], FragmentSpreadNode) and not any(directives_of(rest[0])):
            name = rest[0].name.value
            if (
                name in resources
                and parent is not None
                and _may_be(queries.fragments[name].type_name, parent, schema)
            ):
                found.kind, found.spread, found.selection_set = "spread", name, selection_set
                if queries.fragments[name].type_name != parent.name:
                    found.types = possible_types(queries.fragments[name].type_name, schema)
                    found.nullable = found.nullable or not succeeded or not succeeded <= set(found.types)
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
                # What is of another type is as if it were not there, unless it has failed then.
                if not succeeded or not succeeded <= set(possible_types(condition.name.value, schema)):
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
        if any(directives_of(node)):
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


def _may_be(name: str, parent: GraphQLNamedType, schema: GraphQLSchema) -> bool:
    """Whether an object that is declared as one type can be of another."""
    return not set(possible_types(name, schema)).isdisjoint(possible_types(parent.name, schema))


def _connection(
    rest: list[SelectionNode], parent: GraphQLNamedType | None, document: Document
) -> tuple[tuple[str, ...], FieldNode, GraphQLNamedType] | None:
    """Where a Relay connection has its elements, their selection and type; None where this is none, or is not to be paged.

    It is one where the operation pages it: it selects pageInfo with hasNextPage and endCursor, and has $first and $after.
    """
    variables = {item.variable.name.value for item in document.node.variable_definitions or ()}
    if not is_composite_with_fields(parent) or not variables >= {"first", "after"}:
        return None
    if document.kind == "subscription":
        # What comes by itself is not asked for page by page.
        return None
    # What may not be there cannot page.
    chosen = {
        item.name.value: item
        for item in rest
        if isinstance(item, FieldNode) and item.alias is None and not any(directives_of(item))
    }
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
    if (
        node is None
        or node.alias is not None
        or any(directives_of(node))
        or not is_composite_with_fields(edge)
    ):
        return None
    return ("edges", "node"), node, get_named_type(edge.fields["node"].type)


def _step(found: Found, node: FieldNode, definition: GraphQLField, parent: GraphQLNamedType) -> None:
    key = node.alias.value if node.alias else node.name.value
    found.path += (key,)
    found.node, found.field, found.owner = node, definition, parent
    found.root = found.root or definition
    found.nullable_end = not isinstance(definition.type, GraphQLNonNull)
    found.nullable = found.nullable or found.nullable_end


def _directive(node: FieldNode, name: str) -> str | None:
    """The value of a client directive's argument, "" where it has none, None where the field does not carry it."""
    for directive in node.directives or ():
        if directive.name.value == name:
            for argument in directive.arguments or ():
                return str(getattr(argument.value, "value", ""))
            return ""
    return None
