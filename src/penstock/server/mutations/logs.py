"""Logs of runs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from penstock.server.errors import ApiError, NotFoundError
from penstock.server.ids import new_id
from penstock.server.mutations.call import SUCCESS, Call, mutation
from penstock.server.tables import flow_run, log, task_run

LOOKUP_BATCH = 500


@mutation
def write_run_logs(call: Call, *, logs: list[dict[str, Any]]) -> dict[str, object]:
    """Every line or none: a line of an unknown run refuses the whole batch."""
    tenants = _tenants(call, flow_run, flow_run.c.id, {line["flow_run_id"] for line in logs})
    flow_runs = _tenants(
        call,
        task_run,
        task_run.c.flow_run_id,
        {line["task_run_id"] for line in logs if line.get("task_run_id")},
    )
    rows = []
    for line in logs:
        task_run_id = line.get("task_run_id")
        if task_run_id and flow_runs[task_run_id][1] != line["flow_run_id"]:
            raise ApiError(f"The task run {task_run_id} is not one of the flow run {line['flow_run_id']}.")
        rows.append(
            {
                "id": new_id(),
                "tenant_id": tenants[line["flow_run_id"]][0],
                "flow_run_id": line["flow_run_id"],
                "task_run_id": task_run_id,
                "timestamp": line.get("timestamp") or call.now,
                "name": line.get("name"),
                "level": line.get("level") or "INFO",
                "message": line.get("message"),
                "info": line.get("info"),
                "is_loaded_from_archive": False,
                "created": call.now,
                "updated": call.now,
            }
        )
    if rows:
        call.connection.execute(log.insert(), rows)
    return SUCCESS


def _tenants(
    call: Call, table: sa.Table, column: sa.Column[Any], keys: set[str]
) -> dict[str, tuple[str, str]]:
    """(tenant, value of the column) of each of the rows; raises NotFoundError for one that is not the caller's."""
    ordered = sorted(keys)
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(ordered), LOOKUP_BATCH):
        batch = ordered[start : start + LOOKUP_BATCH]
        query = sa.select(table.c.id, table.c.tenant_id, column).where(
            table.c.id.in_(batch), *call.confinement(table)
        )
        found |= {key: (tenant_id, value) for key, tenant_id, value in call.connection.execute(query)}
    for key in ordered:
        if key not in found:
            raise NotFoundError(table.name, key)
    return found
