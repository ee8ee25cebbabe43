"""What the commands share: a client, tables or JSON, and errors as one sentence with an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from uuid import UUID

import typer

from penstock.client import Client
from penstock.settings import SettingsError
from penstock_api import AuthenticationError, ClientError, MissingContext, NotFound

if TYPE_CHECKING:
    from rich.console import Console

FOUND = 1
"""The exit code where the API refuses, cannot be reached, or a run that was watched did not succeed."""

WRONG_INPUT = 2
"""The exit code where the command was given something that cannot be: an unknown id, a broken file, a bad option."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Limit = Annotated[int, typer.Option("--limit", "-l", min=1, help="How many to show at most.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def new_app(name: str, help: str) -> typer.Typer:
    """A family of commands."""
    # Locals may hold keys: no pretty tracebacks. Completion is the whole program's, not each family's.
    return typer.Typer(
        name=name, help=help, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
    )


def run_app(app: typer.Typer, arguments: Sequence[str], name: str) -> int:
    """Runs a family of commands and gives the exit code."""
    try:
        with sentences():
            app(list(arguments), prog_name=f"penstock {name}")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except typer.Exit as stop:
        return stop.exit_code
    return 0


@contextmanager
def sentences() -> Iterator[None]:
    """Turns what the API or the settings raise into a sentence on stderr and an exit code."""
    try:
        yield
    except (SettingsError, NotFound) as error:
        fail(str(error))
    except MissingContext:
        fail(
            "There are several tenants: choose one with `penstock tenant switch SLUG`, or set PENSTOCK_TENANT_ID."
        )
    except AuthenticationError as error:
        fail(f"{error} Log in with `penstock auth login`, or set PENSTOCK_API_KEY.", FOUND)
    except ClientError as error:
        fail(str(error), FOUND)
    except BrokenPipeError:
        # Whoever reads has seen enough. Nothing more can be said to them, at exit neither.
        sys.stdout = None
        raise typer.Exit(0) from None
    except ValueError as error:
        fail(str(error))


def fail(message: str, code: int = WRONG_INPUT) -> NoReturn:
    """Says what is wrong, and ends the command."""
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(code) from None


def say(message: str) -> None:
    """Tells what happened; stdout is left to what was asked for."""
    typer.echo(message, err=True)


@contextmanager
def connected() -> Iterator[Client]:
    """A client with the settings of the environment and the profile."""
    with Client() as client:
        yield client


def console() -> Console:
    """Where tables are drawn: as wide as the terminal, and as wide as it takes where there is none."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 10_000
    return Console(width=width, highlight=False, soft_wrap=not sys.stdout.isatty())


def print_json(value: Any) -> None:
    """Prints JSON."""
    from pydantic_core import to_jsonable_python

    typer.echo(json.dumps(to_jsonable_python(value, fallback=str), indent=2, ensure_ascii=False))


def show(handle: object, as_json: bool) -> None:
    """Prints an object: its fields, or its JSON."""
    values: dict[str, Any] = json.loads(str(handle))
    if as_json:
        print_json(values)
        return
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(name, cell(value))
    console().print(table)


Column = tuple[str, Callable[[Any], Any]]


def show_all(handles: Iterable[object], columns: Sequence[Column], as_json: bool) -> None:
    """Prints a list: a table of these columns, or the JSON of the whole objects."""
    if as_json:
        print_json([json.loads(str(handle)) for handle in handles])
        return
    print_table([[read(handle) for _, read in columns] for handle in handles], [name for name, _ in columns])


def print_table(rows: Sequence[Sequence[Any]], headings: Sequence[str]) -> None:
    """Prints rows under headings."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        # An id that is cut in the middle is of no use to anybody.
        table.add_column(heading, no_wrap=heading == "ID", overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console().print(table)
    if not rows:
        say("There are none.")


def cell(value: Any) -> Any:
    """A value as it stands in a table."""
    from rich.text import Text

    match value:
        case None:
            return ""
        case Text():
            return value
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        case UUID():
            return str(value)
        case Mapping() | list():
            # As text: what stands in brackets is no markup.
            return Text(json.dumps(value, ensure_ascii=False, default=str))
    return Text(str(value))


def state_text(state: str | None) -> Any:
    """A state's name in its colour."""
    from rich.text import Text

    from penstock.states import TYPES

    known = TYPES.get(state or "")
    return Text(state or "", style=known.color if known is not None else "")


def confirm(question: str, yes: bool) -> None:
    """Asks, unless `--yes` was given; without a terminal to ask on, it has to be."""
    if yes:
        return
    if not sys.stdin.isatty():
        fail(f"{question} There is nobody to ask: give --yes.")
    typer.confirm(question, abort=True, err=True)
