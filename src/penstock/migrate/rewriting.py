"""The new text of a file: what was decided is rewritten, what was not is marked, all else stays as it is."""

from __future__ import annotations

import ast
import bisect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from penstock.legacy.table import BY_NAME, OLD_METHODS
from penstock.migrate.deciding import Parents, Plan, Rewrite, decide
from penstock.migrate.finding import Found, Place, find
from penstock.states import TYPES

MARK = "# penstock migrate:"

_PARAMETERS = frozenset(name for method in OLD_METHODS for name in method.parameters)

# Where what scripts imported from the old package is found today.
_MOVED: Mapping[str, Mapping[str, str]] = {
    "prefect": {"Client": "penstock"},
    "prefect.client": {"Client": "penstock"},
    "prefect.client.client": {"Client": "penstock"},
    "prefect.engine.state": {name: "penstock.states" for name in TYPES if not name.startswith("_")},
    "prefect.exceptions": {"ClientError": "penstock", "AuthorizationError": "penstock.legacy"},
    "prefect.utilities.exceptions": {"ClientError": "penstock", "AuthorizationError": "penstock.legacy"},
    "prefect.utilities.graphql": dict.fromkeys(
        ("with_args", "EnumValue", "parse_graphql", "GraphQLResult"), "penstock.legacy"
    ),
}


@dataclass(frozen=True)
class Remark:
    """What a person should know of a line: what was not rewritten and why, or what is different now."""

    line: int
    method: str
    text: str
    undecided: bool


@dataclass(frozen=True)
class Rewritten:
    """A file's new text, how many calls were rewritten, and the remarks by line."""

    text: str
    count: int
    remarks: tuple[Remark, ...]


def rewrite(text: str, reported: set[tuple[int, int, str]] | None = None) -> Rewritten:
    """Rewrites the text of a script. `reported` are the type checker's places of old calls.

    Raises:
        SyntaxError: It is no Python.
    """
    tree = ast.parse(text)
    lines = text.splitlines() or [""]
    found: Found = find(tree, lines, iter(reported or ()))
    plan = decide(tree, lines, found)
    remarks = [
        Remark(call.lineno, name, f"client.{name}() is not rewritten: {reason}.", True)
        if name in BY_NAME
        else Remark(call.lineno, name, f"{name}() is not rewritten: {reason}.", True)
        for call, name, reason in plan.undecided.values()
    ]
    for where, rewriting in plan.calls.items():
        if rewriting.note:
            remarks.append(
                Remark(where[0], rewriting.method, f"client.{rewriting.method}(): {rewriting.note}.", False)
            )
    marked, inserted = _marked(text, Parents(tree), plan)
    module = MetadataWrapper(cst.parse_module(marked))
    changed = module.visit(_Rewriter(plan, inserted))
    return Rewritten(
        changed.code,
        len(plan.calls) + len(plan.constructors),
        tuple(sorted(remarks, key=lambda remark: (remark.line, remark.method))),
    )


def _marked(text: str, parents: Parents, plan: Plan) -> tuple[str, list[int]]:
    """The text with a comment above each statement that a person has to look at, and above which lines they were put."""
    lines = text.splitlines(keepends=True)
    wanted: dict[int, list[str]] = {}
    for call, name, reason in plan.undecided.values():
        line = parents.statement(call).lineno
        shown = f"client.{name}()" if name in BY_NAME else f"{name}()"
        comment = f"{MARK} {shown} is not rewritten: {reason}."
        above = line - 2
        there = set()
        while above >= 0 and lines[above].lstrip().startswith(MARK):
            there.add(lines[above].strip())
            above -= 1
        if comment not in there and comment not in wanted.get(line, []):
            wanted.setdefault(line, []).append(comment)
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    made: list[str] = []
    inserted: list[int] = []
    for number, content in enumerate(lines, 1):
        for comment in wanted.get(number, []):
            indentation = content[: len(content) - len(content.lstrip())]
            made.append(f"{indentation}{comment}{ending}")
            inserted.append(number)
        made.append(content)
    return "".join(made), inserted


