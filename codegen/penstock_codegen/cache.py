"""What generation keeps between runs, by content: parsed schemas, compiled templates, formatted files, whole packages.

It lies in the user's own folder (`PENSTOCK_HOME`, else `~/.penstock`), never in the project: what comes with a checkout must not be
trusted, and a parsed schema is read back as objects. All of it can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphql import GraphQLSchema

_DAYS_KEPT = 30
_SWEEP_EVERY = 24 * 3600


def digest(*parts: str | bytes) -> str:
    """A hash of the parts, in which their borders count."""
    found = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "little"))
        found.update(data)
    return found.hexdigest()


def default_folder() -> Path:
    """The folder of all caches."""
    home = os.environ.get("PENSTOCK_HOME")
    return (Path(home) if home else Path.home() / ".penstock") / "cache" / "codegen"


class Cache:
    """A folder of entries by kind and key. Where it cannot be read or written, it is as if it were empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, kind: str, key: str) -> bytes | None:
        """The entry, or None."""
        path = self.folder / kind / key
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return data

    def store(self, kind: str, key: str, data: bytes) -> None:
        """Keeps an entry, whole or not at all."""
        folder = self.folder / kind
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=folder, prefix=".new-")
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).replace(folder / key)
        except OSError:
            return
        self._sweep()

    def _sweep(self) -> None:
        """Once a day, removes what was not used for a month."""
        mark = self.folder / ".swept"
        now = time.time()
        try:
            if mark.exists() and now - mark.stat().st_mtime < _SWEEP_EVERY:
                return
            mark.touch()
            for path in self.folder.glob("*/*"):
                if now - path.stat().st_mtime > _DAYS_KEPT * 24 * 3600:
                    path.unlink()
        except OSError:
            return


def dump_schema(schema: GraphQLSchema) -> bytes:
    """A schema without its syntax trees, which nothing needs once it is valid and which are most of it."""
    schema.ast_node = None
    schema.extension_ast_nodes = ()
    for type_ in schema.type_map.values():
        _strip(type_)
        values = getattr(type_, "values", None)
        for member in (*_values(getattr(type_, "fields", None)), *_values(values)):
            _strip(member)
            for argument in _values(getattr(member, "args", None)):
                _strip(argument)
    for directive in schema.directives:
        _strip(directive)
        for argument in directive.args.values():
            _strip(argument)
    return pickle.dumps(schema, protocol=5)


def _values(mapping: Any) -> Iterable[Any]:
    return mapping.values() if isinstance(mapping, dict) else ()


def _strip(item: Any) -> None:
    item.ast_node = None
    if hasattr(item, "extension_ast_nodes"):
        item.extension_ast_nodes = ()


def read_schema(data: bytes) -> GraphQLSchema | None:
    """The schema that was kept, or None where the entry is damaged or from another version."""
    from graphql import GraphQLSchema

    try:
        schema = _SchemaReader(io.BytesIO(data)).load()
    except Exception:
        # Whatever is wrong with an entry, the schema can be parsed again.
        return None
    return schema if isinstance(schema, GraphQLSchema) else None


def _instance_maker(owner: Any, name: str) -> Any:
    """What `getattr` is needed for: the way in which graphql-core brings its named types back."""
    if (
        name != "_get_instance"
        or not isinstance(owner, type)
        or owner.__module__ != "graphql.type.definition"
    ):
        raise pickle.UnpicklingError(f"{name} is no part of a schema")
    return getattr(owner, name)


class _SchemaReader(pickle.Unpickler):
    """Reads graphql-core's own objects and nothing else: an entry that someone else wrote cannot run code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "getattr"):
            return _instance_maker
        # A dotted name could reach through a module to whatever that imports; introspection's resolvers are all that has one.
        plain = name.isidentifier() or (
            module == "graphql.type.introspection" and re.fullmatch(r"\w+Fields\.\w+", name)
        )
        if plain and re.fullmatch(r"graphql\.(type|language|pyutils)\.\w+", module):
            found = super().find_class(module, name)
            # Undefined is the one instance among them.
            if getattr(found, "__module__", "").startswith("graphql.") or name == "Undefined":
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a schema")
