"""The SQL that differs between SQLite and PostgreSQL.

Both build JSON in the database. PostgreSQL has functions for it; on SQLite the text is concatenated, because there
every nested call of its JSON functions would parse its argument again.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, Final

from penstock.server.types import json_text, timestamp_text

if TYPE_CHECKING:
    from collections.abc import Sequence

# Both databases refuse a function call of more arguments than this; a pair takes two.
PAIRS_PER_CALL = 45

COMPARISONS: Final = {"_eq": "=", "_neq": "<>", "_gt": ">", "_gte": ">=", "_lt": "<", "_lte": "<="}


def balanced(parts: Sequence[str], operator: str) -> str:
    """The parts joined by an associative operator, as a tree of least depth: SQLite limits an expression's depth."""
    if len(parts) <= 8:
        return operator.join(parts)
    middle = len(parts) // 2
    return f"({balanced(parts[:middle], operator)}){operator}({balanced(parts[middle:], operator)})"


def text_literal(text: str) -> str:
    """A string literal. Only for names of the schema and of a validated document, never for a caller's values."""
    return "'" + text.replace("'", "''") + "'"


class SqlDialect(ABC):
    """How one database writes a value, a parameter and a comparison."""

    @abstractmethod
    def parameter(self, name: str, kind: str) -> str:
        """A reference to the bound parameter `name`, whose value is a `kind`."""

    @abstractmethod
    def parameter_list(self, name: str, kind: str) -> str:
        """What stands after `IN`-like operators for a bound list (see `member`)."""

    @abstractmethod
    def bind(self, value: object, kind: str) -> object:
        """What the database driver is given for a value of a `kind`."""

    @abstractmethod
    def bind_list(self, values: Sequence[object], kind: str) -> object:
        """What the database driver is given for a list of values of a `kind`."""

    @abstractmethod
    def value(self, expression: str, kind: str, *, nullable: bool) -> str:
        """The JSON of an SQL value of a `kind`."""

    @abstractmethod
    def json_object(self, pairs: Sequence[tuple[str, str]]) -> str:
        """A JSON object of response names and JSON expressions."""

    @abstractmethod
    def json_array(self, column: str, position: str | None = None) -> str:
        """An aggregate: the JSON array of a column of JSON expressions.

        `position` is the column that numbers the rows, needed where other aggregates stand beside this one.
        """

    @abstractmethod
    def constant(self, text: str) -> str:
        """The JSON of a constant string."""

    @abstractmethod
    def optional(self, subquery: str) -> str:
        """The JSON of a subquery that gives one object or no row."""

    @abstractmethod
    def compare(self, expression: str, kind: str, operator: str, parameter: str) -> str:
        """A comparison by one of the operators of the schema other than `_in`, `_nin` and `_is_null`."""

    @abstractmethod
    def member(self, expression: str, kind: str, parameter: str, *, negated: bool) -> str:
        """Whether the value is (not) in a bound list."""

    @abstractmethod
    def at_path(self, expression: str, parameter: str) -> str:
        """The JSON found inside a `jsonb` value under a bound path (see `bind_path`)."""

    @abstractmethod
    def bind_path(self, keys: Sequence[str | int]) -> object:
        """What the database driver is given for a path."""

    @abstractmethod
    def sortable(self, expression: str, kind: str) -> str:
        """An expression that sorts, and has a greatest and a least value."""

    def without_index(self, expression: str) -> str:
        """The same value, written so that the database looks for no index on it."""
        return expression

    @abstractmethod
    def average(self, expression: str) -> str:
        """The JSON of the mean of a column of whole numbers."""

    @abstractmethod
    def final(self, expression: str) -> str:
        """JSON as the text that is fetched."""


