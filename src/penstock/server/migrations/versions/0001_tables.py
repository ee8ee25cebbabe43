"""The tables of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from penstock.server import types

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table and index."""
    op.create_table(
        "server_setting",
        sa.Column("name", types.PlainText(), nullable=False),
        sa.Column("value", types.PlainText(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_server_setting")),
    )
    op.create_table(
        "tenant",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("name", types.PlainText(), nullable=False),
        sa.Column("slug", types.PlainText(), nullable=False),
        sa.Column("info", types.JsonDocument(), nullable=True),
        sa.Column("settings", types.JsonDocument(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
    )
    op.create_index(op.f("ix_tenant_slug"), "tenant", ["slug"], unique=True)
    op.create_table(
        "agent_config",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("name", types.PlainText(), nullable=True),
        sa.Column("settings", types.JsonDocument(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_agent_config_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_config")),
    )
    op.create_index(op.f("ix_agent_config_tenant_id"), "agent_config", ["tenant_id"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("user_id", types.Identifier(), nullable=False),
        sa.Column("name", types.PlainText(), nullable=False),
        sa.Column("scope", types.PlainText(), nullable=False),
        sa.Column("digest", types.PlainText(), nullable=False),
        sa.Column("revoked", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_api_token_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_token_digest")),
    )
    op.create_index(op.f("ix_api_token_tenant_id"), "api_token", ["tenant_id"], unique=False)
    op.create_table(
        "cloud_hook",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("name", types.PlainText(), nullable=True),
        sa.Column("states", types.JsonDocument(), nullable=True),
        sa.Column("type", types.PlainText(), nullable=False),
        sa.Column("config", types.JsonDocument(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version_group_id", types.PlainText(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_cloud_hook_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cloud_hook")),
    )
    op.create_index(op.f("ix_cloud_hook_tenant_id"), "cloud_hook", ["tenant_id"], unique=False)
    op.create_table(
        "feedback",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("message", types.PlainText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_feedback_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index(op.f("ix_feedback_tenant_id"), "feedback", ["tenant_id"], unique=False)
    op.create_table(
        "flow_group",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("name", types.PlainText(), nullable=True),
        sa.Column("labels", types.JsonDocument(), nullable=True),
        sa.Column("schedule", types.JsonDocument(), nullable=True),
        sa.Column("settings", types.JsonDocument(), nullable=False),
        sa.Column("default_parameters", types.JsonDocument(), nullable=False),
        sa.Column("run_config", types.JsonDocument(), nullable=True),
        sa.Column("description", types.PlainText(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_flow_group_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_group")),
    )
    op.create_index(op.f("ix_flow_group_tenant_id_name"), "flow_group", ["tenant_id", "name"], unique=True)
    op.create_table(
        "member",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("user_id", types.Identifier(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_member_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("user_id", "tenant_id", name=op.f("uq_member_user_id_tenant_id")),
    )
    op.create_index(op.f("ix_member_tenant_id"), "member", ["tenant_id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("read", sa.Boolean(), nullable=False),
        sa.Column("type", types.PlainText(), nullable=True),
        sa.Column("text", types.PlainText(), nullable=True),
        sa.Column("content", types.JsonDocument(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_message_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index(op.f("ix_message_tenant_id"), "message", ["tenant_id"], unique=False)
    op.create_table(
        "project",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("name", types.PlainText(), nullable=False),
        sa.Column("description", types.PlainText(), nullable=True),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_project_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
    )
    op.create_index(op.f("ix_project_tenant_id_name"), "project", ["tenant_id", "name"], unique=True)
    op.create_table(
        "secret",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("name", types.PlainText(), nullable=False),
        sa.Column("value", types.JsonDocument(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_secret_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secret")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_secret_tenant_id_name")),
    )
    op.create_table(
        "task_tag_limit",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("tag", types.PlainText(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_task_tag_limit_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_tag_limit")),
    )
    op.create_index(
        op.f("ix_task_tag_limit_tenant_id_tag"), "task_tag_limit", ["tenant_id", "tag"], unique=True
    )
    op.create_table(
        "agent",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("agent_config_id", types.Identifier(), nullable=True),
        sa.Column("name", types.PlainText(), nullable=True),
        sa.Column("type", types.PlainText(), nullable=True),
        sa.Column("core_version", types.PlainText(), nullable=True),
        sa.Column("labels", types.JsonDocument(), nullable=False),
        sa.Column("last_queried", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agent_config_id"],
            ["agent_config.id"],
            name=op.f("fk_agent_agent_config_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_agent_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
    )
    op.create_index(op.f("ix_agent_agent_config_id"), "agent", ["agent_config_id"], unique=False)
    op.create_index(op.f("ix_agent_tenant_id"), "agent", ["tenant_id"], unique=False)
    op.create_table(
        "cloud_hook_delivery",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("cloud_hook_id", types.Identifier(), nullable=False),
        sa.Column("payload", types.JsonDocument(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt", types.Timestamp(), nullable=True),
        sa.Column("delivered", types.Timestamp(), nullable=True),
        sa.Column("error", types.PlainText(), nullable=True),
        sa.ForeignKeyConstraint(
            ["cloud_hook_id"],
            ["cloud_hook.id"],
            name=op.f("fk_cloud_hook_delivery_cloud_hook_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_cloud_hook_delivery_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cloud_hook_delivery")),
    )
    op.create_index(
        op.f("ix_cloud_hook_delivery_cloud_hook_id"), "cloud_hook_delivery", ["cloud_hook_id"], unique=False
    )
    op.create_index(
        op.f("ix_cloud_hook_delivery_next_attempt"), "cloud_hook_delivery", ["next_attempt"], unique=False
    )
    op.create_table(
        "flow",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("name", types.PlainText(), nullable=False),
        sa.Column("description", types.PlainText(), nullable=True),
        sa.Column("environment", types.JsonDocument(), nullable=True),
        sa.Column("parameters", types.JsonDocument(), nullable=True),
        sa.Column("project_id", types.Identifier(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("version_group_id", types.PlainText(), nullable=True),
        sa.Column("storage", types.JsonDocument(), nullable=True),
        sa.Column("core_version", types.PlainText(), nullable=True),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("settings", types.JsonDocument(), nullable=False),
        sa.Column("serialized_flow", types.JsonDocument(), nullable=True),
        sa.Column("schedule", types.JsonDocument(), nullable=True),
        sa.Column("is_schedule_active", sa.Boolean(), nullable=False),
        sa.Column("flow_group_id", types.Identifier(), nullable=False),
        sa.Column("run_config", types.JsonDocument(), nullable=True),
        sa.ForeignKeyConstraint(
            ["flow_group_id"], ["flow_group.id"], name=op.f("fk_flow_flow_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_flow_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_flow_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow")),
    )
    op.create_index(op.f("ix_flow_flow_group_id_version"), "flow", ["flow_group_id", "version"], unique=True)
    op.create_index(op.f("ix_flow_project_id"), "flow", ["project_id"], unique=False)
    op.create_index(op.f("ix_flow_tenant_id_created"), "flow", ["tenant_id", "created"], unique=False)
    op.create_table(
        "flow_run",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("flow_id", types.Identifier(), nullable=False),
        sa.Column("parameters", types.JsonDocument(), nullable=True),
        sa.Column("scheduled_start_time", types.Timestamp(), nullable=False),
        sa.Column("auto_scheduled", sa.Boolean(), nullable=False),
        sa.Column("heartbeat", types.Timestamp(), nullable=True),
        sa.Column("start_time", types.Timestamp(), nullable=True),
        sa.Column("end_time", types.Timestamp(), nullable=True),
        sa.Column("duration", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", types.PlainText(), nullable=True),
        sa.Column("state_timestamp", types.Timestamp(), nullable=True),
        sa.Column("state_message", types.PlainText(), nullable=True),
        sa.Column("state_result", types.JsonDocument(), nullable=True),
        sa.Column("state_start_time", types.Timestamp(), nullable=True),
        sa.Column("serialized_state", types.JsonDocument(), nullable=True),
        sa.Column("name", types.PlainText(), nullable=True),
        sa.Column("context", types.JsonDocument(), nullable=True),
        sa.Column("times_resurrected", sa.Integer(), nullable=True),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("state_id", types.Identifier(), nullable=True),
        sa.Column("idempotency_key", types.PlainText(), nullable=True),
        sa.Column("agent_id", types.Identifier(), nullable=True),
        sa.Column("labels", types.JsonDocument(), nullable=False),
        sa.Column("run_config", types.JsonDocument(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_flow_run_agent_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["flow_id"], ["flow.id"], name=op.f("fk_flow_run_flow_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_flow_run_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_run")),
    )
    op.create_index(op.f("ix_flow_run_agent_id"), "flow_run", ["agent_id"], unique=False)
    op.create_index(
        op.f("ix_flow_run_flow_id_idempotency_key"), "flow_run", ["flow_id", "idempotency_key"], unique=True
    )
    op.create_index(op.f("ix_flow_run_tenant_id_created"), "flow_run", ["tenant_id", "created"], unique=False)
    op.create_index(op.f("ix_flow_run_tenant_id_name"), "flow_run", ["tenant_id", "name"], unique=False)
    op.create_index(
        op.f("ix_flow_run_tenant_id_scheduled_start_time"),
        "flow_run",
        ["tenant_id", "scheduled_start_time"],
        unique=False,
    )
    op.create_index(
        op.f("ix_flow_run_tenant_id_state_scheduled_start_time"),
        "flow_run",
        ["tenant_id", "state", "scheduled_start_time"],
        unique=False,
    )
    op.create_index(
        op.f("ix_flow_run_tenant_id_state_state_start_time"),
        "flow_run",
        ["tenant_id", "state", "state_start_time"],
        unique=False,
    )
    op.create_table(
        "task",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("flow_id", types.Identifier(), nullable=False),
        sa.Column("name", types.PlainText(), nullable=True),
        sa.Column("slug", types.PlainText(), nullable=True),
        sa.Column("description", types.PlainText(), nullable=True),
        sa.Column("type", types.PlainText(), nullable=True),
        sa.Column("max_retries", sa.Integer(), nullable=True),
        sa.Column("retry_delay", sa.BigInteger(), nullable=True),
        sa.Column("trigger", types.PlainText(), nullable=True),
        sa.Column("mapped", sa.Boolean(), nullable=False),
        sa.Column("auto_generated", sa.Boolean(), nullable=False),
        sa.Column("cache_key", types.PlainText(), nullable=True),
        sa.Column("is_root_task", sa.Boolean(), nullable=False),
        sa.Column("is_terminal_task", sa.Boolean(), nullable=False),
        sa.Column("is_reference_task", sa.Boolean(), nullable=False),
        sa.Column("tags", types.JsonDocument(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["flow_id"], ["flow.id"], name=op.f("fk_task_flow_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_task_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(op.f("ix_task_flow_id_slug"), "task", ["flow_id", "slug"], unique=True)
    op.create_index(op.f("ix_task_tenant_id"), "task", ["tenant_id"], unique=False)
    op.create_table(
        "edge",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("flow_id", types.Identifier(), nullable=False),
        sa.Column("upstream_task_id", types.Identifier(), nullable=False),
        sa.Column("downstream_task_id", types.Identifier(), nullable=False),
        sa.Column("key", types.PlainText(), nullable=True),
        sa.Column("mapped", sa.Boolean(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["downstream_task_id"], ["task.id"], name=op.f("fk_edge_downstream_task_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["flow_id"], ["flow.id"], name=op.f("fk_edge_flow_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_edge_tenant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["upstream_task_id"], ["task.id"], name=op.f("fk_edge_upstream_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edge")),
    )
    op.create_index(op.f("ix_edge_downstream_task_id"), "edge", ["downstream_task_id"], unique=False)
    op.create_index(op.f("ix_edge_flow_id"), "edge", ["flow_id"], unique=False)
    op.create_index(op.f("ix_edge_tenant_id"), "edge", ["tenant_id"], unique=False)
    op.create_index(op.f("ix_edge_upstream_task_id"), "edge", ["upstream_task_id"], unique=False)
    op.create_table(
        "flow_run_state",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("flow_run_id", types.Identifier(), nullable=False),
        sa.Column("timestamp", types.Timestamp(), nullable=False),
        sa.Column("state", types.PlainText(), nullable=False),
        sa.Column("message", types.PlainText(), nullable=True),
        sa.Column("result", types.JsonDocument(), nullable=True),
        sa.Column("start_time", types.Timestamp(), nullable=True),
        sa.Column("serialized_state", types.JsonDocument(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["flow_run_id"], ["flow_run.id"], name=op.f("fk_flow_run_state_flow_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_flow_run_state_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_run_state")),
    )
    op.create_index(
        op.f("ix_flow_run_state_flow_run_id_version"),
        "flow_run_state",
        ["flow_run_id", "version"],
        unique=True,
    )
    op.create_index(
        op.f("ix_flow_run_state_tenant_id_timestamp"),
        "flow_run_state",
        ["tenant_id", "timestamp"],
        unique=False,
    )
    op.create_table(
        "task_run",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("flow_run_id", types.Identifier(), nullable=False),
        sa.Column("task_id", types.Identifier(), nullable=False),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("heartbeat", types.Timestamp(), nullable=True),
        sa.Column("start_time", types.Timestamp(), nullable=True),
        sa.Column("end_time", types.Timestamp(), nullable=True),
        sa.Column("duration", sa.BigInteger(), nullable=True),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.Column("state", types.PlainText(), nullable=True),
        sa.Column("state_timestamp", types.Timestamp(), nullable=True),
        sa.Column("state_message", types.PlainText(), nullable=True),
        sa.Column("state_result", types.JsonDocument(), nullable=True),
        sa.Column("state_start_time", types.Timestamp(), nullable=True),
        sa.Column("serialized_state", types.JsonDocument(), nullable=True),
        sa.Column("cache_key", types.PlainText(), nullable=True),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("state_id", types.Identifier(), nullable=True),
        sa.Column("name", types.PlainText(), nullable=True),
        sa.ForeignKeyConstraint(
            ["flow_run_id"], ["flow_run.id"], name=op.f("fk_task_run_flow_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_task_run_task_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_task_run_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_run")),
    )
    op.create_index(op.f("ix_task_run_cache_key"), "task_run", ["cache_key"], unique=False)
    op.create_index(
        op.f("ix_task_run_flow_run_id_task_id_map_index"),
        "task_run",
        ["flow_run_id", "task_id", "map_index"],
        unique=True,
    )
    op.create_index(op.f("ix_task_run_task_id"), "task_run", ["task_id"], unique=False)
    op.create_index(op.f("ix_task_run_tenant_id_state"), "task_run", ["tenant_id", "state"], unique=False)
    op.create_table(
        "log",
        sa.Column("flow_run_id", types.Identifier(), nullable=True),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("task_run_id", types.Identifier(), nullable=True),
        sa.Column("timestamp", types.Timestamp(), nullable=False),
        sa.Column("name", types.PlainText(), nullable=True),
        sa.Column("level", types.PlainText(), nullable=True),
        sa.Column("message", types.PlainText(), nullable=True),
        sa.Column("info", types.JsonDocument(), nullable=True),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("is_loaded_from_archive", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["flow_run_id"], ["flow_run.id"], name=op.f("fk_log_flow_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["task_run_id"], ["task_run.id"], name=op.f("fk_log_task_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_log_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log")),
    )
    op.create_index(op.f("ix_log_flow_run_id_timestamp"), "log", ["flow_run_id", "timestamp"], unique=False)
    op.create_index(op.f("ix_log_task_run_id"), "log", ["task_run_id"], unique=False)
    op.create_index(op.f("ix_log_tenant_id_timestamp"), "log", ["tenant_id", "timestamp"], unique=False)
    op.create_table(
        "task_run_artifact",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("task_run_id", types.Identifier(), nullable=False),
        sa.Column("kind", types.PlainText(), nullable=False),
        sa.Column("data", types.JsonDocument(), nullable=False),
        sa.ForeignKeyConstraint(
            ["task_run_id"],
            ["task_run.id"],
            name=op.f("fk_task_run_artifact_task_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_task_run_artifact_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_run_artifact")),
    )
    op.create_index(
        op.f("ix_task_run_artifact_task_run_id"), "task_run_artifact", ["task_run_id"], unique=False
    )
    op.create_index(op.f("ix_task_run_artifact_tenant_id"), "task_run_artifact", ["tenant_id"], unique=False)
    op.create_table(
        "task_run_state",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("tenant_id", types.Identifier(), nullable=False),
        sa.Column("task_run_id", types.Identifier(), nullable=False),
        sa.Column("timestamp", types.Timestamp(), nullable=False),
        sa.Column("state", types.PlainText(), nullable=False),
        sa.Column("message", types.PlainText(), nullable=True),
        sa.Column("result", types.JsonDocument(), nullable=True),
        sa.Column("start_time", types.Timestamp(), nullable=True),
        sa.Column("serialized_state", types.JsonDocument(), nullable=False),
        sa.Column("created", types.Timestamp(), nullable=False),
        sa.Column("updated", types.Timestamp(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["task_run_id"], ["task_run.id"], name=op.f("fk_task_run_state_task_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_task_run_state_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_run_state")),
    )
    op.create_index(
        op.f("ix_task_run_state_task_run_id_version"),
        "task_run_state",
        ["task_run_id", "version"],
        unique=True,
    )
    op.create_index(
        op.f("ix_task_run_state_tenant_id_timestamp"),
        "task_run_state",
        ["tenant_id", "timestamp"],
        unique=False,
    )


def downgrade() -> None:
    """Drop everything."""
    op.drop_index(op.f("ix_task_run_state_tenant_id_timestamp"), table_name="task_run_state")
    op.drop_index(op.f("ix_task_run_state_task_run_id_version"), table_name="task_run_state")
    op.drop_table("task_run_state")
    op.drop_index(op.f("ix_task_run_artifact_tenant_id"), table_name="task_run_artifact")
    op.drop_index(op.f("ix_task_run_artifact_task_run_id"), table_name="task_run_artifact")
    op.drop_table("task_run_artifact")
    op.drop_index(op.f("ix_log_tenant_id_timestamp"), table_name="log")
    op.drop_index(op.f("ix_log_task_run_id"), table_name="log")
    op.drop_index(op.f("ix_log_flow_run_id_timestamp"), table_name="log")
    op.drop_table("log")
    op.drop_index(op.f("ix_task_run_tenant_id_state"), table_name="task_run")
    op.drop_index(op.f("ix_task_run_task_id"), table_name="task_run")
    op.drop_index(op.f("ix_task_run_flow_run_id_task_id_map_index"), table_name="task_run")
    op.drop_index(op.f("ix_task_run_cache_key"), table_name="task_run")
    op.drop_table("task_run")
    op.drop_index(op.f("ix_flow_run_state_tenant_id_timestamp"), table_name="flow_run_state")
    op.drop_index(op.f("ix_flow_run_state_flow_run_id_version"), table_name="flow_run_state")
    op.drop_table("flow_run_state")
    op.drop_index(op.f("ix_edge_upstream_task_id"), table_name="edge")
    op.drop_index(op.f("ix_edge_tenant_id"), table_name="edge")
    op.drop_index(op.f("ix_edge_flow_id"), table_name="edge")
    op.drop_index(op.f("ix_edge_downstream_task_id"), table_name="edge")
    op.drop_table("edge")
    op.drop_index(op.f("ix_task_tenant_id"), table_name="task")
    op.drop_index(op.f("ix_task_flow_id_slug"), table_name="task")
    op.drop_table("task")
    op.drop_index(op.f("ix_flow_run_tenant_id_state_state_start_time"), table_name="flow_run")
    op.drop_index(op.f("ix_flow_run_tenant_id_state_scheduled_start_time"), table_name="flow_run")
    op.drop_index(op.f("ix_flow_run_tenant_id_scheduled_start_time"), table_name="flow_run")
    op.drop_index(op.f("ix_flow_run_tenant_id_name"), table_name="flow_run")
    op.drop_index(op.f("ix_flow_run_tenant_id_created"), table_name="flow_run")
    op.drop_index(op.f("ix_flow_run_flow_id_idempotency_key"), table_name="flow_run")
    op.drop_index(op.f("ix_flow_run_agent_id"), table_name="flow_run")
    op.drop_table("flow_run")
    op.drop_index(op.f("ix_flow_tenant_id_created"), table_name="flow")
    op.drop_index(op.f("ix_flow_project_id"), table_name="flow")
    op.drop_index(op.f("ix_flow_flow_group_id_version"), table_name="flow")
    op.drop_table("flow")
    op.drop_index(op.f("ix_cloud_hook_delivery_next_attempt"), table_name="cloud_hook_delivery")
    op.drop_index(op.f("ix_cloud_hook_delivery_cloud_hook_id"), table_name="cloud_hook_delivery")
    op.drop_table("cloud_hook_delivery")
    op.drop_index(op.f("ix_agent_tenant_id"), table_name="agent")
    op.drop_index(op.f("ix_agent_agent_config_id"), table_name="agent")
    op.drop_table("agent")
    op.drop_index(op.f("ix_task_tag_limit_tenant_id_tag"), table_name="task_tag_limit")
    op.drop_table("task_tag_limit")
    op.drop_table("secret")
    op.drop_index(op.f("ix_project_tenant_id_name"), table_name="project")
    op.drop_table("project")
    op.drop_index(op.f("ix_message_tenant_id"), table_name="message")
    op.drop_table("message")
    op.drop_index(op.f("ix_member_tenant_id"), table_name="member")
    op.drop_table("member")
    op.drop_index(op.f("ix_flow_group_tenant_id_name"), table_name="flow_group")
    op.drop_table("flow_group")
    op.drop_index(op.f("ix_feedback_tenant_id"), table_name="feedback")
    op.drop_table("feedback")
    op.drop_index(op.f("ix_cloud_hook_tenant_id"), table_name="cloud_hook")
    op.drop_table("cloud_hook")
    op.drop_index(op.f("ix_api_token_tenant_id"), table_name="api_token")
    op.drop_table("api_token")
    op.drop_index(op.f("ix_agent_config_tenant_id"), table_name="agent_config")
    op.drop_table("agent_config")
    op.drop_index(op.f("ix_tenant_slug"), table_name="tenant")
    op.drop_table("tenant")
    op.drop_table("server_setting")
