"""Everything that a package is made from, as one hash: if it is the same, so is the package."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .cache import digest
from .config import Config
from .diagnostics import Problems
from .plugins import plugin_files
from .sdl import SchemaText, read_schema_text

# Their releases may change what is generated.
_TOOLS = ("ariadne-codegen", "graphql-core", "jinja2", "ruff")


@dataclass(frozen=True, slots=True)
class Sources:
    """The schema's text, the hash of all sources, and that of the generator alone, with its tools."""

    schema: SchemaText
    digest: str
    generator: str


def read_sources(config: Config) -> Sources | None:
    """The sources of a package, or None where something cannot be read: then generating says what."""
    problems = Problems()
    schema = read_schema_text(config, problems)
    try:
        parts = [
            config.file.read_bytes(),
            config.api.encode(),
            *(text.encode() for text in schema.contents),
            *map(str.encode, schema.files),
        ]
        for path in sorted((*config.queries.rglob("*.graphql"), *config.queries.rglob("*.gql"))):
            parts += [path.relative_to(config.queries).as_posix().encode(), path.read_bytes()]
        if config.templates is not None:
            for path in sorted(item for item in config.templates.rglob("*") if item.is_file()):
                parts += [path.relative_to(config.templates).as_posix().encode(), path.read_bytes()]
        if config.plugins:
            for name, content in sorted(plugin_files(config).items()):
                parts += [name.encode(), content]
        generator = _generator()
    except (OSError, PackageNotFoundError):
        return None
    return Sources(schema, digest(*parts, generator), generator)


def _generator() -> str:
    own = Path(__file__).parent
    parts = [sys.version.encode()]
    for path in sorted((*own.rglob("*.py"), *own.rglob("*.jinja"))):
        parts += [path.relative_to(own).as_posix().encode(), path.read_bytes()]
    return digest(*parts, *(version(name).encode() for name in _TOOLS))
