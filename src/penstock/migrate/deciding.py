"""Whether an old call can be rewritten so that it does the same, and how; if not, why."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from penstock.legacy.documents import parse_graphql
from penstock.legacy.methods import slugify
from penstock.legacy.table import BY_NAME, FLOW_RUN_ATTRIBUTES, RUN_BY_GROUP, TASK_RUN_ATTRIBUTES, OldMethod
from penstock.migrate.finding import Found, Place, place

_LOG_KEYS = {"flow_run_id", "task_run_id", "timestamp", "name", "message", "level", "info"}
_IGNORED = {
    "register": ("build", "compressed", "no_url"),
    "deploy": ("build", "compressed", "no_url"),
    "graphql": ("raise_on_error", "retry_on_api_error"),
    "set_task_run_state": ("cache_for",),
    "create_task_run_artifact": (),
}
_MOMENTS = {
    "create_flow_run": "scheduled_start_time",
    "get_latest_cached_states": "created_after",
    "write_run_log": "timestamp",
}


class Undecided(Exception):
    """A person has to decide; the message ends the sentence "is not rewritten: …"."""


@dataclass(frozen=True)
class Rewrite:
    """How one call is rewritten: the template, which parameter each positional argument is, and literals that replace arguments."""

    method: str
    template: str
    order: tuple[str, ...]
    literals: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None


@dataclass
class Plan:
    """What happens in a file. Places are where a name ends: that of a method, or of an attribute read from a result."""

    calls: dict[Place, Rewrite] = field(default_factory=dict)
    constructors: set[Place] = field(default_factory=set)
    # Attributes of a result that are written otherwise: templates in which RESULT is what stands before.
    attributes: dict[Place, str] = field(default_factory=dict)
    # Attributes that become keys, or (False) fall away.
    keys: dict[Place, bool] = field(default_factory=dict)
    undecided: dict[Place, tuple[ast.Call, str, str]] = field(default_factory=dict)


class Parents:
    """The way up in a tree."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.parent: dict[ast.AST, ast.AST] = {
            child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)
        }

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that a node is part of."""
        while not isinstance(node, ast.stmt):
            node = self.parent[node]
        return node

    def scope(self, node: ast.AST) -> ast.AST:
        """The function that a node is in, or the module."""
        current = self.parent.get(node)
        while current is not None and not isinstance(
            current, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        ):
            current = self.parent.get(current)
        return current if current is not None else self.tree

    def loads(self, name: str, scope: ast.AST) -> list[ast.Name]:
        """Where a name is read in a scope."""
        return [
            node
            for node in ast.walk(scope)
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        ]

    def stores(self, name: str, scope: ast.AST) -> int:
        """How often a name is bound in a scope, or handed to another one."""
        return sum(
            (isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load))
            or (isinstance(node, ast.Global | ast.Nonlocal) and name in node.names)
            or (isinstance(node, ast.arg) and node.arg == name)
            for node in ast.walk(scope)
        )


def decide(tree: ast.Module, lines: Sequence[str], found: Found) -> Plan:
    """What to do with each call that was found."""
    parents = Parents(tree)
    plan = Plan()
    for where, call in found.methods.items():
        assert isinstance(call.func, ast.Attribute)
        name = call.func.attr
        # What the decision touches beside the call is kept only if there is one.
        attempt = replace(plan, attributes=dict(plan.attributes), keys=dict(plan.keys))
        try:
            plan.calls[where] = _Decision(call, BY_NAME[name], parents, lines, attempt).rewrite()
            plan.attributes, plan.keys = attempt.attributes, attempt.keys
        except Undecided as reason:
            plan.undecided[where] = (call, name, str(reason))
    for where, call in found.unknown.items():
        assert isinstance(call.func, ast.Attribute)
        name = call.func.attr
        plan.undecided[where] = (call, name, "what it is called on may be a client or something else")
    for where, call in found.constructors.items():
        old = len(call.args) > 1 or any(item.arg in ("api_server", "api_token") for item in call.keywords)
        starred = any(isinstance(item, ast.Starred) for item in call.args) or any(
            not item.arg for item in call.keywords
        )
        if old and starred:
            plan.undecided[where] = (call, "Client", "its arguments are passed with * or **")
        elif old:
            plan.constructors.add(where)
    return plan


class _Decision:
    def __init__(
        self, call: ast.Call, row: OldMethod, parents: Parents, lines: Sequence[str], plan: Plan
    ) -> None:
        self.call = call
        self.row = row
        self.parents = parents
        self.lines = lines
        self.plan = plan
        self.order = row.parameters
        self.literals: dict[str, str] = {}
        self.arguments = self._bound(self.order)

    def _bound(self, order: tuple[str, ...]) -> dict[str, ast.expr]:
        if any(isinstance(item, ast.Starred) for item in self.call.args) or any(
            item.arg is None for item in self.call.keywords
        ):
            raise Undecided("its arguments are passed with * or **")
        if len(self.call.args) > len(order):
            raise Undecided("it has more arguments than the method took")
        bound = dict(zip(order, self.call.args, strict=False))
        for item in self.call.keywords:
            if item.arg not in self.row.parameters or item.arg in bound:
                raise Undecided(f"the method did not take {item.arg} there")
            bound[str(item.arg)] = item.value
        return {name: value for name, value in bound.items() if not _is_none(value)}

    def rewrite(self) -> Rewrite:
        special = getattr(self, f"_{self.row.name}", None)
        template: str | None = special() if special is not None else None
        if template is None:
            used = not isinstance(self.parents.parent[self.call], ast.Expr)
            template = self.row.value if used else self.row.statement
        if template is None:
            raise Undecided(self.row.reason or "there is no call that does the same")
        for name in _IGNORED.get(self.row.name, ()):
            if name in self.arguments and not isinstance(self.arguments[name], ast.Constant):
                raise Undecided(f"{name} has no meaning any more, and what it is given may have")
        moment = self.arguments.get(_MOMENTS.get(self.row.name, ""))
        if moment is not None and not self._is_aware(moment):
            raise Undecided("its time may have no time zone, which was taken for UTC and is an error now")
        return Rewrite(self.row.name, template, self.order, self.literals, self.row.note)

    # ---------------------------------------------------------------------------------------------- by method

    def _create_flow_run(self) -> str | None:
        if len(self.call.args) > 3:
            third = self.call.args[3]
            rest = self.call.args[4] if len(self.call.args) > 4 else None
            if (
                rest is not None and isinstance(rest, ast.Constant) and isinstance(rest.value, str)
            ) or self._is_aware(third, text=False):
                self.order = (
                    "flow_id",
                    "context",
                    "parameters",
                    "scheduled_start_time",
                    "idempotency_key",
                    "run_name",
                )
                self.arguments = self._bound(self.order)
            elif not (isinstance(third, ast.Dict) or _is_none(third)) or not (
                rest is None or isinstance(rest, ast.List) or _is_none(rest)
            ):
                raise Undecided(
                    "its fourth argument was the start time until 0.12 and the run configuration since"
                )
        config = self.arguments.get("run_config")
        if config is not None and not isinstance(config, ast.Dict):
            raise Undecided(
                "a run configuration that is no dict has to be serialized: run_config=….serialize()"
            )
        if "version_group_id" not in self.arguments:
            if "flow_id" not in self.arguments:
                raise Undecided("it names no flow")
            return None
        if "flow_id" in self.arguments:
            raise Undecided("it names both a flow and a version group")
        used = not isinstance(self.parents.parent[self.call], ast.Expr)
        return f"str({RUN_BY_GROUP}.id)" if used else RUN_BY_GROUP

    def _set_state(self) -> None:
        if len(self.call.args) < 2:
            return
        first, second = self.call.args[1], self.call.args[2] if len(self.call.args) > 2 else None
        keywords = {item.arg for item in self.call.keywords}
        if _is_version(first) or "state" in keywords or (second is not None and _is_state(second)):
            self.order = (self.order[0], "version", "state")
        elif not (_is_state(first) or "version" in keywords or second is None or _is_version(second)):
            raise Undecided("the state and the version may stand in either order")
        self.arguments = self._bound(self.order)

    _set_flow_run_state = _set_state
    _set_task_run_state = _set_state

    def _register(self) -> None:
        if "project_name" not in self.arguments:
            raise Undecided("it names no project")

    _deploy = _register

    def _login_to_tenant(self) -> None:
        if len(self.arguments) != 1:
            raise Undecided("it has to name a tenant either by its slug or by its id")

    _switch_tenant = _login_to_tenant

    def _create_tenant(self) -> None:
        if "slug" in self.arguments:
            return
        name = self.arguments.get("name")
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            raise Undecided("the slug was made of the name, and has to be given now")
        self.literals["slug"] = json.dumps(slugify(name.value))

    def _get_latest_cached_states(self) -> str:
        key = "cache_key" in self.arguments
        if key and not isinstance(self.arguments["cache_key"], ast.Constant):
            raise Undecided(self.row.reason or "")
        by = '"cache_key": {"_eq": cache_key}' if key else '"task_id": {"_eq": task_id}'
        return (
            "[run.serialized_state for run in CLIENT.task_run.serialized_states("
            f'where={{"state": {{"_eq": "Cached"}}, "state_timestamp": {{"_gte": created_after}}, {by}}}, '
            'order_by=[{"state_timestamp": "desc"}], limit=100)]'
        )

    def _write_run_log(self) -> None:
        level = self.arguments.get("level")
        if level is not None and not isinstance(level, ast.Constant):
            raise Undecided("its level is computed, and is one of the names in LogLevel now")

    def _write_run_logs(self) -> None:
        logs = self.arguments.get("logs")
        if not isinstance(logs, ast.List):
            raise Undecided(
                "the keys of its entries do not show: they are flow_run_id, message, level and so on now"
            )
        for entry in logs.elts:
            if not isinstance(entry, ast.Dict):
                raise Undecided(
                    "the keys of its entries do not show: they are flow_run_id, message, level and so on now"
                )
            for key, value in zip(entry.keys, entry.values, strict=True):
                name = key.value if isinstance(key, ast.Constant) else None
                if name not in _LOG_KEYS:
                    raise Undecided("the keys of its entries are flow_run_id, message, level and so on now")
                if name == "timestamp" and not self._is_aware(value):
                    raise Undecided(
                        "its time may have no time zone, which was taken for UTC and is an error now"
                    )
                if name == "level" and not isinstance(value, ast.Constant):
                    raise Undecided("its level is computed, and is one of the names in LogLevel now")

    def _get_flow_run_info(self) -> str:
        return self._by_attributes(FLOW_RUN_ATTRIBUTES, "CLIENT.flow_run(id=flow_run_id)", ".refresh()")

    def _get_task_run_info(self) -> str | None:
        if isinstance(self.parents.parent[self.call], ast.Expr):
            return None
        made = "CLIENT.task_run.get_or_create_info(flow_run_id, task_id, map_index=map_index)"
        return self._by_attributes(TASK_RUN_ATTRIBUTES, made, "")

    def _by_attributes(self, templates: Mapping[str, str], made: str, loaded: str) -> str:
        """The result is read by its attributes only, at once or by a name that is bound to nothing else."""
        parent = self.parents.parent[self.call]
        if isinstance(parent, ast.Attribute):
            uses, template = [parent], made
        elif isinstance(parent, ast.Expr):
            return made + loaded
        else:
            uses = []
            for name in self._loads_of_name(parent):
                above = self.parents.parent[name]
                if not isinstance(above, ast.Attribute):
                    raise Undecided(self.row.reason or "")
                uses.append(above)
            template = made + loaded
        for use in uses:
            if use.attr not in templates:
                raise Undecided(f"its result's {use.attr} is read, which is read otherwise now")
            self.plan.attributes[place(use, self.lines)] = templates[use.attr]
        return template

    def _loads_of_name(self, parent: ast.AST) -> list[ast.Name]:
        """Where the name is read that the call's result is bound to, once and for all."""
        if (
            not isinstance(parent, ast.Assign)
            or len(parent.targets) != 1
            or not isinstance(parent.targets[0], ast.Name)
        ):
            raise Undecided(self.row.reason or "its result is used in ways that cannot be followed")
        name = parent.targets[0].id
        scope = self.parents.scope(self.call)
        if self.parents.stores(name, scope) != 1 or (
            scope is self.parents.tree and _exported(self.parents.tree, name)
        ):
            raise Undecided(f"{name} is bound to more than its result")
        return self.parents.loads(name, scope)

    def _graphql(self) -> str:
        for name in ("headers", "token"):
            if name in self.arguments:
                raise Undecided(f"{name} are given to client.with_options(headers=…) now")
        flag = self.arguments.get("raise_on_error")
        if flag is not None and not (isinstance(flag, ast.Constant) and flag.value is True):
            raise Undecided("errors are always raised now, as GraphQLError")
        query = self.arguments.get("query")
        if query is None:
            raise Undecided("it has no document")
        document = _document(query)
        if not isinstance(query, ast.Constant):
            self.literals["query"] = json.dumps(" ".join(document.split()), ensure_ascii=False)
        parent = self.parents.parent[self.call]
        if not isinstance(parent, ast.Expr):
            fields = _fields(document)
            if isinstance(parent, ast.Attribute):
                self._follow_data(self.call, fields)
            else:
                for use in self._loads_of_name(parent):
                    self._follow_data(use, fields)
        return str(self.row.value)

    def _follow_data(self, node: ast.expr, fields: _Fields) -> None:
        above = self.parents.parent[node]
        if not isinstance(above, ast.Attribute) or above.attr != "data":
            raise Undecided("its result is used whole; the new call gives the data itself")
        self.plan.keys[place(above, self.lines)] = False
        self._follow_keys(above, fields)

    def _follow_keys(self, node: ast.expr, fields: _Fields) -> None:
        """What was read by attributes becomes keys, as far as the document says what there is."""
        current, below = node, fields
        while True:
            above = self.parents.parent[current]
            if isinstance(above, ast.Attribute) and above.value is current:
                if above.attr not in below:
                    raise Undecided(f"its result's {above.attr} is no field of the document")
                self.plan.keys[place(above, self.lines)] = True
                current, below = above, below[above.attr]
            elif isinstance(above, ast.Subscript) and above.value is current:
                key = above.slice
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    if key.value not in below:
                        raise Undecided(f"its result's {key.value} is no field of the document")
                    below = below[key.value]
                current = above
            else:
                break
        if not below or (
            isinstance(above, ast.Call)
            and isinstance(above.func, ast.Name)
            and above.func.id in ("len", "bool")
        ):
            return
        if isinstance(above, ast.UnaryOp | ast.If | ast.While | ast.Assert | ast.Compare):
            return
        if (
            isinstance(above, ast.For | ast.comprehension)
            and above.iter is current
            and isinstance(above.target, ast.Name)
        ):
            name = above.target.id
            scope = above if isinstance(above, ast.For) else self.parents.parent[above]
            if self.parents.stores(name, self.parents.scope(above)) == 1:
                inside = self.parents.loads(name, scope)
                if isinstance(above, ast.comprehension) or len(inside) == len(
                    self.parents.loads(name, self.parents.scope(above))
                ):
                    for use in inside:
                        self._follow_keys(use, below)
                    return
        raise Undecided("objects of its result are handed on, where they may be read by attributes")

    # -------------------------------------------------------------------------------------------------- what a value is

    def _is_aware(self, node: ast.expr, *, text: bool = True, depth: int = 0) -> bool:
        """Whether a time certainly has a time zone (or, as text, is told by the server)."""
        match node:
            case ast.Constant(value=str()):
                return text
            case ast.BinOp(left=left):
                return self._is_aware(left, text=False, depth=depth)
            case ast.Call(func=ast.Attribute(value=owner, attr=name), args=args, keywords=keywords):
                if _root(owner) == "pendulum" or name == "astimezone":
                    return True
                given = {item.arg for item in keywords}
                if name == "now":
                    return bool(args) or "tz" in given
                return bool(given & {"tzinfo", "tz"})
            case ast.Call(func=ast.Name(id="datetime"), keywords=keywords):
                return any(item.arg == "tzinfo" for item in keywords)
            case ast.Name(id=name) if depth < 3:
                values = [
                    item.value
                    for item in ast.walk(self.parents.tree)
                    if isinstance(item, ast.Assign)
                    and any(isinstance(t, ast.Name) and t.id == name for t in item.targets)
                ]
                count = self.parents.stores(name, self.parents.tree)
                return (
                    bool(values)
                    and count == len(values)
                    and all(self._is_aware(value, text=text, depth=depth + 1) for value in values)
                )
        return False


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_version(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int)
        case ast.Name(id=name):
            return name == "version"
        case ast.Attribute(attr=name):
            return name == "version"
    return False


