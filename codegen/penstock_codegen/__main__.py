"""`python -m penstock_codegen`: the generator without the SDK it was made for. Without a command, it generates."""

import sys
from importlib import import_module

# Each is imported when it is called.
COMMANDS = {
    "generate": "cli",
    "init": "init",
    "scaffold": "scaffold.cli",
    "diff": "evolve.cli",
}


def main() -> int:
    """Runs the command that the arguments name, and gives its exit code: 0 done, 1 found, 2 wrong input."""
    name, *rest = sys.argv[1:] or ["generate"]
    if name not in COMMANDS:
        if not name.startswith("-"):
            print(f'There is no command "{name}". The commands are {", ".join(COMMANDS)}.', file=sys.stderr)
            return 2
        name, rest = "generate", [name, *rest]
    result: int = import_module(f"{__package__}.{COMMANDS[name]}").main(rest)
    return result


if __name__ == "__main__":
    sys.exit(main())
