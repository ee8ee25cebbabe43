"""What each file of a package was made from: where that is as it was, so is the file, which is neither rendered nor formatted again.

The texts are those of the last package that was generated; beside them, a hash of what each file was given is kept.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .cache import Cache, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from . import ir
    from .config import Config
    from .sources import Sources


def outline(package: ir.Package) -> ir.Package:
    """What a file may know of the rest of its package: names and classes, nothing of what is in its resources."""
    resources = tuple(
        replace(
            item,
            attributes=(),
            relations=(),
            lookups=(),
            methods=(),
            accessor_methods=(),
            operations=(),
        )
        for item in package.resources
    )
    return replace(
        package,
        resources=resources,
        methods=(),
        operations=(),
        context=(),
        enums=(),
        inputs=(),
        fragments=(),
        table=(),
        abstract=(),
        leaves=(),
        errors=(),
        input_rules=(),
    )


class Rendered:
    """The files of a project's last package, by what they were made from."""

    def __init__(self, cache: Cache, config: Config, sources: Sources) -> None:
        self._cache = cache
        self._entry = digest(str(config.file), config.api, str(config.output))
        self._start = sources.generator
        self._write = _Writer()
        self._keys: dict[str, str] = {}
        self._last: tuple[object, bytes] = (None, b"")
        self._before, self._texts = self._kept()

    def _kept(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """The hashes and the texts of the last package's files."""
        try:
            kept = json.loads(self._cache.load("rendered", self._entry) or b"{}")
            package, keys = str(kept["package"]), dict(kept["keys"])
            # The key is the name of a file.
            data = self._cache.load("package", package) if package.isalnum() else None
            return keys, dict(json.loads(data or b"{}")["files"])
        except (ValueError, KeyError, TypeError):
            return {}, {}

    def begin(self, package: ir.Package) -> None:
        """Says which package the files are of: its outline is part of what each is made from."""
        self._start = digest(self._start, self._write(outline(package)))

    def find(self, path: str, given: object) -> str | None:
        """The file, formatted, where what it is made from is what it was, else None. Remembers what it is made from."""
        # Two files are made from each resource.
        if given is not self._last[0]:
            self._last = (given, self._write(given))
        key = digest(self._start, path, self._last[1])
        self._keys[path] = key
        text = self._texts.get(path) if self._before.get(path) == key else None
        return text if isinstance(text, str) else None

    def store(self, package: str) -> None:
        """Keeps what the files were made from, and under which key their texts are kept."""
        content = {"package": package, "keys": self._keys}
        self._cache.store("rendered", self._entry, json.dumps(content).encode())


class _Writer:
    """Data as bytes that differ where the data does, and are the same in each process where it is the same."""

    def __init__(self) -> None:
        self._readers: dict[type, Callable[[Any], tuple[Any, ...]]] = {}
        # Types of values and their imports are shared by many: each is read once. It is kept, so that its id stays its own.
        self._shared: dict[int, tuple[object, object]] = {}

    def __call__(self, value: object) -> bytes:
        return repr(self._plain(value)).encode("utf-8", "surrogatepass")

    def _plain(self, value: Any) -> object:
        kind: type = value.__class__
        if kind is str or value is None or kind is int or kind is bool:
            return value
        if kind is tuple or kind is list:
            return tuple([self._plain(item) for item in value])
        if kind is dict:
            return {self._plain(key): self._plain(item) for key, item in value.items()}
        if kind is frozenset:
            known = self._shared.get(id(value))
            if known is None:
                # Their order is another in each process.
                known = self._shared[id(value)] = (
                    value,
                    ("set", *sorted(map(repr, map(self._plain, value)))),
                )
            return known[1]
        read = self._readers.get(kind)
        if read is None:
            # TypeError for what is not made of data.
            names = [item.name for item in fields(kind)]
            # With one name, it would not give a tuple.
            read = self._readers[kind] = attrgetter(*names, names[0])
        return (kind.__name__, *[self._plain(item) for item in read(value)])
