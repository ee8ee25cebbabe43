"""Random queries: SQLite, PostgreSQL and the plain-Python evaluator give the same answer."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.server.api import Api
from tests.server.dataset import INTERVALS, JSON_VALUES, NUMBERS, STATES, TEXTS, TIMES, insert_rows, make_rows
from tests.server.evaluator import Evaluator, Selected, Unordered, expected_json

from penstock.server.database import open_database
from penstock.server.local import local_transport
from penstock.server.schema import TableModel, declared_tables
from penstock.server.setup import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLES = 3000 if os.environ.get("PENSTOCK_STRESS") == "1" else 150

MODELS = declared_tables()
ROWS, TENANT_ID = make_rows()
EVALUATOR = Evaluator(MODELS, ROWS, TENANT_ID)
ROOTS = (
    "flow_run",
    "flow",
    "task_run",
    "task",
    "edge",
    "log",
    "flow_run_state",
    "agent",
    "project",
    "flow_group",
    "tenant",
)

DIRECTIONS = st.sampled_from(
    ("asc", "desc", "asc_nulls_first", "asc_nulls_last", "desc_nulls_first", "desc_nulls_last")
)
ORDER_OPERATORS = ("_eq", "_neq", "_gt", "_gte", "_lt", "_lte")
PATTERNS = {
    "like": ("a%", "%b%", "_", "__", "%", "100\\%", "Ab\\_c", "B", "%c"),
    "similar": ("a%", "(a|b)%", "[ab]+", "_{2}", "%.%", "a*b*c*", "z|zz"),
    "regex": ("^a", "b$", "^[ab]+$", "a.c", "(ab)?c", "^$", "[0-9]{3}", "x\\.y"),
}


@pytest.fixture(scope="module")
def apis(new_database: Callable[[str], str]) -> Iterator[dict[str, Api]]:
    """The same rows in both databases, each behind a server."""
    out: dict[str, Api] = {}
    for kind in ("sqlite", "postgresql"):
        url = new_database(kind)
        database = open_database(url)
        prepare(database)
        with database.write() as connection:
            insert_rows(connection, ROWS)
        database.close()
        out[kind] = Api("http://local", tenant_id=TENANT_ID, transport=local_transport(url))
    yield out
    for api in out.values():
        api.http.close()


def values_of(table: str, column: str) -> st.SearchStrategy[Any]:
    """Values of a column, most of which some row has."""
    kind = MODELS[table].columns[column].kind
    if column == "state":
        return st.sampled_from(STATES)
    pools: dict[str, tuple[Any, ...]] = {
        "uuid": tuple(row[column] for row in ROWS[table] if row[column] is not None)[:20]
        or ("0" * 8 + "-0000" * 3 + "-" + "0" * 12,),
        "timestamptz": tuple(TIMES),
        "interval": INTERVALS,
        "jsonb": JSON_VALUES,
        "Int": NUMBERS,
        "Boolean": (True, False),
        "String": (*TEXTS, *(row[column] for row in ROWS[table][:4] if isinstance(row[column], str))),
    }
    return st.sampled_from(pools[kind])


@st.composite
def comparisons(draw: st.DrawFn, table: str, column: str) -> dict[str, Any]:
    """A comparison input."""
    kind = MODELS[table].columns[column].kind
    values = values_of(table, column)
    operators = [*ORDER_OPERATORS, "_in", "_nin", "_is_null"]
    if kind == "String":
        operators += ["_like", "_nlike", "_ilike", "_nilike", "_similar", "_nsimilar", "_regex", "_iregex"]
    if kind == "jsonb":
        operators += ["_contains", "_contained_in", "_has_key", "_has_keys_any", "_has_keys_all"]
    out: dict[str, Any] = {}
    for operator in draw(st.lists(st.sampled_from(operators), max_size=2, unique=True)):
        if draw(st.integers(0, 9)) == 0:
            out[operator] = None
        elif operator in ("_in", "_nin"):
            out[operator] = draw(st.lists(values, max_size=3))
        elif operator == "_is_null":
            out[operator] = draw(st.booleans())
        elif operator == "_has_key":
            out[operator] = draw(st.sampled_from(("a", "b", "zz")))
        elif operator in ("_has_keys_any", "_has_keys_all"):
            out[operator] = draw(st.lists(st.sampled_from(("a", "b", "bb", "zz")), max_size=2))
        elif operator.endswith("like"):
            out[operator] = draw(st.sampled_from(PATTERNS["like"]))
        elif operator.endswith("similar"):
            out[operator] = draw(st.sampled_from(PATTERNS["similar"]))
        elif operator.endswith("regex"):
            out[operator] = draw(st.sampled_from(PATTERNS["regex"]))
        else:
            out[operator] = draw(values)
    return out


@st.composite
def filters(draw: st.DrawFn, table: str, depth: int = 3) -> dict[str, Any]:
    """A `*_bool_exp`."""
    model = MODELS[table]
    out: dict[str, Any] = {}
    if depth > 0:
        for connective in draw(st.lists(st.sampled_from(("_and", "_or", "_not")), max_size=1)):
            if connective == "_not":
                out["_not"] = draw(st.one_of(st.none(), filters(table, depth - 1)))
            else:
                items = st.one_of(filters(table, depth - 1), st.none())
                out[connective] = draw(st.lists(items, max_size=3))
        if model.relationships:
            for name in draw(st.lists(st.sampled_from(sorted(model.relationships)), max_size=1)):
                out[name] = draw(filters(model.relationships[name].target, depth - 1))
    for column in draw(st.lists(st.sampled_from(sorted(model.columns)), max_size=2, unique=True)):
        out[column] = draw(comparisons(table, column))
    return out


@st.composite
def orders(draw: st.DrawFn, table: str, depth: int = 2) -> dict[str, Any]:
    """A `*_order_by`."""
    model = MODELS[table]
    keys: list[str] = sorted(model.columns)
    if depth > 0:
        keys += [name for name, link in model.relationships.items() if not link.many] * 3
        keys += [f"{name}_aggregate" for name, link in model.relationships.items() if link.many] * 3
    out: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2, unique=True)):
        if key in model.columns:
            out[key] = draw(DIRECTIONS)
        elif key in model.relationships:
            out[key] = draw(orders(model.relationships[key].target, depth - 1))
        else:
            out[key] = draw(aggregate_orders(model.relationships[key.removesuffix("_aggregate")].target))
    return out


@st.composite
def aggregate_orders(draw: st.DrawFn, table: str) -> dict[str, Any]:
    function = draw(st.sampled_from(("count", "max", "min")))
    if function == "count":
        return {"count": draw(DIRECTIONS)}
    return {function: {draw(st.sampled_from(comparable(table))): draw(DIRECTIONS)}}


def comparable(table: str) -> list[str]:
    """The columns that have a greatest and a least value."""
    return [
        column.name for column in MODELS[table].columns.values() if column.kind not in ("jsonb", "Boolean")
    ]


@st.composite
def list_arguments(draw: st.DrawFn, table: str, depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if draw(st.booleans()):
        out["where"] = draw(filters(table, depth))
    if draw(st.booleans()):
        out["order_by"] = draw(st.lists(orders(table), max_size=2))
    if draw(st.integers(0, 2)) == 0:
        out["limit"] = draw(st.integers(0, 6))
    if draw(st.integers(0, 3)) == 0:
        out["offset"] = draw(st.integers(0, 4))
    if draw(st.integers(0, 4)) == 0:
        columns = [c.name for c in MODELS[table].columns.values() if c.kind != "jsonb"]
        out["distinct_on"] = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=2, unique=True))
    return out


@st.composite
def selections(draw: st.DrawFn, table: str, depth: int = 2) -> tuple[Selected, ...]:
    model = MODELS[table]
    fields: list[Selected] = [Selected("id", "id", {})]
    for position, column in enumerate(draw(st.lists(st.sampled_from(sorted(model.columns)), max_size=5))):
        arguments: dict[str, Any] = {}
        if model.columns[column].kind == "jsonb" and draw(st.booleans()):
            arguments = {"keys": draw(st.sampled_from((("a",), ("b", 0), ("b", "c"), (1, 0), (0,))))}
        fields.append(Selected(f"c{position}", column, arguments))
    if depth > 0 and model.relationships:
        names = draw(st.lists(st.sampled_from(sorted(model.relationships)), max_size=2))
        for position, name in enumerate(names):
            link = model.relationships[name]
            if not link.many:
                below = draw(selections(link.target, depth - 1))
                fields.append(Selected(f"r{position}", name, {}, below))
            elif draw(st.booleans()):
                below = draw(selections(link.target, depth - 1))
                fields.append(Selected(f"r{position}", name, draw(list_arguments(link.target, 1)), below))
            else:
                below = draw(aggregates(link.target, depth - 1))
                arguments = draw(list_arguments(link.target, 1))
                fields.append(Selected(f"r{position}", f"{name}_aggregate", arguments, below))
    if draw(st.integers(0, 4)) == 0:
        fields.append(Selected("kind", "__typename", {}))
    return tuple(fields)


@st.composite
def aggregates(draw: st.DrawFn, table: str, depth: int) -> tuple[Selected, ...]:
    functions: list[Selected] = [Selected("count", "count", {})]
    columns = sorted(MODELS[table].columns)
    if draw(st.booleans()):
        arguments = {
            "columns": draw(st.lists(st.sampled_from(columns), max_size=2)),
            "distinct": draw(st.booleans()),
        }
        jsonb = [c for c in arguments["columns"] if MODELS[table].columns[c].kind == "jsonb"]  # type: ignore[attr-defined]
        functions.append(Selected("some", "count", {} if jsonb else arguments))
    for function in ("max", "min"):
        if draw(st.booleans()):
            names = draw(st.lists(st.sampled_from(comparable(table)), min_size=1, max_size=3, unique=True))
            functions.append(
                Selected(function, function, {}, tuple(Selected(name, name, {}) for name in names))
            )
    numbers = [column.name for column in MODELS[table].columns.values() if column.kind == "Int"]
    if numbers:
        for function in ("avg", "sum"):
            below = tuple(Selected(name, name, {}) for name in numbers)
            functions.append(Selected(function, function, {}, below))
    out = [Selected("aggregate", "aggregate", {}, tuple(functions))]
    if draw(st.booleans()):
        out.append(Selected("nodes", "nodes", {}, draw(selections(table, depth))))
    return tuple(out)


class Writer:
    """Writes a selection as a document whose arguments are variables."""

    def __init__(self) -> None:
        self.declared: list[str] = []
        self.values: dict[str, Any] = {}

    def arguments(self, table: str, arguments: dict[str, Any]) -> str:
        types = {
            "where": f"{table}_bool_exp",
            "order_by": f"[{table}_order_by!]",
            "limit": "Int",
            "offset": "Int",
            "distinct_on": f"[{table}_select_column!]",
            "columns": f"[{table}_select_column!]",
            "distinct": "Boolean",
        }
        written: list[str] = []
        for name, value in arguments.items():
            if name == "keys":
                path = "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in value)
                written.append(f'path: "{path}"')
                continue
            variable = f"v{len(self.values)}"
            self.declared.append(f"${variable}: {types[name]}")
            self.values[variable] = as_variable(value)
            written.append(f"{name}: ${variable}")
        return f"({', '.join(written)})" if written else ""

    def field(self, table: str, field: Selected) -> str:
        model = MODELS.get(table)
        target = table
        if model and (link := model.relationships.get(field.name.removesuffix("_aggregate"))):
            target = link.target
        below = f" {{ {' '.join(self.field(target, item) for item in field.below)} }}" if field.below else ""
        return f"{field.response}: {field.name}{self.arguments(target, field.arguments)}{below}"


def as_variable(value: Any) -> Any:
    """A value as JSON. Intervals of the evaluator are microseconds; the API takes text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: as_variable(item) for key, item in value.items()}
    return [as_variable(item) for item in value] if isinstance(value, list) else value


