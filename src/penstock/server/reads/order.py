"""Orders: a list of `*_order_by` becomes the terms of an ORDER BY."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import ListValueNode, ObjectValueNode, ValueNode, VariableNode

from penstock.server.reads.where import conjunction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.server.reads.scope import Scope
    from penstock.server.schema import RelationshipModel, TableModel


@dataclass(frozen=True, slots=True)
class Term:
    """One key of an order, before its direction is written out."""

    expression: str
    direction: str
    kind: str
    nullable: bool


def order_terms(
    scope: Scope, model: TableModel, alias: str, order_by: Sequence[Mapping[str, Any]]
) -> list[str]:
    """The ORDER BY terms of an order, the primary key last so that pages never overlap.

    Nulls come last in ascending and first in descending order, as in PostgreSQL, unless the order says otherwise.
    """
    terms = [term for item in order_by for term in _terms(scope, model, alias, item)]
    written = [_written(scope, term) for term in terms]
    return [*written, f"{alias}.id"]


def _written(scope: Scope, term: Term) -> str:
    direction, _, nulls = term.direction.partition("_")
    sortable = scope.dialect.sortable(term.expression, term.kind)
    if not term.nullable:
        return f"{sortable} {direction.upper()}"
    if not nulls:
        nulls = "nulls_last" if direction == "asc" else "nulls_first"
    return f"{sortable} {direction.upper()} {nulls.replace('_', ' ').upper()}"


def _terms(scope: Scope, model: TableModel, alias: str, item: Mapping[str, Any]) -> list[Term]:
    terms: list[Term] = []
    for key, value in item.items():
        if value is None:
            continue
        if column := model.columns.get(key):
            terms.append(Term(f'{alias}."{key}"', value, column.kind, column.nullable))
        elif link := model.relationships.get(key):
            target = scope.alias()
            inner = _terms(scope, scope.tables[link.target], target, value)
            terms += [
                Term(
                    _through(scope, link, alias, target, term.expression),
                    term.direction,
                    term.kind,
                    nullable=True,
                )
                for term in inner
            ]
        else:
            terms += _aggregate_terms(
                scope, model.relationships[key.removesuffix("_aggregate")], alias, value
            )
    return terms


def _aggregate_terms(
    scope: Scope, link: RelationshipModel, alias: str, item: Mapping[str, Any]
) -> list[Term]:
    terms: list[Term] = []
    columns = scope.tables[link.target].columns
    for function, value in item.items():
        if value is None:
            continue
        target = scope.alias()
        if function == "count":
            expression = _through(scope, link, alias, target, "count(*)")
            terms.append(Term(expression, value, "Int", nullable=False))
            continue
        for name, direction in value.items():
            if direction is not None:
                sortable = scope.dialect.sortable(f'{target}."{name}"', columns[name].kind)
                expression = _through(scope, link, alias, target, f"{function}({sortable})")
                terms.append(Term(expression, direction, "String", nullable=True))
    return terms


def _through(scope: Scope, link: RelationshipModel, source: str, target: str, expression: str) -> str:
    related = conjunction(scope.related(link, source, target))
    return f'(SELECT {expression} FROM "{link.target}" AS {target} WHERE {related})'


def in_written_order(value: Any, node: ValueNode | None, raw_variables: Mapping[str, object]) -> Any:
    """A coerced order with its keys as the caller wrote them: reading it put them in the schema's order."""
    if isinstance(node, VariableNode):
        return _like_raw(value, raw_variables.get(node.name.value))
    if isinstance(value, list):
        if isinstance(node, ListValueNode):
            pairs = zip(value, node.values, strict=False)
            return [in_written_order(item, item_node, raw_variables) for item, item_node in pairs]
        return [in_written_order(item, node, raw_variables) for item in value]
    if isinstance(value, dict) and isinstance(node, ObjectValueNode):
        written = {field.name.value: field.value for field in node.fields}
        return {
            key: in_written_order(value[key], written[key], raw_variables) for key in written if key in value
        }
    return value


def _like_raw(value: Any, raw: object) -> Any:
    if isinstance(value, list):
        raws = raw if isinstance(raw, list) else [raw] * len(value)
        return [_like_raw(item, item_raw) for item, item_raw in zip(value, raws, strict=False)]
    if isinstance(value, dict) and isinstance(raw, dict):
        return {key: _like_raw(value[key], raw[key]) for key in raw if key in value}
    return value
