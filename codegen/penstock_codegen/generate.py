"""The pipeline: read, resolve, render. What is done with the files is the caller's."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .config import Config
from .diagnostics import Diagnostic, Problems

if TYPE_CHECKING:
    from .cache import Cache
    from .sdl import SchemaText


@dataclass(frozen=True, slots=True)
class Generated:
    """A package's files by path, and what is worth saying about it."""

    files: dict[str, str]
    warnings: tuple[Diagnostic, ...]
    resources: int
    methods: int
    manifest: str = ""


def generate(config: Config, cache: Cache | None = None) -> Generated:
    """The files of the package that a configuration describes; with a cache, what did not change is taken from it.

    Raises `GenerationError` with everything that is wrong with the configuration, the schema or the queries.
    """
    if cache is None:
        return _generate(config, None, None)
    from .sources import read_sources

    sources = read_sources(config)
    kept = cache.load("package", sources.digest) if sources else None
    found = _restore(kept) if kept is not None else None
    if found is None:
        found = _generate(config, sources.schema if sources else None, cache)
        if sources:
            cache.store("package", sources.digest, _dump(found))
    return found


def _dump(generated: Generated) -> bytes:
    return json.dumps(asdict(generated), ensure_ascii=False).encode()


def _restore(data: bytes) -> Generated | None:
    try:
        kept = json.loads(data)
        return Generated(
            kept["files"],
            tuple(Diagnostic(**item) for item in kept["warnings"]),
            kept["resources"],
            kept["methods"],
            kept["manifest"],
        )
    except (ValueError, KeyError, TypeError):
        return None


def _generate(config: Config, text: SchemaText | None, cache: Cache | None) -> Generated:
    with _no_collection():
        # Imported here, so that a command line that only prints its help does not wait for graphql-core.
        from .failures import check_errors
        from .manifest import manifest_text
        from .operations import load_queries
        from .render import render
        from .resources import build_package
        from .schema import load_schema
        from .sdl import read_schema_text

        problems = Problems()
        schema = load_schema(text or read_schema_text(config, problems), problems, cache, nodes=False)
        queries = load_queries(config, schema, problems)
        check_errors(config, schema, problems)
        package, models = build_package(config, schema, queries, problems)
        problems.stop_if_any()
        files = render(package, models, cache)
        methods = len(package.methods) + sum(
            len(item.methods) + len(item.accessor_methods) for item in package.resources
        )
        return Generated(
            files, tuple(problems.warnings), len(package.resources), methods, manifest_text(package)
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    # Syntax trees are many small objects that live until the end: collecting in between finds nothing and costs a tenth of the time.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
