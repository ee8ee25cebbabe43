"""The zombie killer: a run that says it is running and gives no sign of life is ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from penstock.server.mutations.run_states import set_flow_run_state, set_task_run_state
from penstock.server.services.lazarus import RESURRECTIONS
from penstock.server.services.system import system_call
from penstock.server.states import read_state, serialized_state
from penstock.server.tables import flow, flow_group, flow_run, task_run

if TYPE_CHECKING:
    from datetime import datetime

    from penstock.server.database import Database
    from penstock.server.mutations.call import Call

HEARTBEAT_TIMEOUT = timedelta(minutes=10)
BATCH = 200


def end_zombies(database: Database, now: datetime) -> int:
    """Fail runs without a heartbeat for ten minutes, and finish cancelling those that were told to; how many.

    A flow run that lazarus may still revive is left to it. Groups with `heartbeat_enabled` off are left alone.
    """
    too_old = now - HEARTBEAT_TIMEOUT
    watched = flow_group.c.settings
    tasks = (
        sa.select(task_run.c.id, watched)
        .join(flow_run, flow_run.c.id == task_run.c.flow_run_id)
        .join(flow, flow.c.id == flow_run.c.flow_id)
        .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
        .where(task_run.c.state == "Running", task_run.c.heartbeat < too_old)
        .limit(BATCH)
    )
    runs = (
        sa.select(flow_run.c.id, flow_run.c.state, flow_run.c.times_resurrected, watched)
        .join(flow, flow.c.id == flow_run.c.flow_id)
        .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
        .where(flow_run.c.state.in_(("Running", "Submitted", "Cancelling")), flow_run.c.heartbeat < too_old)
        .limit(BATCH)
    )
    with database.read() as connection:
        stale_tasks = connection.execute(tasks).all()
        stale_runs = connection.execute(runs).all()
    ended = 0
    for key, settings in stale_tasks:
        if settings.get("heartbeat_enabled", True):
            ended += _end_task_run(database, now, key, too_old)
    for key, state, resurrected, settings in stale_runs:
        if not settings.get("heartbeat_enabled", True):
            continue
        revivable = settings.get("lazarus_enabled", True) and (resurrected or 0) < RESURRECTIONS
        if state == "Cancelling" or not revivable:
            ended += _end_flow_run(database, now, key, too_old)
    return ended


def _end_task_run(database: Database, now: datetime, key: str, too_old: datetime) -> int:
    with system_call(database, now) as call:
        if not _still_stale(call, task_run, key, too_old):
            return 0
        failed = serialized_state("Failed", "No heartbeat detected from the task run; it was marked failed.")
        set_task_run_state(call, key, read_state(failed))
        return 1


def _end_flow_run(database: Database, now: datetime, key: str, too_old: datetime) -> int:
    with system_call(database, now) as call:
        if not (state := _still_stale(call, flow_run, key, too_old)):
            return 0
        if state == "Cancelling":
            end = serialized_state(
                "Cancelled", "No heartbeat detected while the flow run was being cancelled."
            )
        else:
            end = serialized_state("Failed", "No heartbeat detected from the flow run; it was marked failed.")
        set_flow_run_state(call, key, read_state(end))
        return 1


def _still_stale(call: Call, table: sa.Table, key: str, too_old: datetime) -> str | None:
    # Between looking and acting, the run may have given a sign of life or may be gone.
    query = sa.select(table.c.state).where(
        table.c.id == key,
        table.c.state.in_(("Running", "Submitted", "Cancelling")),
        table.c.heartbeat < too_old,
    )
    if call.is_postgresql:
        query = query.with_for_update()
    found: str | None = call.connection.scalar(query)
    return found
