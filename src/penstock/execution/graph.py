"""The tasks that a flow's function uses, and what goes from one to another: read from its code, without running it.

What is found is what the API shows before a run. A task that is reached in ways that code does not show (through an attribute, a variable)
is run all the same, and is not part of the picture.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from penstock.tasks import TaskDefinition


@dataclass(frozen=True, order=True)
class Edge:
    """A result of one task that is an argument of another. `key` is the argument's name; `mapped`: one element to each run."""

    upstream: str
    downstream: str
    key: str | None
    mapped: bool


def used_tasks(function: Callable[..., Any]) -> dict[str, TaskDefinition[..., Any]]:
    """The tasks that a function names, by the names it has for them, in the order of its code."""
    cells = dict(
        zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
        if hasattr(function, "__code__")
        else ()
    )
    found: dict[str, TaskDefinition[..., Any]] = {}
    for name in _names(function.__code__) if hasattr(function, "__code__") else ():
        if name in cells:
            try:
                value = cells[name].cell_contents
            except ValueError:
                continue  # not assigned yet: it cannot be a task that was decorated before
        else:
            value = function.__globals__.get(name, getattr(builtins, name, None))
        if isinstance(value, TaskDefinition):
            found.setdefault(name, value)
    return found


def _names(code: CodeType) -> list[str]:
    names = [*code.co_names, *code.co_freevars]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += _names(constant)
    return names


def slugs(tasks: Mapping[str, TaskDefinition[..., Any]]) -> dict[int, str]:
    """A slug for each task (by its `id`): its name and a number that tells tasks of the same name apart."""
    found: dict[int, str] = {}
    counts: dict[str, int] = {}
    for task in tasks.values():
        if id(task) not in found:
            counts[task.name] = counts.get(task.name, 0) + 1
            found[id(task)] = f"{task.name}-{counts[task.name]}"
    return found


def edges(function: Callable[..., Any], tasks: Mapping[str, TaskDefinition[..., Any]]) -> list[Edge]:
    """What goes from task to task; nothing, where the function's source is not there."""
    if not tasks:
        return []
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return []
    reader = _Reader(tasks, slugs(tasks))
    # Twice: in a loop, what a name holds may come from further down.
    for _ in range(2):
        reader.visit(tree)
    return sorted(edge for edge in reader.edges if edge.upstream != edge.downstream)


class _Reader(ast.NodeVisitor):
    def __init__(self, tasks: Mapping[str, TaskDefinition[..., Any]], slugs: Mapping[int, str]) -> None:
        self._tasks = tasks
        self._slugs = slugs
        self._sources: dict[str, set[str]] = {}
        self.edges: set[Edge] = set()

    def _called(self, node: ast.Call) -> tuple[TaskDefinition[..., Any], bool] | None:
        function = node.func
        target: ast.expr = function
        mapped = False
        if isinstance(function, ast.Attribute) and function.attr in ("submit", "map"):
            target, mapped = function.value, function.attr == "map"
        if isinstance(target, ast.Name) and target.id in self._tasks:
            return self._tasks[target.id], mapped
        return None

    def sources(self, node: ast.AST) -> set[str]:
        """The slugs of the tasks whose results a piece of code holds."""
        if isinstance(node, ast.Name):
            return set(self._sources.get(node.id, ()))
        if isinstance(node, ast.Call) and (called := self._called(node)) is not None:
            task, mapped = called
            slug = self._slugs[id(task)]
            names = list(inspect.signature(task.function).parameters)
            given = [
                (names[number] if number < len(names) else None, item)
                for number, item in enumerate(node.args)
            ]
            for key, item in given:
                for upstream in self.sources(item):
                    self.edges.add(Edge(upstream, slug, key, mapped))
            for keyword in node.keywords:
                for upstream in self.sources(keyword.value):
                    self.edges.add(Edge(upstream, slug, keyword.arg, False))
            return {slug}
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            for generator in node.generators:
                self._assign(generator.target, self.sources(generator.iter))
        found: set[str] = set()
        for child in ast.iter_child_nodes(node):
            found |= self.sources(child)
        return found

    def _assign(self, target: ast.AST, sources: set[str]) -> None:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                self._sources.setdefault(node.id, set()).update(sources)

    def visit_Assign(self, node: ast.Assign) -> None:
        found = self.sources(node.value)
        for target in node.targets:
            self._assign(target, found)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assign(node.target, self.sources(node.value))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._assign(node.target, self.sources(node.value))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._assign(node.target, self.sources(node.value))

    def visit_For(self, node: ast.For) -> None:
        self._assign(node.target, self.sources(node.iter))
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    def visit_Expr(self, node: ast.Expr) -> None:
        self.sources(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self.sources(node.value)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                self._assign(item.optional_vars, self.sources(item.context_expr))
        for statement in node.body:
            self.visit(statement)

    def visit_If(self, node: ast.If) -> None:
        self.sources(node.test)
        for statement in (*node.body, *node.orelse):
            self.visit(statement)
