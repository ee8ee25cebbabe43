"""The selections that read paths through interfaces and unions, and how to take the values out of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .paths import condition_type

if TYPE_CHECKING:
    from .table import SchemaTable

_TYPENAME: Final = "__typename"


@dataclass(frozen=True, slots=True)
class Condition:
    """A step from an object that may be of several types, which only those of some `types` go.

    Where the types are those of an interface or a union, the server may have others that came later: what is none of `others`, of which
    it is known that they are not meant, tells it by whether the field is there that follows, under the `key` that is only its own.
    """

    types: frozenset[str]
    others: frozenset[str] = frozenset()
    key: str = ""

    def holds(self, value: Mapping[str, Any]) -> bool:
        """Whether this object is one of those."""
        name = value.get(_TYPENAME)
        return name in self.types or (self.key != "" and name not in self.others and self.key in value)


@dataclass(slots=True)
class _Answer:
    """An object as it comes: what each of its keys is, whichever of its types selected it, and the objects in it."""

    keys: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    below: dict[str, _Answer] = field(default_factory=dict)
    conditional: bool = False

    def key(self, name: str, reference: str, condition: str = "") -> str:
        """The key under which a field of this type comes, and only from objects that meet the condition where there is one.

        Fields of one key have to be of one type, whichever fragments they stand in (GraphQL, October 2021, section 5.3.2): a field of
        another type gets an alias.
        """
        meant = (name, reference, condition)
        key, number = name, 1
        while self.keys.setdefault(key, meant) != meant:
            number += 1
            key = f"{name}_{number}"
        return key


@dataclass(slots=True)
class _Selected:
    """What is selected of an object: fields, by key and name, and what is selected only of some types."""

    answer: _Answer
    fields: dict[tuple[str, str], _Selected] = field(default_factory=dict)
    conditions: dict[str, _Selected] = field(default_factory=dict)

    def text(self) -> str:
        """The selection set without its braces."""
        parts = [_TYPENAME] if self.answer.conditional else []
        parts += self._parts()
        return " ".join(parts)

    def _parts(self) -> list[str]:
        parts = []
        for (key, name), below in self.fields.items():
            shown = name if key == name else f"{key}:{name}"
            inside = below.text()
            parts.append(f"{shown}{{{inside}}}" if inside else shown)
        for type_name, below in self.conditions.items():
            parts.append(f"...on {type_name}{{{' '.join(below._parts())}}}")
        return parts


def conditional_selection(
    paths: tuple[tuple[str, ...], ...], type_name: str, table: SchemaTable
) -> tuple[str, tuple[tuple[str | Condition, ...], ...]]:
    """The selection set that reads paths from a type, without its outer braces, and for each path the steps to its value.

    Where a path has a condition, `__typename` is selected beside it. Raises `LookupError` where a path leads nowhere.
    """
    root = _Selected(_Answer())
    found = []
    for path in paths:
        node, owner = root, type_name
        steps: list[str | Condition] = []
        waiting: list[str] = []
        # What an object here is declared as.
        declared = type_name
        for name in path:
            condition = condition_type(name)
            if condition:
                node.answer.conditional = True
                node = node.conditions.setdefault(condition, _Selected(node.answer))
                owner = condition
                waiting.append(condition)
                continue
            entry = table.field(owner, name)
            if entry is None:
                raise LookupError(f'{owner} has no field "{name}".')
            # Which objects have an interface or are of a union, the server knows better.
            open_ended = " ".join(each for each in waiting if table.is_abstract(each))
            key = node.answer.key(name, entry.type, open_ended)
            for each in waiting:
                types = table.possible_types(each)
                others = table.possible_types(declared) - types
                steps.append(Condition(types, others, key) if table.is_abstract(each) else Condition(types))
            waiting = []
            steps.append(key)
            answer = node.answer.below.setdefault(key, _Answer())
            node = node.fields.setdefault((key, name), _Selected(answer))
            declared = owner = entry.named_type
        found.append(tuple(steps))
    return root.text(), tuple(found)
