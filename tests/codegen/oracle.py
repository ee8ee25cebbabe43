"""The oracle: what a GraphQL server answers to what a generated package sends has to come back whole.

Every method of a package, sync and async, is called through a stub with httpx's surface. The document that it sends is validated and
executed with graphql-core on the schema, with values that differ from place to place; the answer goes back to the method, and what the
method gives is compared with the answer. Nothing of the generator's decides what is right, but how a variable's name becomes a
parameter's.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import pkgutil
import warnings
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.parser import BytesParser
from email.policy import HTTP
from fnmatch import fnmatchcase
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, Literal, Protocol
from uuid import UUID, uuid5

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    execute_sync,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_input_field,
    parse,
    type_from_ast,
    validate,
)
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from penstock_codegen.config import Config, ErrorFields
from penstock_codegen.names import parameter_name

_NAMESPACE = UUID("7a2f0f0e-5d0b-4a53-9a0a-4d6f6f1f6a11")
_MOMENT = "2026-03-04T05:06:07.890000+00:00"

# The scalars that mean something to Python; any other is a text, unless `values` says what it is.
_BY_SCALAR: Mapping[str, Any] = {
    "timestamptz": _MOMENT,
    "DateTime": _MOMENT,
    "JSON": {"k": [1, None, "ü"]},
    "jsonb": {"k": [1, None, "ü"]},
}

# Of an interface of hundreds of types, so many are answered.
_FEW = 12

Mode = Literal["full", "leaves null", "all null", "failed"]
MODES: tuple[Mode, ...] = ("full", "leaves null", "all null", "failed")


@dataclass(frozen=True)
class Sent:
    """A request: its document, the operation's name, and its variables as they came out of the JSON."""

    document: str
    operation: str
    variables: Mapping[str, Any]


@dataclass
class Report:
    """How many calls were made, which operations they sent, and what came back wrong, each as one line."""

    calls: int = 0
    sent: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)


