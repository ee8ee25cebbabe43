"""Task runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from penstock.server.errors import ApiError
from penstock.server.mutations.call import SUCCESS, Call, mutation
from penstock.server.mutations.run_states import TASK_RUN, append_state, set_states
from penstock.server.states import read_state, serialized_state
from penstock.server.tables import flow_run, task, task_run

if TYPE_CHECKING:
    from penstock.server.mutations.call import Row

# The map index of a task run that is not one of many.
NOT_MAPPED = -1

INFO = ("id", "version", "state", "serialized_state")


def _get_or_create(call: Call, flow_run_id: str, task_id: str, map_index: int | None) -> Row:
    index = NOT_MAPPED if map_index is None else map_index
    if index < NOT_MAPPED:
        raise ApiError(f"`map_index` is {index}; it must be -1 (not mapped) or more.")
    parent = call.row(flow_run, flow_run_id, flow_run.c.flow_id, flow_run.c.tenant_id)
    owner = call.row(task, task_id, task.c.flow_id, task.c.cache_key)
    if owner["flow_id"] != parent["flow_id"]:
        raise ApiError(f"The task {task_id} is not one of the flow of the flow run {flow_run_id}.")
    query = sa.select(*(task_run.c[name] for name in INFO)).where(
        task_run.c.flow_run_id == flow_run_id, task_run.c.task_id == task_id, task_run.c.map_index == index
    )
    found = call.first(query)
    if found is not None:
        return found
    key = call.insert(
        task_run,
        tenant_id=parent["tenant_id"],
        flow_run_id=flow_run_id,
        task_id=task_id,
        map_index=index,
        version=0,
        run_count=0,
        cache_key=owner["cache_key"],
    )
    made = {"id": key, "tenant_id": parent["tenant_id"], "version": 0, "start_time": None, "end_time": None}
    pending = read_state(serialized_state("Pending", "Task run created."))
    append_state(call, TASK_RUN, made, pending)
    return {**made, **call.row(task_run, key, *(task_run.c[name] for name in INFO))}


@mutation
def get_or_create_task_run(
    call: Call, *, flow_run_id: str, task_id: str, map_index: int | None = None
) -> dict[str, object]:
    """The task run of a task in a flow run, made where it is missing."""
    return {"id": _get_or_create(call, flow_run_id, task_id, map_index)["id"]}


@mutation
def get_or_create_task_run_info(
    call: Call, *, flow_run_id: str, task_id: str, map_index: int | None = None
) -> dict[str, object]:
    """The same, with its version and state."""
    return dict(_get_or_create(call, flow_run_id, task_id, map_index))


@mutation
def set_task_run_name(call: Call, *, task_run_id: str, name: str) -> dict[str, object]:
    """Rename a task run."""
    call.update(task_run, task_run_id, name=name)
    return SUCCESS


@mutation
def update_task_run_heartbeat(call: Call, *, task_run_id: str) -> dict[str, object]:
    """Note that a task run is alive."""
    call.update(task_run, task_run_id, heartbeat=call.now)
    return SUCCESS


@mutation
def set_task_run_states(call: Call, *, states: list[dict[str, Any]]) -> dict[str, object]:
    """Set the states of task runs, all or none; see `run_states`."""
    return set_states(call, TASK_RUN, states)
