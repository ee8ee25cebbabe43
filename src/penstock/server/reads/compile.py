"""The read compiler: from a selection in a document to one SQL statement.

Works from the GraphQL schema and the tables declared in it; knows no table by name. A statement gives one row: the
JSON text of the whole root field, and how many rows of the root table are in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLObjectType, get_named_type

from penstock.server.errors import ApiError
from penstock.server.reads import aggregate
from penstock.server.reads.order import in_written_order, order_terms
from penstock.server.reads.where import condition, conjunction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import FieldNode, GraphQLField

    from penstock.server.reads.scope import Scope
    from penstock.server.schema import RelationshipModel, TableModel

_PATH_STEP = re.compile(
    r"""\.?(?:(?P<name>[^.\[\]"']+)|\[(?P<index>\d{1,9})\]|\[["'](?P<quoted>[^"'\]]+)["']\])"""
)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL ready to run. It gives one row of (JSON text, number of root rows), or no row for an unknown primary key."""

    sql: str
    parameters: dict[str, object]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table that the arguments of a field ask for."""

    scope: Scope
    model: TableModel
    alias: str
    conditions: Sequence[str]
    terms: Sequence[str]
    has_order: bool
    distinct_on: Sequence[str]
    limit: int | None
    offset: int | None

    def select(self, columns: Sequence[str], *, ordered: bool = True) -> str:
        """A SELECT of the columns over these rows. `ordered` False drops an order that would not show."""
        source = f'FROM "{self.model.name}" AS {self.alias}'
        where = conjunction(self.conditions)
        if self.distinct_on:
            partition = ", ".join(f'{self.alias}."{name}"' for name in self.distinct_on)
            source = (
                f"FROM (SELECT {self.alias}.*, row_number() OVER (PARTITION BY {partition} "
                f"ORDER BY {', '.join(self.terms)}) AS distinct_rank {source} WHERE {where}) AS {self.alias}"
            )
            where = f"{self.alias}.distinct_rank = 1"
        sql = f"SELECT {', '.join(columns)} {source} WHERE {where}"
        paged = self.limit is not None or bool(self.offset)
        if paged or (ordered and (self.has_order or self.distinct_on)):
            sql += f" ORDER BY {', '.join(self.terms)}"
        if paged:
            limit = self.limit
            if limit is None:
                limit = 2**62
            sql += f" LIMIT {limit}"
            if self.offset:
                sql += f" OFFSET {self.offset}"
        return sql


def rows_of(
    scope: Scope,
    model: TableModel,
    declaration: GraphQLField,
    node: FieldNode,
    alias: str,
    related: Sequence[str] | None,
    *,
    capped: bool,
) -> Rows:
    """The rows that a list or aggregate field names.

    `related` are the conditions that tie them to a row above; None for a root field. `capped`: fetch one row more
    than the server gives, to tell.
    """
    arguments = scope.document.arguments(declaration, node)
    where = arguments.get("where")
    confined = (
        related if related is not None else _confined(scope, model, alias, reached=_selective(model, where))
    )
    order_by = arguments.get("order_by") or []
    if order_by:
        written = next(argument.value for argument in node.arguments if argument.name.value == "order_by")
        order_by = in_written_order(order_by, written, scope.document.raw_variables)
    limit = scope.check_limit(arguments.get("limit"), "limit")
    if limit is None and capped:
        limit = scope.row_limit + 1
    return Rows(
        scope=scope,
        model=model,
        alias=alias,
        conditions=[*confined, condition(scope, model, alias, where)],
        terms=order_terms(scope, model, alias, order_by),
        has_order=bool(order_by),
        distinct_on=list(dict.fromkeys(arguments.get("distinct_on") or [])),
        limit=limit,
        offset=scope.check_limit(arguments.get("offset"), "offset"),
    )


def compile_list(
    scope: Scope, model: TableModel, declaration: GraphQLField, nodes: Sequence[FieldNode]
) -> Statement:
    """The statement of a root field that lists rows."""
    alias = scope.alias()
    rows = rows_of(scope, model, declaration, nodes[0], alias, None, capped=True)
    item = object_json(scope, model, alias, _object_type(declaration), nodes)
    inner = rows.select([f"{item} AS j"])
    array = scope.dialect.final(scope.dialect.json_array("q.j"))
    return Statement(f"SELECT {array}, count(*) FROM ({inner}) AS q", scope.parameters)