class SQLiteDialect(SqlDialect):
    """JSON by concatenation; what is missing comes from `penstock.server.sqlite_functions`."""

    def parameter(self, name: str, kind: str) -> str:
        return f":{name}"

    def parameter_list(self, name: str, kind: str) -> str:
        return f":{name}"

    def bind(self, value: object, kind: str) -> object:
        if kind == "jsonb":
            return json_text(value)
        return timestamp_text(value) if isinstance(value, datetime) else value

    def bind_list(self, values: Sequence[object], kind: str) -> object:
        if kind == "Boolean":
            return json.dumps([int(bool(value)) for value in values])
        return json.dumps([self.bind(value, kind) for value in values])

    def value(self, expression: str, kind: str, *, nullable: bool) -> str:
        match kind:
            case "uuid" | "timestamptz":
                quoted = f"'\"' || {expression} || '\"'"
                return f"coalesce({quoted}, 'null')" if nullable else quoted
            case "String":
                return f"json_quote({expression})"
            case "Boolean":
                return f"CASE {expression} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END"
            case "interval":
                text = (
                    f"'\"' || printf('%s%02d:%02d:%02d%s', iif({expression} < 0, '-', ''), "
                    f"abs({expression}) / 3600000000, abs({expression}) / 60000000 % 60, "
                    f"abs({expression}) / 1000000 % 60, iif({expression} % 1000000 = 0, '', "
                    f"rtrim(printf('.%06d', abs({expression}) % 1000000), '0'))) || '\"'"
                )
                return f"iif({expression} IS NULL, 'null', {text})"
            case _:
                return f"coalesce({expression}, 'null')" if nullable else expression

    def json_object(self, pairs: Sequence[tuple[str, str]]) -> str:
        if not pairs:
            return "'{}'"
        parts: list[str] = []
        for position, (name, expression) in enumerate(pairs):
            parts.append(text_literal(f'{"," if position else "{"}"{name}":'))
            parts.append(expression)
        parts.append("'}'")
        return f"({balanced(parts, ' || ')})"

    def json_array(self, column: str, position: str | None = None) -> str:
        # SQLite aggregates rows as its subquery orders them, whatever else is aggregated.
        return f"('[' || coalesce(group_concat({column}, ','), '') || ']')"

    def constant(self, text: str) -> str:
        return text_literal(f'"{text}"')

    def optional(self, subquery: str) -> str:
        return f"coalesce(({subquery}), 'null')"

    def compare(self, expression: str, kind: str, operator: str, parameter: str) -> str:
        if kind == "jsonb":
            if sign := COMPARISONS.get(operator):
                return f"jsonb_compare({expression}, {parameter}) {sign} 0"
            match operator:
                case "_contains":
                    return f"jsonb_contains({expression}, {parameter})"
                case "_contained_in":
                    return f"jsonb_contains({parameter}, {expression})"
                case _:
                    return f"jsonb_has_keys({expression}, {parameter}, {int(operator == '_has_keys_all')})"
        if sign := COMPARISONS.get(operator):
            return f"{expression} {sign} {parameter}"
        negated = operator in ("_nlike", "_nilike", "_nsimilar")
        call = f"text_{operator.removeprefix('_n' if negated else '_')}({expression}, {parameter})"
        return f"NOT {call}" if negated else call

    def member(self, expression: str, kind: str, parameter: str, *, negated: bool) -> str:
        if kind == "jsonb":
            found = (
                f"EXISTS (SELECT 1 FROM json_each({parameter}) WHERE jsonb_compare({expression}, value) = 0)"
            )
            return f"iif({expression} IS NULL, NULL, {'NOT ' if negated else ''}{found})"
        return f"{expression} {'NOT ' if negated else ''}IN (SELECT value FROM json_each({parameter}))"

    def at_path(self, expression: str, parameter: str) -> str:
        return f"coalesce({expression} -> {parameter}, 'null')"

    def bind_path(self, keys: Sequence[str | int]) -> object:
        return "$" + "".join(f"[{key}]" if isinstance(key, int) else f'."{key}"' for key in keys)

    def sortable(self, expression: str, kind: str) -> str:
        return f"{expression} COLLATE jsonb" if kind == "jsonb" else expression

    def without_index(self, expression: str) -> str:
        # Without statistics SQLite takes any index whose first column is compared.
        return f"+{expression}"

    def average(self, expression: str) -> str:
        return f"iif(count({expression}) = 0, 'null', printf('%!.17g', avg({expression})))"

    def final(self, expression: str) -> str:
        return expression


