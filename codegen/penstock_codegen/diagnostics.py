"""What is wrong with an input, as data: where, what, how to mend it. Collected, not raised one by one."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Format = Literal["text", "json", "github"]


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One thing that is wrong: `path:line:column: message`, with a remedy and a code that stays the same from release to release.

    Lines and columns count from 1; 0 stands for the whole file.
    """

    path: str
    line: int
    column: int
    message: str
    code: str
    hint: str = ""
    source: str = field(default="", compare=False)
    level: Literal["error", "warning"] = "error"

    @property
    def place(self) -> str:
        """`path:line:column`, as editors and terminals make a link of."""
        if not self.line:
            return self.path
        return f"{self.path}:{self.line}:{self.column}"

    def sentence(self) -> str:
        """Where, what and the remedy, on one line."""
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.place}: {self.message}{hint} [{self.code}]"

    def text(self) -> str:
        """The sentence, then the source line with a caret under the place."""
        lines = [self.sentence()]
        if self.source:
            lines += [f"    {self.source}", f"    {' ' * (self.column - 1)}^"]
        return "\n".join(map(printable, lines))


class GenerationError(Exception):
    """Generation cannot go on; `diagnostics` say why. Nothing was written."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("\n".join(diagnostic.sentence() for diagnostic in diagnostics))
        self.diagnostics = tuple(diagnostics)


class RenderError(Exception):
    """The formatter refused what was rendered: a mistake in the generator, not in its input."""


class Problems:
    """Collects diagnostics, so that one run tells all that is wrong."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}

    def add(self, diagnostic: Diagnostic) -> None:
        self._found.setdefault(diagnostic)

    @property
    def errors(self) -> list[Diagnostic]:
        return [diagnostic for diagnostic in self._found if diagnostic.level == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        return [diagnostic for diagnostic in self._found if diagnostic.level == "warning"]

    def stop_if_any(self) -> None:
        """Raises `GenerationError` with all errors found so far, in the order of their places."""
        if errors := self.errors:
            raise GenerationError(sorted(errors))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`Did you mean "name"?` where something known is near, else nothing."""
    near = difflib.get_close_matches(name, list(known), 1, 0.6)
    return f'Did you mean "{near[0]}"?' if near else ""


def at(path: str, text: str, line: int, column: int, message: str, code: str, hint: str = "") -> Diagnostic:
    """A diagnostic at a place of a text, with the text's line."""
    lines = text.splitlines()
    source = lines[line - 1].replace("\t", " ").rstrip() if 0 < line <= len(lines) else ""
    if len(source) > 160:
        source = ""
    return Diagnostic(path, line, column, message, code, hint, source)


def printable(text: str) -> str:
    """The text on one line, with control characters made visible: what a schema says must not steer a terminal or a log."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)


def shown_path(path: Path, root: Path) -> str:
    """A path as messages show it: relative to the project where it lies in it."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(path)


def render(diagnostics: Sequence[Diagnostic], form: Format) -> str:
    """The diagnostics for a person, for a program (a JSON array), or as GitHub workflow commands."""
    if form == "json":
        rows = [
            {
                "path": item.path,
                "line": item.line,
                "column": item.column,
                "level": item.level,
                "code": item.code,
                "message": item.message,
                "hint": item.hint,
            }
            for item in diagnostics
        ]
        return json.dumps(rows, indent=2)
    if form == "github":
        return "\n".join(_github(item) for item in diagnostics)
    return "\n".join(item.text() for item in diagnostics)


def _github(item: Diagnostic) -> str:
    def escape(value: str) -> str:
        return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    def escape_property(value: str) -> str:
        return escape(value).replace(":", "%3A").replace(",", "%2C")

    place = f"file={escape_property(item.path)}"
    if item.line:
        place += f",line={item.line},col={item.column}"
    hint = f" {item.hint}" if item.hint else ""
    return (
        f"::{item.level} {place},title={escape_property(item.code)}::{escape(printable(item.message + hint))}"
    )