def compile_by_key(
    scope: Scope, model: TableModel, declaration: GraphQLField, nodes: Sequence[FieldNode]
) -> Statement:
    """The statement of a root field that fetches one row by its primary key."""
    alias = scope.alias()
    key = scope.document.arguments(declaration, nodes[0])["id"]
    conditions = [f"{alias}.id = {scope.bind(key, 'uuid')}", *_confined(scope, model, alias, reached=True)]
    item = scope.dialect.final(object_json(scope, model, alias, _object_type(declaration), nodes))
    return Statement(
        f'SELECT {item}, 1 FROM "{model.name}" AS {alias} WHERE {conjunction(conditions)}', scope.parameters
    )


def compile_aggregate(
    scope: Scope, model: TableModel, declaration: GraphQLField, nodes: Sequence[FieldNode]
) -> Statement:
    """The statement of a root field that aggregates rows."""
    alias = scope.alias()
    rows = rows_of(scope, model, declaration, nodes[0], alias, None, capped=False)
    select = aggregate.aggregate_select(scope, model, _object_type(declaration), nodes, rows)
    return Statement(f"SELECT {scope.dialect.final(f'({select})')}, 1", scope.parameters)


def object_json(
    scope: Scope, model: TableModel, alias: str, declared: GraphQLObjectType, nodes: Sequence[FieldNode]
) -> str:
    """The JSON of one row: the columns and relationships that the nodes select."""
    pairs: list[tuple[str, str]] = []
    for response_name, selected in scope.document.subfields(declared, nodes).items():
        name = selected[0].name.value
        if name == "__typename":
            pairs.append((response_name, scope.dialect.constant(declared.name)))
        elif column := model.columns.get(name):
            expression = f'{alias}."{name}"'
            path = scope.document.arguments(declared.fields[name], selected[0]).get("path")
            if path and (keys := path_keys(path)):
                pairs.append((response_name, scope.dialect.at_path(expression, scope.bind_path(keys))))
            else:
                value = scope.dialect.value(expression, column.kind, nullable=column.nullable)
                pairs.append((response_name, value))
        else:
            declaration = declared.fields[name]
            link = model.relationships.get(name)
            if link is None:
                link = model.relationships[name.removesuffix("_aggregate")]
                pairs.append((response_name, _related_aggregate(scope, link, alias, declaration, selected)))
            else:
                pairs.append((response_name, _related(scope, link, alias, declaration, selected)))
    return scope.dialect.json_object(pairs)


def _related(
    scope: Scope, link: RelationshipModel, source: str, declaration: GraphQLField, nodes: Sequence[FieldNode]
) -> str:
    target, alias = scope.tables[link.target], scope.alias()
    conditions = scope.related(link, source, alias)
    item = object_json(scope, target, alias, _object_type(declaration), nodes)
    if not link.many:
        sql = f'SELECT {item} FROM "{target.name}" AS {alias} WHERE {conjunction(conditions)}'
        return scope.dialect.optional(sql)
    rows = rows_of(scope, target, declaration, nodes[0], alias, conditions, capped=False)
    array, inner = scope.dialect.json_array("q.j"), rows.select([f"{item} AS j"])
    return f"(SELECT {array} FROM ({inner}) AS q)"


def _related_aggregate(
    scope: Scope, link: RelationshipModel, source: str, declaration: GraphQLField, nodes: Sequence[FieldNode]
) -> str:
    target, alias = scope.tables[link.target], scope.alias()
    conditions = scope.related(link, source, alias)
    rows = rows_of(scope, target, declaration, nodes[0], alias, conditions, capped=False)
    return f"({aggregate.aggregate_select(scope, target, _object_type(declaration), nodes, rows)})"


def _confined(scope: Scope, model: TableModel, alias: str, *, reached: bool) -> list[str]:
    confinement = scope.confinement(model, alias, reached=reached)
    return [confinement] if confinement else []


def _selective(model: TableModel, where: Mapping[str, Any] | None) -> bool:
    """Whether a filter names rows by an id of theirs, all of which have an index."""
    for name, operators in (where or {}).items():
        column = model.columns.get(name)
        if column and column.kind == "uuid" and name != "tenant_id" and operators:
            return operators.get("_eq") is not None or operators.get("_in") is not None
    return False


def _object_type(declaration: GraphQLField) -> GraphQLObjectType:
    return cast("GraphQLObjectType", get_named_type(declaration.type))


def path_keys(path: str) -> list[str | int]:
    """The steps of a path into a JSON value: `$.a.b[0]`, `a.b`, `a["with blanks"]`. Raises ApiError for another form."""
    keys: list[str | int] = []
    position = 1 if path.startswith("$") else 0
    while position < len(path):
        match = _PATH_STEP.match(path, position)
        if match is None:
            raise ApiError(f"{path!r} is not a path; write $.key, $.key[0] or $['a key'].")
        keys.append(int(match["index"]) if match["index"] else match["name"] or match["quoted"])
        position = match.end()
    return keys
