"""Flow groups: what all versions of a flow share."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from penstock.server.errors import ApiError
from penstock.server.mutations.call import SUCCESS, Call, mutation
from penstock.server.mutations.schedules import delete_scheduled_runs
from penstock.server.scheduling import check_cron, schedule_runs, serialized_clocks
from penstock.server.tables import flow, flow_group

MINIMUM_INTERVAL_SECONDS = 60


@mutation
def delete_flow_group(call: Call, *, flow_group_id: str) -> dict[str, object]:
    """Delete a flow group, its flows and their runs."""
    return call.delete(flow_group, flow_group_id)


@mutation
def set_flow_group_description(
    call: Call, *, flow_group_id: str, description: str | None = None
) -> dict[str, object]:
    """Describe a flow group."""
    call.update(flow_group, flow_group_id, description=description)
    return SUCCESS


@mutation
def set_flow_group_labels(
    call: Call, *, flow_group_id: str, labels: list[str] | None = None
) -> dict[str, object]:
    """Null labels: the flow's own count again."""
    call.update(flow_group, flow_group_id, labels=None if labels is None else sorted(set(labels)))
    return SUCCESS


@mutation
def set_flow_group_run_config(
    call: Call, *, flow_group_id: str, run_config: object = None
) -> dict[str, object]:
    """A null run config: the flow's own counts again."""
    if run_config is not None and not isinstance(run_config, dict):
        raise ApiError("`run_config` must be a JSON object or null.")
    call.update(flow_group, flow_group_id, run_config=run_config)
    return SUCCESS


@mutation
def set_flow_group_default_parameters(
    call: Call, *, flow_group_id: str, parameters: object
) -> dict[str, object]:
    """Set the parameters that runs of the group start from."""
    if not isinstance(parameters, dict):
        raise ApiError("`parameters` must be a JSON object.")
    call.update(flow_group, flow_group_id, default_parameters=parameters)
    return SUCCESS


@mutation
def set_flow_group_schedule(
    call: Call,
    *,
    flow_group_id: str,
    cron_clocks: list[dict[str, Any]] | None = None,
    interval_clocks: list[dict[str, Any]] | None = None,
    timezone: str | None = None,
) -> dict[str, object]:
    """Replaces the schedules of every flow of the group; `interval` is in seconds, one minute at least."""
    if not cron_clocks and not interval_clocks:
        raise ApiError("A schedule needs at least one clock: `cron_clocks` or `interval_clocks`.")
    zone = timezone or "UTC"
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError) as error:
        raise ApiError(f"{zone!r} is no time zone; write an IANA name like Europe/Berlin.") from error
    for clock in cron_clocks or []:
        check_cron(clock["cron"])
    for clock in interval_clocks or []:
        if clock["interval"] < MINIMUM_INTERVAL_SECONDS:
            raise ApiError(
                f"An interval is {clock['interval']} seconds; the least is {MINIMUM_INTERVAL_SECONDS}."
            )
    for clock in [*(cron_clocks or []), *(interval_clocks or [])]:
        if not isinstance(clock.get("parameter_defaults") or {}, dict):
            raise ApiError("`parameter_defaults` must be a JSON object.")
    schedule = serialized_clocks(cron_clocks or [], interval_clocks or [], zone, call.now)
    call.update(flow_group, flow_group_id, schedule=schedule)
    _reschedule(call, flow_group_id)
    return SUCCESS


@mutation
def delete_flow_group_schedule(call: Call, *, flow_group_id: str) -> dict[str, object]:
    """Take the group's schedule away; its flows' own count again."""
    call.update(flow_group, flow_group_id, schedule=None)
    _reschedule(call, flow_group_id)
    return SUCCESS


def _reschedule(call: Call, flow_group_id: str) -> None:
    group = call.row(flow_group, flow_group_id)
    flows = call.all(sa.select(flow).where(flow.c.flow_group_id == flow_group_id, flow.c.archived.is_(False)))
    for found in flows:
        delete_scheduled_runs(call, found["id"])
        if found["is_schedule_active"]:
            schedule_runs(call.connection, call.now, found, group)