def with_interval_texts(table: str, where: Any) -> Any:
    """A filter whose comparisons of intervals are written as the API takes them."""
    if not isinstance(where, dict):
        return where
    model = MODELS[table]
    out: dict[str, Any] = {}
    for key, value in where.items():
        if key in ("_and", "_or") and value is not None:
            out[key] = [with_interval_texts(table, item) for item in value]
        elif key == "_not":
            out[key] = with_interval_texts(table, value)
        elif key in model.columns:
            is_interval = model.columns[key].kind == "interval"
            out[key] = {
                op: interval_texts(given) if is_interval and op != "_is_null" else given
                for op, given in (value or {}).items()
            }
        else:
            out[key] = with_interval_texts(model.relationships[key].target, value)
    return out


def interval_texts(given: Any) -> Any:
    if isinstance(given, list):
        return [interval_texts(item) for item in given]
    return None if given is None else interval_text(given)


def interval_text(microseconds: int) -> str:
    """HH:MM:SS, hours beyond a day counted on."""
    whole, rest = divmod(microseconds, 1_000_000)
    text = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return text + (f".{rest:06}".rstrip("0") if rest else "")


def prepared(table: str, field: Selected) -> Selected:
    """A selection as it is sent."""
    link = MODELS[table].relationships.get(field.name.removesuffix("_aggregate"))
    target = link.target if link else table
    arguments = dict(field.arguments)
    if "where" in arguments:
        arguments["where"] = with_interval_texts(target, arguments["where"])
    return Selected(
        field.response, field.name, arguments, tuple(prepared(target, item) for item in field.below)
    )


