"""Executing a GraphQL request: ariadne runs the document, reads come back from the database as finished JSON."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from ariadne import MutationType, QueryType, format_error, graphql_sync
from graphql import (
    DocumentNode,
    ExecutionContext,
    GraphQLError,
    GraphQLSchema,
    parse,
    specified_rules,
    validate,
)
from sqlalchemy import exc

from penstock.server import mutations, queries
from penstock.server.errors import ApiError
from penstock.server.limits import depth_rule
from penstock.server.reads.compile import compile_aggregate, compile_by_key, compile_list
from penstock.server.reads.dialects import POSTGRESQL, SQLITE
from penstock.server.reads.scope import Document, Scope
from penstock.server.scalars import scalar_types
from penstock.server.schema import TableModel, api_schema, declared_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graphql import GraphQLResolveInfo

    from penstock.server.access import Principal
    from penstock.server.config import Limits
    from penstock.server.database import Database

logger = logging.getLogger("penstock.server")

DOCUMENT_CACHE_SIZE = 512


class FinishedJson(str):
    """JSON text from the database, to be put into the answer as it is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What every resolver of a request is given."""

    database: Database
    principal: Principal
    limits: Limits
    raw_variables: Mapping[str, object]
    headers: Mapping[str, str]


class FinishedJsonContext(ExecutionContext):
    """graphql-core's execution, but for fields whose answer the database has completed already."""

    def complete_value(self, return_type: Any, field_nodes: Any, info: Any, path: Any, result: Any) -> Any:
        """Leave finished JSON alone."""
        if type(result) is FinishedJson:
            return result
        return super().complete_value(return_type, field_nodes, info, path, result)


def _read_resolver(model: TableModel, shape: str) -> Callable[..., FinishedJson | None]:
    compile_field = {"list": compile_list, "by_pk": compile_by_key, "aggregate": compile_aggregate}[shape]
    tables = declared_tables()

    def resolve(_root: object, info: GraphQLResolveInfo, **_arguments: object) -> FinishedJson | None:
        context: RequestContext = info.context
        context.principal.require_more_than_refresh()
        scope = Scope(
            dialect=POSTGRESQL if context.database.is_postgresql else SQLITE,
            tables=tables,
            principal=context.principal,
            document=Document(info.schema, info.fragments, info.variable_values, context.raw_variables),
            row_limit=context.limits.rows,
        )
        declaration = info.parent_type.fields[info.field_name]
        statement = compile_field(scope, model, declaration, info.field_nodes)
        with context.database.read() as connection:
            row = connection.exec_driver_sql(statement.sql, statement.parameters).one_or_none()
        if row is None:
            return None
        text, count = row
        if count > context.limits.rows:
            raise ApiError(
                f"`{info.field_name}` has more than {context.limits.rows} rows to give. Page through them with "
                "`limit` and `offset`."
            )
        return FinishedJson(text)

    return resolve


def _guarded(resolver: Callable[..., object]) -> Callable[..., object]:
    def resolve(root: object, info: GraphQLResolveInfo, **arguments: object) -> object:
        context: RequestContext = info.context
        context.principal.require_more_than_refresh()
        return resolver(root, info, **arguments)

    return resolve


def _mutation_resolver(name: str, function: mutations.Mutation) -> Callable[..., object]:
    def resolve(_root: object, info: GraphQLResolveInfo, input: dict[str, Any]) -> object:
        context: RequestContext = info.context
        if name != "refresh_token":
            context.principal.require_more_than_refresh()
        return mutations.run(function, context.database, context.principal, context.headers, input, name=name)

    return resolve


@cache
def executable_schema() -> GraphQLSchema:
    """The packaged schema with every field and scalar bound. Raises ValueError if a mutation has no function."""
    schema = api_schema()
    query = QueryType()
    for name, model in declared_tables().items():
        query.set_field(name, _read_resolver(model, "list"))
        query.set_field(f"{name}_by_pk", _read_resolver(model, "by_pk"))
        query.set_field(f"{name}_aggregate", _read_resolver(model, "aggregate"))
    for name, resolver in queries.RESOLVERS.items():
        query.set_field(name, _guarded(resolver))
    mutation = MutationType()
    for name, function in mutations.registered().items():
        mutation.set_field(name, _mutation_resolver(name, function))
    declared = set(schema.mutation_type.fields if schema.mutation_type else ())
    if missing := declared - set(mutations.registered()):
        raise ValueError(f"These mutations of the schema have no function: {', '.join(sorted(missing))}.")
    for bindable in (query, mutation, *scalar_types()):
        bindable.bind_to_schema(schema)
    return schema