class _Rewriter(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, plan: Plan, inserted: Sequence[int]) -> None:
        super().__init__()
        self._plan = plan
        self._inserted = inserted
        self._needs_import = False
        # Comments that stood between the arguments of a call: they go above its statement.
        self._comments: list[cst.Comment] = []

    def _place(self, node: cst.CSTNode) -> Place:
        position: CodeRange = self.get_metadata(PositionProvider, node)  # pyright: ignore[reportAssignmentType]  # no default is given
        end = position.end
        # Back to the line in the text without the marks.
        line = end.line
        original = line - bisect.bisect_right(
            [item + index for index, item in enumerate(self._inserted)], line - 1
        )
        return original, end.column

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        where = self._place(original_node.func)
        rewriting = self._plan.calls.get(where)
        if rewriting is not None and isinstance(updated_node.func, cst.Attribute):
            self._comments += _comments_between(updated_node)
            return _filled(rewriting, updated_node.func.value, updated_node.args)
        if where in self._plan.constructors:
            return updated_node.with_changes(args=_constructor(updated_node.args))
        return updated_node

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        where = self._place(original_node)
        template = self._plan.attributes.get(where)
        if template is not None:
            return _expression(template, {"RESULT": updated_node.value})
        if where in self._plan.keys:
            if not self._plan.keys[where]:
                return updated_node.value
            key = cst.SimpleString(json.dumps(updated_node.attr.value))
            return cst.Subscript(updated_node.value, [cst.SubscriptElement(cst.Index(key))])
        if _is_old_client(updated_node):
            self._needs_import = True
            return updated_node.with_changes(value=cst.Name("penstock"))
        return updated_node

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        if self._comments:
            above = [cst.EmptyLine(comment=comment) for comment in self._comments]
            self._comments = []
            updated_node = updated_node.with_changes(leading_lines=[*updated_node.leading_lines, *above])
        if len(updated_node.body) != 1 or not isinstance(updated_node.body[0], cst.ImportFrom):
            return updated_node
        node = updated_node.body[0]
        moved = _MOVED.get(_dotted(node.module)) if node.module is not None and not node.relative else None
        if moved is None or isinstance(node.names, cst.ImportStar):
            return updated_node
        groups: dict[str, list[cst.ImportAlias]] = {}
        for alias in node.names:
            target = moved.get(alias.name.value) if isinstance(alias.name, cst.Name) else None
            groups.setdefault(target or _dotted(node.module), []).append(alias)
        statements: list[cst.BaseStatement] = []
        for index, (module, aliases) in enumerate(groups.items()):
            names = [alias.with_changes(comma=cst.MaybeSentinel.DEFAULT) for alias in aliases]
            parsed = cast("cst.Attribute | cst.Name", cst.parse_expression(module))
            kept = node.with_changes(module=parsed, names=names if len(groups) > 1 else node.names)
            if len(groups) > 1:
                kept = kept.with_changes(lpar=None, rpar=None)
            line = updated_node.with_changes(body=[kept])
            statements.append(line if index == 0 else line.with_changes(leading_lines=[]))
        return cst.FlattenSentinel(statements)

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        if not self._needs_import:
            return updated_node
        others = _Uses("prefect")
        updated_node.visit(others)
        body: list[cst.SimpleStatementLine | cst.BaseCompoundStatement] = []
        for statement in updated_node.body:
            if isinstance(statement, cst.SimpleStatementLine) and _imports(statement, "prefect"):
                above = [] if others.count else statement.leading_lines
                if others.count:
                    body.append(statement)
                body.append(cst.parse_statement("import penstock").with_changes(leading_lines=above))
            else:
                body.append(statement)
        return updated_node.with_changes(body=body)


