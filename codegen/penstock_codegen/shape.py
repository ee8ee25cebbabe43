"""Selections in the form that models are made from: what is selected for each possible type, once, and said where it stands.

An answer has one field per response key, whatever the fragments that it was selected through. The generator of models takes fragments
for base classes and inline fragments for members of a union, and loses or refuses what fits neither: fragments on unions, interfaces
within interfaces, a key that is selected twice, conditions on fragments. Here all of these are written out. What is sent stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import count

from graphql import (
    DirectiveNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
)
from graphql.language import NamedTypeNode, NameNode

from .compact import compact
from .conditions import ALWAYS, Presence, both, condition, directives_of, implies
from .operations import is_composite_with_fields


@dataclass
class _Collected:
    """What a selection set selects on one type: its fields by response key, and the fragments that are its base classes."""

    fields: dict[str, list[FieldNode]] = field(default_factory=dict)
    bases: dict[str, FragmentSpreadNode] = field(default_factory=dict)


class Shapes:
    """Brings the selections of one schema and set of fragments into form."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments
        self._shaped: dict[str, FragmentDefinitionNode] = {}

    def fragment(self, name: str) -> FragmentDefinitionNode:
        """A fragment with its selections in form."""
        if name not in self._shaped:
            node = self._fragments[name]
            parent = self._schema.get_type(node.type_condition.name.value)
            self._shaped[name] = FragmentDefinitionNode(
                name=node.name,
                type_condition=node.type_condition,
                directives=(),
                selection_set=self.selection_set(node.selection_set, parent),
            )
        return self._shaped[name]

    def selection_set(
        self, selection_set: SelectionSetNode, parent: GraphQLNamedType | None, given: Presence = ALWAYS
    ) -> SelectionSetNode:
        """A selection set on a type, in form; `given` is where the object is there."""
        if parent is None or not is_abstract_type(parent):
            return SelectionSetNode(
                selections=tuple(self._selections(selection_set, parent, given, bases=True))
            )
        common = {_key(item): item for item in self._fields(selection_set, parent, given)}
        by_member: dict[str, dict[str, FieldNode]] = {}
        for member in _members(self._schema, parent):
            by_member[member.name] = {_key(item): item for item in self._fields(selection_set, member, given)}
        # A field that is the same for all is selected for all; what differs for one stands with each.
        shared = {
            key: item
            for key, item in common.items()
            if all(key in found and _same(found[key], item) for found in by_member.values())
        }
        selections: list[SelectionNode] = list(shared.values())
        for name, found in sorted(by_member.items()):
            own = tuple(item for key, item in found.items() if key not in shared)
            if own:
                selections.append(
                    InlineFragmentNode(
                        type_condition=NamedTypeNode(name=NameNode(value=name)),
                        directives=(),
                        selection_set=SelectionSetNode(selections=own),
                    )
                )
        return SelectionSetNode(selections=tuple(selections))

    def flat(self, selection_set: SelectionSetNode, type_: GraphQLObjectType) -> SelectionSetNode:
        """A selection set on an object type, in form and without base classes at its top."""
        return SelectionSetNode(selections=tuple(self._selections(selection_set, type_, ALWAYS, bases=False)))

    def _fields(
        self, selection_set: SelectionSetNode, type_: GraphQLNamedType, given: Presence
    ) -> Iterator[FieldNode]:
        for item in self._selections(selection_set, type_, given, bases=False):
            assert isinstance(item, FieldNode)
            yield item

    def _selections(
        self,
        selection_set: SelectionSetNode,
        type_: GraphQLNamedType | None,
        given: Presence,
        *,
        bases: bool,
    ) -> Iterator[SelectionNode]:
        found = _Collected()
        self._collect(selection_set, type_, (), found, bases=bases)
        if bases and self._overlap(found, type_):
            found = _Collected()
            self._collect(selection_set, type_, (), found, bases=False)
        yield from found.bases.values()
        for nodes in found.fields.values():
            yield self._merged(nodes, type_, given)

    def _overlap(self, found: _Collected, type_: GraphQLNamedType | None) -> bool:
        """Whether a key comes from two base classes, or from one and the class itself: one would hide the other."""
        seen = set(found.fields)
        for name in found.bases:
            inside = _Collected()
            self._collect(self._fragments[name].selection_set, type_, (), inside, bases=False)
            if seen & inside.fields.keys():
                return True
            seen |= inside.fields.keys()
        return False

    def _collect(
        self,
        selection_set: SelectionSetNode,
        type_: GraphQLNamedType | None,
        conditions: tuple[DirectiveNode, ...],
        found: _Collected,
        *,
        bases: bool,
    ) -> None:
        for item in selection_set.selections:
            own = (*conditions, *directives_of(item))
            if isinstance(item, FieldNode):
                node = (
                    item
                    if not conditions
                    else _with_directives(item, (*(item.directives or ()), *conditions))
                )
                found.fields.setdefault(_key(item), []).append(node)
                continue
            if isinstance(item, FragmentSpreadNode):
                fragment = self._fragments[item.name.value]
                condition, inner = fragment.type_condition.name.value, fragment.selection_set
                is_base = bases and not own and type_ is not None and condition == type_.name
                if is_base and isinstance(type_, GraphQLObjectType):
                    found.bases.setdefault(item.name.value, item)
                    continue
            else:
                assert isinstance(item, InlineFragmentNode)
                inner = item.selection_set
                condition = item.type_condition.name.value if item.type_condition else ""
            if not condition or type_ is None or self._applies(condition, type_):
                self._collect(inner, type_, own, found, bases=bases)

    def _applies(self, condition: str, type_: GraphQLNamedType) -> bool:
        """Whether all that a type can be meets a condition."""
        if condition == type_.name:
            return True
        wider = self._schema.get_type(condition)
        if wider is None or not is_abstract_type(wider):
            return False
        members = {item.name for item in _members(self._schema, wider)}
        if is_abstract_type(type_):
            return {item.name for item in _members(self._schema, type_)} <= members
        return type_.name in members

    def _merged(self, nodes: list[FieldNode], type_: GraphQLNamedType | None, given: Presence) -> FieldNode:
        """One field of all that select the same key; `given` is where the object that has it is there."""
        first = nodes[0]
        conditions = [condition(node) for node in nodes]
        presence = both(given, tuple(conditions))
        directives: tuple[DirectiveNode, ...] = ()
        if not implies(given, presence):
            directives = next(found for node in nodes if (found := tuple(directives_of(node))))
        below = None
        if first.selection_set is not None:
            definition = type_.fields.get(first.name.value) if is_composite_with_fields(type_) else None
            inner: list[SelectionNode] = []
            for node, own in zip(nodes, conditions, strict=True):
                assert node.selection_set is not None, "validated before"
                if implies(presence, (own,)):
                    inner += node.selection_set.selections
                else:
                    # The object may be there without these of its fields.
                    inner.append(
                        InlineFragmentNode(
                            type_condition=None,
                            directives=tuple(directives_of(node)),
                            selection_set=node.selection_set,
                        )
                    )
            named = get_named_type(definition.type) if definition else None
            below = self.selection_set(SelectionSetNode(selections=tuple(inner)), named, presence)
        return FieldNode(
            alias=first.alias,
            name=first.name,
            arguments=first.arguments,
            directives=directives,
            selection_set=below,
            loc=first.loc,
        )


