"""A generated package's schema at run time: its types and fields, and the Python types of its leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .paths import condition_type, written
from .table import SchemaTable, named_type
from .values import python_type

_BUILTIN: Mapping[str, Any] = {"String": str, "ID": str, "Int": int, "Float": float, "Boolean": bool}


class Schema:
    """A table of the types that selections and paths can reach.

    `leaves` give the Python types of scalars and enums by name, and of single fields as `type.field` where they have one of their own.
    """

    def __init__(
        self,
        types: Mapping[str, str],
        abstract: Mapping[str, tuple[str, ...]],
        leaves: Mapping[str, Callable[[], Any]],
    ) -> None:
        self.table = SchemaTable(types, abstract)
        self._leaves = leaves

    def leaf(self, type_name: str, path: tuple[str, ...]) -> Any:
        """The Python type of what lies at the end of a path from a type.

        None is part of it where anything on the way may be null, or of another type than the path goes on from. Raises
        `TypeError` where the path goes through a list.
        """
        *way, last = path
        owner, nullable = type_name, False
        for name in way:
            condition = condition_type(name)
            if condition:
                owner, nullable = condition, True
                continue
            reference = self.table.resolve(owner, (name,))
            if "[" in reference:
                raise TypeError(
                    f"{written(path)} goes through {name}, which is a list, and a path reads one value: use query()."
                )
            nullable = nullable or not reference.endswith("!")
            owner = named_type(reference)
        reference = self.table.resolve(owner, (last,))
        nullable = nullable or not reference.endswith("!")
        own = self._leaves.get(f"{owner}.{last}")
        if own is not None:
            annotation = own()
        else:
            name = named_type(reference)
            leaf = self._leaves.get(name)
            annotation = python_type(
                reference.removesuffix("!") + "!", leaf() if leaf is not None else _BUILTIN.get(name, Any)
            )
        return annotation | None if nullable and annotation is not Any else annotation
