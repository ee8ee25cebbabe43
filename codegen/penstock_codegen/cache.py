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
    # Types refer to each other without end: each is written on its own, and where another refers to it stands its name.
    types = [type_ for name, type_ in schema.type_map.items() if name not in type_.reserved_types]
    content = ([(type_, _state(type_)) for type_ in types], {**vars(schema), "_sub_type_map": {}})
    file = io.BytesIO()
    _SchemaWriter(file, protocol=5).dump(content)
    return file.getvalue()


def _state(type_: Any) -> dict[str, Any]:
    """What a named type holds, without the functions that it was to be completed by."""
    for name in ("fields", "interfaces", "types"):
        getattr(type_, name, None)  # completes it
    return {name: value for name, value in vars(type_).items() if name not in _COMPLETED}


_COMPLETED = frozenset({"_fields", "_interfaces", "_types"})


class _SchemaWriter(pickle.Pickler):
    def persistent_id(self, obj: Any) -> tuple[str, str] | None:
        from graphql import GraphQLNamedType

        return (type(obj).__name__, obj.name) if isinstance(obj, GraphQLNamedType) else None

    def reducer_override(self, obj: Any) -> Any:
        from graphql import Undefined

        # Undefined is an exception by its type: a library that taught pickle about exceptions must not be asked about it.
        return "Undefined" if obj is Undefined else NotImplemented


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
        types, state = _SchemaReader(io.BytesIO(data)).load()
        for type_, content in types:
            vars(type_).update(content)
        schema = object.__new__(GraphQLSchema)
        vars(schema).update(state)
        complete = all(vars(type_) for type_ in schema.type_map.values()) and schema.query_type is not None
    except Exception:
        # Whatever is wrong with an entry, the schema can be parsed again.
        return None
    return schema if complete else None


class _SchemaReader(pickle.Unpickler):
    """Reads graphql-core's own objects and nothing else: an entry that someone else wrote cannot run code."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._types: dict[str, Any] = {}

    def persistent_load(self, pid: Any) -> Any:
        import graphql

        kind, name = pid
        if kind not in _KINDS:
            raise pickle.UnpicklingError(f"{kind} is no kind of type")
        reserved = graphql.GraphQLNamedType.reserved_types.get(name)
        if reserved is not None:
            return reserved
        if name not in self._types:
            self._types[name] = object.__new__(getattr(graphql, kind))
        return self._types[name]

    def find_class(self, module: str, name: str) -> Any:
        # A dotted name could reach through a module to whatever that imports.
        if name.isidentifier() and re.fullmatch(r"graphql\.(type|language|pyutils)\.\w+", module):
            found = super().find_class(module, name)
            # Undefined is the one instance among them.
            if getattr(found, "__module__", "").startswith("graphql.") or name == "Undefined":
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a schema")


_KINDS = frozenset(
    {
        "GraphQLEnumType",
        "GraphQLInputObjectType",
        "GraphQLInterfaceType",
        "GraphQLObjectType",
        "GraphQLScalarType",
        "GraphQLUnionType",
    }
)
