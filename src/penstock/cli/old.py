"""The old command line's spellings: each says what to type today, and does it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OldSpelling:
    """What was typed, what is typed today, and options that were spelled otherwise (empty: what follows stands alone today)."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()


_LIST = (("-n", "--name"), ("-l", "--limit"), ("-p", "--project"))
_OF_FLOW = (("-l", "--limit"), ("-fn", "--flow"), ("--flow-name", "--flow"))
# What was an option stands alone today.
_BY_ID = (("-i", ""), ("--id", ""))
_RUN_OPTIONS = (
    *(("-n", "--name"), ("-p", "--project"), ("-v", "--version"), ("-rn", "--run-name")),
    *(("-pf", "--parameters-file"), ("-ps", "--parameters-string"), ("-w", "--watch"), ("-l", "--logs")),
    ("--id", ""),
)

SPELLINGS = (
    OldSpelling(("get", "flows"), ("flow", "list"), (*_LIST, ("--all-versions", "--archived"))),
    OldSpelling(("get", "projects"), ("project", "list"), _LIST),
    OldSpelling(("get", "flow-runs"), ("flow-run", "list"), _OF_FLOW),
    OldSpelling(("get", "tasks"), ("task", "list"), _OF_FLOW),
    OldSpelling(("get", "logs"), ("flow-run", "logs"), _BY_ID),
    OldSpelling(("describe", "flows"), ("flow", "show"), _LIST),
    OldSpelling(("describe", "flow-runs"), ("flow-run", "show"), _BY_ID),
    OldSpelling(("describe", "tasks"), ("task", "list", "--json"), (("-n", "--flow"), ("--name", "--flow"))),
    OldSpelling(("create", "project"), ("project", "create"), (("-d", "--description"),)),
    OldSpelling(("run", "cloud"), ("flow", "run"), _RUN_OPTIONS),
    OldSpelling(("run", "flow"), ("flow", "run"), _RUN_OPTIONS),
    OldSpelling(("auth", "list-tenants"), ("tenant", "list")),
    OldSpelling(("auth", "switch-tenants"), ("tenant", "switch"), (("-s", ""), ("--slug", ""), ("--id", ""))),
)

# `run --id …` and `run --name …`, as 1.x had them.
_RUN = OldSpelling(("run",), ("flow", "run"), _RUN_OPTIONS)


def find(arguments: Sequence[str]) -> OldSpelling | None:
    """The old spelling that a command line begins with, if it is one."""
    given = tuple(arguments[:2])
    for spelling in SPELLINGS:
        if given == spelling.old:
            return spelling
    if given and given[0] == "run" and len(given) > 1 and given[1].startswith("-"):
        return _RUN
    return None


def translate(spelling: OldSpelling, arguments: Sequence[str]) -> list[str]:
    """The arguments as they are typed today."""
    names = dict(spelling.options)
    rest = arguments[len(spelling.old) :]
    translated = []
    for argument in rest:
        name, equals, value = argument.partition("=")
        # Only options are translated: a value may well look like an old option's name without its dashes.
        if name in names and name.startswith("-"):
            new = names[name]
            translated += [f"{new}={value}" if new else value] if equals else [new] if new else []
        else:
            translated.append(argument)
    return [*spelling.new, *translated]


def main(arguments: Sequence[str], name: str) -> int:
    """Runs an old command: `name` and what follows it."""
    from penstock.cli import main as run

    given = [name, *arguments]
    spelling = find(given)
    if spelling is None:
        known = [" ".join(item.old[1:]) for item in SPELLINGS if item.old[0] == name]
        says = {" ".join(item.old): " ".join(item.new) for item in SPELLINGS if item.old[0] == name}
        print(
            f"penstock {name} is an old spelling, followed by {', '.join(known)}. Today: "
            + "; ".join(f"`penstock {old}` is `penstock {new}`" for old, new in says.items())
            + ".",
            file=sys.stderr,
        )
        return 0 if {"-h", "--help"} & set(arguments) else 2
    print(
        f"penstock {' '.join(spelling.old)} is deprecated and goes with 1.0; type penstock {' '.join(spelling.new)}.",
        file=sys.stderr,
    )
    return run(translate(spelling, given))


def get(arguments: Sequence[str]) -> int:
    """`penstock get …`"""
    return main(arguments, "get")


def describe(arguments: Sequence[str]) -> int:
    """`penstock describe …`"""
    return main(arguments, "describe")


def create(arguments: Sequence[str]) -> int:
    """`penstock create …`"""
    return main(arguments, "create")


def run(arguments: Sequence[str]) -> int:
    """`penstock run …`"""
    return main(arguments, "run")


def execute(arguments: Sequence[str]) -> int:
    """`penstock execute …`"""
    print(
        "penstock execute cloud-flow is gone: the agent executes runs itself. Type penstock agent --help.",
        file=sys.stderr,
    )
    return 2
