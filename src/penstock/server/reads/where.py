"""Filters: a `*_bool_exp` becomes an SQL condition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from penstock.server.errors import ApiError
from penstock.server.reads.dialects import balanced
from penstock.server.sqlite_functions import like_pattern, regular_expression, similar_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.server.reads.scope import Scope
    from penstock.server.schema import ColumnModel, TableModel

EVERY_ROW = "TRUE"
NO_ROW = "FALSE"

PATTERN_LENGTH_LIMIT = 1_000


def conjunction(conditions: Sequence[str]) -> str:
    """All of the conditions; every row where there is none."""
    kept = [condition for condition in conditions if condition != EVERY_ROW]
    if not kept:
        return EVERY_ROW
    return NO_ROW if NO_ROW in kept else balanced([f"({condition})" for condition in kept], " AND ")


def disjunction(conditions: Sequence[str]) -> str:
    """Any of the conditions; no row where there is none."""
    kept = [condition for condition in conditions if condition != NO_ROW]
    if not kept:
        return NO_ROW
    return EVERY_ROW if EVERY_ROW in kept else balanced([f"({condition})" for condition in kept], " OR ")


def condition(scope: Scope, model: TableModel, alias: str, where: Mapping[str, Any] | None) -> str:
    """The condition on a row of `model` (known as `alias`) that a filter states.

    Whatever is null or empty in a filter states nothing and matches every row: clients send variables that they have
    no value for.
    """
    if not where:
        return EVERY_ROW
    conditions: list[str] = []
    for key, value in where.items():
        if value is None:
            continue
        if key == "_and":
            conditions += [condition(scope, model, alias, item) for item in value]
        elif key == "_or":
            conditions.append(disjunction([condition(scope, model, alias, item) for item in value]))
        elif key == "_not":
            conditions.append(_negation(condition(scope, model, alias, value)))
        elif column := model.columns.get(key):
            conditions += _comparisons(scope, column, f'{alias}."{column.name}"', value)
        else:
            link = model.relationships[key]
            target = scope.alias()
            inner = scope.related(link, alias, target)
            inner.append(condition(scope, scope.tables[link.target], target, value))
            conditions.append(
                f'EXISTS (SELECT 1 FROM "{link.target}" AS {target} WHERE {conjunction(inner)})'
            )
    return conjunction(conditions)


def _negation(inner: str) -> str:
    if inner == EVERY_ROW:
        return NO_ROW
    return EVERY_ROW if inner == NO_ROW else f"NOT ({inner})"


def _comparisons(
    scope: Scope, column: ColumnModel, expression: str, operators: Mapping[str, Any]
) -> list[str]:
    out: list[str] = []
    for operator, value in operators.items():
        if value is None:
            continue
        match operator:
            case "_is_null":
                out.append(f"{expression} IS {'' if value else 'NOT '}NULL")
            case "_in" | "_nin":
                negated = operator == "_nin"
                if not value:
                    out.append(EVERY_ROW if negated else NO_ROW)
                else:
                    bound = scope.bind_list(value, column.kind)
                    out.append(scope.dialect.member(expression, column.kind, bound, negated=negated))
            case "_has_key" | "_has_keys_any" | "_has_keys_all":
                keys = [value] if operator == "_has_key" else value
                bound = scope.bind_list(keys, "String")
                out.append(scope.dialect.compare(expression, column.kind, operator, bound))
            case _:
                _check_pattern(column.name, operator, value)
                bound = scope.bind(value, column.kind)
                out.append(scope.dialect.compare(expression, column.kind, operator, bound))
    return out


def _check_pattern(column: str, operator: str, value: object) -> None:
    if not isinstance(value, str) or not operator.endswith(("like", "similar", "regex")):
        return
    if len(value) > PATTERN_LENGTH_LIMIT:
        raise ApiError(f"The {operator} pattern for {column} is over {PATTERN_LENGTH_LIMIT} characters long.")
    try:
        if operator.endswith("regex"):
            regular_expression(value)
        elif operator.endswith("similar"):
            similar_pattern(value)
        else:
            like_pattern(value)
    except re.error as error:
        raise ApiError(f"{value!r} is not a pattern that {operator} can use on {column}: {error}.") from error