def apart(
    node: ExecutableDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> ExecutableDefinitionNode:
    """An operation or fragment in form, its fragments written out and each object's key with a number of its own in front.

    So that no two of its classes can get one name. `original_key` and `without_numbers` take the numbers off again.
    """
    numbers = count(1)

    def selections(selection_set: SelectionSetNode) -> Iterator[SelectionNode]:
        for item in selection_set.selections:
            if isinstance(item, FragmentSpreadNode):
                yield from selections(fragments[item.name.value].selection_set)
            elif isinstance(item, InlineFragmentNode):
                yield InlineFragmentNode(
                    type_condition=item.type_condition,
                    directives=item.directives,
                    selection_set=SelectionSetNode(selections=tuple(selections(item.selection_set))),
                )
            elif isinstance(item, FieldNode) and item.selection_set is not None:
                kind = "a" if item.alias else "n"
                yield FieldNode(
                    alias=NameNode(value=f"z{kind}{next(numbers)}z_{_key(item)}"),
                    name=item.name,
                    arguments=item.arguments,
                    directives=item.directives,
                    selection_set=SelectionSetNode(selections=tuple(selections(item.selection_set))),
                    loc=item.loc,
                )
            else:
                yield item

    changed = copy(node)
    changed.selection_set = SelectionSetNode(selections=tuple(selections(node.selection_set)))
    return changed


_NUMBERED = re.compile(r"z([an])\d+z_(.*)", re.DOTALL)


def original_key(key: str, node: FieldNode | None) -> tuple[str, bool]:
    """The key of a selection in form, without its number, and whether it is the field's own name."""
    if node is not None and node.selection_set is not None and (found := _NUMBERED.fullmatch(key)):
        return found[2], found[1] == "n"
    return key, node is not None and node.alias is None


def without_numbers(class_name: str) -> str:
    """The name of a class that was made for numbered keys, as it would be without the numbers."""
    return re.sub(r"Z[an]\d+z", "", class_name)


def _members(schema: GraphQLSchema, type_: GraphQLNamedType) -> Sequence[GraphQLObjectType]:
    assert isinstance(type_, GraphQLInterfaceType | GraphQLUnionType)
    return schema.get_possible_types(type_)


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _with_directives(node: FieldNode, directives: Iterable[DirectiveNode]) -> FieldNode:
    return FieldNode(
        alias=node.alias,
        name=node.name,
        arguments=node.arguments,
        directives=tuple(directives),
        selection_set=node.selection_set,
        loc=node.loc,
    )


def _same(one: FieldNode, other: FieldNode) -> bool:
    return one is other or compact(one) == compact(other)
