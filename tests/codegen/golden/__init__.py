"""Golden packages: four small APIs, what the generator makes of each kept as files, compared byte for byte and reviewed like code.

    relay   camelCase, interfaces, unions, connections, errors as data, deprecations, a get without variables, operations in one file
    tables  tables with where, order_by, limit and offset, as our own API
    outcomes errors as data of every kind: unions, lists, flags
    odd     names that are keywords, builtins or our own, texts full of quotes and escapes, selections of every odd kind

`python -m tests.codegen.golden --update` writes them anew. The runtime, which is copied as it is, is not kept again.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphql import GraphQLSchema, build_schema

from penstock_codegen.config import Config, load_config
from penstock_codegen.diagnostics import Problems
from penstock_codegen.generate import generate
from penstock_codegen.sdl import read_schema_text

FOLDER = Path(__file__).parent
CASES = ("relay", "tables", "odd", "outcomes")
_COPIED = ("_runtime/", "py.typed")


@dataclass(frozen=True)
class Golden:
    """A golden package: its configuration, and all of its files as they are generated now."""

    config: Config
    files: dict[str, str]

    @property
    def schema(self) -> GraphQLSchema:
        """The API's schema."""
        return build_schema("\n".join(read_schema_text(self.config, Problems()).texts))

    def kept(self) -> dict[str, str]:
        """The files that are compared: all but what is copied."""
        return {path: text for path, text in self.files.items() if not path.startswith(_COPIED)}


def make(case: str) -> Golden:
    """Generates a case, and writes nothing."""
    config = load_config(FOLDER / case / "pyproject.toml")
    return Golden(config, generate(config).files)


def differences(golden: Golden) -> Iterator[str]:
    """What differs between what is kept and what is generated, as lines of a diff."""
    new = golden.kept()
    old = {
        path.relative_to(golden.config.output).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(golden.config.output.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }
    for path in sorted({*old, *new}):
        before, after = (text.get(path, "").splitlines(keepends=True) for text in (old, new))
        yield from difflib.unified_diff(before, after, f"kept/{path}", f"generated/{path}")


def update(golden: Golden) -> None:
    """Keeps what is generated now."""
    folder = golden.config.output
    for path in sorted(folder.rglob("*"), reverse=True) if folder.exists() else ():
        if path.is_file():
            path.unlink()
        else:
            path.rmdir()
    for name, text in golden.kept().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
