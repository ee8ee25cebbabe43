"""The read dialect in plain Python, over rows in memory: what both databases are held to.

Three-valued logic as in SQL: a condition is True, False or None.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from penstock.server import sqlite_functions as functions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from penstock.server.schema import RelationshipModel, TableModel

Row = dict[str, Any]
Truth = bool | None


class Unordered(list[Any]):
    """A list whose order the query leaves open."""


@dataclass(frozen=True)
class Selected:
    """One selected field: its response name, its name, its arguments, what is selected below."""

    response: str
    name: str
    arguments: dict[str, Any]
    below: tuple[Selected, ...] = ()


def all_of(values: Iterable[Truth]) -> Truth:
    """SQL's AND."""
    found = list(values)
    return False if False in found else None if None in found else True


def any_of(values: Iterable[Truth]) -> Truth:
    """SQL's OR."""
    found = list(values)
    return True if True in found else None if None in found else False


def negated(value: Truth) -> Truth:
    """SQL's NOT."""
    return None if value is None else not value


@dataclass
class Evaluator:
    """The tables as lists of rows. Only rows of `tenant_id` can be seen."""

    models: Mapping[str, TableModel]
    rows: Mapping[str, list[Row]]
    tenant_id: str

    def visible(self, table: str) -> list[Row]:
        column = self.models[table].tenant_column
        return [row for row in self.rows[table] if row[column] == self.tenant_id]

    def related(self, link: RelationshipModel, row: Row) -> list[Row]:
        return [other for other in self.visible(link.target) if other[link.remote] == row[link.local]]

    # filters

    def holds(self, table: str, where: Mapping[str, Any] | None, row: Row) -> Truth:
        """Whether a filter holds for a row."""
        model = self.models[table]
        out: list[Truth] = [True]
        for key, value in (where or {}).items():
            if value is None:
                continue
            if key == "_and":
                out += [self.holds(table, item, row) for item in value]
            elif key == "_or":
                out.append(any_of([self.holds(table, item, row) for item in value]))
            elif key == "_not":
                out.append(negated(self.holds(table, value, row)))
            elif key in model.columns:
                kind = model.columns[key].kind
                out += [compare(kind, operator, row[key], given) for operator, given in value.items()]
            else:
                link = model.relationships[key]
                others = self.related(link, row)
                out.append(any(self.holds(link.target, value, other) is True for other in others))
        return all_of(out)

    # orders

    def sort_keys(self, table: str, item: Mapping[str, Any], row: Row) -> list[tuple[Any, str, str]]:
        """(value, direction, kind) of each key of an order."""
        model = self.models[table]
        out: list[tuple[Any, str, str]] = []
        for key, value in item.items():
            if key in model.columns:
                out.append((row[key], value, model.columns[key].kind))
            elif key in model.relationships:
                link = model.relationships[key]
                others = self.related(link, row)
                if others:
                    out += self.sort_keys(link.target, value, others[0])
                else:
                    out += [(None, direction, kind) for _, direction, kind in self._shape(link.target, value)]
            else:
                out += self._aggregate_keys(model.relationships[key.removesuffix("_aggregate")], value, row)
        return out

    def _shape(self, table: str, item: Mapping[str, Any]) -> list[tuple[None, str, str]]:
        model = self.models[table]
        out: list[tuple[None, str, str]] = []
        for key, value in item.items():
            if key in model.columns:
                out.append((None, value, model.columns[key].kind))
            elif key in model.relationships:
                out += self._shape(model.relationships[key].target, value)
            else:
                leaves = [value["count"]] if "count" in value else []
                leaves += [leaf for name in value if name != "count" for leaf in value[name].values()]
                out += [(None, leaf, "Int") for leaf in leaves]
        return out

    def _aggregate_keys(
        self, link: RelationshipModel, item: Mapping[str, Any], row: Row
    ) -> list[tuple[Any, str, str]]:
        others = self.related(link, row)
        out: list[tuple[Any, str, str]] = []
        for function, value in item.items():
            if function == "count":
                out.append((len(others), value, "Int"))
                continue
            for column, direction in value.items():
                values = [other[column] for other in others if other[column] is not None]
                chosen = (max if function == "max" else min)(values, default=None)
                out.append((chosen, direction, self.models[link.target].columns[column].kind))
        return out

    def ordered(self, table: str, order_by: Sequence[Mapping[str, Any]], rows: list[Row]) -> list[Row]:
        """The rows in the order asked for, equal ones by primary key."""

        def keys(row: Row) -> list[tuple[Any, str, str]]:
            return [key for item in order_by for key in self.sort_keys(table, item, row)]

        def order(left: Row, right: Row) -> int:
            for (a, direction, kind), (b, _, _) in zip(keys(left), keys(right), strict=True):
                if result := compare_directed(a, b, direction, kind):
                    return result
            return -1 if left["id"] < right["id"] else int(left["id"] > right["id"])

        return sorted(rows, key=functools.cmp_to_key(order))

    # selections

    def rows_for(self, table: str, arguments: Mapping[str, Any], rows: list[Row]) -> list[Row]:
        """The rows that a list or aggregate field names."""
        kept = [row for row in rows if self.holds(table, arguments.get("where"), row) is True]
        limit, offset = arguments.get("limit"), arguments.get("offset") or 0
        order_by, distinct = arguments.get("order_by") or [], arguments.get("distinct_on") or []
        if not (order_by or distinct or limit is not None or offset):
            return Unordered(kept)
        kept = self.ordered(table, order_by, kept)
        if distinct:
            first: dict[str, Row] = {}
            for row in kept:
                first.setdefault(repr([canonical(row[column]) for column in distinct]), row)
            kept = list(first.values())
        end = None if limit is None else offset + limit
        return kept[offset:end]

    def select(self, table: str, fields: Sequence[Selected], row: Row) -> dict[str, Any]:
        """The JSON of a row."""
        model = self.models[table]
        out: dict[str, Any] = {}
        for field in fields:
            if field.name == "__typename":
                out[field.response] = table
            elif field.name in model.columns:
                value = row[field.name]
                for key in field.arguments.get("keys", ()):
                    value = step(value, key)
                out[field.response] = value
            elif field.name in model.relationships:
                link = model.relationships[field.name]
                others = self.related(link, row)
                if link.many:
                    chosen = self.rows_for(link.target, field.arguments, others)
                    out[field.response] = self.listed(link.target, field.below, chosen)
                else:
                    out[field.response] = self.select(link.target, field.below, others[0]) if others else None
            else:
                link = model.relationships[field.name.removesuffix("_aggregate")]
                chosen = self.rows_for(link.target, field.arguments, self.related(link, row))
                out[field.response] = self.aggregate(link.target, field.below, chosen)
        return out

    def listed(self, table: str, fields: Sequence[Selected], rows: list[Row]) -> list[Any]:
        """The JSON of a list of rows."""
        kind = Unordered if isinstance(rows, Unordered) else list
        return kind(self.select(table, fields, row) for row in rows)

    def aggregate(self, table: str, fields: Sequence[Selected], rows: list[Row]) -> dict[str, Any]:
        """The JSON of an aggregate over rows."""
        out: dict[str, Any] = {}
        for field in fields:
            if field.name == "nodes":
                out[field.response] = self.listed(table, field.below, rows)
                continue
            values: dict[str, Any] = {}
            for function in field.below:
                if function.name == "count":
                    values[function.response] = self._count(function.arguments, rows)
                else:
                    values[function.response] = {
                        leaf.response: _fold(function.name, [row[leaf.name] for row in rows])
                        for leaf in function.below
                    }
            out[field.response] = values
        return out

    def _count(self, arguments: Mapping[str, Any], rows: list[Row]) -> int:
        columns, distinct = (
            list(dict.fromkeys(arguments.get("columns") or [])),
            bool(arguments.get("distinct")),
        )
        if not columns:
            return len(rows)
        tuples = [repr([canonical(row[column]) for column in columns]) for row in rows]
        if len(columns) == 1:
            tuples = [key for key, row in zip(tuples, rows, strict=True) if row[columns[0]] is not None]
        return len(set(tuples)) if distinct else len(tuples)


