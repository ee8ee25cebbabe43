"""What is there already, whether what is planned would generate, and writing it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from .. import names
from ..config import Config
from ..diagnostics import Diagnostic, GenerationError, Problems
from .plan import Existing, Unplaced, plan

# Each pass drops every file that an error was told at; what is left after so many is told as it is.
_PASSES = 8


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """What was planned: the files to write, those that are there and stay as they are, and what has no place."""

    files: Mapping[str, str]
    kept: tuple[str, ...]
    unplaced: tuple[Unplaced, ...]


def scaffold(
    config: Config,
    schema: GraphQLSchema,
    *,
    only: Iterable[str] = (),
    everything: bool = False,
    force: bool = False,
) -> Scaffolded:
    """The files that a schema calls for and that the queries do not have, each of which generates.

    With `force`, files of the same path are replaced; without, what the queries use already is left out. Raises `GenerationError` where
    the queries that are there do not generate themselves.
    """
    existing = Existing() if force else read_existing(config)
    planned = plan(schema, config, existing, only=only, everything=everything)
    present = {path for path in planned.files if (config.queries / path).exists()}
    kept = () if force else tuple(sorted(present))
    files = {path: text for path, text in planned.files.items() if path not in kept}
    good, dropped = _verified(config, schema, files)
    return Scaffolded(good, kept, (*planned.unplaced, *dropped))


def read_existing(config: Config) -> Existing:
    """What the queries hold, as far as it can be read: what cannot is told by `generate`."""
    folders: dict[str, tuple[str, str]] = {}
    fields: set[str] = set()
    full: set[str] = set()
    for path in sorted(config.queries.rglob("*.graphql")) if config.queries.is_dir() else ():
        try:
            document = parse(path.read_text(encoding="utf-8-sig"), no_location=True)
        except (OSError, UnicodeDecodeError, GraphQLSyntaxError, RecursionError):
            continue
        folder = "_".join(path.relative_to(config.queries).parts[:-1])
        for node in document.definitions:
            if isinstance(node, FragmentDefinitionNode):
                if folder and path.name == "fields.graphql":
                    folders.setdefault(node.type_condition.name.value, (folder, node.name.value))
            elif isinstance(node, OperationDefinitionNode):
                given = node.name.value if node.name and not folder else path.stem
                full.add(
                    names.identifier(f"{folder}_{names.snake(path.stem)}" if folder else names.snake(given))
                )
                for item in node.selection_set.selections:
                    if isinstance(item, FieldNode):
                        fields.add(f"{node.operation.value}.{item.name.value}")
                        fields |= {f"{folder}.{name}" for name in _below(item.selection_set)}
    return Existing(folders, frozenset(fields), frozenset(full))


def _below(selection_set: SelectionSetNode | None) -> Iterator[str]:
    """The fields of a selection set, through inline fragments."""
    for item in selection_set.selections if selection_set else ():
        if isinstance(item, FieldNode):
            yield item.name.value
        elif isinstance(item, InlineFragmentNode):
            yield from _below(item.selection_set)


def _verified(
    config: Config, schema: GraphQLSchema, files: Mapping[str, str]
) -> tuple[dict[str, str], list[Unplaced]]:
    """The files with which the queries generate, and what was dropped, each with the sentence that says why."""
    from ..operations import load_queries
    from ..resources import build_package

    left = dict(files)
    dropped: list[Unplaced] = []
    with tempfile.TemporaryDirectory() as name:
        queries = Path(name) / "queries"
        if config.queries.is_dir():
            shutil.copytree(config.queries, queries)
        write_files(queries, left)
        # Paths in messages are as the user would see them.
        trial = replace(config, queries=queries, root=Path(name))
        for _ in range(_PASSES):
            try:
                if left:
                    problems = Problems()
                    build_package(trial, schema, load_queries(trial, schema, problems), problems)
                    problems.stop_if_any()
                return left, dropped
            except GenerationError as error:
                wrong = {path: said for said in error.diagnostics for path in _blamed(said, left, queries)}
                if not wrong:
                    raise
                for path, said in wrong.items():
                    # Without its fields or its lookup, the whole folder is none.
                    folder = path.rpartition("/")[0]
                    whole = folder and path.rpartition("/")[2] in ("fields.graphql", "get.graphql")
                    for each in [
                        item for item in left if item == path or (whole and item.startswith(f"{folder}/"))
                    ]:
                        del left[each]
                        (queries / each).unlink()
                        dropped.append(Unplaced(each, said.message))
        return left, dropped


def _blamed(said: Diagnostic, files: Mapping[str, str], queries: Path) -> list[str]:
    """The planned files that an error is about: the one it was told at, else those that it names."""
    place = said.path.removeprefix("queries/")
    if place in files:
        return [place]
    named = [path for path in files if path in said.message or f"queries/{path}" in said.message]
    if named:
        return named[-1:]
    folders = {path.partition("/")[0] for path in files if "/" in path}
    return [
        f"{folder}/fields.graphql"
        for folder in sorted(folders)
        if f"the folder {folder} " in f"{said.message} " and f"{folder}/fields.graphql" in files
    ][-1:]


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files below a folder; each is whole or not there."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(f".{target.name}.new")
        new.write_text(text, encoding="utf-8", newline="\n")
        new.replace(target)