class DocumentCache:
    """The latest documents, parsed and validated. Clients send the same few texts again and again."""

    def __init__(self, limits: Limits, *, introspection: bool) -> None:
        self._entries: OrderedDict[str, tuple[DocumentNode, list[GraphQLError]]] = OrderedDict()
        self._lock = Lock()
        self._rules = [*specified_rules, depth_rule(limits.depth)]
        self._introspection = introspection

    def __call__(self, schema: GraphQLSchema, text: str) -> tuple[DocumentNode, list[GraphQLError]]:
        """The document and what is wrong with it. Raises GraphQLError where it is no GraphQL at all."""
        with self._lock:
            if found := self._entries.get(text):
                self._entries.move_to_end(text)
                return found
        document = parse(text, max_tokens=20_000)
        rules: Sequence[Any] = self._rules
        if not self._introspection:
            from ariadne.validation.introspection_disabled import IntrospectionDisabledRule

            rules = [*rules, IntrospectionDisabledRule]
        entry = (document, validate(schema, document, rules, max_errors=20))
        with self._lock:
            self._entries[text] = entry
            if len(self._entries) > DOCUMENT_CACHE_SIZE:
                self._entries.popitem(last=False)
        return entry


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request went. `valid` is False for one that was never executed: its document or variables do not fit."""

    valid: bool
    has_errors: bool
    body: bytes


def execute(data: dict[str, Any], context: RequestContext, documents: DocumentCache) -> Outcome:
    """Run a GraphQL request."""
    schema = executable_schema()

    def parsed(_context: object, request: dict[str, Any]) -> DocumentNode:
        return documents(schema, request["query"])[0]

    def validated(*_arguments: object, **_options: object) -> list[GraphQLError]:
        return documents(schema, data["query"])[1]

    executed, answer = graphql_sync(
        schema,
        data,
        context_value=context,
        query_parser=parsed,
        query_validator=validated,
        execution_context_class=FinishedJsonContext,
        error_formatter=_format_error,
        logger=_QUIET,
    )
    errors = answer.get("errors") or []
    # Errors of fields have a path, even where they leave no data at all.
    valid = executed or any("path" in error for error in errors)
    return Outcome(valid, bool(errors), encode_answer(answer))


_QUIET = logging.getLogger("penstock.server.graphql")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


def _format_error(error: GraphQLError, debug: bool = False) -> dict[str, Any]:
    original = error.original_error
    if original is not None and not isinstance(original, (ApiError, GraphQLError)):
        message, code = describe_failure(original)
        if code == "INTERNAL_SERVER_ERROR":
            logger.error("a resolver failed", exc_info=original, extra={"path": error.path})
        error = GraphQLError(message, error.nodes, path=error.path, extensions={"code": code})
    formatted: dict[str, Any] = dict(format_error(error, debug))
    if original is None and not error.extensions:
        formatted["extensions"] = {"code": "GRAPHQL_VALIDATION_FAILED"}
    return formatted


def describe_failure(error: BaseException) -> tuple[str, str]:
    """What the caller is told of an exception that is not one of ours, and its code."""
    match error:
        case RecursionError():
            return "The request nests too deeply. Make it flatter.", "BAD_USER_INPUT"
        case UnicodeEncodeError():
            return "A text holds half of a surrogate pair, which cannot be stored.", "BAD_USER_INPUT"
        case exc.IntegrityError():
            return "Somebody else changed or deleted what the request refers to. Try again.", "CONFLICT"
        case exc.DataError():
            return f"The database cannot use a value of the request: {_first_line(error)}", "BAD_USER_INPUT"
        case exc.OperationalError() if any(
            part in str(error.orig) for part in ("Expression tree", "parser stack", "too many")
        ):
            return (
                "The request is too large for one database statement. Ask for less at once.",
                "BAD_USER_INPUT",
            )
        case exc.OperationalError() if str(error.orig) == "interrupted" or "statement timeout" in str(
            error.orig
        ):
            return "The database took too long over this request. Ask for less at once.", "TIMEOUT"
        case exc.OperationalError() | exc.TimeoutError():
            return "The database is busy or away; try again. (API_ERROR)", "UNAVAILABLE"
        case _:
            return "The server failed on this request; its log says why.", "INTERNAL_SERVER_ERROR"


def _first_line(error: exc.DBAPIError) -> str:
    return str(error.orig).partition("\n")[0]


def encode_answer(answer: dict[str, Any]) -> bytes:
    """The JSON of an answer, with the finished JSON in it as it is."""
    data = answer.get("data")
    if not isinstance(data, dict):
        return json.dumps(answer, ensure_ascii=False).encode()
    fields = ",".join(
        f"{json.dumps(name)}:{value if type(value) is FinishedJson else json.dumps(value, ensure_ascii=False)}"
        for name, value in data.items()
    )
    rest = {name: value for name, value in answer.items() if name != "data"}
    tail = f",{json.dumps(rest, ensure_ascii=False)[1:-1]}" if rest else ""
    return f'{{"data":{{{fields}}}{tail}}}'.encode()
