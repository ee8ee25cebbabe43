"""When a field is in an answer: `@skip` and `@include` as what they ask of variables.

A field stands under a `Condition`: all that its directives, and those of the fragments around it, ask for. Several selections of one key
are there where one of them is, which is a `Presence`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from graphql import BooleanValueNode, DirectiveNode, SelectionNode, VariableNode

# What each variable has to be; None where it cannot be met.
Condition = frozenset[tuple[str, bool]] | None
# Conditions of which one has to be met.
Presence = tuple[Condition, ...]

ALWAYS: Presence = (frozenset(),)

# With more variables than this, which no operation should have, a field counts as one that may be missing.
_MOST_VARIABLES = 12


def directives_of(node: SelectionNode) -> Iterator[DirectiveNode]:
    """The directives of a selection that are conditions."""
    for directive in node.directives or ():
        if directive.name.value in ("include", "skip"):
            yield directive


def condition(node: SelectionNode) -> Condition:
    """What has to be so for a selection to be there."""
    asked: dict[str, bool] = {}
    for directive in directives_of(node):
        wanted = directive.name.value == "include"
        value = next(item.value for item in directive.arguments or () if item.name.value == "if")
        if isinstance(value, BooleanValueNode):
            if value.value is not wanted:
                return None
        elif isinstance(value, VariableNode) and asked.setdefault(value.name.value, wanted) is not wanted:
            return None
    return frozenset(asked.items())


def both(one: Presence, other: Presence) -> Presence:
    """Where both are there."""
    found = [
        None if left is None or right is None or _contradict(left, right) else left | right
        for left in one
        for right in other
    ]
    return tuple(dict.fromkeys(found))


def implies(given: Presence, presence: Presence) -> bool:
    """Whether what is there under `given` is always there under `presence`."""
    if frozenset() in presence or all(item is None for item in given):
        return True
    names = sorted({name for item in (*given, *presence) for name, _ in item or ()})
    if len(names) > _MOST_VARIABLES:
        return False
    return all(
        _holds(presence, values)
        for values in (
            dict(zip(names, each, strict=True)) for each in product((True, False), repeat=len(names))
        )
        if _holds(given, values)
    )


def _contradict(one: Iterable[tuple[str, bool]], other: Iterable[tuple[str, bool]]) -> bool:
    asked = dict(one)
    return any(asked.get(name, wanted) is not wanted for name, wanted in other)


def _holds(presence: Presence, values: Mapping[str, bool]) -> bool:
    return any(item is not None and all(values[name] is wanted for name, wanted in item) for item in presence)