class Server:
    """Answers requests by the schema: `mode` says what nulls there are, `turn` which member of a union comes first.

    `values` are the JSON values of scalars (`timestamptz`) or of single fields (`flow.labels`, or `flow.labels!` where it is never null).
    `single` is how deep the list lies of which only one element is meant.
    """

    def __init__(self, schema: GraphQLSchema, values: Mapping[str, Any], errors: ErrorFields) -> None:
        self.schema = schema
        self.values = {**_BY_SCALAR, **values}
        self.errors = errors
        self.mode: Mode = "full"
        self.turn = 0
        self.pages = 1
        self.single: int | None = None
        # The most types that an object of an answer could have been of; counted since it was last set.
        self.width = 1
        self._info: GraphQLResolveInfo | None = None
        self.requests: list[Sent] = []
        self.data: Any = None
        self._parsed: dict[str, DocumentNode] = {}

    def answer(self, content: bytes) -> bytes:
        """The answer to a request's body. Raises `AssertionError` where a server would refuse it."""
        body = json.loads(content)
        sent = Sent(body["query"], body.get("operationName", ""), body["variables"])
        self.requests.append(sent)
        document = self._parsed.get(sent.document)
        if document is None:
            document = parse(sent.document)
            problems = validate(self.schema, document)
            assert not problems, f"{sent.operation} is sent and not valid: {problems[0].message}"
            self._parsed[sent.document] = document
        result = execute_sync(
            self.schema,
            document,
            variable_values=dict(sent.variables),
            operation_name=sent.operation or None,
            field_resolver=self._resolve,
            type_resolver=lambda value, *_: value["type"],
        )
        assert not result.errors, f"{sent.operation} with {sent.variables}: {result.errors}"
        self.data = result.data
        return json.dumps({"data": result.data}).encode()

    def _resolve(self, source: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        owner = info.parent_type
        name = info.field_name
        path = info.path.as_list()
        failing = self._failure(owner, name, path) or self._page(owner, name)
        self._info = info
        return failing[0] if failing else self._value(info.return_type, f"{owner.name}.{name}", path)

    def _page(self, owner: GraphQLObjectType, name: str) -> tuple[Any] | None:
        """What a connection says of its pages: that there are as many as are wanted, and a cursor that is another for each."""
        if owner.name != "PageInfo":
            return None
        if name == "hasNextPage":
            return (len(self.requests) < self.pages,)
        return (f"cursor {len(self.requests)}",) if name == "endCursor" else None

    def _failure(self, owner: GraphQLObjectType, name: str, path: list[str | int]) -> tuple[Any] | None:
        """What a payload's error fields say."""
        errors, failed = self.errors, self.mode == "failed"
        own = owner.fields[name].type
        named = any(fnmatchcase(name, pattern) for pattern in errors.problems)
        single = isinstance(own, GraphQLObjectType)
        if named and (single or isinstance(_nullable(own), GraphQLList)) and len(path) > 1:
            if not failed:
                if single:
                    return (None,)
                return ([],) if isinstance(own, GraphQLNonNull) or self.mode == "full" else (None,)
            # The reason is made from the path, like every text.
            return None
        if not any(flag in owner.fields for flag in errors.success) or name == "__typename":
            return None
        if name in errors.success and str(_nullable(own)) == "Boolean":
            return (not failed,)
        if name in errors.message and str(_nullable(own)) == "String":
            text = "the server says no" if failed else None
            return ("" if text is None and isinstance(own, GraphQLNonNull) else text,)
        return None

    def _value(self, type_: GraphQLType, origin: str, path: list[str | int]) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return self._non_null(type_.of_type, origin, path)
        if f"{origin}!" in self.values:
            return self.values[f"{origin}!"]
        if self.mode == "all null" or (self.mode == "leaves null" and is_leaf_type(get_named_type(type_))):
            return None
        return self._non_null(type_, origin, path)

    def _non_null(self, type_: GraphQLType, origin: str, path: list[str | int]) -> Any:
        if origin in self.values:
            return self.values[origin]
        if isinstance(type_, GraphQLList):
            # A page has as many as are asked for.
            length = 2 if self.pages > 1 else max(2, len(self._possible(get_named_type(type_))))
            length = 1 if self.single == len(path) else length
            return [self._value(type_.of_type, origin, [*path, index]) for index in range(length)]
        if is_leaf_type(type_):
            return self.leaf(type_, ".".join(map(str, path)))
        possible = self._possible(type_)
        index = next((item for item in reversed(path) if isinstance(item, int)), 0)
        return {"type": possible[(self.turn + index) % len(possible)]}

    def _possible(self, type_: GraphQLType) -> list[str]:
        if is_abstract_type(type_):
            members = self._told_apart(_members(self.schema, type_))
            self.width = max(self.width, len(members))
            failing = [name for name in members if self._is_error(name)]
            # Where some members are errors, the mode says whether it is one of them.
            if failing and len(failing) < len(members):
                return failing if self.mode == "failed" else [name for name in members if name not in failing]
            return members
        return [getattr(type_, "name", "")]

    def _told_apart(self, members: list[str]) -> list[str]:
        """Of the types that an object can be, those that its selection tells apart, and one more: another of those is no other case."""
        if len(members) <= _FEW or self._info is None:
            return members
        chosen = {
            name
            for node in self._info.field_nodes
            for name in self._conditions(node.selection_set, self._info.fragments)
        }
        told = [name for name in members if name in chosen]
        return [*told, *[name for name in members if name not in chosen][: 1 if told else _FEW]]

    def _conditions(
        self, selection_set: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> Iterator[str]:
        for item in selection_set.selections if selection_set else ():
            if isinstance(item, FieldNode):
                continue
            found = fragments[item.name.value] if isinstance(item, FragmentSpreadNode) else item
            assert isinstance(found, FragmentDefinitionNode | InlineFragmentNode)
            type_ = self.schema.get_type(found.type_condition.name.value) if found.type_condition else None
            if type_ is not None:
                possible = _members(self.schema, type_) if is_abstract_type(type_) else [type_.name]
                yield from possible[:_FEW]
            yield from self._conditions(found.selection_set, fragments)

    def _is_error(self, name: str) -> bool:
        type_ = self.schema.get_type(name)
        assert isinstance(type_, GraphQLObjectType)
        return any(item in self.errors.types for item in (name, *(each.name for each in type_.interfaces)))

    def leaf(self, type_: GraphQLType, place: str) -> Any:
        """A scalar's or enum's JSON value, another one at every place."""
        number = zlib.crc32(place.encode())
        if isinstance(type_, GraphQLEnumType):
            return sorted(type_.values)[number % len(type_.values)]
        assert isinstance(type_, GraphQLScalarType)
        if type_.name in self.values:
            return self.values[type_.name]
        match type_.name:
            case "Int":
                return number % 1_000_000
            case "Float":
                return number % 1000 + 0.5
            case "Boolean":
                return number % 2 == 1
            case "UUID" | "uuid":
                return str(uuid5(_NAMESPACE, place))
        return f"{place} «\"'\\»"


def _members(schema: GraphQLSchema, type_: GraphQLType) -> list[str]:
    assert isinstance(type_, GraphQLInterfaceType | GraphQLUnionType)
    return sorted(item.name for item in schema.get_possible_types(type_))


def _nullable(type_: GraphQLType) -> GraphQLType:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


@dataclass(frozen=True)
class _Response:
    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Answers(Protocol):
    """What answers a request's body."""

    def answer(self, content: bytes, /) -> bytes: ...


class Carrier:
    """httpx's surface over a server in this process."""

    def __init__(self, server: Answers) -> None:
        self._server = server

    def build_request(
        self, method: str, url: str, *, content: Any, headers: Mapping[str, str], timeout: Any
    ) -> bytes:
        assert method == "POST"
        return content if isinstance(content, bytes) else _without_files(_pieces(content), headers)

    def send(self, request: bytes, /) -> _Response:
        return _Response(200, {}, self._server.answer(request))

    def close(self) -> None:
        """Nothing is open."""


def _pieces(content: Any) -> bytes:
    """The whole of a body that is given piece by piece, from an async client as well."""
    if hasattr(content, "__iter__"):
        return b"".join(content)

    async def join() -> bytes:
        return b"".join([piece async for piece in content])

    # Inside of a running loop, and so in a thread with a loop of its own.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, join()).result()


def _without_files(content: bytes, headers: Mapping[str, str]) -> bytes:
    """A multipart request as the JSON that it stands for, with each file's text where it belongs."""
    message = BytesParser(policy=HTTP).parsebytes(
        f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + content
    )
    assert len(content) == int(headers["Content-Length"])
    # The parser's types know neither parts nor what they hold.
    parts: dict[str, Any] = {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
        for part in message.iter_parts()
    }
    body = json.loads(parts["operations"])
    for name, places in json.loads(parts["map"]).items():
        for place in places:
            *way, last = place.split(".")
            owner = body
            for step in way:
                owner = owner[int(step) if isinstance(owner, list) else step]
            key = int(last) if isinstance(owner, list) else last
            assert owner[key] is None, f"{place} is not null where a file belongs"
            owner[key] = parts[name].decode()
    return json.dumps(body).encode()


class _AsyncCarrier(Carrier):
    async def send(self, request: bytes, /) -> _Response:  # type: ignore[override]  # httpx's clients differ in the same way
        return _Response(200, {}, self._server.answer(request))

    async def aclose(self) -> None:
        """Nothing is open."""


# ----------------------------------------------------------------------------------------------------------- what is there


class Package:
    """A generated package, and the parts of it that the oracle needs."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.name = module.__name__
        runtime = import_module(f"{self.name}._runtime.resource")
        self.Field, self.Relation, self.Nested = runtime.Field, runtime.Relation, runtime.Nested
        self.AbstractNested = runtime.AbstractNested
        self.Handle = runtime.Handle
        self.Upload = import_module(f"{self.name}._runtime.upload").Upload
        self.errors = import_module(f"{self.name}._runtime.errors")
        operation_type = import_module(f"{self.name}._runtime.operation").Operation
        self.operations: dict[str, dict[str, Any]] = {}
        folder = import_module(f"{self.name}._operations")
        for item in pkgutil.iter_modules(folder.__path__):
            found = vars(import_module(f"{self.name}._operations.{item.name}"))
            self.operations[item.name] = {
                name: value for name, value in found.items() if isinstance(value, operation_type)
            }

    @property
    def names(self) -> set[str]:
        """The names of all operations."""
        return {item.name for constants in self.operations.values() for item in constants.values()}

    def operation_of(self, function: FunctionType) -> Any:
        """The operation that a method sends: the constant that its code names."""
        module = function.__module__.rpartition(".")[2]
        constants = self.operations[module]
        for name in _code_names(function.__code__):
            if name in constants:
                return constants[name]
        raise AssertionError(f"{function.__qualname__} names no operation")

    def modules(self) -> Iterator[ModuleType]:
        """All modules of the package, imported."""
        for item in pkgutil.walk_packages(self.module.__path__, f"{self.name}."):
            yield import_module(item.name)


def _code_names(code: Any) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from _code_names(constant)


def _methods(class_: type) -> Iterator[tuple[str, FunctionType]]:
    for name, value in vars(class_).items():
        # A handle's own `get` is looked at with its attributes.
        if name.startswith("_") or (name == "get" and hasattr(class_, "_resource")):
            continue
        if isinstance(value, FunctionType):
            # A deprecated method is a wrapper around the one that was written.
            yield name, inspect.unwrap(value)


# ------------------------------------------------------------------------------------------------------------------ calls


class Oracle:
    """Calls everything in a package, and keeps what came back wrong."""

    def __init__(
        self,
        module: ModuleType,
        schema: GraphQLSchema,
        values: Mapping[str, Any] | None = None,
        errors: ErrorFields | None = None,
    ) -> None:
        self.package = Package(module)
        self.schema = schema
        self.server = Server(schema, values or {}, errors or ErrorFields())
        self.report = Report()

    def run(self) -> Report:
        """Everything, sync and async."""
        with warnings.catch_warnings():
            # What is deprecated is called like all else.
            warnings.simplefilter("ignore", DeprecationWarning)
            for is_async in (False, True):
                asyncio.run(self._client(is_async=is_async))
        missing = self.package.names - self.report.sent
        if missing:
            self.report.failures.append(f"never sent: {', '.join(sorted(missing))}")
        return self.report

    @contextmanager
    def _checking(self, what: str) -> Iterator[None]:
        self.report.calls += 1
        try:
            yield
        except Exception as error:
            first = (str(error) or repr(error)).splitlines()[0]
            self.report.failures.append(
                f"{what} ({self.server.mode}, turn {self.server.turn}): {type(error).__name__}: {first}"
            )

    def _make_client(self, *, is_async: bool) -> Any:
        client_module = import_module(f"{self.package.name}.client")
        class_ = client_module.AsyncClient if is_async else client_module.Client
        carrier = _AsyncCarrier(self.server) if is_async else Carrier(self.server)
        own = set(inspect.signature(class_.__init__).parameters) - {
            "self",
            "url",
            "headers",
            "timeout",
            "retries",
            "http_client",
        }
        # The client's parameters are its context's variables.
        self._context = {name: value for name, value in self._context_values().items() if name in own}
        return class_("http://oracle.test/graphql", http_client=carrier, retries=0, **self._context)

    def _context_values(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for constants in self.package.operations.values():
            for operation in constants.values():
                types = self._variables(operation)
                for name, _ in operation.context:
                    found[parameter_name(name)] = self._argument(types[name], f"context.{name}")
        return found

    async def _client(self, *, is_async: bool) -> None:
        client = self._make_client(is_async=is_async)
        for name, value in vars(type(client)).items():
            if isinstance(value, property):
                await self._accessor(getattr(client, name), name)
        for name, function in _methods(type(client)):
            await self._call(client, name, function, None)

    async def _accessor(self, accessor: Any, name: str) -> None:
        for method, function in _methods(type(accessor)):
            await self._call(accessor, method, function, None)
        if not callable(accessor):
            return
        code = type(accessor).__call__.__code__
        owner = next(
            value
            for key, value in vars(import_module(type(accessor).__module__)).items()
            if key in code.co_names and isinstance(value, type) and issubclass(value, self.package.Handle)
        )
        resource: Any = owner._resource  # type: ignore[attr-defined]  # a handle of a package known at run time
        for lookup in resource.lookups:
            key = self._key(lookup)
            await self._lookup(accessor, lookup, key)
        key = self._key(resource.lookups[0])
        await self._fields(accessor, key, owner)
        for method, function in _methods(owner):
            await self._call(lambda key=key: accessor(**key), method, function, key)

    def _key(self, lookup: Any) -> dict[str, Any]:
        types = self._variables(lookup.operation)
        return {
            item.parameter: self._argument(types[item.variable], f"key.{item.variable}")
            for item in lookup.identities
        }

    # ----------------------------------------------------------------------------------------------------- one method each

    async def _lookup(self, accessor: Any, lookup: Any, key: Mapping[str, Any]) -> None:
        operation = lookup.operation
        for mode, turn in self._rounds(operation):
            if mode == "failed":
                continue
            self._prepare(operation, mode, turn)
            with self._checking(f"{type(accessor).__name__}({', '.join(key)})"):
                handle = accessor(**key)
                assert not self.server.requests, "making a handle sends something"
                try:
                    found = handle.refresh()
                    found = await found if inspect.iscoroutine(found) else found
                except self.package.errors.NotFound:
                    assert self._expected(operation) is None, "NotFound, and the answer has an object"
                    continue
                finally:
                    self._sent(operation, {item.variable: key[item.parameter] for item in lookup.identities})
                answer = self._at(operation.path)
                assert answer is not None, f"null gave {found!r}"
                self._same_handle(found, answer)

    async def _fields(self, accessor: Any, key: Mapping[str, Any], owner: type) -> None:
        """`get` of every attribute by name, and of the first eight paths at once."""
        paths = {
            name: value
            for class_ in owner.__mro__
            for name, value in vars(class_).items()
            if isinstance(value, self.package.Field)
        }
        for mode in ("full", "leaves null"):
            # A field's value is at the end of its path below the object that the lookup finds.
            resource: Any = owner._resource  # type: ignore[attr-defined]
            self._prepare(resource.lookups[0].operation, mode, 0)
            where = resource.lookups[0].path
            for name, value in paths.items():
                with self._checking(f"{owner.__name__}.get({name!r})"):
                    found = accessor(**key).get(name)
                    found = await found if inspect.iscoroutine(found) else found
                    self._same(found, self._at((*where, *value.path)))
            chosen = list(paths.values())[:8]
            if len(chosen) > 1:
                with self._checking(f"{owner.__name__}.get of {len(chosen)} paths"):
                    found = accessor(**key).get(*chosen)
                    found = await found if inspect.iscoroutine(found) else found
                    for one, value in zip(found, chosen, strict=True):
                        self._same(one, self._at((*where, *value.path)))

    async def _call(
        self, target: Any, name: str, function: FunctionType, key: Mapping[str, Any] | None
    ) -> None:
        operation = self.package.operation_of(function)
        types = self._variables(operation)
        parameters = [item for item in inspect.signature(function).parameters.values() if item.name != "self"]
        paged = "page_size" in {item.name for item in parameters}
        by_cursor = bool(operation.connection)
        window = {"limit", "page_size", "after" if by_cursor else "offset"} if paged else set[str]()
        window |= {"resume"} if operation.kind == "subscription" else set()
        bound = {variable for variable, _ in operation.binds}
        by_parameter = {parameter_name(variable): variable for variable in types if variable not in bound}
        given: dict[str, Any] = {}
        for item in parameters:
            if item.name not in window:
                variable = by_parameter[item.name]
                given[item.name] = self._argument(types[variable], f"argument.{variable}")
        required = {item.name for item in parameters if item.default is inspect.Parameter.empty}
        what = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        for mode, turn in self._rounds(operation):
            for arguments in [given, {name_: given[name_] for name_ in given if name_ in required}]:
                self._prepare(operation, mode, turn)
                with self._checking(f"{what}({', '.join(arguments)})"):
                    owner = target() if key is not None else target
                    expected = {by_parameter[each]: value for each, value in arguments.items()}
                    expected.update(self._bound(operation, owner, key))
                    for variable, _ in operation.context:
                        if variable not in expected and parameter_name(variable) in self._context:
                            expected[variable] = self._context[parameter_name(variable)]
                    await self._one(owner, name, operation, arguments, expected, paged=paged)
        if paged:
            self._prepare(operation, "full", 0)
            self.server.pages = 2
            with self._checking(f"{what} in pages"):
                owner = target() if key is not None else target
                start = {"after": "cursor 0"} if by_cursor else {"offset": 3}
                size = 2
                pages = getattr(owner, name)(**given, limit=2 * size, page_size=size, **start)
                elements = await pages.all() if hasattr(pages, "__await__") else pages.all()
                assert len(elements) == 2 * size, f"limit={2 * size} gave {len(elements)}"
                names = ("first", "after") if by_cursor else ("limit", "offset")
                asked = [tuple(item.variables[each] for each in names) for item in self._own(operation)]
                wanted: list[tuple[Any, ...]] = (
                    [(size, "cursor 0"), (size, "cursor 1")] if by_cursor else [(2, 3), (2, 5)]
                )
                assert asked == wanted, f"two pages asked for {names}: {asked}"
            self.server.pages = 1

    def _bound(self, operation: Any, owner: Any, key: Mapping[str, Any] | None) -> dict[str, Any]:
        if key is None:
            return {}
        lookup = owner._resource.lookups[0]
        by_attribute = {item.attribute: key[item.parameter] for item in lookup.identities}
        return {variable: by_attribute[attribute] for variable, attribute in operation.binds}

    async def _one(
        self,
        owner: Any,
        name: str,
        operation: Any,
        arguments: Mapping[str, Any],
        expected: Mapping[str, Any],
        *,
        paged: bool,
    ) -> None:
        errors = self.package.errors
        try:
            result = getattr(owner, name)(**arguments)
            if paged:
                result = await result.all() if hasattr(result, "__await__") else result.all()
            elif operation.kind == "subscription":
                result = await self._event(result, operation)
            elif inspect.iscoroutine(result):
                result = await result
        except errors.ActionFailed as failed:
            if self.server.mode == "failed":
                assert operation.failure is not None, "ActionFailed without a convention for it"
                # A payload may say no more than that it failed.
                says = any(getattr(sign, "message", "") is not None for sign in operation.failure[1:])
                assert failed.reasons or not says, "ActionFailed without the reason that the payload gives"
                return
            assert operation.kind == "mutation", "ActionFailed from a query"
            assert self._expected(operation) is None, f"{failed}, and the answer says no such thing"
            return
        except errors.NotFound:
            assert self._expected(operation) is None, "NotFound, and the answer has an object"
            return
        finally:
            window = {"first": 100, "after": None} if operation.connection else {"limit": 100, "offset": 0}
            self._sent(operation, {**expected, **(window if paged else {})})
        assert not (self.server.mode == "failed" and operation.failure), "a failed payload went unnoticed"
        self._whole(operation)
        if operation.keeps_nothing:
            assert result is None, f"nothing is kept, and {result!r} came"
            assert self._at(operation.path) is not None, "a payload that is null went unnoticed"
            return
        answer = self._expected(operation)
        if answer is None:
            if paged:
                assert result == [], f"null gave {result!r}, not pages of nothing"
                return
            assert result is None, f"null gave {result!r}"
            assert operation.nullable, "None came where the method's type has no None"
            return
        if operation.types and isinstance(result, BaseModel) and "__typename" not in _dump(result):
            # Where only one type is meant, its name says nothing more.
            answer = {key: value for key, value in answer.items() if key != "__typename"}
        self._same(result, answer)

    async def _event(self, stream: Any, operation: Any) -> Any:
        """What a subscription's stream makes of one event: all but the socket, which other tests are about."""
        variables = stream._variables()
        variables = await variables if inspect.iscoroutine(variables) else variables
        variables = stream._client._with_context(operation, variables)
        variables = await variables if inspect.iscoroutine(variables) else variables
        conversation = stream._conversation(variables, {})
        subscribe, _ = conversation.receive('{"type":"connection_ack"}')
        told = json.loads(subscribe)
        answer = self.server.answer(json.dumps(told["payload"]).encode()).decode()
        _, content = conversation.receive(f'{{"id":"{told["id"]}","type":"next","payload":{answer}}}')
        return stream._event(content)

    # ---------------------------------------------------------------------------------------------------------- comparing

    def _expected(self, operation: Any) -> Any:
        """What of the answer a method gives: elements of a connection, without nulls where a list may have holes."""
        answer = self._at(operation.path)
        if isinstance(answer, dict) and operation.types and answer.get("__typename") not in operation.types:
            return None
        if answer is not None and operation.connection:
            first, *rest = operation.connection
            answer = answer[_key_of(answer, first)] or []
            for step in rest:
                answer = [None if item is None else item[_key_of(item, step)] for item in answer]
            return [item for item in answer if item is not None]
        if operation.sparse and isinstance(answer, list):
            return [item for item in answer if item is not None]
        return answer

    def _whole(self, operation: Any) -> None:
        """The model of an operation's data holds all of it."""
        if operation.model is not None and operation.whole:
            model = operation.model().model_validate_json(json.dumps(self.server.data))
            optional = "@include" in operation.document or "@skip" in operation.document
            _compare(_dump(model), self.server.data, "data", optional=optional)

    def _same(self, result: Any, answer: Any) -> None:
        if isinstance(result, list) and any(isinstance(item, self.package.Handle) for item in result):
            assert isinstance(answer, list)
            assert len(result) == len(answer), f"{len(answer)} elements came back as {len(result)}"
            for one, other in zip(result, answer, strict=True):
                self._same(one, other)
        elif isinstance(result, self.package.Handle):
            if isinstance(answer, dict):
                self._same_handle(result, answer)
            else:
                handle: Any = result
                (identity,) = handle._identity().values()
                _compare(_dump(identity), answer, "the identity")
        else:
            # Where a selection is conditional, what was not sent is None in the model.
            _compare(_dump(result), answer, "the result", optional=isinstance(result, BaseModel | list))

    def _same_handle(self, handle: Any, answer: Mapping[str, Any]) -> None:
        """A handle's attributes have the answer's values, and reading them sends nothing."""
        before = len(self.server.requests)
        seen: set[str] = set()
        for class_ in type(handle).__mro__:
            for name, value in vars(class_).items():
                if isinstance(value, self.package.Field):
                    key = value.path[0]
                elif isinstance(
                    value, self.package.Relation | self.package.Nested | self.package.AbstractNested
                ):
                    key = value._name
                else:
                    continue
                if key not in answer:
                    continue
                seen.add(key)
                found = getattr(handle, name)
                if isinstance(value, self.package.Relation):
                    self._related(found, answer[key])
                else:
                    _compare(_dump(found), answer[key], name)
        for name, key in type(handle)._deprecated.items():
            if key in answer:
                seen.add(key)
                _compare(_dump(getattr(handle, name)), answer[key], name)
        lost = answer.keys() - seen - {"__typename"}
        assert not lost, f"the handle has no attribute for {', '.join(sorted(lost))}"
        assert len(self.server.requests) == before, "reading what was loaded sends something"

    def _related(self, found: Any, answer: Any) -> None:
        if isinstance(answer, list):
            assert len(found) == len(answer)
            for one, other in zip(found, answer, strict=True):
                self._related(one, other)
        elif answer is None:
            assert found is None, f"a relation that is null gave {found!r}"
        else:
            self._same_handle(found, answer)

    def _at(self, path: tuple[str | int, ...]) -> Any:
        """What the last answer has at a path, given as its own keys or as attributes made from them."""
        value = self.server.data
        for step in path:
            if value is None:
                return None
            if isinstance(step, int):
                value = value[step] if value else None
                continue
            key = _key_of(value, step)
            # Behind an inline fragment, what is of another type has no such field.
            value = value.get(key) if "__typename" in value else value[key]
        return value

    # ------------------------------------------------------------------------------------------------------------ requests

    def _rounds(self, operation: Any) -> Iterator[tuple[Mode, int]]:
        for mode in MODES:
            if mode == "failed" and operation.failure is None:
                continue
            turn, self.server.width = 0, 1
            # Each type that an object can be is answered once; how many there are is seen while answering.
            while turn == 0 or (mode in ("full", "leaves null") and turn < self.server.width):
                yield mode, turn
                turn += 1

    def _prepare(self, operation: Any, mode: Mode, turn: int) -> None:
        server = self.server
        server.requests, server.data, server.mode, server.turn = [], None, mode, turn
        path = operation.path
        server.single = next((index for index, step in enumerate(path) if isinstance(step, int)), None)

    def _own(self, operation: Any) -> list[Sent]:
        return [item for item in self.server.requests if item.operation == operation.name]

    def _sent(self, operation: Any, expected: Mapping[str, Any]) -> None:
        own = self._own(operation)
        assert len(own) == 1, f"{len(own)} requests were sent, not one"
        _compare(
            own[0].variables,
            to_jsonable_python({k: _json(v) for k, v in expected.items()}, fallback=_content),
            "variables",
        )
        self.report.sent.add(operation.name)

    def _variables(self, operation: Any) -> dict[str, GraphQLType]:
        definition = next(
            item
            for item in parse(operation.document).definitions
            if isinstance(item, OperationDefinitionNode)
        )
        found: dict[str, GraphQLType] = {}
        for item in definition.variable_definitions or ():
            type_ = type_from_ast(self.schema, item.type)
            assert type_ is not None
            found[item.variable.name.value] = type_
        return found

    def _argument(self, type_: GraphQLType, place: str, depth: int = 0) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return self._argument(type_.of_type, place, depth)
        if isinstance(type_, GraphQLList):
            return [self._argument(type_.of_type, f"{place}.{index}", depth) for index in range(2)]
        if isinstance(type_, GraphQLInputObjectType):
            if getattr(type_, "is_one_of", False):
                name, item = next(iter(type_.fields.items()))
                return {name: self._argument(GraphQLNonNull(item.type), f"{place}.{name}", depth + 1)}
            return {
                name: self._argument(item.type, f"{place}.{name}", depth + 1)
                for name, item in type_.fields.items()
                if is_required_input_field(item) or depth < 2
            }
        value = self.server.leaf(type_, place)
        name = getattr(type_, "name", "")
        if name in ("UUID", "uuid"):
            return UUID(value)
        if name == "Upload":
            return self.package.Upload(value.encode(), filename="«a».txt")
        if value == _MOMENT:
            return datetime.fromisoformat(value)
        return value


def _content(upload: Any) -> str:
    """What is in a file that is passed."""
    read, _ = upload.opened()
    content: bytes = read()
    return content.decode()


_BY_PYTHON: Mapping[str, Any] = {
    "int": 9_007_199_254_740_993,
    "float": 2.5,
    "bool": True,
    "datetime": _MOMENT,
    "AwareDatetime": _MOMENT,
    "date": "2026-03-04",
    "time": "05:06:07",
    "UUID": str(_NAMESPACE),
    "Decimal": "12.50",
}


def scalar_values(config: Config) -> dict[str, Any]:
    """JSON values of the scalars that a configuration gives types, where not any text is one."""
    return {
        name: _BY_PYTHON[scalar.output.text]
        for name, scalar in config.scalars.items()
        if scalar.output.text in _BY_PYTHON
    }


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _key_of(answer: Mapping[str, Any], step: str) -> str:
    if step in answer:
        return step
    near = [key for key in answer if _plain(key) == _plain(step)]
    return near[0] if len(near) == 1 else step


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _dump(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    return to_jsonable_python(value, by_alias=True)


def _compare(found: Any, answer: Any, place: str, *, optional: bool = False) -> None:
    if isinstance(found, Mapping) and isinstance(answer, Mapping):
        more = {key for key in found.keys() - answer.keys() if not (optional and found[key] is None)}
        less = answer.keys() - found.keys()
        assert not more, f"{place} has {', '.join(sorted(more))}, which the answer has not"
        assert not less, f"{place} has lost {', '.join(sorted(less))}"
        for key in answer:
            _compare(found[key], answer[key], f"{place}.{key}", optional=optional)
    elif isinstance(found, list | tuple) and isinstance(answer, list):
        assert len(found) == len(answer), f"{place} has {len(found)} elements of {len(answer)}"
        for index, (one, other) in enumerate(zip(found, answer, strict=True)):
            _compare(one, other, f"{place}.{index}", optional=optional)
    elif isinstance(found, str) and isinstance(answer, str) and found != answer:
        assert _moment(found) == _moment(answer) is not None, f"{place} is {found!r}, not {answer!r}"
    else:
        assert found == answer and isinstance(found, bool) == isinstance(answer, bool), (
            f"{place} is {found!r}, not {answer!r}"
        )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
