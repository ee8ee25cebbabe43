"""The scheduler: every active schedule has its next runs created ahead of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from penstock.server.errors import ApiError
from penstock.server.scheduling import schedule_runs
from penstock.server.services.system import system_call
from penstock.server.tables import flow, flow_group

if TYPE_CHECKING:
    from datetime import datetime

    from penstock.server.database import Database


def schedule(database: Database, now: datetime) -> int:
    """Create the coming runs of every flow whose schedule is on; how many were made."""
    with database.read() as connection:
        flows = connection.execute(
            sa.select(flow.c.id, flow.c.flow_group_id)
            .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
            .where(
                flow.c.is_schedule_active.is_(True),
                flow.c.archived.is_(False),
                sa.or_(flow.c.schedule.is_not(None), flow_group.c.schedule.is_not(None)),
            )
        ).all()
    made = 0
    for flow_id, group_id in flows:
        # One transaction per flow: a flow that cannot be scheduled keeps no other from it.
        with system_call(database, now) as call:
            locked = sa.select(flow).where(flow.c.id == flow_id, flow.c.is_schedule_active.is_(True))
            if call.is_postgresql:
                locked = locked.with_for_update()
            found = call.first(locked)
            if found is None:
                continue
            try:
                made += schedule_runs(call.connection, now, found, call.row(flow_group, group_id))
            except ApiError:
                # The schedule or the parameters were made unusable by an older release or by hand.
                call.update(flow, flow_id, is_schedule_active=False)
    return made