def _is_state(node: ast.expr) -> bool:
    from penstock.states import TYPES

    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in TYPES
        case ast.Name(id=name):
            return name == "state" or name.endswith("_state")
        case ast.Dict():
            return True
    return False


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def _exported(tree: ast.Module, name: str) -> bool:
    """Whether a function of the module might read the name: it is then not followed."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        and any(isinstance(item, ast.Name) and item.id == name for item in ast.walk(node))
        for node in ast.walk(tree)
    )


# ------------------------------------------------------------------------------------------------------------ documents

_Fields = dict[str, "_Fields"]

_TOKEN = re.compile(r'"""(?:[^"]|"(?!""))*"""|"(?:\\.|[^"\\])*"|\.\.\.|[_A-Za-z]\w*|[{}():$@]|#[^\n]*|[^\s]')


def _document(node: ast.expr) -> str:
    """The text of a document that stands in the code: a string, or dicts and sets of strings."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        raise Undecided("its document is put together by the program") from None
    try:
        return parse_graphql(value)
    except (TypeError, ValueError):
        raise Undecided("its document is none") from None


def _fields(document: str) -> _Fields:
    """The keys of the answer, all the way down, of a document with one operation and no fragments."""
    tokens = [token for token in _TOKEN.findall(document) if not token.startswith("#")]
    if "..." in tokens or "fragment" in tokens:
        raise Undecided("its document has fragments")
    if "{" not in tokens:
        raise Undecided("its document is none")
    position = iter(tokens)
    _skip_to_selection(position)
    return _selection(position)


def _skip_to_selection(tokens: Iterator[str]) -> None:
    depth = 0
    for token in tokens:
        depth += (token == "(") - (token == ")")
        if token == "{" and depth == 0:
            return


def _selection(tokens: Iterator[str]) -> _Fields:
    fields: _Fields = {}
    key: str | None = None
    alias = False
    depth = 0
    for token in tokens:
        if token in "()":
            depth += 1 if token == "(" else -1
        elif depth:
            continue
        elif token == "}":
            return fields
        elif token == "{":
            if key is None:
                raise Undecided("its document is none")
            fields[key] = _selection(tokens)
        elif token == ":":
            alias = True
        elif alias:
            # The name behind an alias: the answer has the alias.
            alias = False
        elif token[0].isalpha() or token[0] == "_":
            key = token
            fields[key] = {}
        else:
            raise Undecided("its document has directives")
    raise Undecided("its document is none")
