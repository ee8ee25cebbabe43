"""`penstock migrate PATH…`: shows what would change, or writes it; offline."""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from penstock.migrate.finding import ask_type_checker
from penstock.migrate.rewriting import Rewritten, rewrite

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)

WRONG_INPUT = 2
_PASSED_OVER = {".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", "site-packages"}


@dataclass(frozen=True)
class Script:
    """A file as it was read: its text, and how it is encoded."""

    path: Path
    text: str
    encoding: str


@app.command()
def migrate(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Files, or folders to search for *.py.")
    ],
    write: Annotated[
        bool, typer.Option("--write/--diff", help="Write the files, or show what would change.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 if anything would change; for CI.")
    ] = False,
    type_checker: Annotated[
        bool,
        typer.Option(
            "--type-checker/--no-type-checker", help="Ask mypy which calls are old, where it is installed."
        ),
    ] = True,
) -> None:
    """Rewrite scripts of the old flat client to client.OBJECT.ACTION.

    Shows a diff; --write changes the files. What cannot be decided is marked with a comment and listed with its place and the reason.
    """
    scripts, problems = _read(paths)
    # Only what mentions the client is worth the type checker's time.
    relevant = [item for item in scripts if "penstock" in item.text or "prefect" in item.text]
    reported = (
        ask_type_checker([item.path for item in relevant if "penstock" in item.text]) if type_checker else {}
    )
    count = changed = 0
    remarks: list[str] = []
    for script in relevant:
        try:
            result = rewrite(script.text, reported.get(script.path.resolve()))
        except (SyntaxError, ValueError, RecursionError) as error:
            line = getattr(error, "lineno", None) or 1
            problems.append(
                f"{script.path}:{line}: it is no Python that can be read: {getattr(error, 'msg', error)}."
            )
            continue
        count += result.count
        remarks += _shown(script.path, result)
        if result.text == script.text:
            continue
        changed += 1
        if write:
            problems += _write(script, result.text)
        else:
            _print_diff(script, result.text)
    for line in [*remarks, *problems]:
        typer.echo(line, err=True)
    done = "were rewritten" if write else "can be rewritten; --write does it"
    typer.echo(f"{count} calls {done}, in {changed} of {len(scripts)} files.", err=True)
    if problems:
        raise typer.Exit(WRONG_INPUT)
    if check and changed:
        raise typer.Exit(1)


def _read(paths: Sequence[Path]) -> tuple[list[Script], list[str]]:
    import tokenize

    scripts: list[Script] = []
    problems: list[str] = []
    for path in _files(paths):
        try:
            with path.open("rb") as file:
                # As Python reads it: by its byte order mark or its coding line.
                encoding, _ = tokenize.detect_encoding(file.readline)
                file.seek(0)
                scripts.append(Script(path, file.read().decode(encoding), encoding))
        except (OSError, SyntaxError, UnicodeDecodeError, LookupError) as error:
            problems.append(f"{path}: it cannot be read: {getattr(error, 'strerror', None) or error}.")
    return scripts, problems


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
                yield from (Path(folder) / name for name in sorted(names) if name.endswith(".py"))
        else:
            yield path


def _shown(path: Path, result: Rewritten) -> list[str]:
    return [f"{path}:{remark.line}: {remark.text}" for remark in result.remarks]


def _print_diff(script: Script, text: str) -> None:
    lines = difflib.unified_diff(
        script.text.splitlines(keepends=True),
        text.splitlines(keepends=True),
        str(script.path),
        str(script.path),
    )
    for line in lines:
        sys.stdout.write(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")


def _write(script: Script, text: str) -> list[str]:
    """Replaces the file in one step, with the permissions that it has. Gives what went wrong."""
    target = script.path.resolve()
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode(script.encoding))
            Path(temporary).chmod(target.stat().st_mode)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except (OSError, UnicodeEncodeError) as error:
        return [f"{script.path}: it cannot be written: {getattr(error, 'strerror', None) or error}."]
    return []


def main(arguments: Sequence[str]) -> int:
    """Runs `penstock migrate`."""
    try:
        app(list(arguments), prog_name="penstock migrate")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return 0
