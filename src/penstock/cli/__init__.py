"""The command line: a table of commands, each imported when it is called, so that help and completion wait for none of them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True, slots=True)
class Command:
    """A command, where it is, what it needs, and the line that help shows.

    `target` is `module:function`; the function takes the arguments behind the command's name and gives the exit code. Old spellings are
    `hidden`: they work, and help does not show them.
    """

    name: str
    target: str
    extra: str
    needs: tuple[str, ...]
    help: str
    hidden: bool = False


_CLI = ("typer", "rich")

COMMANDS = (
    Command("flow", "penstock.cli.flow:main", "cli", _CLI, "List, show, run, archive and delete flows."),
    Command(
        "flow-run",
        "penstock.cli.flow_run:main",
        "cli",
        _CLI,
        "List, show, cancel and watch flow runs, and read their logs.",
    ),
    Command("project", "penstock.cli.project:main", "cli", _CLI, "List, show, create and delete projects."),
    Command("task", "penstock.cli.task:main", "cli", _CLI, "List the tasks of flows."),
    Command(
        "tenant",
        "penstock.cli.tenant:main",
        "cli",
        _CLI,
        "List and create tenants, and choose one to work in.",
    ),
    Command("auth", "penstock.cli.auth:main", "cli", _CLI, "Log in and out, make and revoke API tokens."),
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
        "diff",
        "penstock_codegen.evolve.cli:main",
        "codegen",
        ("ariadne_codegen", "graphql"),
        "Tell what a change means to users of the package.",
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
    Command(
        "migrate",
        "penstock.migrate.cli:main",
        "migrate",
        ("libcst", "rich", "typer"),
        "Rewrite scripts of the old flat client.",
    ),
    Command(
        "completion",
        "penstock.cli.completion:main",
        "cli",
        (),
        "Print what a shell needs to complete commands.",
    ),
    Command("get", "penstock.cli.old:get", "cli", _CLI, "Old spelling of … list.", hidden=True),
    Command("describe", "penstock.cli.old:describe", "cli", _CLI, "Old spelling of … show.", hidden=True),
    Command("create", "penstock.cli.old:create", "cli", _CLI, "Old spelling of project create.", hidden=True),
    Command("run", "penstock.cli.old:run", "cli", _CLI, "Old spelling of flow run.", hidden=True),
    Command("execute", "penstock.cli.old:execute", "cli", (), "Gone: the agent executes runs.", hidden=True),
)


# Old spellings below a command that is still there.
_OLD_AUTH = ("list-tenants", "switch-tenants")


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
    if name == "auth" and rest and rest[0] in _OLD_AUTH:
        from penstock.cli import old

        return old.main(rest, name)
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
    if arguments is None:
        # The process ends here: what is left need not be looked through for circles before it goes.
        gc.freeze()
    return result


def usage() -> str:
    """What `penstock --help` shows."""
    shown = [item for item in COMMANDS if not item.hidden]
    width = max(len(item.name) for item in shown)
    rows = [f"  {item.name.ljust(width)}  {item.help}" for item in shown]
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

    near = get_close_matches(name, [item.name for item in COMMANDS if not item.hidden], 1)
    hint = f' Did you mean "{near[0]}"?' if near else " penstock --help lists the commands."
    print(f'There is no command "{name}".{hint}', file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
