"""Aggregates: `T_aggregate { aggregate { count max { … } … } nodes { … } }`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from graphql import GraphQLObjectType, get_named_type

from penstock.server.reads import compile as compiler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import FieldNode

    from penstock.server.reads.scope import Scope
    from penstock.server.schema import TableModel


@dataclass(slots=True)
class _Inner:
    """What the rows under an aggregate have to bring along."""

    alias: str
    columns: dict[str, str] = field(default_factory=dict)
    needs_rows: bool = False

    def column(self, name: str, source: str) -> str:
        self.columns[name] = f'{source}."{name}" AS "{name}"'
        return f'{self.alias}."{name}"'


def aggregate_select(
    scope: Scope,
    model: TableModel,
    declared: GraphQLObjectType,
    nodes: Sequence[FieldNode],
    rows: compiler.Rows,
) -> str:
    """A SELECT of one column and one row: the JSON of an aggregate over the rows."""
    inner = _Inner(scope.alias())
    pairs: list[tuple[str, str]] = []
    for response_name, selected in scope.document.subfields(declared, nodes).items():
        name = selected[0].name.value
        if name == "__typename":
            pairs.append((response_name, scope.dialect.constant(declared.name)))
            continue
        below = cast("GraphQLObjectType", get_named_type(declared.fields[name].type))
        if name == "nodes":
            column = f"j{len(inner.columns)}"
            inner.columns[column] = (
                f"{compiler.object_json(scope, model, rows.alias, below, selected)} AS {column}"
            )
            inner.needs_rows = True
            inner.columns["position"] = (
                f"row_number() OVER (ORDER BY {', '.join(rows.terms)}) AS row_position"
            )
            array = scope.dialect.json_array(f"{inner.alias}.{column}", f"{inner.alias}.row_position")
            pairs.append((response_name, array))
        else:
            pairs.append((response_name, _functions(scope, model, below, selected, inner, rows.alias)))
    columns = list(inner.columns.values()) or ["1 AS one"]
    source = rows.select(columns, ordered=inner.needs_rows)
    return f"SELECT {scope.dialect.json_object(pairs)} FROM ({source}) AS {inner.alias}"


def _functions(
    scope: Scope,
    model: TableModel,
    declared: GraphQLObjectType,
    nodes: Sequence[FieldNode],
    inner: _Inner,
    source: str,
) -> str:
    dialect = scope.dialect
    pairs: list[tuple[str, str]] = []
    for response_name, selected in scope.document.subfields(declared, nodes).items():
        name = selected[0].name.value
        if name == "__typename":
            pairs.append((response_name, dialect.constant(declared.name)))
        elif name == "count":
            arguments = scope.document.arguments(declared.fields[name], selected[0])
            columns: list[str] = list(dict.fromkeys(arguments.get("columns") or []))
            expressions = [inner.column(column, source) for column in columns]
            pairs.append((response_name, _count(expressions, distinct=bool(arguments.get("distinct")))))
        else:
            below = cast("GraphQLObjectType", get_named_type(declared.fields[name].type))
            pairs.append((response_name, _per_column(scope, model, name, below, selected, inner, source)))
    return dialect.json_object(pairs)


def _count(expressions: Sequence[str], *, distinct: bool) -> str:
    if not expressions:
        return "count(*)"
    if not distinct:
        # A row counts unless its one column is null; several columns together never are.
        return f"count({expressions[0]})" if len(expressions) == 1 else "count(*)"
    if len(expressions) == 1:
        return f"count(DISTINCT {expressions[0]})"
    # One text per combination: lengths keep ('a', 'bc') and ('ab', 'c') apart.
    keys = " || ".join(
        f"coalesce(length(CAST({expression} AS text)) || ':' || CAST({expression} AS text), '-')"
        for expression in expressions
    )
    return f"count(DISTINCT {keys})"


def _per_column(
    scope: Scope,
    model: TableModel,
    function: str,
    declared: GraphQLObjectType,
    nodes: Sequence[FieldNode],
    inner: _Inner,
    source: str,
) -> str:
    dialect = scope.dialect
    pairs: list[tuple[str, str]] = []
    for response_name, selected in scope.document.subfields(declared, nodes).items():
        name = selected[0].name.value
        if name == "__typename":
            pairs.append((response_name, dialect.constant(declared.name)))
            continue
        expression = inner.column(name, source)
        kind = model.columns[name].kind
        if function == "avg":
            value = dialect.average(expression)
        elif function == "sum":
            value = dialect.value(f"sum({expression})", "Int", nullable=True)
        else:
            value = dialect.value(f"{function}({dialect.sortable(expression, kind)})", kind, nullable=True)
        pairs.append((response_name, value))
    return dialect.json_object(pairs)
