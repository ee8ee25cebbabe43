"""Flows: registering them, and what is done to one afterwards."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from penstock.server.errors import ApiError, NotFoundError
from penstock.server.mutations.call import SUCCESS, Call, mutation
from penstock.server.mutations.flow_contents import insert_edges, insert_tasks
from penstock.server.mutations.schedules import activate_schedule, deactivate_schedule
from penstock.server.tables import flow, flow_group, flow_run, project

# A compressed flow may be small on the wire and not in memory.
FLOW_SIZE_LIMIT = 128 * 1024 * 1024


def _checked_flow(serialized: object) -> dict[str, Any]:
    if not isinstance(serialized, dict):
        raise ApiError("`serialized_flow` must be a JSON object.")
    name = serialized.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ApiError("The serialized flow needs a `name` that is not blank.")
    parameters = serialized.get("parameters", [])
    if not isinstance(parameters, list) or not all(
        isinstance(item, dict) and "name" in item for item in parameters
    ):
        raise ApiError('The `parameters` of a serialized flow must be a list of objects, each with a "name".')
    return serialized


def _group_of(
    call: Call, tenant_id: str, project_id: str, name: str, version_group_id: str | None
) -> tuple[str, dict[str, Any], str]:
    """(id, settings, version group) of the flow group, made on first use and locked."""
    if version_group_id is None:
        newest = (
            sa.select(flow.c.version_group_id)
            .where(flow.c.project_id == project_id, flow.c.name == name)
            .order_by(flow.c.created.desc())
            .limit(1)
        )
        known: str | None = call.connection.scalar(newest)
        version_group_id = known or str(uuid4())
    query = sa.select(flow_group.c.id, flow_group.c.settings).where(
        flow_group.c.tenant_id == tenant_id, flow_group.c.name == version_group_id
    )
    if call.is_postgresql:
        query = query.with_for_update()
    found = call.connection.execute(query).one_or_none()
    if found is not None:
        return found.id, found.settings, version_group_id
    settings = {"heartbeat_enabled": True, "lazarus_enabled": True, "version_locking_enabled": False}
    key = call.insert(
        flow_group, tenant_id=tenant_id, name=version_group_id, settings=settings, default_parameters={}
    )
    return key, settings, version_group_id


def _create(
    call: Call,
    serialized_flow: object,
    project_id: str,
    version_group_id: str | None,
    set_schedule_active: bool | None,
    description: str | None,
    idempotency_key: str | None,
) -> dict[str, object]:
    serialized = _checked_flow(serialized_flow)
    tenant_id = call.row(project, project_id, project.c.tenant_id)["tenant_id"]
    name = serialized["name"]
    group_id, settings, version_group_id = _group_of(call, tenant_id, project_id, name, version_group_id)
    if idempotency_key is not None and settings.get("idempotency_key") == idempotency_key:
        unarchived = (
            sa.select(flow.c.id)
            .where(flow.c.flow_group_id == group_id, flow.c.archived.is_(False))
            .order_by(flow.c.version.desc())
            .limit(1)
        )
        if (newest := call.connection.scalar(unarchived)) is not None:
            return {"id": newest}
    if idempotency_key != settings.get("idempotency_key"):
        call.update(flow_group, group_id, settings=settings | {"idempotency_key": idempotency_key})
    highest = call.connection.scalar(
        sa.select(sa.func.max(flow.c.version)).where(flow.c.flow_group_id == group_id)
    )
    without_contents = {key: value for key, value in serialized.items() if key not in ("tasks", "edges")}
    key = call.insert(
        flow,
        tenant_id=tenant_id,
        project_id=project_id,
        flow_group_id=group_id,
        version_group_id=version_group_id,
        version=(highest or 0) + 1,
        name=name,
        description=description,
        environment=serialized.get("environment"),
        storage=serialized.get("storage"),
        run_config=serialized.get("run_config"),
        parameters=serialized.get("parameters", []),
        schedule=serialized.get("schedule"),
        core_version=serialized.get("__version__") or call.headers.get("x-prefect-core-version"),
        settings={},
        serialized_flow=without_contents,
        archived=False,
        is_schedule_active=False,
    )
    insert_tasks(call, key, tenant_id, serialized.get("tasks") or [])
    insert_edges(call, key, tenant_id, serialized.get("edges") or [])
    if set_schedule_active is not False:
        activate_schedule(call, key)
    return {"id": key}


@mutation
def create_flow(
    call: Call,
    *,
    serialized_flow: object,
    project_id: str,
    version_group_id: str | None = None,
    set_schedule_active: bool | None = None,
    description: str | None = None,
    idempotency_key: str | None = None,
) -> dict[str, object]:
    """Register a flow, with the tasks and edges in its serialized form, as the next version of its group."""
    return _create(
        call, serialized_flow, project_id, version_group_id, set_schedule_active, description, idempotency_key
    )


@mutation
def create_flow_from_compressed_string(
    call: Call,
    *,
    serialized_flow: str,
    project_id: str,
    version_group_id: str | None = None,
    set_schedule_active: bool | None = None,
    description: str | None = None,
    idempotency_key: str | None = None,
) -> dict[str, object]:
    """The same, from JSON compressed with gzip and encoded in base64."""
    return _create(
        call,
        _decompressed(serialized_flow),
        project_id,
        version_group_id,
        set_schedule_active,
        description,
        idempotency_key,
    )


def _decompressed(text: str) -> object:
    try:
        unpacker = zlib.decompressobj(wbits=31)  # 31: the gzip format
        unpacked = unpacker.decompress(base64.b64decode(text, validate=True), FLOW_SIZE_LIMIT)
        if unpacker.unconsumed_tail:
            raise ApiError(f"`serialized_flow` unpacks to more than {FLOW_SIZE_LIMIT} bytes.")
        return json.loads(unpacked)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ApiError(
            "`serialized_flow` must be JSON, compressed with gzip and then encoded in base64."
        ) from error


@mutation
def register_tasks(call: Call, *, flow_id: str, serialized_tasks: object) -> dict[str, object]:
    """Add tasks to a flow; those that it has are left as they are."""
    insert_tasks(call, flow_id, call.row(flow, flow_id, flow.c.tenant_id)["tenant_id"], serialized_tasks)
    return SUCCESS


@mutation
def register_edges(call: Call, *, flow_id: str, serialized_edges: object) -> dict[str, object]:
    """Add edges between a flow's tasks."""
    insert_edges(call, flow_id, call.row(flow, flow_id, flow.c.tenant_id)["tenant_id"], serialized_edges)
    return SUCCESS


