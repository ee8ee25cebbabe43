"""The command line: a table of commands, each imported when it is called, so that help and completion wait for none of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True, slots=True)
class Command:
    """A command, where it is, what it needs, and the line that help shows.

    `target` is `module:function`; the function takes the arguments behind the command's name and gives the exit code.
    """

    name: str
    target: str
    extra: str
    needs: tuple[str, ...]
    help: str


COMMANDS = (
    Command(
        "init",
        "penstock_codegen.init:main",
        "codegen",
        ("graphql",),
        "Configure a typed package for a GraphQL API.",
    ),
    Command(
        "scaffold",
        "penstock_codegen.scaffold.cli:main",
        "codegen",
        ("ariadne_codegen", "graphql"),
        "Write the queries that a schema calls for.",
    ),
    Command(
        "generate",
        "penstock_codegen.cli:main",
        "codegen",
        ("ariadne_codegen", "jinja2", "rich"),
        "Generate the typed package from the schema and the queries.",
    ),
    Command(
        "server",
        "penstock.cli.server:main",
        "server",
        ("typer", "starlette", "uvicorn", "sqlalchemy", "ariadne"),
        "Run a local API server, and keep its database.",
    ),
    Command(
        "pack",
        "penstock.packs.cli:main",
        "cli",
        ("typer",),
        "Run and describe flyte packs.",
    ),
    Command(
        "agent",
        "penstock.cli.agent:main",
        "agent",
        ("typer", "cloudpickle", "fsspec"),
        "Take the flow runs that are due, and execute them.",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `penstock` with arguments (those of the process where None) and gives the exit code: 0 done, 1 found, 2 wrong input."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if given[0] in ("-V", "--version"):
        from penstock import __version__

        print(f"penstock {__version__}")
        return 0
    name, *rest = given
    command = next((item for item in COMMANDS if item.name == name), None)
    if command is None:
        return _unknown(name)
    missing = [module for module in command.needs if find_spec(module) is None]
    if missing:
        print(
            f"penstock {name} needs {', '.join(missing)}, which are not installed. Run: pip install 'penstock[{command.extra}]'",
            file=sys.stderr,
        )
        return 2
    from importlib import import_module

    module, _, function = command.target.partition(":")
    try:
        result: int = getattr(import_module(module), function)(rest)
    except KeyboardInterrupt:
        return 130
    return result


def usage() -> str:
    """What `penstock --help` shows."""
    width = max(len(item.name) for item in COMMANDS)
    rows = [f"  {item.name.ljust(width)}  {item.help}" for item in COMMANDS]
    return "\n".join(
        [
            "Usage: penstock COMMAND [ARGUMENTS]",
            "",
            "Commands:",
            *rows,
            "",
            "penstock COMMAND --help shows a command's arguments. Exit codes: 0 done, 1 drift or a breaking change found, 2 wrong input.",
        ]
    )


def _unknown(name: str) -> int:
    from difflib import get_close_matches

    near = get_close_matches(name, [item.name for item in COMMANDS], 1)
    hint = f' Did you mean "{near[0]}"?' if near else " penstock --help lists the commands."
    print(f'There is no command "{name}".{hint}', file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