def assert_same(expected: Any, actual: Any, table_path: str = "") -> None:
    """The answer is what the evaluator says; where a query leaves the order open, so does this."""
    if isinstance(expected, Unordered):
        key = canonical_text
        assert isinstance(actual, list), table_path
        expected, actual = sorted(expected, key=key), sorted(actual, key=key)
    if isinstance(expected, list):
        assert len(expected) == len(actual), (table_path, expected, actual)
        for position, (left, right) in enumerate(zip(expected, actual, strict=True)):
            assert_same(left, right, f"{table_path}[{position}]")
    elif isinstance(expected, dict) and isinstance(actual, dict):
        assert list(expected) == list(actual) or set(expected) == set(actual), (table_path, expected, actual)
        for name in expected:
            assert_same(expected[name], actual[name], f"{table_path}.{name}")
    else:
        assert expected_json(expected) == actual, (table_path, expected, actual)


def canonical_text(value: Any) -> str:
    """Rows are told apart by their id, which every selection has."""
    return str(value["id"])


def shown_intervals(table: str, fields: tuple[Selected, ...], value: Any) -> Any:
    """The evaluator's answer with intervals as the API writes them."""
    if isinstance(value, list):
        return type(value)(shown_intervals(table, fields, item) for item in value)
    if value is None:
        return None
    model = MODELS[table]
    out: dict[str, Any] = {}
    for field in fields:
        inner = value[field.response]
        column = model.columns.get(field.name)
        if field.name == "__typename":
            pass
        elif column is not None:
            inner = interval_text(inner) if column.kind == "interval" and inner is not None else inner
        elif field.name in ("aggregate", "nodes") or field.name in ("max", "min"):
            inner = shown_intervals(table, field.below, inner)
        elif field.name in ("count", "avg", "sum"):
            pass
        else:
            target = model.relationships[field.name.removesuffix("_aggregate")].target
            inner = shown_intervals(target, field.below, inner)
        out[field.response] = inner
    return out


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, Selected]:
    table = draw(st.sampled_from(ROOTS))
    arguments = draw(list_arguments(table, 3))
    if draw(st.integers(0, 3)) == 0:
        return table, Selected("root", f"{table}_aggregate", arguments, draw(aggregates(table, 1)))
    return table, Selected("root", table, arguments, draw(selections(table)))


