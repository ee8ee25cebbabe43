"""`penstock generate`: from the command line to the pipeline and back, with messages for a person or for a program."""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .diagnostics import Format, GenerationError, RenderError, render

if TYPE_CHECKING:
    from .config import Config
    from .generate import Generated
    from .write import Change

DONE, FOUND, WRONG = 0, 1, 2


def parser() -> argparse.ArgumentParser:
    """The arguments of `penstock generate`."""
    made = argparse.ArgumentParser(
        prog="penstock generate",
        description="Generate a typed package from a GraphQL schema and a folder of operations.",
        epilog="Exit codes: 0 done, 1 --check found drift, 2 wrong input (nothing was written).",
    )
    made.add_argument(
        "--config", metavar="FILE", type=Path, help="the configuration; default: pyproject.toml here or above"
    )
    made.add_argument(
        "--api", metavar="NAME", default="", help="one of the APIs that the configuration has; default: all"
    )
    made.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit 1 and show the difference where the package is not current",
    )
    made.add_argument(
        "--format", choices=("text", "json", "github"), default="text", help="how errors and results are told"
    )
    made.add_argument(
        "--no-cache",
        action="store_true",
        help="take nothing from earlier runs, and keep nothing for later ones",
    )
    made.add_argument(
        "--manifest",
        metavar="FILE",
        type=Path,
        help="write the operations by their hashes, too, for a server's allow-list",
    )
    made.add_argument(
        "--watch",
        action="store_true",
        help="go on, and generate again whenever a source changes, until Ctrl-C",
    )
    made.add_argument(
        "--plugins",
        nargs="?",
        const="once",
        choices=("once", "always", "no"),
        help="run the plugins that the configuration names: this once, or always while their code is as it is",
    )
    made.add_argument(
        "--traceback", action="store_true", help="show where the error of a plugin or a template comes from"
    )
    made.add_argument("--quiet", action="store_true", help="say nothing where all is well")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `penstock generate` and gives its exit code."""
    options = parser().parse_args(arguments)
    if options.watch:
        if options.check:
            print("--watch writes and --check does not; choose one.", file=sys.stderr)
            return WRONG
        from .watch import watch

        return watch(options.config, lambda: run(options))
    return run(options)


def run(options: argparse.Namespace) -> int:
    """Generates, or checks, once. Gives the exit code."""
    form: Format = options.format
    started = time.perf_counter()
    from .cache import Cache, default_folder
    from .config import find_config, load_configs
    from .plugins import allowed_by

    try:
        plugins = allowed_by(options.plugins)
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG
    try:
        configs = load_configs(options.config or find_config(Path.cwd()), options.api)
        from .generate import generate

        cache = None if options.no_cache else Cache(default_folder())
        # All are generated before any is written.
        found = _each(configs, lambda config: generate(config, cache, plugins=plugins))
    except GenerationError as error:
        if options.traceback and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        print(render(error.diagnostics, form), file=sys.stderr)
        if form == "text":
            count = len(error.diagnostics)
            print(f"\n{count} error{'s' if count > 1 else ''}; nothing was written.", file=sys.stderr)
        return WRONG
    except RenderError as error:
        print(
            f"{error}\nThis is a mistake in the generator: please report it. Nothing was written.",
            file=sys.stderr,
        )
        return WRONG
    if options.manifest and len(found) > 1:
        print("--manifest is one API's file: name the API with --api, too.", file=sys.stderr)
        return WRONG
    reports: dict[str, dict[str, Any]] = {}
    code = DONE
    for config, generated in found:
        done = _finish(config, generated, options, started, reports)
        if done == WRONG:
            return WRONG
        code = max(code, done)
    if form == "json":
        print(json.dumps({"apis": reports} if len(found) > 1 else next(iter(reports.values())), indent=2))
    return code


def _each(configs: Sequence[Config], run: Callable[[Config], Generated]) -> list[tuple[Config, Generated]]:
    """What is generated for each. Raises `GenerationError` with what is wrong with all of them."""
    found: list[tuple[Config, Generated]] = []
    errors: list[GenerationError] = []
    for config in configs:
        try:
            found.append((config, run(config)))
        except GenerationError as error:
            errors.append(error)
    if errors:
        # What they share is told once.
        told = dict.fromkeys(item for error in errors for item in error.diagnostics)
        raise GenerationError(list(told)) from errors[0].__cause__
    return found


def _finish(
    config: Config,
    generated: Generated,
    options: argparse.Namespace,
    started: float,
    reports: dict[str, dict[str, Any]],
) -> int:
    """Writes what was generated for one API, or compares it, and tells about it. Gives the exit code."""
    form: Format = options.format
    if generated.warnings and not (options.quiet and form == "text"):
        print(render(generated.warnings, form), file=sys.stderr)
    from .write import WriteError, compare, write

    try:
        changes = (
            compare(config.output, generated.files)
            if options.check
            else write(config.output, generated.files)
        )
    except WriteError as error:
        print(error, file=sys.stderr)
        return WRONG
    manifest = options.manifest or config.manifest
    try:
        drifted = manifest is not None and _manifest(manifest, generated.manifest, check=options.check)
    except OSError as error:
        print(f"{manifest}: The manifest cannot be written: {error.strerror}.", file=sys.stderr)
        return WRONG
    seconds = time.perf_counter() - started
    if form == "json":
        reports[config.api] = _report(changes, len(generated.files), seconds, check=options.check)
    elif options.check and changes:
        _show_drift(changes, config.package, form)
    elif not options.quiet:
        print(_summary(changes, generated.resources, generated.methods, config.package, seconds))
    if drifted and options.check:
        print(
            f"{manifest} does not hold the operations as they are. Run `penstock generate`.", file=sys.stderr
        )
    return FOUND if options.check and (changes or drifted) else DONE


def _manifest(file: Path, text: str, *, check: bool) -> bool:
    """Writes the manifest, or with `check` only looks. Gives whether it was not current."""
    from .manifest import is_current, write_manifest

    return not is_current(file, text) if check else write_manifest(file, text)


def _report(changes: Sequence[Change], files: int, seconds: float, *, check: bool) -> dict[str, Any]:
    return {
        "files": files,
        "seconds": round(seconds, 3),
        "written": not check and bool(changes),
        "changes": [{"path": change.path, "kind": change.kind} for change in changes],
    }


def _summary(changes: Sequence[Change], resources: int, methods: int, package: str, seconds: float) -> str:
    what = f"{package}: {resources} resources, {methods} methods"
    if not changes:
        return f"{what}; no change ({seconds:.2f} s)."
    counts = {
        kind: sum(change.kind == kind for change in changes) for kind in ("added", "changed", "removed")
    }
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    return f"{what}; files: {told} ({seconds:.2f} s)."


def _show_drift(changes: Sequence[Change], package: str, form: Format) -> None:
    from .write import render_diff

    print(render_diff(changes, colour=sys.stdout.isatty()))
    # GitHub shows what begins so beside the job.
    mark = "::error::" if form == "github" else ""
    print(
        f"{mark}{package} is not what the schema, the queries and this generator give: {len(changes)} "
        f"file{'s differ' if len(changes) > 1 else ' differs'}. Run `penstock generate` and commit the result.",
        file=sys.stderr,
    )


if __name__ == "__main__":
    sys.exit(main())