def _fold(function: str, values: list[Any]) -> Any:
    present = [value for value in values if value is not None]
    if not present:
        return None
    folds: dict[str, Callable[[list[Any]], Any]] = {
        "max": max,
        "min": min,
        "sum": sum,
        "avg": lambda numbers: sum(numbers) / len(numbers),
    }
    return folds[function](present)


def canonical(value: Any) -> Any:
    """A value as one key of a set."""
    return sorted((key, canonical(item)) for key, item in value.items()) if isinstance(value, dict) else value


def step(value: Any, key: str | int) -> Any:
    """One step of a path into a JSON value."""
    if isinstance(key, int):
        return value[key] if isinstance(value, list) and key < len(value) else None
    return value.get(key) if isinstance(value, dict) else None


def compare_directed(left: Any, right: Any, direction: str, kind: str) -> int:
    """-1, 0 or 1, after direction and place of nulls."""
    way, _, nulls = direction.partition("_")
    nulls = nulls or ("nulls_last" if way == "asc" else "nulls_first")
    if left is None or right is None:
        if left is right:
            return 0
        return (1 if left is None else -1) * (1 if nulls == "nulls_last" else -1)
    as_json = kind == "jsonb"
    result = functions.compare_values(left, right) if as_json else int(left > right) - int(left < right)
    return result if way == "asc" else -result


def compare(kind: str, operator: str, value: Any, given: Any) -> Truth:
    """One comparison. A null given matches every row."""
    if given is None:
        return True
    if operator == "_is_null":
        return (value is None) is given
    if operator in ("_in", "_nin") and not given:
        return operator == "_nin"
    if value is None:
        return None
    if operator in ("_in", "_nin"):
        as_json = kind == "jsonb"
        found = any(functions.compare_values(value, x) == 0 for x in given) if as_json else value in given
        return found is (operator == "_in")
    if kind == "jsonb":
        order = functions.compare_values(value, given) if operator in _ORDER else 0
        match operator:
            case "_contains":
                return functions.contains_value(value, given)
            case "_contained_in":
                return functions.contains_value(given, value)
            case "_has_key":
                return functions.has_key(value, given)
            case "_has_keys_any":
                return any(functions.has_key(value, key) for key in given)
            case "_has_keys_all":
                return all(functions.has_key(value, key) for key in given)
        return _ORDER[operator](order)
    if operator in _ORDER:
        return _ORDER[operator](int(value > given) - int(value < given))
    function = getattr(functions, f"text_{operator.removeprefix('_n').removeprefix('_')}")
    found = bool(function(value, given))
    return not found if operator in ("_nlike", "_nilike", "_nsimilar") else found


_ORDER: dict[str, Callable[[int], bool]] = {
    "_eq": lambda order: order == 0,
    "_neq": lambda order: order != 0,
    "_gt": lambda order: order > 0,
    "_gte": lambda order: order >= 0,
    "_lt": lambda order: order < 0,
    "_lte": lambda order: order <= 0,
}


def expected_json(value: Any) -> Any:
    """A value of the evaluator as the API writes it."""
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value
