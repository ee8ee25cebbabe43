"""The IR as the templates print it: annotations, signatures and bodies as text. Sync and async differ here and nowhere else."""

from __future__ import annotations

import builtins
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from . import ir
from .names import with_article
from .types import Import, PythonType

_WIDTH = 110
_BUILTINS = frozenset(name for name in vars(builtins) if not name.startswith("_"))


# -------------------------------------------------------------------------------------------------------------- filters


@cache
def docstring(text: str, indent: int) -> str:
    """A docstring with its quotes, wrapped, in which nothing of the text can end it or be an escape."""
    lines = _wrapped(text, _WIDTH - indent)
    body = f"\n{' ' * indent}".join(lines).replace(f"\n{' ' * indent}\n", "\n\n")
    if len(lines) == 1:
        return f'"""{body}"""'
    return f'"""{body}\n{" " * indent}"""'


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    # The quotes take three columns of the first line; leaving them everywhere keeps the filling even.
    for paragraph in text.split("\n"):
        stripped = paragraph.rstrip()
        if not stripped:
            lines.append("")
            continue
        if len(stripped) <= width - 6 and stripped.isprintable():
            # It fits: there is nothing to wrap.
            lines.append(stripped)
            continue
        indent = stripped[: len(stripped) - len(stripped.lstrip())]
        hanging = indent + "    " if re.match(r"\s+\w+: ", stripped) else indent
        lines += textwrap.wrap(
            stripped, width - 6, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return [_escaped(line, last=number == len(lines) - 1) for number, line in enumerate(lines)]


def _escaped(line: str, *, last: bool) -> str:
    if line.isprintable() and "\\" not in line and '"' not in line:
        return line
    shown = "".join(
        character
        if character.isprintable()
        else f"\\x{ord(character):02x}"
        if ord(character) < 256
        else f"\\u{ord(character):04x}"
        for character in line.replace("\\", "\\\\")
        if ord(character) < 0x10000 or character.isprintable()
    )
    shown = shown.replace('"""', '\\"\\"\\"')
    # A quote at the very end would belong to the docstring's own, unless it is escaped already: by an odd number of backslashes.
    ending = re.search(r'(\\*)"$', shown) if last else None
    return shown[:-1] + '\\"' if ending and len(ending[1]) % 2 == 0 else shown


def literal(value: object) -> str:
    """A value as Python source. Only data: strings, numbers, None, Booleans, tuples of them."""
    if isinstance(value, tuple):
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    assert value is None or isinstance(value, str | int | bool), value
    return repr(value)


def sign(item: ir.Sign) -> str:
    """A sign as the runtime takes it."""
    arguments = [literal(each) for each in item.fields]
    if item.kind == "types":
        return f"Successes({literal(item.types)}, {', '.join(arguments)})"
    if item.kind == "flag":
        return f"Flag({', '.join([*arguments, *(['explains=True'] if item.explains else [])])})"
    return f"Problems({', '.join(arguments if item.fields[-1] else arguments[:-1])})"


SIGNS = {"flag": "Flag", "problems": "Problems", "types": "Successes"}


@dataclass(frozen=True, slots=True)
class Way:
    """A type that paths go on to: the classes that name it, and its paths."""

    classes: str
    paths: str


@dataclass(frozen=True, slots=True)
class OnView:
    """The method `on`: overloads where there are several types, its own annotations, and its body."""

    overloads: tuple[Way, ...]
    classes: str
    paths: str
    body: tuple[str, ...]


def on_view(ways: Sequence[Way]) -> OnView | None:
    """`on` for these types; None where there are none."""
    if not ways:
        return None
    if len(ways) > 1:
        return OnView(tuple(ways), "type[Any]", "Any", ("return self._on(resource)",))
    (only,) = ways
    return OnView((), only.classes, only.paths, (f"paths: {only.paths} = self._on(resource)", "return paths"))


@dataclass(frozen=True, slots=True)
class OperationView:
    """An operation as its constant is written: the functions before it, where it has its own, and its keyword arguments as text."""

    operation: ir.Operation
    read: str
    path: str
    options: tuple[tuple[str, str], ...]
    model: str
    problems: str


def operation_view(
    operation: ir.Operation, *, leaf: str, failure: str, takes: str, told_by: str
) -> OperationView:
    """How an operation is written down.

    `leaf`, `failure` and `takes` are text, and empty where there is none; `told_by` is the operation whose function gives the errors
    that this one tells.
    """
    result = operation.result
    own = operation.constant.lower()
    flags = {
        "whole": operation.whole,
        "as_values": result.kind == "resource",
        "many": result.many and bool(operation.model),
    }
    values: dict[str, object] = {
        "connection": operation.connection,
        "sparse": operation.sparse,
        "types": operation.types,
        "conditional": operation.conditional,
    }
    nothing = {
        "keeps_nothing": result.kind == "nothing",
        "nullable": result.nullable and result.kind != "nothing",
    }
    options = [
        ("model", f"_{own}_model" if operation.model else ""),
        *((name, "True" if wanted else "") for name, wanted in flags.items()),
        *((name, literal(value) if value else "") for name, value in values.items()),
        ("leaf", f"lambda: {leaf}" if leaf else ""),
        *((name, "True" if wanted else "") for name, wanted in nothing.items()),
        ("binds", literal(operation.binds) if operation.binds else ""),
        ("context", literal(operation.context) if operation.context else ""),
        ("failure", failure),
        ("problems", f"_{told_by.lower()}_problems" if told_by else ""),
        ("parameters", literal(operation.parameters) if operation.parameters else ""),
        ("takes", takes),
        ("idempotency", literal(operation.idempotency) if operation.idempotency else ""),
    ]
    return OperationView(
        operation,
        operation.read.text,
        literal(operation.attributes if operation.whole else result.path),
        tuple((name, text) for name, text in options if text),
        f"_{own}_model" if operation.model else "",
        f"_{own}_problems" if told_by == operation.constant else "",
    )


# ----------------------------------------------------------------------------------------------------------------- names


@dataclass(frozen=True, slots=True)
class Spelling:
    """How names are written in a class body, where the class's own members would hide what is meant."""

    builtins: frozenset[str]
    imports: Mapping[str, str]

    def write(self, text: str) -> str:
        """An annotation in which every name means what it says."""

        def replace(match: re.Match[str]) -> str:
            if match[1]:
                return match[1]
            name = match[2]
            if name in self.imports:
                return self.imports[name]
            return f"builtins.{name}" if name in self.builtins else name

        return re.sub(r"""("[^"]*"|'[^']*')|(?<![\w.])([A-Za-z_]\w*)""", replace, text)

    @property
    def uses_builtins(self) -> bool:
        return bool(self.builtins)


# What class bodies use besides annotations.
WORDS = (
    Import("builtins", "property"),
    Import("typing", "overload"),
    Import("typing_extensions", "deprecated"),
    Import("_operations", "operations", local=True),
)


def spelling(members: Iterable[str], imports: Iterable[Import]) -> Spelling:
    """The spelling for a class with these members in a module with these imports."""
    own = frozenset(members)
    renamed = {item.name: f"_{item.name}" for item in (*imports, *WORDS) if item.name in own}
    renamed.pop("property", None)
    return Spelling(own & _BUILTINS, renamed)


# --------------------------------------------------------------------------------------------------------------- methods


@dataclass(frozen=True, slots=True)
class MethodView:
    """A method as text."""

    name: str
    signature: str
    returns: str
    doc: str
    body: tuple[str, ...]
    is_async: bool
    deprecated: str | None
    decorator: str
    # What checkers are told of parameters that are deprecated: the signature without them, and why not to pass them.
    overload: str = ""
    plain: str = ""
    discouraged: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a method stands: what sends for it, what its client is, and which resource it belongs to."""

    send: str
    client: str
    resource: str
    is_async: bool
    operations: str = "operations"

    @property
    def stream(self) -> str:
        """What subscribes for it."""
        return f"{self.send.rpartition('.')[0]}._stream"


class Views:
    """Writes methods of one package; knows the names of its resources."""

    def __init__(self, package: ir.Package) -> None:
        self._resources = {resource.folder: resource for resource in package.resources}
        self._folders = {resource.module: resource for resource in package.resources}
        self._abstract = {item.graphql_type: item for item in package.abstract_paths}
        self._package = package

    def resource(self, name: str) -> ir.Resource:
        return self._resources[name]

    def abstract(self, name: str) -> ir.AbstractPaths:
        """How paths go on through an interface or a union."""
        return self._abstract[name]

    def handle(self, name: str, *, is_async: bool) -> str:
        classes = self._resources[name].classes
        return classes.async_handle if is_async else classes.handle

    def returned(self, method: ir.Method, *, is_async: bool) -> PythonType:
        """What a method returns, imports included."""
        if method.streams:
            generic = "AsyncEventStream" if is_async else "EventStream"
            event = self._event(method, is_async=is_async)
            return event.inside(generic, Import("_runtime.subscription", generic, local=True))
        return self._event(method, is_async=is_async)

    def _event(self, method: ir.Method, *, is_async: bool) -> PythonType:
        """What a method gives, and a subscription again and again."""
        result = method.result
        if result.kind in ("handle", "resource"):
            name = self.handle(result.resource, is_async=is_async)
            type_ = PythonType(
                name, frozenset({Import(self._resources[result.resource].module, name, local=True)})
            )
        else:
            type_ = result.type
        if result.pages:
            generic = "AsyncPages" if is_async else "Pages"
            return type_.inside(generic, Import("_runtime.pages", generic, local=True))
        if result.many and result.kind != "leaf":
            type_ = type_.inside("list")
        return type_.optional() if result.nullable and result.kind != "nothing" else type_

    def method(self, method: ir.Method, place: Place, spelled: Spelling) -> MethodView:
        """A method at a place."""
        is_async = place.is_async
        pages = method.result.pages
        parameters = ["self", *(f"{item.name}: {spelled.write(item.type.text)}" for item in method.required)]
        optional = [
            f"{item.name}: {spelled.write(item.type.union(PythonType('Unset')).text)} = UNSET"
            for item in method.optional
        ]
        if pages:
            start = "offset: int = 0" if pages == "offset" else "after: str | None = None"
            optional += ["limit: int | None = None", start, "page_size: int = DEFAULT_PAGE_SIZE"]
        if method.resume is not None:
            event = self._event(method, is_async=is_async).text
            resume = f"Callable[[{event}], {method.resume.text}]"
            optional.append(f"resume: {spelled.write(resume)} | None = None")
        old = [item for item in method.optional if item.deprecated is not None]
        discouraged = plain = ""
        if old and method.deprecated is None:
            kept = [text for item, text in zip(method.optional, optional, strict=False) if item not in old]
            kept += optional[len(method.optional) :]
            plain = ", ".join([*parameters, *(["*", *kept] if kept else [])])
            discouraged = " ".join(f"{item.name}: {item.deprecated}" for item in old)
        if optional:
            parameters += ["*", *optional]
        return MethodView(
            name=method.name,
            signature=", ".join(parameters),
            returns=spelled.write(self.returned(method, is_async=is_async).text),
            doc=self._doc(method),
            body=tuple(self._body(method, place)),
            is_async=is_async and not pages and not method.streams,
            deprecated=method.deprecated,
            decorator=spelled.write("deprecated"),
            overload=spelled.write("overload"),
            plain=plain,
            discouraged=discouraged,
        )

    def _doc(self, method: ir.Method) -> str:
        lines = [method.doc]
        described = [(item.name, item.doc) for item in (*method.required, *method.optional) if item.doc]
        if method.result.pages:
            described += [
                ("limit", "How many there are at most in all; all where it is None."),
                ("offset", "How many to skip at the start.")
                if method.result.pages == "offset"
                else ("after", "The cursor behind which to start; the first element where it is None."),
                ("page_size", "How many one request asks for."),
            ]
        if method.resume is not None:
            how = "Gives, from an event, the arguments to go on with behind it after a lost connection, such as a cursor."
            described.append(("resume", how))
        if described:
            lines += ["", "Args:", *(f"    {name}: {' '.join(doc.split())}" for name, doc in described)]
        if method.result.failure is not None:
            lines += ["", "Raises:", "    ActionFailed: The payload says that it did not happen."]
            lines += [
                f"    {item.error}: {item.doc or f'It tells of {with_article(item.graphql_type)}.'}"
                for item in method.result.failure.problems
            ]
        return "\n".join(lines)

    def _body(self, method: ir.Method, place: Place) -> Iterable[str]:
        result = method.result
        wait = "await " if place.is_async else ""
        if method.calls:
            passed = [item.name for item in method.required]
            passed += [f"{item.name}={item.name}" for item in method.optional]
            if result.pages:
                start = "offset" if result.pages == "offset" else "after"
                passed += [f"{name}={name}" for name in ("limit", start, "page_size")]
            if method.resume is not None:
                passed.append("resume=resume")
            called = f"self.{method.calls}({', '.join(passed)})"
            if result.kind == "nothing" and not method.streams:
                yield f"{wait}{called}"
            else:
                yield f"return {called}" if result.pages or method.streams else f"return {wait}{called}"
            return
        given = ", ".join(f"{literal(item.variable)}: {item.name}" for item in method.parameters)
        variables = f"{{{given}}}"
        operation = f"{place.operations}.{method.operation.constant}"
        sent = f"{wait}{place.send}({operation}, {variables})"
        target = self.handle(result.resource, is_async=place.is_async) if result.resource else ""
        own = result.resource == place.resource
        none_first = "None if found is None else "
        if target and not own:
            yield f"from .{self._resources[result.resource].module} import {target}"
            yield ""
        start = "offset" if result.pages == "offset" else "after"
        window = f"limit=limit, {start}={start}, page_size=page_size"
        if method.streams:
            event = self._made(result, place.client, target)
            resume = ", resume" if method.resume is not None else ""
            yield f"return {place.stream}({operation}, {variables}, lambda found: {event}{resume})"
        elif result.pages:
            wrap = f"{target}._load_all" if target else "as_models"
            owner = place.send.rpartition(".")[0]
            if not place.resource:
                # The client has no pages of its own: an accessor of none of its resources fetches them.
                accessor = "AsyncAccessor" if place.is_async else "Accessor"
                names = ", ".join([accessor, *([] if target else ["as_models"])])
                yield f"from ._runtime.resource import {names}"
                yield ""
                owner = f"{accessor}(self)"
            paged = "_pages" if result.pages == "offset" else "_cursor_pages"
            yield f"return {owner}.{paged}({operation}, {variables}, {wrap}, {window})"
        elif result.kind == "nothing":
            yield sent
        elif result.kind in ("leaf", "model"):
            yield f"return {sent}"
        elif result.kind == "handle":
            made = f"{target}._find({place.client}, {result.identity}={{}})"
            if result.many:
                yield f"found = {sent}"
                made_all = f"[{made.format('item')} for item in found]"
                yield f"return {none_first if result.nullable else ''}{made_all}"
            elif own and place.send.endswith("_act"):
                yield f"found = {sent}"
                yield f"return self._same({made.format('found')})"
            else:
                yield f"found = {sent}"
                yield f"return {made.format('found')}"
        else:
            yield f"found = {sent}"
            if result.many:
                yield f"return {none_first if result.nullable else ''}{target}._load_all({place.client}, found)"
            elif own and place.send.endswith("_act"):
                yield "return self._absorb(found)"
            else:
                yield f"return {none_first if result.nullable else ''}{target}._loaded({place.client}, found)"

    @staticmethod
    def _made(result: ir.Result, client: str, target: str) -> str:
        """What a subscription's event is, as an expression of what was `found`."""
        none_first = "None if found is None else " if result.nullable else ""
        if result.kind == "handle":
            made = f"{target}._find({client}, {result.identity}={{}})"
            many = f"[{made.format('item')} for item in found]"
            return none_first + (many if result.many else made.format("found"))
        if result.kind == "resource":
            return f"{none_first}{target}.{'_load_all' if result.many else '_loaded'}({client}, found)"
        return "found"

    # ------------------------------------------------------------------------------------------------------------ imports

    def method_imports(self, methods: Iterable[ir.Method]) -> set[Import]:
        """What the signatures of methods need, for checkers only."""
        found: set[Import] = set()
        for method in methods:
            for parameter in method.parameters:
                found |= parameter.type.imports
                if not parameter.required:
                    found.add(Import("_runtime.unset", "Unset", local=True))
            for is_async in (False, True):
                found |= self.returned(method, is_async=is_async).imports
            if method.resume is not None:
                found |= {*method.resume.imports, Import("collections.abc", "Callable")}
        return found