def check(apis: dict[str, Api], table: str, root: Selected) -> None:
    rows = EVALUATOR.rows_for(table, root.arguments, EVALUATOR.visible(table))
    if root.name.endswith("_aggregate"):
        expected: Any = EVALUATOR.aggregate(table, root.below, rows)
    else:
        expected = EVALUATOR.listed(table, root.below, rows)
    expected = shown_intervals(table, root.below, expected)
    writer = Writer()
    sent = prepared(table, root)
    below = " ".join(writer.field(table, item) for item in sent.below)
    text = f"root: {root.name}{writer.arguments(table, sent.arguments)} {{ {below} }}"
    declared = f"({', '.join(writer.declared)})" if writer.declared else ""
    for kind, api in apis.items():
        answer = api.ask(f"query {declared} {{ {text} }}", writer.values)
        try:
            assert_same(expected, answer["root"])
        except AssertionError as error:
            raise AssertionError(f"{kind}: {error}\n{text}\n{writer.values}") from None


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(query=queries())
def test_both_databases_answer_as_the_evaluator_does(
    apis: dict[str, Api], query: tuple[str, Selected]
) -> None:
    check(apis, *query)


@pytest.mark.parametrize("table", sorted(MODELS))
def test_every_column_and_relationship_can_be_read(apis: dict[str, Api], table: str) -> None:
    model: TableModel = MODELS[table]
    fields = [Selected(name, name, {}) for name in model.columns]
    for name, link in model.relationships.items():
        fields.append(Selected(name, name, {}, (Selected("id", "id", {}),)))
        if link.many:
            count = Selected("aggregate", "aggregate", {}, (Selected("count", "count", {}),))
            fields.append(Selected(f"{name}_aggregate", f"{name}_aggregate", {}, (count,)))
    if table in ROWS:
        check(apis, table, Selected("root", table, {}, tuple(fields)))


