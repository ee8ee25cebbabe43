"""Several APIs in one configuration: what they share, and what they must not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import Config

# What stands beside the APIs holds for all of them; tables are joined key by key, and an API's own keys win.
SHARED_TABLES = ("scalars", "errors")
SHARED = (*SHARED_TABLES, "plugins", "templates")


@dataclass(frozen=True, slots=True)
class Part:
    """The settings of one API: its own and what it takes of the shared ones, whose keys are `shared`."""

    table: dict[str, Any]
    shared: frozenset[tuple[str, ...]]


def part_of(table: Mapping[str, Any], own: Mapping[str, Any]) -> Part:
    """An API's own table, completed by what stands beside the APIs."""
    merged = dict(own)
    shared: set[tuple[str, ...]] = set()
    for key in SHARED:
        if key not in table:
            continue
        if key not in own:
            merged[key] = table[key]
            shared.add((key,))
            shared |= {(key, name) for name in table[key]} if isinstance(table[key], dict) else set()
        elif key in SHARED_TABLES and isinstance(own[key], dict) and isinstance(table[key], dict):
            merged[key] = {**table[key], **own[key]}
            shared |= {(key, name) for name in table[key] if name not in own[key]}
    return Part(merged, frozenset(shared))


def clashes(configs: tuple[Config, ...]) -> Iterator[tuple[Config, str, str, str]]:
    """What two APIs would both write or read: the later one's configuration, the setting, what is wrong, and the remedy."""
    for one, other in combinations(configs, 2):
        outputs = (one.output.resolve(), other.output.resolve())
        if _nested(*outputs):
            yield other, "output", f"output is that of {one.api}, or within it.", "Give each its own folder."
        elif one.package == other.package:
            message = f"output ends in {other.package}, as that of {one.api}: one program cannot import both."
            yield other, "output", message, "Its last part is the package's import name."
        if _nested(one.queries, other.queries):
            message = f"queries is the folder of {one.api}, or one is within the other."
            yield other, "queries", message, f'Such as queries = "queries/{other.api}".'
        if one.manifest is not None and one.manifest == other.manifest:
            yield other, "manifest", f"manifest is that of {one.api}.", "Give each its own file."


def _nested(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)
