"""Projects."""

from __future__ import annotations

import sqlalchemy as sa

from penstock.server.errors import AlreadyExistsError, ApiError
from penstock.server.mutations.call import Call, mutation
from penstock.server.tables import project


def _free_name(call: Call, tenant_id: str, name: str, *, but_for: str | None = None) -> None:
    if not name.strip():
        raise ApiError("A project needs a name that is not blank.")
    taken = call.connection.scalar(
        sa.select(project.c.id).where(project.c.tenant_id == tenant_id, project.c.name == name)
    )
    if taken is not None and taken != but_for:
        raise AlreadyExistsError(
            "The tenant has a project of this name. Use that one, or choose another name."
        )


@mutation
def create_project(
    call: Call, *, tenant_id: str, name: str, description: str | None = None
) -> dict[str, object]:
    """Make a project; raises AlreadyExistsError where the tenant has one of the name."""
    call.tenant(tenant_id)
    _free_name(call, tenant_id, name)
    return {"id": call.insert(project, tenant_id=tenant_id, name=name, description=description)}


@mutation
def delete_project(call: Call, *, project_id: str) -> dict[str, object]:
    """Delete a project, its flows and their runs."""
    return call.delete(project, project_id)


@mutation
def set_project_name(call: Call, *, project_id: str, name: str) -> dict[str, object]:
    """Rename a project; raises AlreadyExistsError where the name is taken."""
    found = call.row(project, project_id, project.c.tenant_id)
    _free_name(call, found["tenant_id"], name, but_for=project_id)
    call.update(project, project_id, name=name)
    return {"id": project_id}


@mutation
def set_project_description(
    call: Call, *, project_id: str, description: str | None = None
) -> dict[str, object]:
    """Describe a project; null takes the description away."""
    call.update(project, project_id, description=description)
    return {"id": project_id}
