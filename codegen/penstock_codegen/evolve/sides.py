"""The two sides of a comparison, from what the command line names: a project, a git revision, a schema."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .. import names
from ..config import Config, find_config, load_config
from ..diagnostics import Diagnostic, GenerationError, Problems
from .compare import Side

_SCHEMA_ENDINGS = (".graphql", ".graphqls", ".gql", ".json")
_CODE = "D001"


@contextmanager
def side_of(given: str, current: Path | None, api: str = "") -> Iterator[Side]:
    """The side that a word names.

    A folder or a TOML file is a project; `REV:` is this project at a git revision, `REV:path/to/pyproject.toml` another of the repository;
    a schema's file or URL stands for this project with that schema, in which operations that do not fit are left out and told.
    `current` is this project's configuration, where it was named, and `api` the one of several in it. Raises `GenerationError` where it
    cannot be had.
    """
    path = Path(given)
    if given.startswith(("http://", "https://")) or (given.endswith(_SCHEMA_ENDINGS) and path.exists()):
        config = load_config(current or find_config(Path.cwd()), api)
        schema = given if "://" in given else str(path.resolve())
        with tempfile.TemporaryDirectory() as folder:
            queries = Path(folder) / "queries"
            if config.queries.is_dir():
                shutil.copytree(config.queries, queries)
            yield _fitting(replace(config, schema=(schema,), queries=queries, root=Path(folder)))
    elif path.is_dir():
        yield _whole(load_config(path / "pyproject.toml", api))
    elif path.is_file():
        yield _whole(load_config(path, api))
    elif revision := re.fullmatch(r"([^:]+):(.*)", given):
        with tempfile.TemporaryDirectory() as folder:
            yield _whole(_at_revision(revision[1], revision[2], current, Path(folder), api))
    else:
        raise _refuse(given, "There is no such file or folder, and a git revision is followed by a colon.")


def _refuse(what: str, message: str) -> GenerationError:
    hint = "Name a project's folder, its pyproject.toml, a revision such as main:, or a schema."
    return GenerationError([Diagnostic(what, 0, 0, message, _CODE, hint)])


def _whole(config: Config) -> Side:
    return _side(config, Problems(), {})


def _side(config: Config, problems: Problems, unfit: dict[str, str]) -> Side:
    from ..operations import load_queries
    from ..resources import build_package
    from ..schema import load_schema
    from ..sdl import read_schema_text

    schema = load_schema(read_schema_text(config, problems), problems)
    package, models = build_package(config, schema, load_queries(config, schema, problems), problems)
    problems.stop_if_any()
    if config.plugins:
        # A side may be anybody's: its plugins do not run for a comparison.
        message = f"{config.file}: plugins do not run here; what they change is not compared."
        print(message, file=sys.stderr)
    classes = {item.name: item for each in models.modules.values() for item in each}
    return Side(package, classes, unfit)


def _fitting(config: Config) -> Side:
    """This project's queries with another schema: what does not fit is left out, and remembered with the reason."""
    unfit: dict[str, str] = {}
    while True:
        try:
            return _side(config, Problems(), unfit)
        except GenerationError as error:
            wrong = {
                said.path: said.message
                for said in error.diagnostics
                if said.path.startswith("queries/") and (config.root / said.path).exists()
            }
            if not wrong:
                raise
        for file, message in wrong.items():
            path = config.root / file
            place = path.relative_to(config.queries).with_suffix("")
            method = names.method_name(place.name)
            unfit["/".join((*place.parts[:-1], method))] = message
            path.unlink()
            # Without its fields or its lookup a folder is no resource: its methods go with it.
            if place.name in ("fields", "get") and len(place.parts) > 1:
                for other in sorted(path.parent.iterdir()):
                    unfit["/".join((*place.parts[:-1], names.method_name(other.stem)))] = message
                shutil.rmtree(path.parent)


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except OSError as error:
        raise _refuse("git", f"git cannot be run: {error.strerror}.") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise _refuse(
            " ".join(arguments[1:2]) or "git",
            f"git does not know this: {said[-1] if said else 'no reason given'}.",
        )
    return done.stdout


def _at_revision(revision: str, file: str, current: Path | None, folder: Path, api: str) -> Config:
    """The configuration of a revision, with its schema and queries, below a folder."""
    if revision.startswith("-"):
        raise _refuse(revision, "A revision does not start with a hyphen.")
    here = (current or find_config(Path.cwd())).resolve()
    top = Path(_git(here.parent, "rev-parse", "--show-toplevel").decode().strip())
    name = file or here.relative_to(top).as_posix()
    text = _git(top, "show", f"{revision}:{name}")
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text)
    config = load_config(target, api)
    present = _git(top, "ls-tree", "-r", "-z", "--name-only", revision).decode().split("\0")
    wanted = [item for item in present if _is_source(item, config, folder)]
    if wanted:
        archive = _git(
            top, "archive", "--format=tar", revision, "--", *(f":(literal){item}" for item in wanted)
        )
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
    return config


def _is_source(path: str, config: Config, folder: Path) -> bool:
    full = folder.resolve() / path
    if full.suffix in (".graphql", ".gql") and config.queries in full.parents:
        return True
    root = config.root.resolve()
    for entry in config.schema:
        if "://" in entry:
            continue
        if full == (root / entry).resolve():
            return True
        if (
            any(mark in entry for mark in "*?[")
            and root in full.parents
            and _matches(full.relative_to(root), entry)
        ):
            return True
    return False


def _matches(path: Path, pattern: str) -> bool:
    """Whether a path matches a glob in which `**` stands for any number of folders."""
    expression = (
        re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    )
    return re.fullmatch(expression, path.as_posix()) is not None
