"""The tables: those of `schema.graphql`, and the server's own that no query shows.

The schema says what columns and relationships there are; this module adds what a schema cannot say: keys,
indices and what a delete takes along. `metadata` is what the migrations are checked against.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import SchemaItem

from penstock.server.flyte.tables import define as define_flyte_tables
from penstock.server.schema import TableModel, declared_tables
from penstock.server.types import Identifier, JsonDocument, PlainText, Timestamp

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

COLUMN_TYPES: dict[str, type[sa.types.TypeEngine[Any]]] = {
    "uuid": Identifier,
    "timestamptz": Timestamp,
    "interval": sa.BigInteger,  # microseconds
    "jsonb": JsonDocument,
    "String": PlainText,
    "Int": sa.Integer,
    "Boolean": sa.Boolean,
}

# Columns whose target goes away without taking the row along.
KEEP_WITHOUT_TARGET = frozenset({("flow_run", "agent_id"), ("agent", "agent_config_id")})

# A message, a log line or a hook names these without a relationship in the schema.
EXTRA_FOREIGN_KEYS = {("log", "flow_run_id"): "flow_run", ("log", "task_run_id"): "task_run"}


def _exposed_table(model: TableModel) -> sa.Table:
    targets = {link.local: link.target for link in model.relationships.values() if not link.many}
    targets |= {
        column: target for (table, column), target in EXTRA_FOREIGN_KEYS.items() if table == model.name
    }
    if "tenant_id" in model.columns:
        targets["tenant_id"] = "tenant"
    columns: list[sa.Column[object]] = []
    for column in model.columns.values():
        keys: list[sa.ForeignKey] = []
        if target := targets.get(column.name):
            rule = "SET NULL" if (model.name, column.name) in KEEP_WITHOUT_TARGET else "CASCADE"
            keys.append(sa.ForeignKey(f"{target}.id", ondelete=rule))
        columns.append(
            sa.Column(
                column.name,
                COLUMN_TYPES[column.kind](),
                *keys,
                primary_key=column.name == "id",
                nullable=column.nullable and column.name != "tenant_id",
            )
        )
    return sa.Table(model.name, metadata, *columns)


for _model in declared_tables().values():
    _exposed_table(_model)

tenant = metadata.tables["tenant"]
project = metadata.tables["project"]
flow_group = metadata.tables["flow_group"]
flow = metadata.tables["flow"]
task = metadata.tables["task"]
edge = metadata.tables["edge"]
flow_run = metadata.tables["flow_run"]
flow_run_state = metadata.tables["flow_run_state"]
task_run = metadata.tables["task_run"]
task_run_state = metadata.tables["task_run_state"]
task_run_artifact = metadata.tables["task_run_artifact"]
log = metadata.tables["log"]
message = metadata.tables["message"]
agent = metadata.tables["agent"]
agent_config = metadata.tables["agent_config"]
cloud_hook = metadata.tables["cloud_hook"]
task_tag_limit = metadata.tables["task_tag_limit"]


def _own_table(name: str, *columns: SchemaItem) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("id", Identifier(), primary_key=True),
        sa.Column("created", Timestamp(), nullable=False),
        *columns,
    )


def _tenant_column() -> sa.Column[str]:
    return sa.Column(
        "tenant_id", Identifier(), sa.ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False
    )


member = _own_table(
    "member",
    sa.Column("user_id", Identifier(), nullable=False),
    _tenant_column(),
    sa.UniqueConstraint("user_id", "tenant_id"),
)
api_token = _own_table(
    "api_token",
    _tenant_column(),
    sa.Column("user_id", Identifier(), nullable=False),
    sa.Column("name", PlainText(), nullable=False),
    sa.Column("scope", PlainText(), nullable=False),
    # The token itself is never kept: this is its SHA-256, in hexadecimal.
    sa.Column("digest", PlainText(), nullable=False, unique=True),
    sa.Column("revoked", Timestamp(), nullable=True),
)
secret = _own_table(
    "secret",
    _tenant_column(),
    sa.Column("name", PlainText(), nullable=False),
    sa.Column("value", JsonDocument(), nullable=True),
    sa.UniqueConstraint("tenant_id", "name"),
)
feedback = _own_table(
    "feedback",
    _tenant_column(),
    sa.Column("message", PlainText(), nullable=False),
)
cloud_hook_delivery = _own_table(
    "cloud_hook_delivery",
    _tenant_column(),
    sa.Column(
        "cloud_hook_id", Identifier(), sa.ForeignKey("cloud_hook.id", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("payload", JsonDocument(), nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("next_attempt", Timestamp(), nullable=True),
    sa.Column("delivered", Timestamp(), nullable=True),
    sa.Column("error", PlainText(), nullable=True),
)
flyte = define_flyte_tables(metadata)

server_setting = sa.Table(
    "server_setting",
    metadata,
    sa.Column("name", PlainText(), primary_key=True),
    sa.Column("value", PlainText(), nullable=False),
)

sa.Index(None, project.c.tenant_id, project.c.name, unique=True)
sa.Index(None, tenant.c.slug, unique=True)
sa.Index(None, flow_group.c.tenant_id, flow_group.c.name, unique=True)
sa.Index(None, flow.c.flow_group_id, flow.c.version, unique=True)
sa.Index(None, flow.c.project_id)
sa.Index(None, flow.c.tenant_id, flow.c.created)
sa.Index(None, task.c.flow_id, task.c.slug, unique=True)
sa.Index(None, task.c.tenant_id)
sa.Index(None, edge.c.flow_id)
sa.Index(None, edge.c.upstream_task_id)
sa.Index(None, edge.c.downstream_task_id)
sa.Index(None, edge.c.tenant_id)
sa.Index(None, flow_run.c.flow_id, flow_run.c.idempotency_key, unique=True)
sa.Index(None, flow_run.c.flow_id, flow_run.c.scheduled_start_time)
sa.Index(None, flow_run.c.flow_id, flow_run.c.created)
sa.Index(None, flow_run.c.agent_id)
sa.Index(None, flow_run.c.tenant_id, flow_run.c.created)
sa.Index(None, flow_run.c.tenant_id, flow_run.c.state, flow_run.c.scheduled_start_time)
sa.Index(None, flow_run.c.tenant_id, flow_run.c.state, flow_run.c.state_start_time)
sa.Index(None, flow_run.c.tenant_id, flow_run.c.scheduled_start_time)
sa.Index(None, flow_run.c.tenant_id, flow_run.c.name)
sa.Index(None, flow_run_state.c.flow_run_id, flow_run_state.c.version, unique=True)
sa.Index(None, flow_run_state.c.tenant_id, flow_run_state.c.timestamp)
sa.Index(None, task_run.c.flow_run_id, task_run.c.task_id, task_run.c.map_index, unique=True)
sa.Index(None, task_run.c.task_id)
sa.Index(None, task_run.c.tenant_id, task_run.c.state)
sa.Index(None, task_run.c.cache_key)
sa.Index(None, task_run_state.c.task_run_id, task_run_state.c.version, unique=True)
sa.Index(None, task_run_state.c.tenant_id, task_run_state.c.timestamp)
sa.Index(None, task_run_artifact.c.task_run_id)
sa.Index(None, task_run_artifact.c.tenant_id)
sa.Index(None, log.c.flow_run_id, log.c.timestamp)
sa.Index(None, log.c.task_run_id)
sa.Index(None, log.c.tenant_id, log.c.timestamp)
sa.Index(None, message.c.tenant_id)
sa.Index(None, agent.c.tenant_id)
sa.Index(None, agent.c.agent_config_id)
sa.Index(None, agent_config.c.tenant_id)
sa.Index(None, cloud_hook.c.tenant_id)
sa.Index(None, task_tag_limit.c.tenant_id, task_tag_limit.c.tag, unique=True)
sa.Index(None, cloud_hook_delivery.c.next_attempt)
sa.Index(None, cloud_hook_delivery.c.cloud_hook_id)
sa.Index(None, feedback.c.tenant_id)
sa.Index(None, api_token.c.tenant_id)
sa.Index(None, member.c.tenant_id)
