"""Python types as text with the imports they need. Nothing here is evaluated: a type from a configuration is only ever read."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass


class TypeSyntaxError(ValueError):
    """A text is not the kind of type expression that is allowed."""


@dataclass(frozen=True, slots=True, order=True)
class Import:
    """`from module import name`. A module of the generated package itself is `local`, named from the package's root."""

    module: str
    name: str
    local: bool = False


@dataclass(frozen=True, slots=True)
class PythonType:
    """An annotation's text, without None for nullable, and what it imports.

    `never_null` says that it is not null even where the schema lets it be: the configuration knows better.
    """

    text: str
    imports: frozenset[Import] = frozenset()
    never_null: bool = False

    @property
    def is_any(self) -> bool:
        return self.text == "Any"

    def optional(self) -> PythonType:
        """The type or None."""
        if self.never_null or self.is_any or self.text == "None" or self.text.endswith("| None"):
            return self
        return PythonType(f"{self.text} | None", self.imports)

    def inside(self, generic: str, *imports: Import) -> PythonType:
        """`generic[self]`."""
        return PythonType(f"{generic}[{self.text}]", self.imports | frozenset(imports))

    def alternatives(self) -> list[str]:
        """What it can be besides None."""
        return [part for part in _alternatives(self.text) if part != "None"]

    def union(self, *others: PythonType) -> PythonType:
        """Any of the types, each named once."""
        parts = dict.fromkeys(part for item in (self, *others) for part in _alternatives(item.text))
        imports = frozenset[Import]().union(self.imports, *(item.imports for item in others))
        return PythonType(" | ".join(parts), imports)


def _alternatives(text: str) -> list[str]:
    """The members of a union, not of those in its brackets."""
    parts, depth = [""], 0
    for piece in re.split(r"( \| |[\[\]])", text):
        depth += (piece == "[") - (piece == "]")
        if piece == " | " and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


ANY = PythonType("Any", frozenset({Import("typing", "Any")}))
# What a file is passed as: a class of the package's own.
UPLOAD = PythonType("Upload", frozenset({Import("_runtime.upload", "Upload", local=True)}))

_TYPING = {"Any", "Literal", "Annotated", "Mapping", "Sequence", "Iterable"}
_ABSTRACT = {"Mapping", "Sequence", "Iterable"}
_BUILTINS = {name for name in vars(builtins) if isinstance(getattr(builtins, name), type)} | {"None"}


def parse_type(text: str) -> PythonType:
    """A type expression such as `uuid.UUID | str`, `list[str]` or `package.module:Class`, as text and imports.

    Only names, dots, subscripts, `|` and None may stand in it; `Upload` is the package's own class for files.
    Raises `TypeSyntaxError` for anything else.
    """
    imports: set[Import] = set()
    # `module:Name` marks where the module ends; dots alone leave it to the last part.
    marked = re.sub(r"([\w.]+):([A-Za-z_]\w*)", lambda match: f"{match[1]}.{match[2]}", text)
    try:
        tree = ast.parse(marked.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise TypeSyntaxError("it is not an expression") from None
    if isinstance(tree.body, ast.Constant) and tree.body.value is ...:
        raise TypeSyntaxError("three dots stand in brackets only")
    shown = _write(tree.body, imports)
    return PythonType(shown, frozenset(imports))


def _write(node: ast.expr, imports: set[Import]) -> str:
    match node:
        case ast.Constant(value=None):
            return "None"
        case ast.Name(id=name):
            if name in _TYPING:
                imports.add(Import("collections.abc" if name in _ABSTRACT else "typing", name))
                return name
            if name == UPLOAD.text:
                imports |= UPLOAD.imports
                return name
            if name in _BUILTINS:
                return name
            raise TypeSyntaxError(f"{name} is no builtin type; write where it comes from, as module.{name}")
        case ast.Attribute():
            parts = _dotted(node)
            if any(keyword.iskeyword(part) for part in parts):
                raise TypeSyntaxError("a keyword cannot be imported")
            imports.add(Import(".".join(parts[:-1]), parts[-1]))
            return parts[-1]
        case ast.Subscript(value=value, slice=item):
            items = item.elts if isinstance(item, ast.Tuple) else [item]
            return f"{_write(value, imports)}[{', '.join(_write(element, imports) for element in items)}]"
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return f"{_write(left, imports)} | {_write(right, imports)}"
        case ast.Constant(value=builtins.Ellipsis):
            return "..."
    raise TypeSyntaxError("only names, dots, brackets, | and None may stand in a type")


def _dotted(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [*_dotted(node.value), node.attr]
    raise TypeSyntaxError("only names, dots, brackets, | and None may stand in a type")


def import_lines(imports: Iterable[Import], own: str = "") -> list[str]:
    """Import statements, sorted: the standard library and packages first, then the package's own modules.

    `own` is the importing module's name from the package's root: its own names are not imported, and those of its folder from there.
    """
    folder = own.rpartition(".")[0]
    by_module: dict[tuple[bool, str], set[str]] = {}
    for item in imports:
        if item.local and item.module == own:
            continue
        module = item.module
        if item.local and folder and module.startswith(f"{folder}."):
            module = f".{module.removeprefix(f'{folder}.')}"
        elif item.local:
            module = "." * (own.count(".") + 1) + module
        by_module.setdefault((item.local, module), set()).add(item.name)
    lines = []
    for (_, module), names in sorted(by_module.items(), key=lambda entry: (entry[0][0], entry[0][1])):
        lines.append(f"from {module} import {', '.join(sorted(names, key=_import_order))}")
    return lines


def _import_order(name: str) -> tuple[int, str]:
    # The order of isort and ruff: constants, classes, then the rest.
    if name.isupper() and len(name) > 1:
        return (0, name)
    return (1, name) if name[:1].isupper() else (2, name)
