"""Operations as text, in the form in which people write them: two spaces, what is long on lines of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Selection:
    """A field with its arguments, a spread (`...name`) or an inline fragment (`... on Type`), and what it selects.

    `arguments` are texts such as `first: $first`; `only` puts all of `below` on the same line.
    """

    head: str
    below: tuple[Selection, ...] = ()
    arguments: tuple[Argument, ...] = ()
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument or an input's field: filled by a variable, or by an object of such."""

    name: str
    variable: str = ""
    fields: tuple[Argument, ...] = ()

    def text(self) -> str:
        """On one line."""
        if self.variable:
            return f"{self.name}: ${self.variable}"
        return f"{self.name}: {{{', '.join(field.text() for field in self.fields)}}}"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of an operation: its name without `$`, its type, and its default as GraphQL text, empty where it has none."""

    name: str
    type: str
    default: str = ""

    @property
    def required(self) -> bool:
        return self.type.endswith("!") and not self.default

    def text(self) -> str:
        """Its definition."""
        return f"${self.name}: {self.type}" + (f" = {self.default}" if self.default else "")


def operation_text(kind: str, variables: Sequence[Variable], selections: Sequence[Selection]) -> str:
    """A whole file: one operation without a name, which the file's name gives it."""
    lines = (
        _enclosed(f"{kind} ", [variable.text() for variable in variables], "", "(", ")")
        if variables
        else [kind]
    )
    lines[-1] = f"{lines[-1].rstrip()} {{"
    for selection in selections:
        lines += _selection(selection, 1)
    return "\n".join([*lines, "}", ""])


def fragment_text(name: str, type_name: str, selections: Sequence[Selection]) -> str:
    """A whole file: one fragment."""
    lines = [f"fragment {name} on {type_name} {{"]
    for selection in selections:
        lines += _selection(selection, 1)
    return "\n".join([*lines, "}", ""])


def _selection(selection: Selection, depth: int) -> list[str]:
    indent = "  " * depth
    lines = _call(selection, indent)
    if selection.mark:
        lines[-1] += f" {selection.mark}"
    if not selection.below:
        return lines
    lines[-1] += " {"
    for below in selection.below:
        lines += _selection(below, depth + 1)
    return [*lines, f"{indent}}}"]


def _call(selection: Selection, indent: str) -> list[str]:
    if not selection.arguments:
        return [f"{indent}{selection.head}"]
    flat = f"{indent}{selection.head}({', '.join(item.text() for item in selection.arguments)})"
    if len(flat) <= _WIDTH:
        return [flat]
    lines = [f"{indent}{selection.head}("]
    for argument in selection.arguments:
        lines += _argument(argument, f"{indent}  ")
    return [*lines, f"{indent})"]


def _argument(argument: Argument, indent: str) -> list[str]:
    flat = f"{indent}{argument.text()}"
    if argument.variable or len(flat) <= _WIDTH:
        return [flat]
    lines = [f"{indent}{argument.name}: {{"]
    for field in argument.fields:
        lines += _argument(field, f"{indent}  ")
    return [*lines, f"{indent}}}"]


def _enclosed(head: str, items: Sequence[str], indent: str, start: str, end: str) -> list[str]:
    flat = f"{indent}{head}{start}{', '.join(items)}{end}"
    if len(flat) <= _WIDTH:
        return [flat]
    return [f"{indent}{head}{start}", *(f"{indent}  {item}" for item in items), f"{indent}{end}"]
