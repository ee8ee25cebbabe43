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
    GraphQLOutputType,
    GraphQLSchema,
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
    root: GraphQLField | None = None

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
        selections = [
            item
            for item in selection_set.selections
            if not (isinstance(item, FieldNode) and item.name.value == "__typename")
        ]
        payload, rest = _without_errors(selections, parent, errors) if found.path else (None, selections)
        if payload is not None:
            found.failure = ir.Failure(len(found.path), *payload)
            if not rest:
                found.kind = "nothing"
                return found
        if len(rest) == 1 and isinstance(rest[0], FragmentSpreadNode):
            name = rest[0].name.value
            if name in resources and parent is not None and queries.fragments[name].type_name == parent.name:
                found.kind, found.spread, found.selection_set = "spread", name, selection_set
                return found
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
        if definition is None:
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
        assert node.selection_set is not None
        selection_set, parent = node.selection_set, named
        found.selection_set = selection_set


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
