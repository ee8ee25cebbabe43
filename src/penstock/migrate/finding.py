"""Which calls are calls of the client's old methods.

Two witnesses. The type checker, where it is installed, reports every deprecated call with its place and class, so that no other object's
method is taken for the client's. And the code itself: a name is a client if everything that is ever assigned to it is one, be it by a
call of `Client`, a parameter annotated with it, a `with` block, an attribute of `self`, or a function that returns one.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from penstock.legacy.table import BY_NAME

PACKAGES = ("penstock", "prefect")
"""Where the client is imported from: here, or from where it came."""

_CLIENT_MODULES = {"penstock", "penstock.client", "prefect", "prefect.client", "prefect.client.client"}

# Methods that many other objects have, too: a receiver that is not known is not worth a word.
_COMMON_NAMES = {"get", "post", "register", "deploy", "graphql"}

Kind = Literal["client", "class", "module", "factory", "none", "other", "unknown", "mixed"]
Place = tuple[int, int]
"""Where a method's name ends: line from 1, column from 0 in characters."""

_MESSAGE = re.compile(r"penstock\.legacy\.methods\.OldMethods\.(\w+) is deprecated")


@dataclass(eq=False)
class _Scope:
    node: ast.AST
    parent: _Scope | None
    bindings: dict[str, list[_Binding]] = field(default_factory=dict)
    # Of a class: what is assigned to its instances' attributes.
    attributes: dict[str, list[_Binding]] = field(default_factory=dict)

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)


@dataclass(eq=False)
class _Binding:
    """One place where a name gets a value: by an expression, an annotation, or in a way whose outcome is known at once."""

    scope: _Scope
    value: ast.expr | None = None
    annotation: ast.expr | None = None
    kind: Kind | None = None
    definition: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | None = None


@dataclass(frozen=True)
class Found:
    """What a file holds: calls of the client's old methods, of its constructor, and calls whose object is not known."""

    methods: dict[Place, ast.Call]
    constructors: dict[Place, ast.Call]
    unknown: dict[Place, ast.Call]


def place(node: ast.expr, lines: Sequence[str]) -> Place:
    """Where an expression ends, in characters: the parser counts bytes."""
    line, column = node.end_lineno or node.lineno, node.end_col_offset or 0
    return line, len(lines[line - 1].encode()[:column].decode())


def find(
    tree: ast.Module, lines: Sequence[str], reported: Iterator[tuple[int, int, str]] | None = None
) -> Found:
    """The calls in a file. `reported` are the type checker's: line from 1, column from 0, and the method."""
    follower = _Follower(tree)
    methods: dict[Place, ast.Call] = {}
    constructors: dict[Place, ast.Call] = {}
    unknown: dict[Place, ast.Call] = {}
    told = set(reported or ())
    imported = any(
        isinstance(node, ast.Import | ast.ImportFrom) and _names_package(node) for node in ast.walk(tree)
    )
    for node, scope in follower.calls:
        if isinstance(node.func, ast.Attribute) and node.func.attr in BY_NAME:
            name = node.func.attr
            kind = follower.receiver(node.func, scope)
            if kind == "client" or (kind != "mixed" and (node.lineno, node.col_offset, name) in told):
                methods[place(node.func, lines)] = node
            elif kind in ("unknown", "mixed") and imported and name not in _COMMON_NAMES:
                unknown[place(node.func, lines)] = node
        elif follower.kind(node.func, scope) == "class" and not follower.is_subclass(node.func, scope):
            constructors[place(node.func, lines)] = node
    return Found(methods, constructors, unknown)


def _names_package(node: ast.Import | ast.ImportFrom) -> bool:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    return any(name.split(".")[0] in PACKAGES for name in names)


