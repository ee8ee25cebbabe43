"""Artifacts of task runs."""

from __future__ import annotations

from penstock.server.errors import ApiError
from penstock.server.mutations.call import SUCCESS, Call, mutation
from penstock.server.tables import task_run, task_run_artifact


@mutation
def create_task_run_artifact(
    call: Call, *, task_run_id: str, kind: str, data: object, tenant_id: str | None = None
) -> dict[str, object]:
    """Keep something that a task run made, as JSON of a kind."""
    owner = call.row(task_run, task_run_id, task_run.c.tenant_id)["tenant_id"]
    if tenant_id is not None and call.tenant(tenant_id) != owner:
        raise ApiError(f"The task run {task_run_id} belongs to another tenant than {tenant_id}.")
    key = call.insert(task_run_artifact, tenant_id=owner, task_run_id=task_run_id, kind=kind, data=data)
    return {"id": key}


@mutation
def update_task_run_artifact(call: Call, *, task_run_artifact_id: str, data: object) -> dict[str, object]:
    """Replace what an artifact holds."""
    call.update(task_run_artifact, task_run_artifact_id, data=data)
    return SUCCESS


@mutation
def delete_task_run_artifact(call: Call, *, task_run_artifact_id: str) -> dict[str, object]:
    """Delete an artifact."""
    return call.delete(task_run_artifact, task_run_artifact_id)
