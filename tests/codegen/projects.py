"""Small projects for the generator's tests: a configuration, a schema and queries, written to a temporary folder."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from penstock_codegen.config import load_config
from penstock_codegen.generate import Generated, generate

CONFIG = """\
[tool.penstock]
schema = "schema.graphql"
queries = "queries"
output = "shop_api"
context = ["tenant_id"]

[tool.penstock.scalars]
UUID = { input = "uuid.UUID | str", output = "uuid.UUID" }
"""

SCHEMA = """\
scalar UUID

enum Color {
  RED
  GREEN
}

type Book {
  id: UUID!
  title: String!
  color: Color
  pages: Int
  author: Author!
  reviews(limit: Int, offset: Int): [Review!]!
}

type Author {
  id: UUID!
  name: String!
  books(limit: Int, offset: Int): [Book!]!
}

type Review {
  text: String
  stars: Int!
}

input BookInput {
  title: String!
  color: Color
}

type Payload {
  success: Boolean!
  error: String
  id: UUID
}

type Query {
  book(id: UUID!): Book
  books(tenant_id: UUID, limit: Int, offset: Int, title: String): [Book!]!
  author(id: UUID!): Author
}

type Mutation {
  create_book(input: BookInput!): Payload
  delete_book(id: UUID!): Payload
}
"""

QUERIES = {
    "book/fields.graphql": "fragment book_fields on Book {\n  id\n  title\n  author {\n    id\n    name\n  }\n}\n",
    "book/get.graphql": "query ($id: UUID!) {\n  book(id: $id) {\n    ...book_fields\n  }\n}\n",
    "book/list.graphql": (
        "query ($tenant_id: UUID, $title: String, $limit: Int, $offset: Int) {\n"
        "  books(tenant_id: $tenant_id, title: $title, limit: $limit, offset: $offset) {\n"
        "    ...book_fields\n  }\n}\n"
    ),
    "book/create.graphql": (
        "mutation ($title: String!, $color: Color) {\n"
        "  create_book(input: {title: $title, color: $color}) {\n    success\n    error\n"
        '    id @resource(name: "book")\n  }\n}\n'
    ),
    "book/delete.graphql": (
        "mutation ($id: UUID!) {\n  delete_book(id: $id) {\n    success\n    error\n  }\n}\n"
    ),
    "author/fields.graphql": "fragment author_fields on Author {\n  id\n  name\n}\n",
    "author/get.graphql": "query ($id: UUID!) {\n  author(id: $id) {\n    ...author_fields\n  }\n}\n",
}


def base_project() -> dict[str, str]:
    """The files of a project that generates without a word: path → text."""
    return {
        "pyproject.toml": CONFIG,
        "schema.graphql": SCHEMA,
        **{f"queries/{path}": text for path, text in QUERIES.items()},
    }


def write_project(root: Path, files: Mapping[str, str | bytes | None]) -> Path:
    """Writes files below `root` (None leaves a file out) and gives `root`."""
    for path, text in files.items():
        if text is None:
            continue
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def generate_project(root: Path) -> Generated:
    """Runs the pipeline over a project on disk, and writes nothing."""
    return generate(load_config(root / "pyproject.toml"))


def write_package(folder: Path, files: Mapping[str, str]) -> Path:
    """Writes a package's files, without the care that the generator takes: for a folder that nobody else sees."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


@contextmanager
def imported(parent: Path, name: str) -> Iterator[ModuleType]:
    """Imports the package `name` from a folder, and forgets it afterwards."""
    assert name not in sys.modules, f"{name} is imported already"
    sys.path.insert(0, str(parent))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(parent))
        for module in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
            del sys.modules[module]