class _Follower(ast.NodeVisitor):
    """Collects who is bound to what, then answers what an expression is."""

    def __init__(self, tree: ast.Module) -> None:
        self.calls: list[tuple[ast.Call, _Scope]] = []
        self._scopes: dict[ast.AST, _Scope] = {}
        self._scope = self._scopes[tree] = _Scope(tree, None)
        self._asked: set[tuple[int, str]] = set()
        for statement in tree.body:
            self.visit(statement)

    # --------------------------------------------------------------------------------------------------- collecting

    def _bind(self, name: str, binding: _Binding) -> None:
        scope = self._scope
        # `global` and `nonlocal` are rare enough in scripts to be left to the person: the name is then bound twice.
        scope.bindings.setdefault(name, []).append(binding)

    def _bind_target(self, target: ast.expr, binding: _Binding) -> None:
        match target:
            case ast.Name(id=name):
                self._bind(name, binding)
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
                cls = self._class_of_self(owner)
                if cls is not None:
                    cls.attributes.setdefault(attribute, []).append(binding)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                values = binding.value.elts if isinstance(binding.value, ast.Tuple | ast.List) else []
                for index, item in enumerate(targets):
                    known = len(values) == len(targets)
                    self._bind_target(
                        item,
                        _Binding(self._scope, value=values[index])
                        if known
                        else _Binding(self._scope, kind="unknown"),
                    )
            case ast.Starred(value=inner):
                self._bind_target(inner, _Binding(self._scope, kind="other"))

    def _class_of_self(self, name: str) -> _Scope | None:
        """The class whose instance a method calls `name`, its first parameter."""
        scope: _Scope | None = self._scope
        while scope is not None:
            node = scope.node
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and scope.parent
                and scope.parent.is_class
            ):
                parameters = [*node.args.posonlyargs, *node.args.args]
                return scope.parent if parameters and parameters[0].arg == name else None
            scope = scope.parent
        return None

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._bind_target(target, _Binding(self._scope, value=node.value))
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        binding = _Binding(self._scope, annotation=node.annotation)
        self._bind_target(node.target, binding)
        if self._scope.is_class and isinstance(node.target, ast.Name):
            self._scope.attributes.setdefault(node.target.id, []).append(binding)
        if node.value is not None:
            self.visit(node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._bind_target(node.target, _Binding(self._scope, value=node.value))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._bind_target(node.target, _Binding(self._scope, kind="other"))
        self.visit(node.value)

    def _visit_with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self._bind_target(item.optional_vars, _Binding(self._scope, value=item.context_expr))
        for statement in node.body:
            self.visit(statement)

    visit_With = _visit_with
    visit_AsyncWith = _visit_with

    def _visit_for(self, node: ast.For | ast.AsyncFor) -> None:
        self._bind_target(node.target, _Binding(self._scope, kind="unknown"))
        self.generic_visit(node)

    visit_For = _visit_for
    visit_AsyncFor = _visit_for

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._bind_target(node.target, _Binding(self._scope, kind="unknown"))
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._bind(node.name, _Binding(self._scope, kind="other"))
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            own = alias.name.split(".")[0] in PACKAGES
            self._bind(
                alias.asname or alias.name.split(".")[0],
                _Binding(self._scope, kind="module" if own else "other"),
            )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            known = alias.name == "Client" and node.module in _CLIENT_MODULES and not node.level
            self._bind(alias.asname or alias.name, _Binding(self._scope, kind="class" if known else "other"))

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name, _Binding(self._scope, definition=node))
        if self._scope.is_class:
            self._scope.attributes.setdefault(node.name, []).append(_Binding(self._scope, definition=node))
        for item in [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]:
            if item is not None:
                self.visit(item)
        self._enter(node, node.args, node.body)

    visit_FunctionDef = _visit_function
    visit_AsyncFunctionDef = _visit_function

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._enter(node, node.args, [node.body])

    def _enter(self, node: ast.AST, arguments: ast.arguments, body: Sequence[ast.AST]) -> None:
        outer = self._scope
        self._scope = self._scopes[node] = _Scope(node, outer)
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults: list[ast.expr | None] = [*arguments.defaults]
        padded = [None] * (len(positional) - len(defaults)) + defaults
        pairs = [
            *zip(positional, padded, strict=True),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ]
        for index, (parameter, default) in enumerate(pairs):
            if index == 0 and outer.is_class and parameter.annotation is None:
                self._bind(parameter.arg, _Binding(outer, definition=outer.node))  # type: ignore[arg-type]
            elif parameter.annotation is not None:
                self._bind(parameter.arg, _Binding(outer, annotation=parameter.annotation))
            elif default is not None and not _is_none(default):
                self._bind(parameter.arg, _Binding(outer, value=default))
            else:
                self._bind(parameter.arg, _Binding(outer, kind="unknown"))
        for extra in (arguments.vararg, arguments.kwarg):
            if extra is not None:
                self._bind(extra.arg, _Binding(outer, kind="other"))
        for item in body:
            self.visit(item)
        self._scope = outer

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name, _Binding(self._scope, definition=node))
        for item in [*node.decorator_list, *node.bases, *[keyword.value for keyword in node.keywords]]:
            self.visit(item)
        outer = self._scope
        self._scope = self._scopes[node] = _Scope(node, outer)
        for statement in node.body:
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    if isinstance(target, ast.Name):
                        self._scope.attributes.setdefault(target.id, []).append(
                            _Binding(self._scope, value=statement.value)
                        )
            self.visit(statement)
        self._scope = outer

    def visit_Call(self, node: ast.Call) -> None:
        self.calls.append((node, self._scope))
        self.generic_visit(node)

    # -------------------------------------------------------------------------------------------------- answering

    def receiver(self, method: ast.Attribute, scope: _Scope) -> Kind:
        """What the object of a method call is; a class of the script's own that overrides the method is something else."""
        cls = self._instance_of(method.value, scope)
        if cls is not None and method.attr in cls.attributes:
            return "other"
        return self.kind(method.value, scope)

    def is_subclass(self, function: ast.expr, scope: _Scope) -> bool:
        """Whether a callable is a class of the script's own: what its constructor takes is not known."""
        return isinstance(self._definition(function, scope), ast.ClassDef)

    def kind(self, node: ast.expr, scope: _Scope) -> Kind:
        """What an expression is."""
        match node:
            case ast.Constant(value=None):
                return "none"
            case ast.Name(id=name):
                return self._name(name, scope)
            case ast.Attribute(value=value, attr=attribute):
                owner = self.kind(value, scope)
                if owner == "module":
                    return (
                        "class" if attribute == "Client" else "module" if attribute == "client" else "other"
                    )
                cls = self._instance_of(value, scope)
                if cls is not None and attribute in cls.attributes:
                    return self._agree(cls.attributes[attribute])
                return "other" if owner == "client" else "unknown"
            case ast.Call(func=function):
                if isinstance(function, ast.Attribute) and function.attr == "with_options":
                    return self.kind(function.value, scope)
                made = self.kind(function, scope)
                if made in ("class", "factory"):
                    return "client"
                if isinstance(function, ast.Name) and (made == "unknown" or made == "mixed"):
                    return made
                return "other"
            case ast.IfExp(body=first, orelse=second):
                return _combined([self.kind(first, scope), self.kind(second, scope)])
            case ast.BoolOp(values=values):
                return _combined([self.kind(value, scope) for value in values])
            case ast.NamedExpr(value=value):
                return self.kind(value, scope)
            case ast.Subscript() | ast.Await():
                return "unknown"
        return "other"

    def _name(self, name: str, scope: _Scope) -> Kind:
        holder = self._holder(name, scope)
        if holder is None:
            return "other" if hasattr(builtins, name) else "unknown"
        key = (id(holder), name)
        if key in self._asked:
            # It depends on itself, as in `client = client or Client()`: the other bindings decide.
            return "none"
        self._asked.add(key)
        try:
            return self._agree(holder.bindings[name])
        finally:
            self._asked.discard(key)

    def _holder(self, name: str, scope: _Scope) -> _Scope | None:
        current: _Scope | None = scope
        while current is not None:
            if name in current.bindings and (current is scope or not current.is_class):
                return current
            current = current.parent
        return None

    def _agree(self, bindings: Sequence[_Binding]) -> Kind:
        return _combined([self._bound(binding) for binding in bindings])

    def _bound(self, binding: _Binding) -> Kind:
        if binding.kind is not None:
            return binding.kind
        if binding.annotation is not None:
            return self._annotated(binding.annotation, binding.scope)
        if binding.definition is not None:
            return self._defined(binding.definition, binding.scope)
        return self.kind(binding.value, binding.scope) if binding.value is not None else "other"

    def _annotated(self, annotation: ast.expr, scope: _Scope) -> Kind:
        match annotation:
            case ast.Constant(value=str() as text):
                try:
                    return self._annotated(ast.parse(text, mode="eval").body, scope)
                except SyntaxError:
                    return "other"
            case ast.Constant(value=None):
                return "none"
            case ast.BinOp(left=left, right=right, op=ast.BitOr()):
                return _combined([self._annotated(left, scope), self._annotated(right, scope)])
            case ast.Subscript(value=generic, slice=inner) if _last_name(generic) == "Optional":
                return self._annotated(inner, scope)
            case ast.Name(id="Any" | "object"):
                return "unknown"
        return "client" if self.kind(annotation, scope) == "class" else "other"

    def _defined(self, node: ast.AST, scope: _Scope) -> Kind:
        if isinstance(node, ast.ClassDef):
            inner = self._scopes.get(node)
            # Inside its own methods, `self` is bound to the class.
            is_client = any(
                self.kind(base, inner.parent if inner and inner.parent else scope) == "class"
                for base in node.bases
            )
            if scope.node is node:
                return "client" if is_client else "other"
            return "class" if is_client else "other"
        if isinstance(node, ast.FunctionDef):
            if node.returns is not None:
                return "factory" if self._annotated(node.returns, scope) == "client" else "other"
            inner = self._scopes.get(node)
            returned = [
                item.value
                for item in _own_statements(node)
                if isinstance(item, ast.Return) and item.value is not None
            ]
            if inner is not None and returned:
                kinds = _combined([self.kind(value, inner) for value in returned])
                if kinds == "unknown" or kinds == "mixed":
                    return kinds
                return "factory" if kinds == "client" else "other"
        return "other"

    def _definition(self, node: ast.expr, scope: _Scope) -> ast.AST | None:
        if isinstance(node, ast.Name):
            holder = self._holder(node.id, scope)
            bindings = holder.bindings[node.id] if holder is not None else []
            if len(bindings) == 1:
                return bindings[0].definition
        return None

    def _instance_of(self, node: ast.expr, scope: _Scope) -> _Scope | None:
        """The class of the script's own that an expression is an instance of, as far as that shows."""
        if isinstance(node, ast.Call):
            made = self._definition(node.func, scope)
            return self._scopes.get(made) if isinstance(made, ast.ClassDef) else None
        if isinstance(node, ast.Name):
            holder = self._holder(node.id, scope)
            for binding in holder.bindings[node.id] if holder is not None else []:
                if isinstance(binding.definition, ast.ClassDef) and binding.scope.node is binding.definition:
                    return binding.scope
                if isinstance(binding.value, ast.Call):
                    found = self._instance_of(binding.value, binding.scope)
                    if found is not None:
                        return found
        return None


