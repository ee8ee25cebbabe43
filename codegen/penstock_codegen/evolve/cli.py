"""`penstock diff`: two sides from the command line, compared for those who use the SDK."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..diagnostics import GenerationError
from ..diagnostics import render as render_diagnostics

DONE, FOUND, WRONG = 0, 1, 2


def parser() -> argparse.ArgumentParser:
    """The arguments of `penstock diff`."""
    made = argparse.ArgumentParser(
        prog="penstock diff",
        description="What changes for users of the generated package, method by method, and which version that asks for.",
        epilog="A side is a project (its folder or configuration), REV: for this project at a git revision, or a schema (file or URL) "
        "with this project's operations. Exit codes: 0 nothing breaks, 1 something breaks, 2 wrong input.",
    )
    made.add_argument("old", help="what users have, such as main: or v1.2.0:")
    made.add_argument("new", nargs="?", help="what they would get; default: this project as it is")
    made.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="this project's configuration; default: pyproject.toml here or above",
    )
    made.add_argument("--api", metavar="NAME", default="", help="one of the APIs that the configuration has")
    made.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="how it is told")
    made.add_argument("--only-breaking", action="store_true", help="leave out what breaks nothing")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `penstock diff` and gives its exit code."""
    options = parser().parse_args(arguments)
    from ..config import find_config
    from .compare import compare
    from .report import render
    from .rules import Level, worst_first
    from .sides import side_of

    try:
        new = options.new or str(options.config or find_config(Path.cwd()))
        with (
            side_of(options.old, options.config, options.api) as before,
            side_of(new, options.config, options.api) as after,
        ):
            changes = worst_first(compare(before, after))
    except GenerationError as error:
        print(
            render_diagnostics(error.diagnostics, "json" if options.format == "json" else "text"),
            file=sys.stderr,
        )
        return WRONG
    breaking = any(item.level is Level.BREAKING for item in changes)
    if options.only_breaking:
        changes = tuple(item for item in changes if item.level is Level.BREAKING)
    print(render(changes, options.format))
    return FOUND if breaking else DONE


if __name__ == "__main__":
    sys.exit(main())