_POSTGRESQL_TYPES = {
    "uuid": "uuid",
    "timestamptz": "timestamptz",
    "interval": "bigint",
    "jsonb": "jsonb",
    "String": "text",
    "Int": "bigint",
    "Boolean": "boolean",
}

_POSTGRESQL_OPERATORS = {
    **COMPARISONS,
    "_like": "LIKE",
    "_nlike": "NOT LIKE",
    "_ilike": "ILIKE",
    "_nilike": "NOT ILIKE",
    "_similar": "SIMILAR TO",
    "_nsimilar": "NOT SIMILAR TO",
    "_regex": "~",
    "_iregex": "~*",
    "_contains": "@>",
    "_contained_in": "<@",
    "_has_key": "?|",
    "_has_keys_any": "?|",
    "_has_keys_all": "?&",
}


class PostgreSQLDialect(SqlDialect):
    """JSON by PostgreSQL's own functions."""

    def parameter(self, name: str, kind: str) -> str:
        return f"%({name})s::{_POSTGRESQL_TYPES[kind]}"

    def parameter_list(self, name: str, kind: str) -> str:
        return f"%({name})s::{_POSTGRESQL_TYPES[kind]}[]"

    def bind(self, value: object, kind: str) -> object:
        return json_text(value) if kind == "jsonb" else value

    def bind_list(self, values: Sequence[object], kind: str) -> object:
        return [self.bind(value, kind) for value in values]

    def value(self, expression: str, kind: str, *, nullable: bool) -> str:
        match kind:
            case "timestamptz":
                return f'to_char({expression}, \'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"\')'
            case "interval":
                return f"(make_interval(secs => {expression} / 1000000.0))::text"
            case _:
                return expression

    def json_object(self, pairs: Sequence[tuple[str, str]]) -> str:
        if len(pairs) <= PAIRS_PER_CALL:
            arguments = ", ".join(f"{text_literal(name)}, {expression}" for name, expression in pairs)
            return f"json_build_object({arguments})"
        chunks = [pairs[start : start + PAIRS_PER_CALL] for start in range(0, len(pairs), PAIRS_PER_CALL)]
        # The text of an object without its braces; `left` by a negative number drops from the end.
        insides = [f"left(substr(({self.json_object(chunk)})::text, 2), -1)" for chunk in chunks]
        joined = balanced(insides, " || ',' || ")
        return f"('{{' || {joined} || '}}')::json"

    def json_array(self, column: str, position: str | None = None) -> str:
        # For an aggregate over distinct values PostgreSQL sorts the rows anew, for all aggregates alike.
        order = f" ORDER BY {position}" if position else ""
        return f"coalesce(json_agg({column}{order}), '[]'::json)"

    def constant(self, text: str) -> str:
        return f"{text_literal(text)}::text"

    def optional(self, subquery: str) -> str:
        return f"({subquery})"

    def compare(self, expression: str, kind: str, operator: str, parameter: str) -> str:
        return f"{expression} {_POSTGRESQL_OPERATORS[operator]} {parameter}"

    def member(self, expression: str, kind: str, parameter: str, *, negated: bool) -> str:
        return f"{expression} {'<> ALL' if negated else '= ANY'} ({parameter})"

    def at_path(self, expression: str, parameter: str) -> str:
        return f"{expression} #> {parameter}"

    def bind_path(self, keys: Sequence[str | int]) -> object:
        return [str(key) for key in keys]

    def sortable(self, expression: str, kind: str) -> str:
        return f"{expression}::text" if kind == "uuid" else expression

    def average(self, expression: str) -> str:
        return f"sum({expression})::float8 / nullif(count({expression}), 0)"

    def final(self, expression: str) -> str:
        return f"({expression})::text"


SQLITE = SQLiteDialect()
POSTGRESQL = PostgreSQLDialect()
