"""Lazarus: a flow run that was taken up and then abandoned is scheduled again, up to three times."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from penstock.server.mutations.run_states import set_flow_run_state
from penstock.server.services.system import system_call
from penstock.server.states import read_state, serialized_state
from penstock.server.tables import flow, flow_group, flow_run, task_run

if TYPE_CHECKING:
    from datetime import datetime

    from penstock.server.database import Database

ABANDONED_AFTER = timedelta(minutes=10)
RESURRECTIONS = 3
BATCH = 200


def revive(database: Database, now: datetime) -> int:
    """Reschedule Submitted and Running flow runs that nothing works on any more; how many.

    Nothing works on a run if neither it nor any of its running or submitted task runs had a heartbeat for ten minutes.
    """
    too_old = now - ABANDONED_AFTER
    alive = (
        sa.select(task_run.c.id)
        .where(
            task_run.c.flow_run_id == flow_run.c.id,
            task_run.c.state.in_(("Running", "Submitted")),
            task_run.c.heartbeat >= too_old,
        )
        .exists()
    )
    abandoned = (
        flow_run.c.state.in_(("Running", "Submitted")),
        flow_run.c.heartbeat < too_old,
        sa.func.coalesce(flow_run.c.times_resurrected, 0) < RESURRECTIONS,
        sa.not_(alive),
    )
    candidates = (
        sa.select(flow_run.c.id, flow_group.c.settings)
        .join(flow, flow.c.id == flow_run.c.flow_id)
        .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
        .where(*abandoned)
        .limit(BATCH)
    )
    with database.read() as connection:
        found = connection.execute(candidates).all()
    revived = 0
    for key, settings in found:
        if not settings.get("lazarus_enabled", True):
            continue
        with system_call(database, now) as call:
            locked = sa.select(flow_run.c.times_resurrected).where(flow_run.c.id == key, *abandoned)
            if call.is_postgresql:
                locked = locked.with_for_update()
            row = call.connection.execute(locked).one_or_none()
            if row is None:
                continue
            count = (row.times_resurrected or 0) + 1
            message = f"Rescheduled because nothing works on it any more. Attempt {count} of {RESURRECTIONS}."
            scheduled = serialized_state("Scheduled", message, start_time=now)
            set_flow_run_state(call, key, read_state(scheduled))
            call.update(flow_run, key, times_resurrected=count)
            revived += 1
    return revived
