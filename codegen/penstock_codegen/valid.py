"""What was valid before: an operation whose text, fragments and schema are the same need not be validated again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from graphql import FragmentDefinitionNode, OperationDefinitionNode, __version__

from .cache import Cache, digest

if TYPE_CHECKING:
    from .config import Config
    from .operations import Document, Fragment, Queries
    from .sdl import SchemaText


class Valid:
    """The operations and fragments of one project that were valid against one schema, by hash.

    A hash is of the text of an operation and of every fragment that it reaches, which is all, beside the schema, that its validity
    depends on: the names of operations and fragments, which depend on each other, are checked each time.
    """

    def __init__(self, cache: Cache, config: Config, schema: SchemaText) -> None:
        self._cache = cache
        rules = (Path(__file__).parent / name for name in ("operations.py", "schema.py", "valid.py"))
        self._key = digest(
            __version__,
            str(config.queries),
            *(path.read_bytes() for path in rules),
            *schema.files,
            *schema.contents,
        )
        # By the id of the node, which lives as long as this does.
        self._hashes: dict[int, tuple[object, str]] = {}

    def unknown(self, queries: Queries) -> tuple[tuple[Document, ...], Mapping[str, Fragment]]:
        """What has to be validated, and the fragments that this needs."""
        kept = self._kept()
        documents = tuple(item for item in queries.documents if self._hash(queries, item.node) not in kept)
        needed = {
            name for name, item in queries.fragments.items() if self._hash(queries, item.node) not in kept
        }
        starts = [item.node.selection_set for item in documents]
        starts += [queries.fragments[name].node.selection_set for name in sorted(needed)]
        needed.update(*map(queries.spread, starts))
        return documents, {name: item for name, item in queries.fragments.items() if name in needed}

    def remember(self, queries: Queries) -> None:
        """Keeps that all of these are valid."""
        nodes: list[OperationDefinitionNode | FragmentDefinitionNode] = [
            item.node for item in queries.documents
        ]
        nodes += [item.node for item in queries.fragments.values()]
        hashes = sorted({self._hash(queries, node) for node in nodes})
        self._cache.store("valid", self._key, json.dumps(hashes).encode())

    def _kept(self) -> frozenset[str]:
        data = self._cache.load("valid", self._key)
        try:
            return frozenset(map(str, json.loads(data))) if data is not None else frozenset()
        except (ValueError, TypeError):
            return frozenset()

    def _hash(self, queries: Queries, node: OperationDefinitionNode | FragmentDefinitionNode) -> str:
        if id(node) not in self._hashes:
            reached = (queries.fragments[name].node for name in sorted(queries.spread(node.selection_set)))
            self._hashes[id(node)] = (node, digest(_text(node), *map(_text, reached)))
        return self._hashes[id(node)][1]


def _text(node: OperationDefinitionNode | FragmentDefinitionNode) -> str:
    assert node.loc is not None, "parsed from a text"
    return node.loc.source.body[node.loc.start : node.loc.end]
