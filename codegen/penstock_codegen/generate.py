"""The pipeline: read, resolve, render. What is done with the files is the caller's."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .config import Config, setting_place
from .diagnostics import Diagnostic, GenerationError, Problems, RenderError

if TYPE_CHECKING:
    from .cache import Cache
    from .ir import Package
    from .models import Models
    from .plugins import Allowed
    from .rendered import Rendered
    from .sdl import SchemaText


@dataclass(frozen=True, slots=True)
class Generated:
    """A package's files by path, and what is worth saying about it."""

    files: dict[str, str]
    warnings: tuple[Diagnostic, ...]
    resources: int
    methods: int
    manifest: str = ""


def generate(config: Config, cache: Cache | None = None, *, plugins: Allowed = "no") -> Generated:
    """The files of the package that a configuration describes; with a cache, what did not change is taken from it.

    `plugins` says whether those that the configuration names may run. Raises `GenerationError` with everything that is wrong with the
    configuration, the schema or the queries, and where plugins are named that may not run.
    """
    if config.plugins:
        from .plugins import check_allowed

        check_allowed(config, plugins)
    if cache is None:
        return _generate(config, None, None, None)
    from .rendered import Rendered
    from .sources import read_sources

    sources = read_sources(config)
    kept = cache.load("package", sources.digest) if sources else None
    found = _restore(kept) if kept is not None else None
    if found is None:
        rendered = Rendered(cache, config, sources) if sources else None
        found = _generate(config, sources.schema if sources else None, cache, rendered)
        if sources and rendered:
            cache.store("package", sources.digest, _dump(found))
            rendered.store(sources.digest)
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


def _generate(
    config: Config, text: SchemaText | None, cache: Cache | None, rendered: Rendered | None
) -> Generated:
    with _no_collection():
        # Imported here, so that a command line that only prints its help does not wait for graphql-core.
        from .failures import check_errors
        from .manifest import manifest_text
        from .operations import load_queries
        from .resources import build_package
        from .schema import load_schema
        from .sdl import read_schema_text
        from .trees import Trees
        from .valid import Valid

        problems = Problems()
        text = text or read_schema_text(config, problems)
        schema = load_schema(text, problems, cache, nodes=False)
        valid = Valid(cache, config, text) if cache else None
        queries = load_queries(config, schema, problems, valid, Trees(cache, config) if cache else None)
        check_errors(config, schema, problems)
        package, models = build_package(config, schema, queries, problems)
        added: Mapping[str, tuple[str, str]] = {}
        if config.plugins:
            from .plugins import run_plugins

            problems.stop_if_any()
            outcome = run_plugins(config, package, schema)
            package, added = outcome.package, outcome.files
        if config.templates is not None:
            from .overrides import check_templates

            check_templates(config, problems)
        problems.stop_if_any()
        files = _rendered(config, package, models, cache, rendered, added)
        methods = len(package.methods) + sum(
            len(item.methods) + len(item.accessor_methods) for item in package.resources
        )
        return Generated(
            files, tuple(problems.warnings), len(package.resources), methods, manifest_text(package)
        )


def _rendered(
    config: Config,
    package: Package,
    models: Models,
    cache: Cache | None,
    rendered: Rendered | None,
    added: Mapping[str, tuple[str, str]],
) -> dict[str, str]:
    """The package's files, with those that plugins add."""
    from .render import format_new, render

    try:
        files = render(package, models, cache, templates=config.templates, rendered=rendered)
        python = {path: text for path, (_, text) in added.items() if path.endswith(".py")}
        more = format_new(python, cache) if python else {}
    except RenderError as error:
        if not config.plugins and config.templates is None:
            raise
        key = "plugins" if config.plugins else "templates"
        hint = "It was in order without them."
        raise GenerationError([setting_place(config, (key,), str(error), "T004", hint)]) from error
    except Exception as error:
        if config.templates is None:
            raise
        from .overrides import told

        told(error, config)
    for path, (plugin, text) in added.items():
        if path in files:
            message = f"The plugin {plugin} adds {path}, which is generated."
            hint = "Give it another name, or replace its template."
            raise GenerationError([setting_place(config, ("plugins",), message, "G005", hint)])
        files[path] = more.get(path, text)
    return files


@contextmanager
def _no_collection() -> Iterator[None]:
    # Syntax trees are many small objects that live until the end: collecting in between finds nothing and costs a tenth of the time.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            # As young objects, all of them would be looked through at once; as old ones, when as many again were made.
            gc.freeze()
            gc.unfreeze()
            gc.enable()
