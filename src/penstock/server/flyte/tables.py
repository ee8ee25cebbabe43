"""The tables of the flyte side.

Times are integers: microseconds since the Unix epoch, UTC. They order and compare alike on SQLite and
PostgreSQL and keep the index that taking an action lives on small. They become aware datetimes where they
leave the database.

``tenant`` is the first column of every key: a server without tenants leaves it empty.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SEQUENCE = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts by itself only in a column declared INTEGER PRIMARY KEY."""


@dataclass(frozen=True, slots=True)
class FlyteTables:
    """The tables of the flyte side, as ``define`` added them to a schema."""

    pack: Table
    flow: Table
    flow_version: Table
    flow_trigger: Table
    execution: Table
    action: Table
    action_label: Table
    received: Table
    datastore: Table


def define(metadata: MetaData) -> FlyteTables:
    """Add the flyte tables, their names prefixed ``flyte_``, to ``metadata`` and return them."""
    pack = Table(
        "flyte_pack",
        metadata,
        Column("tenant", String(64), primary_key=True),
        Column("id", String(1024), primary_key=True),
        Column("name", String(255), nullable=False),
        Column("labels", Text, nullable=False),
        Column("document", Text, nullable=False),
        Column("last_seen", BigInteger, nullable=False),
    )
    flow = Table(
        "flyte_flow",
        metadata,
        Column("tenant", String(64), primary_key=True),
        Column("name", String(255), primary_key=True),
        Column("version_id", String(36), nullable=False),
        Column("description", Text),
    )
    flow_version = Table(
        "flyte_flow_version",
        metadata,
        Column("id", String(36), primary_key=True),
        Column("tenant", String(64), nullable=False),
        Column("name", String(255), nullable=False),
        Column("document", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
    )
    flow_trigger = Table(
        "flyte_flow_trigger",
        metadata,
        Column("tenant", String(64), primary_key=True),
        Column("pack_name", String(255), primary_key=True),
        Column("event_name", String(255), primary_key=True),
        Column("flow_name", String(255), primary_key=True),
    )
    execution = Table(
        "flyte_execution",
        metadata,
        Column("id", String(36), primary_key=True),
        Column("tenant", String(64), nullable=False),
        Column("flow_version_id", String(36), nullable=False),
        Column("flow_name", String(255), nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Index("ix_flyte_execution_recent", "tenant", "updated_at"),
    )
    action = Table(
        "flyte_action",
        metadata,
        Column("sequence", SEQUENCE, primary_key=True, autoincrement=True),
        Column("id", String(36), nullable=False, unique=True),
        Column("tenant", String(64), nullable=False),
        Column("pack_name", String(255), nullable=False),
        Column("command", String(255), nullable=False),
        Column("pack_labels", Text, nullable=False),
        Column("input", Text, nullable=False),
        Column("state", String(16), nullable=False),
        # When it may be taken: from its creation on, again when a lease ran out, never (null) once it has a
        # result.
        Column("available_at", BigInteger),
        Column("completed_at", BigInteger),
        # "VALUE:time" per state it went through, blank-separated: appended to in the same UPDATE that moves
        # the state.
        Column("history", Text, nullable=False),
        Column("execution_id", String(36)),
        Column("step_key", String(255)),
        Column("step_id", String(255), nullable=False),
        Column("context", Text, nullable=False),
        Column("trigger_event", Text),
        Column("taken_by", String(1024)),
        Column("result_event", Text),
        Column("result_key", String(128)),
        UniqueConstraint("execution_id", "step_key", name="uq_flyte_action_step"),
        Index("ix_flyte_action_take", "tenant", "pack_name", "available_at", "sequence"),
    )
    action_label = Table(
        "flyte_action_label",
        metadata,
        Column("action_id", String(36), primary_key=True),
        Column("pair", String(1024), primary_key=True),
    )
    received = Table(
        "flyte_received",
        metadata,
        Column("tenant", String(64), primary_key=True),
        Column("pack_id", String(1024), primary_key=True),
        Column("key", String(128), primary_key=True),
        Column("received_at", BigInteger, nullable=False),
        Index("ix_flyte_received_at", "received_at"),
    )
    datastore = Table(
        "flyte_datastore",
        metadata,
        Column("tenant", String(64), primary_key=True),
        Column("key", String(255), primary_key=True),
        Column("content_type", String(255), nullable=False),
        Column("description", Text, nullable=False),
        Column("value", LargeBinary, nullable=False),
    )
    return FlyteTables(
        pack=pack,
        flow=flow,
        flow_version=flow_version,
        flow_trigger=flow_trigger,
        execution=execution,
        action=action,
        action_label=action_label,
        received=received,
        datastore=datastore,
    )
