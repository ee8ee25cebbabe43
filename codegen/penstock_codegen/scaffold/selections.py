"""What to select: a resource's default fields, the elements of lists, what a payload brings."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

from .. import names
from .conventions import BOOKKEEPING, Listed, has_fields, is_default_leaf, is_required, listed
from .text import Selection

# How far down a value without a field of its own is looked for.
_DEPTH = 3
_PAGE = Selection("pageInfo", (Selection("hasNextPage"), Selection("endCursor")))


class Chooser:
    """Chooses fields. `resources` are the types that have a fragment: its name, and the fields that identify one."""

    def __init__(self, schema: GraphQLSchema, resources: Mapping[str, tuple[str, tuple[str, ...]]]) -> None:
        self._schema = schema
        self._resources = resources

    def defaults(self, type_: GraphQLObjectType, identity: tuple[str, ...]) -> tuple[Selection, ...]:
        """What a resource loads by default: its identity, its values, and the ids of what it belongs to."""
        chosen: list[Selection] = [Selection(name) for name in identity]
        for name, field in type_.fields.items():
            if name in identity:
                continue
            if is_default_leaf(name, field, type_):
                chosen.append(Selection(name))
                continue
            target = get_named_type(field.type)
            known = self._resources.get(target.name)
            if (
                known
                and listed(field.type) is None
                and not is_required(field)
                and field.deprecation_reason is None
            ):
                chosen.append(Selection(name, tuple(Selection(each) for each in known[1])))
        return tuple(chosen)

    def attributes(self, type_: GraphQLObjectType) -> frozenset[str]:
        """The names that a handle's attributes have: no method can have them too."""
        return frozenset(
            names.attribute_name(name)
            for name, field in type_.fields.items()
            if is_leaf_type(get_named_type(field.type)) or listed(field.type) is None
            if not is_required(field)
        )

    def list_of(self, type_: object, many: Listed) -> tuple[Selection, ...]:
        """What to select of a list: its elements, and where the next page starts."""
        element = self.result(many.element)
        if many.form == "list":
            return element
        if many.form == "nodes":
            return (Selection("nodes", element), _PAGE)
        if many.form == "edges":
            return (Selection("edges", (Selection("node", element),)), _PAGE)
        return (Selection("items", element),)

    def result(self, type_: GraphQLNamedType) -> tuple[Selection, ...]:
        """What to select of one object: its fragment, else its values."""
        if is_leaf_type(type_):
            return ()
        known = self._resources.get(type_.name)
        if known:
            return (Selection(f"...{known[0]}"),)
        return self._lean(type_, _DEPTH, frozenset()) or (Selection("__typename"),)

    def payload(
        self,
        type_: GraphQLObjectType | GraphQLInterfaceType,
        told: frozenset[str],
        owner: GraphQLObjectType | None,
    ) -> tuple[Selection, ...]:
        """What to select of a payload beside its errors: the one resource that it brings, else its values."""
        resources = {
            name: get_named_type(field.type)
            for name, field in type_.fields.items()
            if name not in told
            and get_named_type(field.type).name in self._resources
            and listed(field.type) is None
            and not is_required(field)
            and field.deprecation_reason is None
        }
        if resources:
            own = [name for name, target in resources.items() if owner is not None and target is owner]
            name = own[0] if own else next(iter(resources))
            return (Selection(name, self.result(resources[name])),)
        values = [
            Selection(name)
            for name, field in type_.fields.items()
            if name not in told | BOOKKEEPING and is_default_leaf(name, field, type_)
        ]
        if values:
            return tuple(values)
        for name, field in type_.fields.items():
            many = listed(field.type)
            if name in told or is_required(field) or field.deprecation_reason is not None:
                continue
            if is_leaf_type(get_named_type(field.type)):
                continue
            below = self.list_of(field.type, many) if many else self.result(get_named_type(field.type))
            if below != (Selection("__typename"),):
                return (Selection(name, below),)
        return tuple(Selection(name) for name in ("clientMutationId",) if name in type_.fields and not told)

    def _lean(self, type_: GraphQLNamedType, depth: int, seen: frozenset[str]) -> tuple[Selection, ...]:
        """The values of an object; where it has none, those of what it holds."""
        if isinstance(type_, GraphQLUnionType):
            return self._members(type_)
        if not has_fields(type_) or type_.name in seen:
            return ()
        values = tuple(
            Selection(name)
            for name, field in type_.fields.items()
            if name not in BOOKKEEPING and is_default_leaf(name, field, type_)
        )
        if values or depth == 0:
            return values
        found = []
        for name, field in type_.fields.items():
            if is_required(field) or field.deprecation_reason is not None or listed(field.type) is not None:
                continue
            below = self._lean(get_named_type(field.type), depth - 1, seen | {type_.name})
            if below:
                found.append(Selection(name, below))
        return tuple(found)

    def _members(self, type_: GraphQLUnionType) -> tuple[Selection, ...]:
        """A union's members, each with those values that mean the same in all members that have them: answers with fields that
        differ in type under one name would not be valid.
        """
        members = self._schema.get_possible_types(type_)
        types: dict[str, set[str]] = {}
        for member in members:
            for name, field in member.fields.items():
                types.setdefault(name, set()).add(str(field.type))
        found = []
        for member in members:
            values = tuple(
                Selection(name)
                for name, field in member.fields.items()
                if len(types[name]) == 1 and is_default_leaf(name, field, member)
            )
            if values:
                found.append(Selection(f"... on {member.name}", values))
        return (Selection("__typename"), *found)
