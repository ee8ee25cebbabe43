"""Turning schedules on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.server.errors import ApiError
from penstock.server.mutations.new_flow_run import missing_parameters
from penstock.server.scheduling import clocks_of, schedule_runs
from penstock.server.tables import flow, flow_group, flow_run

if TYPE_CHECKING:
    from penstock.server.mutations.call import Call


def activate_schedule(call: Call, flow_id: str) -> None:
    """Turn the flow's schedule on and create its coming runs. A flow without a schedule is ready for one.

    Raises ApiError where a required parameter would be missing at every run.
    """
    found = call.row(flow, flow_id)
    group = call.row(flow_group, found["flow_group_id"])
    clocks = clocks_of(group["schedule"] or found["schedule"])
    for clock in clocks:
        given = dict(group["default_parameters"]) | clock.parameter_defaults
        if missing := missing_parameters(found["parameters"], given):
            raise ApiError(
                f"The flow cannot be scheduled: nothing gives its required parameters {', '.join(sorted(missing))}. "
                "Set defaults on the flow group or the clock."
            )
    call.update(flow, flow_id, is_schedule_active=True)
    if clocks and not found["archived"]:
        schedule_runs(call.connection, call.now, found, group)


def deactivate_schedule(call: Call, flow_id: str) -> None:
    """Turn the flow's schedule off and delete the runs that it created and that nobody started."""
    call.update(flow, flow_id, is_schedule_active=False)
    delete_scheduled_runs(call, flow_id)


def delete_scheduled_runs(call: Call, flow_id: str) -> None:
    """Delete the flow's runs that a schedule created and that are still Scheduled."""
    call.connection.execute(
        flow_run.delete().where(
            flow_run.c.flow_id == flow_id,
            flow_run.c.auto_scheduled.is_(True),
            flow_run.c.state == "Scheduled",
        )
    )
