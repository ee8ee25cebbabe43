"""`penstock scaffold`: from the command line to files under the queries, with a list of what has no place."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..diagnostics import GenerationError, printable, render

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from ..config import Config
    from .files import Scaffolded

DONE, WRONG = 0, 2
_SHOWN = 20


def parser() -> argparse.ArgumentParser:
    """The arguments of `penstock scaffold`."""
    made = argparse.ArgumentParser(
        prog="penstock scaffold",
        description="Write the queries that a schema calls for: a folder for each resource, a file for each method.",
        epilog="Files that exist are left as they are. Exit codes: 0 done, 2 wrong input (nothing was written).",
    )
    made.add_argument(
        "--config", metavar="FILE", type=Path, help="the configuration; default: pyproject.toml here or above"
    )
    made.add_argument("--api", metavar="NAME", default="", help="one of the APIs that the configuration has")
    made.add_argument(
        "--resource",
        metavar="TYPE",
        action="append",
        default=[],
        help="write only what has to do with this object type; may be given several times",
    )
    made.add_argument(
        "--all",
        action="store_true",
        help="make a resource of every type that can be found, also where nothing acts on it",
    )
    made.add_argument("--force", action="store_true", help="replace files that exist")
    made.add_argument("--dry-run", action="store_true", help="write nothing; say what would be written")
    made.add_argument("--format", choices=("text", "json"), default="text", help="how results are told")
    made.add_argument(
        "--verbose", action="store_true", help="list everything that has no place, not only the first"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `penstock scaffold` and gives its exit code."""
    options = parser().parse_args(arguments)
    from ..config import find_config, load_config
    from ..diagnostics import Problems

    try:
        config = load_config(options.config or find_config(Path.cwd()), options.api)
        from ..schema import load_schema
        from ..sdl import read_schema_text
        from .files import scaffold, write_files

        problems = Problems()
        schema = load_schema(read_schema_text(config, problems), problems)
        _propose_errors(config, schema)
        done = scaffold(config, schema, only=options.resource, everything=options.all, force=options.force)
    except GenerationError as error:
        print(render(error.diagnostics, "json" if options.format == "json" else "text"), file=sys.stderr)
        return WRONG
    if not options.dry_run:
        try:
            write_files(config.queries, done.files)
        except OSError as error:
            print(f"The queries cannot be written: {error.strerror}: {error.filename}.", file=sys.stderr)
            return WRONG
    if options.format == "json":
        print(json.dumps(_report(done, written=not options.dry_run), indent=2))
    else:
        print(_summary(done, written=not options.dry_run, everything=options.verbose))
    return DONE


def _propose_errors(config: Config, schema: GraphQLSchema) -> None:
    """Says what the configuration could say of errors as data, where it says nothing and the defaults do not cover it."""
    from ..config import ErrorFields
    from ..failures import matches
    from .detection import seen_errors

    default = ErrorFields()
    if config.errors != default:
        return
    seen = seen_errors(schema)
    if all(
        name in getattr(default, key) or matches(name, getattr(default, key))
        for key, names in seen.items()
        for name in names
    ):
        return
    lines = [
        f"{config.file.name}: The mutations of this schema seem to carry errors as data. To have them raised:"
    ]
    lines += ["", "    [tool.penstock.errors]"]
    lines += [f"    {key} = {json.dumps(names)}" for key, names in seen.items()]
    print("\n".join(map(printable, lines)), file=sys.stderr)


def _report(done: Scaffolded, *, written: bool) -> dict[str, object]:
    return {
        "written": written,
        "files": list(done.files),
        "kept": list(done.kept),
        "unplaced": [{"what": item.what, "why": item.why} for item in done.unplaced],
    }


def _summary(done: Scaffolded, *, written: bool, everything: bool) -> str:
    folders = {path.partition("/")[0] for path in done.files if path.endswith("/get.graphql")}
    operations = sum(not path.endswith("/fields.graphql") for path in done.files)
    verb = "Wrote" if written else "Would write"
    lines = [f"{verb} {len(done.files)} files: {len(folders)} resources, {operations} operations."]
    if done.kept:
        lines.append(f"{len(done.kept)} were there and are as they were; --force replaces them.")
    if done.unplaced:
        shown = done.unplaced if everything else done.unplaced[:_SHOWN]
        lines.append(f"{len(done.unplaced)} have no place:")
        lines += [f"  {printable(item.what)}: {printable(item.why)}" for item in shown]
        if len(shown) < len(done.unplaced):
            lines.append(f"  and {len(done.unplaced) - len(shown)} more; --verbose lists them.")
    if written and done.files:
        lines.append("Next: penstock generate.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
