"""The pipeline: read, resolve, render. What is done with the files is the caller's."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .config import Config
from .diagnostics import Diagnostic, Problems


@dataclass(frozen=True, slots=True)
class Generated:
    """A package's files by path, and what is worth saying about it."""

    files: dict[str, str]
    warnings: tuple[Diagnostic, ...]
    resources: int
    methods: int


def generate(config: Config) -> Generated:
    """The files of the package that a configuration describes.

    Raises `GenerationError` with everything that is wrong with the configuration, the schema or the queries.
    """
    with _no_collection():
        # Imported here, so that a command line that only prints its help does not wait for graphql-core.
        from .operations import load_queries
        from .render import render
        from .resources import build_package
        from .schema import load_schema

        problems = Problems()
        loaded = load_schema(config, problems)
        queries = load_queries(config, loaded.schema, problems)
        package, models = build_package(config, loaded.schema, queries, problems)
        problems.stop_if_any()
        files = render(package, models)
        methods = len(package.methods) + sum(
            len(item.methods) + len(item.accessor_methods) for item in package.resources
        )
        return Generated(files, tuple(problems.warnings), len(package.resources), methods)


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
