"""A small database full of edge cases: nulls, equal values, empty lists, rows of another tenant."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from penstock.server.schema import declared_tables

if TYPE_CHECKING:
    import sqlalchemy as sa

# No characters that collations disagree about: what JSON strings sort by is the database's own collation.
TEXTS = ("a", "ab", "abc", "b", "B", "Ab_c", "100%", "x.y", "zz", "")
JSON_VALUES: tuple[Any, ...] = (
    {},
    [],
    {"a": 1},
    {"a": 1.5, "b": [1, 2]},
    {"b": {"c": None}},
    ["a", "b"],
    [1, [2, 3]],
    "a",
    5,
    -2,
    True,
    False,
    [None],
    {"a": "ab", "bb": True},
)
TIMES = tuple(
    datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours, microseconds=hours)
    for hours in (0, 1, 2, 30, 999)
)
INTERVALS = (0, 1, 1_500_000, 90_000_000, 3 * 86_400_000_000)
NUMBERS = (-1, 0, 1, 2, 7)
STATES = ("Scheduled", "Running", "Success", "Failed")

SIZES = {
    "project": 4,
    "flow_group": 4,
    "flow": 7,
    "task": 10,
    "edge": 9,
    "agent_config": 2,
    "agent": 4,
    "flow_run": 16,
    "flow_run_state": 16,
    "task_run": 18,
    "task_run_state": 12,
    "log": 14,
    "task_run_artifact": 4,
    "cloud_hook": 3,
    "message": 4,
    "task_tag_limit": 4,
}

# Columns that an index keeps unique, so that chance must not fill them.
COUNTED = {
    ("flow", "version"),
    ("flow_run_state", "version"),
    ("task_run_state", "version"),
    ("task_run", "map_index"),
}
NAMED = {
    ("project", "name"),
    ("flow_group", "name"),
    ("task", "slug"),
    ("task_tag_limit", "tag"),
    ("flow_run", "idempotency_key"),
}
EXTRA_TARGETS = {("log", "flow_run_id"): "flow_run", ("log", "task_run_id"): "task_run"}


def make_rows(seed: int = 5) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """(the rows of every table in an order in which they can be inserted, the tenant that asks)."""
    chance = random.Random(seed)
    models = declared_tables()

    def new_id() -> str:
        return str(UUID(int=chance.getrandbits(128)))

    tenants = [new_id(), new_id()]
    rows: dict[str, list[dict[str, Any]]] = {
        "tenant": [
            {
                "id": key,
                "created": TIMES[0],
                "updated": TIMES[1],
                "name": f"tenant {position}",
                "slug": f"t{position}",
                "info": None,
                "settings": {},
            }
            for position, key in enumerate(tenants)
        ]
    }
    for table, size in SIZES.items():
        model = models[table]
        targets = {link.local: link.target for link in model.relationships.values() if not link.many}
        targets |= {column: target for (name, column), target in EXTRA_TARGETS.items() if name == table}
        rows[table] = []
        for position in range(size * len(tenants)):
            tenant_id = tenants[position % 2]
            row: dict[str, Any] = {}
            for column in model.columns.values():
                key = (table, column.name)
                if column.name == "id":
                    row["id"] = new_id()
                elif column.name == "tenant_id":
                    row["tenant_id"] = tenant_id
                elif column.nullable and chance.random() < 0.3:
                    row[column.name] = None
                elif target := targets.get(column.name):
                    row[column.name] = chance.choice(
                        [r["id"] for r in rows[target] if r["tenant_id"] == tenant_id]
                    )
                elif key in COUNTED:
                    row[column.name] = position
                elif key in NAMED:
                    row[column.name] = f"{chance.choice(TEXTS)}{position}"
                else:
                    row[column.name] = _value(chance, column.kind, column.name, new_id)
            rows[table].append(row)
    return rows, tenants[0]


def _value(chance: random.Random, kind: str, name: str, new_id: Any) -> Any:
    if name == "state":
        return chance.choice(STATES)
    match kind:
        case "uuid":
            return new_id()
        case "timestamptz":
            return chance.choice(TIMES)
        case "interval":
            return chance.choice(INTERVALS)
        case "jsonb":
            return chance.choice(JSON_VALUES)
        case "Int":
            return chance.choice(NUMBERS)
        case "Boolean":
            return chance.random() < 0.5
        case _:
            return chance.choice(TEXTS)


def insert_rows(connection: sa.Connection, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Put the rows into a database."""
    from penstock.server.tables import metadata

    for table, values in rows.items():
        connection.execute(metadata.tables[table].insert(), values)
