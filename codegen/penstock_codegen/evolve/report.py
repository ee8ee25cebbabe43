"""The changes as a table for a terminal, as Markdown for a pull request, as JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from ..diagnostics import printable
from .rules import Change, Level, bump

Form = Literal["text", "json", "markdown"]

_TITLES = {
    Level.BREAKING: "Breaking",
    Level.DANGEROUS: "Dangerous",
    Level.SAFE: "Safe",
}
_BUMPS = {
    "major": "A major release: programs written against the old package may fail.",
    "minor": "A minor release: nothing breaks.",
    "patch": "A patch release: users of the package see no difference.",
}


def render(changes: Sequence[Change], form: Form) -> str:
    """The report, with the step of the version that the changes ask for."""
    if form == "json":
        return _json(changes)
    return _markdown(changes) if form == "markdown" else _text(changes)


def counts(changes: Sequence[Change]) -> dict[Level, int]:
    """How many there are of each level."""
    return {level: sum(item.level is level for item in changes) for level in Level}


def _summary(changes: Sequence[Change]) -> str:
    told = [f"{count} {level}" for level, count in counts(changes).items() if count]
    return f"{', '.join(told) if told else 'no change'}. {_BUMPS[bump(changes)]}"


def _text(changes: Sequence[Change]) -> str:
    width = min(44, max((len(item.what) for item in changes), default=0))
    lines = []
    for level in Level:
        chosen = [item for item in changes if item.level is level]
        if not chosen:
            continue
        lines.append(f"{_TITLES[level]}")
        for item in chosen:
            lines.append(printable(f"  {item.what.ljust(width)}  {item.message}"))
            if item.hint:
                lines.append(printable(f"  {' ' * width}  {item.hint}"))
        lines.append("")
    summary = _summary(changes)
    return "\n".join([*lines, summary[:1].upper() + summary[1:]])


def _markdown(changes: Sequence[Change]) -> str:
    summary = _summary(changes)
    lines = [f"**{summary[:1].upper()}{summary[1:]}**"]
    for level in Level:
        chosen = [item for item in changes if item.level is level]
        if not chosen:
            continue
        rows = [
            f"| `{_cell(item.what)}` | {_cell(item.message)} {_cell(item.hint)} |".replace("  |", " |")
            for item in chosen
        ]
        table = "\n".join(["| | |", "| --- | --- |", *rows])
        if level is Level.SAFE:
            # What nobody has to act on is folded away.
            table = f"<details><summary>{len(chosen)} safe</summary>\n\n{table}\n\n</details>"
            lines.append(table)
        else:
            lines.append(f"#### {_TITLES[level]}\n\n{table}")
    return "\n\n".join(lines)


def _cell(text: str) -> str:
    """Text that can neither end a cell nor be markup: the schema's author wrote parts of it."""
    shown = printable(text)
    for mark, escaped in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("`", "'"), ("@", "@\u200b")):
        shown = shown.replace(mark, escaped)
    return shown


def _json(changes: Sequence[Change]) -> str:
    return json.dumps(
        {
            "bump": bump(changes),
            "counts": {str(level): count for level, count in counts(changes).items()},
            "changes": [
                {
                    "what": item.what,
                    "level": str(item.level),
                    "rule": item.rule,
                    "message": item.message,
                    "hint": item.hint,
                }
                for item in changes
            ],
        },
        indent=2,
        ensure_ascii=False,
    )
