"""Completion in the shell: `penstock completion bash` prints what the shell needs, which asks `penstock completion words …`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_SCRIPTS = {
    "bash": """\
_penstock_complete() {
    local IFS=$'\\n'
    COMPREPLY=($(penstock completion words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _penstock_complete penstock
""",
    "zsh": """\
#compdef penstock
_penstock_complete() {
    local -a found
    found=("${(@f)$(penstock completion words "${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")
    compadd -- $found
}
compdef _penstock_complete penstock
""",
    "fish": """\
function __penstock_complete
    set -l words (commandline -opc) (commandline -ct)
    penstock completion words $words[2..-1] 2>/dev/null
end
complete -c penstock -f -a '(__penstock_complete)'
""",
}

_WHERE = {
    "bash": '~/.bashrc:  eval "$(penstock completion bash)"',
    "zsh": '~/.zshrc:  eval "$(penstock completion zsh)"',
    "fish": "~/.config/fish/config.fish:  penstock completion fish | source",
}


def main(arguments: Sequence[str]) -> int:
    """Runs `penstock completion`."""
    match list(arguments):
        case ["words", *words]:
            print("\n".join(complete(words)))
            return 0
        case [shell] if shell in _SCRIPTS:
            print(_SCRIPTS[shell], end="")
            return 0
    print("Usage: penstock completion bash|zsh|fish\n\nPut a line into", file=sys.stderr)
    for line in _WHERE.values():
        print(f"  {line}", file=sys.stderr)
    return 0 if {"-h", "--help"} & set(arguments) else 2


def complete(words: Sequence[str]) -> list[str]:
    """What the last word, which may be empty, can become."""
    from penstock.cli import COMMANDS

    *before, last = words or [""]
    if not before:
        return sorted(item.name for item in COMMANDS if item.name.startswith(last) and not item.hidden)
    command = next((item for item in COMMANDS if item.name == before[0]), None)
    if command is None:
        return []
    found = _of_family(command.target.partition(":")[0], before[1:])
    return sorted(word for word in found if word.startswith(last))


def _of_family(module: str, before: Sequence[str]) -> list[str]:
    """The commands of a family, or the options of one of its commands."""
    from importlib import import_module

    try:
        app = getattr(import_module(module), "app", None)
    except ImportError:
        return []
    if app is None:
        return []
    import typer

    # What typer makes of an app has no public type.
    current: object = typer.main.get_command(app)
    for word in before:
        below = getattr(current, "commands", {})
        if word in below:
            current = below[word]
    commands = list(getattr(current, "commands", {}))
    options = [
        option
        for parameter in getattr(current, "params", [])
        for option in getattr(parameter, "opts", [])
        if option.startswith("--")
    ]
    return [*commands, *options, "--help"]
