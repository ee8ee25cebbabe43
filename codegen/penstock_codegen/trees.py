"""Syntax trees of query files, kept by the files' texts: a tree is read back several times faster than it is parsed.

What is kept is data: a node is its kind, where it begins and ends, and its attributes. An entry that is damaged is parsed again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import DefinitionNode, Location, Node, OperationType, Source, __version__
from graphql.language import ast

from .cache import Cache, digest

if TYPE_CHECKING:
    from .config import Config

# In the order of their numbers, which are what is kept.
_KINDS: tuple[type[Node], ...] = (
    ast.NameNode,
    ast.FieldNode,
    ast.SelectionSetNode,
    ast.ArgumentNode,
    ast.VariableNode,
    ast.VariableDefinitionNode,
    ast.NamedTypeNode,
    ast.NonNullTypeNode,
    ast.ListTypeNode,
    ast.FragmentSpreadNode,
    ast.InlineFragmentNode,
    ast.OperationDefinitionNode,
    ast.FragmentDefinitionNode,
    ast.DirectiveNode,
    ast.IntValueNode,
    ast.FloatValueNode,
    ast.StringValueNode,
    ast.BooleanValueNode,
    ast.NullValueNode,
    ast.EnumValueNode,
    ast.ListValueNode,
    ast.ObjectValueNode,
    ast.ObjectFieldNode,
)
_NUMBERS: dict[type[Node], int] = {kind: number for number, kind in enumerate(_KINDS)}
_OPERATIONS = {each.value: each for each in OperationType}


class Trees:
    """The trees of one project's query files, by their texts' hashes."""

    def __init__(self, cache: Cache, config: Config) -> None:
        self._cache = cache
        self._key = digest(__version__, Path(__file__).read_bytes(), str(config.queries))
        self._kept = _lines(cache.load("trees", self._key))
        self._used: dict[str, str] = {}
        self._node = _reader()

    def find(self, source: Source) -> tuple[DefinitionNode, ...] | None:
        """The definitions of a text that was parsed before, or None."""
        key = digest(source.body)
        kept = self._kept.get(key)
        if kept is None:
            return None
        try:
            found = tuple(self._node(item, source) for item in json.loads(kept))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return None
        definitions = tuple(item for item in found if isinstance(item, DefinitionNode))
        if not definitions or len(definitions) < len(found):
            return None
        self._used[key] = kept
        return definitions

    def keep(self, source: Source, definitions: Iterable[DefinitionNode]) -> None:
        """Takes what a text was parsed to, if it is of the kinds that query files are of."""
        try:
            data = [_data(item) for item in definitions]
        except (LookupError, RecursionError):
            return
        self._used[digest(source.body)] = json.dumps(data, separators=(",", ":"))

    def store(self) -> None:
        """Keeps the trees of the files that there are now, if they are not those that were kept."""
        if self._used != self._kept:
            text = "".join(f"{key} {kept}\n" for key, kept in self._used.items())
            self._cache.store("trees", self._key, text.encode())


def _lines(data: bytes | None) -> dict[str, str]:
    try:
        lines = data.decode().splitlines() if data else []
    except UnicodeDecodeError:
        return {}
    return {key: kept for key, _, kept in (line.partition(" ") for line in lines)}


def _data(value: Any) -> Any:
    """A node, or an attribute of one, as JSON takes it: a node is a list that begins with a number. `LookupError` for other kinds."""
    if isinstance(value, Node):
        assert value.loc is not None, "parsed from a text"
        attributes = [_data(getattr(value, key)) for key in value.keys if key != "loc"]
        return [_NUMBERS[type(value)], value.loc.start, value.loc.end, *attributes]
    if isinstance(value, tuple | list):
        return [_data(item) for item in value]
    return value.value if isinstance(value, OperationType) else value


def _reader() -> Callable[[Any, Source], Node]:
    """What makes nodes of what `_data` gave."""
    # Attributes are set by their slots: a node's own way looks into its hash each time, which a new one has none of.
    slots = [[_slot(kind, key) for key in kind.keys if key != "loc"] for kind in _KINDS]
    set_place = _slot(Node, "loc")
    new_node, new_place = Node.__new__, Location.__new__
    operation = _NUMBERS[ast.OperationDefinitionNode]

    def read(data: list[Any], source: Source) -> Node:
        number, start, end, *values = data
        kind = _KINDS[number]
        node: Node = new_node(kind)
        # Its tokens are not kept: the parser itself is all that looks at them.
        place = new_place(Location)
        place.start, place.end, place.source = start, end, source
        set_place(node, place)
        if number == operation:
            values[_OPERATION] = _OPERATIONS[values[_OPERATION]]
        for put, value in zip(slots[number], values, strict=True):
            if value.__class__ is list:
                one = value and value[0].__class__ is int
                value = read(value, source) if one else tuple([read(item, source) for item in value])
            put(node, value)
        return node

    return read


def _slot(kind: type[Node], key: str) -> Callable[[Node, Any], None]:
    put: Callable[[Node, Any], None] = getattr(kind, key).__set__
    return put


_OPERATION = [key for key in ast.OperationDefinitionNode.keys if key != "loc"].index("operation")
