"""Indices for the runs of one flow, in the orders that they are listed in."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the indices."""
    op.create_index(
        "ix_flow_run_flow_id_scheduled_start_time",
        "flow_run",
        ["flow_id", "scheduled_start_time"],
        unique=False,
    )
    op.create_index("ix_flow_run_flow_id_created", "flow_run", ["flow_id", "created"], unique=False)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_flow_run_flow_id_created", table_name="flow_run")
    op.drop_index("ix_flow_run_flow_id_scheduled_start_time", table_name="flow_run")