class _Comments(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[cst.Comment] = []

    def visit_Comment(self, node: cst.Comment) -> None:
        self.found.append(node)


def _comments_between(call: cst.Call) -> list[cst.Comment]:
    """The comments of a call that are not part of an argument's value, which is kept as it is."""
    found = _Comments()
    call.whitespace_before_args.visit(found)
    for argument in call.args:
        if isinstance(argument.comma, cst.Comma):
            argument.comma.visit(found)
        argument.whitespace_after_arg.visit(found)
    return found.found


class _Uses(cst.CSTVisitor):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.count = 0

    def visit_Attribute(self, node: cst.Attribute) -> None:
        if isinstance(node.value, cst.Name) and node.value.value == self._name:
            self.count += 1


def _is_old_client(node: cst.Attribute) -> bool:
    return isinstance(node.value, cst.Name) and node.value.value == "prefect" and node.attr.value == "Client"


def _imports(statement: cst.SimpleStatementLine, name: str) -> bool:
    node = statement.body[0]
    return (
        isinstance(node, cst.Import)
        and [_dotted(alias.name) for alias in node.names] == [name]
        and node.names[0].asname is None
    )


def _dotted(node: cst.BaseExpression | None) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


def _constructor(arguments: Sequence[cst.Arg]) -> list[cst.Arg]:
    """`Client`'s arguments by today's names; what stood second was the key, what stood third the tenant."""
    names = {"api_server": "url", "api_token": "api_key"}
    by_place = (None, "api_key", "tenant_id")
    made = []
    for index, argument in enumerate(arguments):
        name = argument.keyword.value if argument.keyword else by_place[min(index, 2)]
        if name is None:
            made.append(argument)
            continue
        equal = (
            argument.equal
            if argument.keyword
            else cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        )
        made.append(argument.with_changes(keyword=cst.Name(names.get(name, name)), equal=equal))
    return made


def _filled(
    rewriting: Rewrite, client: cst.BaseExpression, arguments: Sequence[cst.Arg]
) -> cst.BaseExpression:
    values: dict[str, cst.BaseExpression] = {"CLIENT": client}
    for index, argument in enumerate(arguments):
        name = argument.keyword.value if argument.keyword else rewriting.order[index]
        value = argument.value
        if isinstance(value, cst.Name) and value.value == "None":
            continue
        if isinstance(value, cst.GeneratorExp) and not value.lpar:
            value = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        values[name] = value
    for name, literal in rewriting.literals.items():
        values[name] = cst.parse_expression(literal)
    return _expression(rewriting.template, values)


def _expression(template: str, values: Mapping[str, cst.BaseExpression]) -> cst.BaseExpression:
    """A template with its names filled in; keywords and dict entries without a value fall away."""
    tree = ast.parse(template, mode="eval")
    reduced = ast.unparse(_Reduce(values).visit(tree))
    return cast("cst.BaseExpression", cst.parse_expression(reduced).visit(_Fill(values)))


_HOLE = "_penstock_hole_"


class _Reduce(ast.NodeTransformer):
    """Takes out what has no value, and marks the names that are filled in: a keyword of the same name is none of them."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(_HOLE + node.id, node.ctx) if node.id in self._values else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.keywords = [item for item in node.keywords if not self._absent(item.value)]
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        pairs = [(k, v) for k, v in zip(node.keys, node.values, strict=True) if not self._absent(v)]
        node.keys, node.values = [key for key, _ in pairs], [value for _, value in pairs]
        return self.generic_visit(node)

    def _absent(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id in _PARAMETERS and node.id not in self._values


class _Fill(cst.CSTTransformer):
    def __init__(self, values: Mapping[str, cst.BaseExpression]) -> None:
        super().__init__()
        self._values = values

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        if updated_node.value.startswith(_HOLE):
            return self._values[updated_node.value.removeprefix(_HOLE)].deep_clone()
        return updated_node

    def leave_SimpleString(
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.BaseExpression:
        # Templates come with single quotes, which few scripts use.
        return cst.SimpleString(json.dumps(ast.literal_eval(updated_node.value), ensure_ascii=False))