def _combined(kinds: Sequence[Kind]) -> Kind:
    """What something is that is one of these: None beside a client changes nothing."""
    different: set[Kind] = {kind for kind in kinds if kind != "none"}
    if not different:
        return "none"
    if len(different) == 1:
        return different.pop()
    # A client or something else: what suits the one may not suit the other, whatever the type checker says of the one.
    return "mixed" if different & {"client", "unknown", "class", "factory", "mixed"} else "other"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _own_statements(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions in it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield child
            yield from _own_statements(child)


def ask_type_checker(files: Sequence[Path]) -> dict[Path, set[tuple[int, int, str]]]:
    """What mypy reports as deprecated in the files: (line from 1, column from 0, method). Nothing where mypy is not installed."""
    if not files or find_spec("mypy") is None:
        return {}
    command = [
        *(sys.executable, "-m", "mypy", "--enable-error-code", "deprecated", "--check-untyped-defs"),
        *("--output", "json", "--no-error-summary", "--no-incremental", "--follow-imports", "silent"),
        # Scripts in one folder may well have one name, and need no package around them.
        *("--scripts-are-modules", "--explicit-package-bases", "--namespace-packages", "--config-file", ""),
    ]
    reported: dict[Path, set[tuple[int, int, str]]] = {}
    done = subprocess.run(
        [*command, *map(str, files)], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    for line in done.stdout.splitlines():
        try:
            report = json.loads(line)
        except ValueError:
            continue
        method = _MESSAGE.search(str(report.get("message", "")))
        if report.get("code") == "deprecated" and method:
            place_ = (int(report["line"]), int(report["column"]), method[1])
            reported.setdefault(Path(report["file"]).resolve(), set()).add(place_)
    return reported
