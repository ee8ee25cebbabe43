"""The tables of the flyte side."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the flyte tables."""
    op.create_table(
        "flyte_action",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("pack_name", sa.String(length=255), nullable=False),
        sa.Column("command", sa.String(length=255), nullable=False),
        sa.Column("pack_labels", sa.Text(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("history", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.String(length=36), nullable=True),
        sa.Column("step_key", sa.String(length=255), nullable=True),
        sa.Column("step_id", sa.String(length=255), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("trigger_event", sa.Text(), nullable=True),
        sa.Column("taken_by", sa.String(length=1024), nullable=True),
        sa.Column("result_event", sa.Text(), nullable=True),
        sa.Column("result_key", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_flyte_action")),
        sa.UniqueConstraint("execution_id", "step_key", name="uq_flyte_action_step"),
        sa.UniqueConstraint("id", name=op.f("uq_flyte_action_id")),
    )
    op.create_index(
        "ix_flyte_action_take",
        "flyte_action",
        ["tenant", "pack_name", "available_at", "sequence"],
        unique=False,
    )
    op.create_table(
        "flyte_action_label",
        sa.Column("action_id", sa.String(length=36), nullable=False),
        sa.Column("pair", sa.String(length=1024), nullable=False),
        sa.PrimaryKeyConstraint("action_id", "pair", name=op.f("pk_flyte_action_label")),
    )
    op.create_table(
        "flyte_datastore",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_flyte_datastore")),
    )
    op.create_table(
        "flyte_execution",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("flow_version_id", sa.String(length=36), nullable=False),
        sa.Column("flow_name", sa.String(length=255), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flyte_execution")),
    )
    op.create_index("ix_flyte_execution_recent", "flyte_execution", ["tenant", "updated_at"], unique=False)
    op.create_table(
        "flyte_flow",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_flyte_flow")),
    )
    op.create_table(
        "flyte_flow_trigger",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("pack_name", sa.String(length=255), nullable=False),
        sa.Column("event_name", sa.String(length=255), nullable=False),
        sa.Column("flow_name", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "pack_name", "event_name", "flow_name", name=op.f("pk_flyte_flow_trigger")
        ),
    )
    op.create_table(
        "flyte_flow_version",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flyte_flow_version")),
    )
    op.create_table(
        "flyte_pack",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=1024), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_flyte_pack")),
    )
    op.create_table(
        "flyte_received",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("pack_id", sa.String(length=1024), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "pack_id", "key", name=op.f("pk_flyte_received")),
    )
    op.create_index("ix_flyte_received_at", "flyte_received", ["received_at"], unique=False)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_flyte_received_at", table_name="flyte_received")
    op.drop_table("flyte_received")
    op.drop_table("flyte_pack")
    op.drop_table("flyte_flow_version")
    op.drop_table("flyte_flow_trigger")
    op.drop_table("flyte_flow")
    op.drop_index("ix_flyte_execution_recent", table_name="flyte_execution")
    op.drop_table("flyte_execution")
    op.drop_table("flyte_datastore")
    op.drop_table("flyte_action_label")
    op.drop_index("ix_flyte_action_take", table_name="flyte_action")
    op.drop_table("flyte_action")