@pytest.mark.parametrize("table", ["flow_run", "task", "log"])
def test_every_operator_of_every_column(apis: dict[str, Api], table: str) -> None:
    id_only = (Selected("id", "id", {}),)
    for column in MODELS[table].columns.values():
        strings = {
            **{f"_{name}": PATTERNS["like"][1] for name in ("like", "nlike", "ilike", "nilike")},
            **{f"_{name}": PATTERNS["similar"][1] for name in ("similar", "nsimilar")},
            **{f"_{name}": PATTERNS["regex"][0] for name in ("regex", "iregex")},
        }
        jsons = {"_contains": {"a": 1}, "_contained_in": ["a", "b", "c"], "_has_key": "a"}
        keys = {"_has_keys_any": ["a", "b"], "_has_keys_all": ["a", "b"]}
        sample = next((row[column.name] for row in ROWS[table] if row[column.name] is not None), None)
        comparisons_of: dict[str, Any] = dict.fromkeys(ORDER_OPERATORS, sample)
        comparisons_of |= {"_in": [sample], "_nin": [sample], "_is_null": True}
        if column.kind == "String":
            comparisons_of |= strings
        if column.kind == "jsonb":
            comparisons_of |= jsons | keys
        for operator, value in comparisons_of.items():
            check(apis, table, Selected("root", table, {"where": {column.name: {operator: value}}}, id_only))


def test_a_selection_of_more_fields_than_a_function_takes_arguments(apis: dict[str, Api]) -> None:
    fields = tuple(Selected(f"name_{position}", "name", {}) for position in range(400))
    check(apis, "flow_run", Selected("root", "flow_run", {}, (Selected("id", "id", {}), *fields)))


def test_a_filter_of_very_many_conditions(apis: dict[str, Api]) -> None:
    every = [{"id": {"_neq": row["id"]}} for row in ROWS["log"]] * 40
    check(apis, "log", Selected("root", "log", {"where": {"_and": every}}, (Selected("id", "id", {}),)))


def test_intervals_are_written_alike() -> None:
    assert interval_text(int(timedelta(days=3, seconds=1.5) / timedelta(microseconds=1))) == "72:00:01.5"