@mutation
def delete_flow(call: Call, *, flow_id: str) -> dict[str, object]:
    """Delete a flow and its runs."""
    return call.delete(flow, flow_id)


@mutation
def archive_flow(call: Call, *, flow_id: str) -> dict[str, object]:
    """Also turns the schedule off and deletes the runs that are still Scheduled."""
    call.update(flow, flow_id, archived=True, is_schedule_active=False)
    call.connection.execute(
        flow_run.delete().where(flow_run.c.flow_id == flow_id, flow_run.c.state == "Scheduled")
    )
    return SUCCESS


@mutation
def update_flow_project(call: Call, *, flow_id: str, project_id: str) -> dict[str, object]:
    """Move a flow to another project of the tenant."""
    found = call.row(flow, flow_id, flow.c.tenant_id)
    target = call.row(project, project_id, project.c.tenant_id)
    if found["tenant_id"] != target["tenant_id"]:
        raise NotFoundError("project", project_id)
    call.update(flow, flow_id, project_id=project_id)
    return {"id": flow_id}


@mutation
def set_schedule_active(call: Call, *, flow_id: str) -> dict[str, object]:
    """Turn a flow's schedule on and create its coming runs."""
    call.row(flow, flow_id, flow.c.id)
    activate_schedule(call, flow_id)
    return SUCCESS


@mutation
def set_schedule_inactive(call: Call, *, flow_id: str) -> dict[str, object]:
    """Turn a flow's schedule off and delete the runs that it created."""
    call.row(flow, flow_id, flow.c.id)
    deactivate_schedule(call, flow_id)
    return SUCCESS


def _set_group_setting(call: Call, flow_id: str, name: str, value: bool) -> dict[str, object]:
    group_id = call.row(flow, flow_id, flow.c.flow_group_id)["flow_group_id"]
    settings = call.row(flow_group, group_id, flow_group.c.settings, lock=True)["settings"]
    call.update(flow_group, group_id, settings=settings | {name: value})
    return SUCCESS


@mutation
def disable_flow_heartbeat(call: Call, *, flow_id: str) -> dict[str, object]:
    """Keep the zombie killer from the runs of the flow's group."""
    return _set_group_setting(call, flow_id, "heartbeat_enabled", False)


@mutation
def enable_flow_heartbeat(call: Call, *, flow_id: str) -> dict[str, object]:
    """Let the zombie killer watch the runs of the flow's group."""
    return _set_group_setting(call, flow_id, "heartbeat_enabled", True)


@mutation
def disable_flow_lazarus_process(call: Call, *, flow_id: str) -> dict[str, object]:
    """Keep lazarus from the runs of the flow's group."""
    return _set_group_setting(call, flow_id, "lazarus_enabled", False)


@mutation
def enable_flow_lazarus_process(call: Call, *, flow_id: str) -> dict[str, object]:
    """Let lazarus revive the runs of the flow's group."""
    return _set_group_setting(call, flow_id, "lazarus_enabled", True)
