"""Paths as data, and the selections that read those without conditions.

A path is the names of fields, as GraphQL writes them, and between them `...Issue` where it goes on only from objects of the type Issue:
`("subject", "...Issue", "title")`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CONDITION: Final = "..."


def is_condition(name: str) -> bool:
    """Whether a part of a path is the type that what follows is of."""
    return name.startswith(CONDITION)


def condition_type(name: str) -> str:
    """The type that a part of a path goes on from, or "" where it is a field."""
    return name.removeprefix(CONDITION) if is_condition(name) else ""


def written(path: tuple[str, ...]) -> str:
    """A path as a reader would write it: `subject.on(Issue).title`."""
    return ".".join(f"on({condition_type(name)})" if is_condition(name) else name for name in path)


def selection_text(paths: tuple[tuple[str, ...], ...]) -> str:
    """The selection set that reads paths without conditions, without its outer braces; each field stands in it once."""
    tree: dict[str, Any] = {}
    for path in paths:
        node = tree
        for name in path:
            node = node.setdefault(name, {})
    return _write_tree(tree)


def _write_tree(tree: Mapping[str, Any]) -> str:
    return " ".join(f"{name}{{{_write_tree(below)}}}" if below else name for name, below in tree.items())
