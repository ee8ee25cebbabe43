"""Executable documents as text without anything a parser would skip, straight from the syntax tree.

graphql-core prints for people, and strips what is printed by reading it again; for hundreds of operations that takes longer than
parsing them did. The result is the same to the character.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphql.language import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    Node,
    NonNullTypeNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    VariableDefinitionNode,
    VariableNode,
)
from graphql.language.block_string import print_block_string
from graphql.language.print_string import print_string

_PUNCTUATION = frozenset("!$&():=@[]{|}")


def compact(node: Node) -> str:
    """A node of an executable document as text."""
    parts: list[str] = []
    after_word = False
    for token in _tokens(node):
        word = token not in _PUNCTUATION and token != "..."
        # Two words need a space between them; so does a word before "...", which could be read as part of a number.
        if after_word and (word or token == "..."):
            parts.append(" ")
        parts.append(token)
        after_word = word
    return "".join(parts)


def _tokens(node: Node) -> Iterable[str]:
    match node:
        case FieldNode():
            if node.alias is not None:
                yield node.alias.value
                yield ":"
            yield node.name.value
            yield from _parenthesized(node.arguments)
            yield from _all(node.directives)
            if node.selection_set is not None:
                yield from _tokens(node.selection_set)
        case SelectionSetNode():
            yield "{"
            yield from _all(node.selections)
            yield "}"
        case ArgumentNode() | ObjectFieldNode():
            yield node.name.value
            yield ":"
            yield from _tokens(node.value)
        case VariableNode():
            yield "$"
            yield node.name.value
        case FragmentSpreadNode():
            yield "..."
            yield node.name.value
            yield from _all(node.directives)
        case InlineFragmentNode():
            yield "..."
            if node.type_condition is not None:
                yield "on"
                yield node.type_condition.name.value
            yield from _all(node.directives)
            yield from _tokens(node.selection_set)
        case DirectiveNode():
            yield "@"
            yield node.name.value
            yield from _parenthesized(node.arguments)
        case StringValueNode():
            yield print_block_string(node.value, minimize=True) if node.block else print_string(node.value)
        case IntValueNode() | FloatValueNode() | EnumValueNode():
            yield node.value
        case BooleanValueNode():
            yield "true" if node.value else "false"
        case NullValueNode():
            yield "null"
        case ListValueNode():
            yield "["
            yield from _all(node.values)
            yield "]"
        case ObjectValueNode():
            yield "{"
            yield from _all(node.fields)
            yield "}"
        case NamedTypeNode():
            yield node.name.value
        case ListTypeNode():
            yield "["
            yield from _tokens(node.type)
            yield "]"
        case NonNullTypeNode():
            yield from _tokens(node.type)
            yield "!"
        case VariableDefinitionNode():
            yield from _tokens(node.variable)
            yield ":"
            yield from _tokens(node.type)
            if node.default_value is not None:
                yield "="
                yield from _tokens(node.default_value)
            yield from _all(node.directives)
        case OperationDefinitionNode():
            # A query that has nothing but its selection needs no keyword.
            if node.name or node.variable_definitions or node.directives or node.operation.value != "query":
                yield node.operation.value
            if node.name is not None:
                yield node.name.value
            yield from _parenthesized(node.variable_definitions)
            yield from _all(node.directives)
            yield from _tokens(node.selection_set)
        case FragmentDefinitionNode():
            yield "fragment"
            yield node.name.value
            yield from _parenthesized(node.variable_definitions)
            yield "on"
            yield node.type_condition.name.value
            yield from _all(node.directives)
            yield from _tokens(node.selection_set)
        case _:
            raise TypeError(f"{node.kind} is no part of an executable document.")


def _parenthesized(nodes: Iterable[Node] | None) -> Iterable[str]:
    items = tuple(nodes or ())
    if items:
        yield "("
        yield from _all(items)
        yield ")"


def _all(nodes: Iterable[Node] | None) -> Iterable[str]:
    for node in nodes or ():
        yield from _tokens(node)
