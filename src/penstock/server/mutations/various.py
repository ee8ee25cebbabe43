"""Mutations that belong to no larger group: secrets, tag limits, feedback."""

from __future__ import annotations

import sqlalchemy as sa

from penstock.server.errors import ApiError
from penstock.server.mutations.call import SUCCESS, Call, mutation
from penstock.server.tables import feedback, secret, task_tag_limit, tenant


def current_tenant(call: Call) -> str:
    """The tenant of a mutation whose input names none: the caller's, else the one with the slug `default`."""
    if call.principal.tenant_id is not None:
        return call.tenant(call.principal.tenant_id)
    found: str | None = call.connection.scalar(
        sa.select(tenant.c.id)
        .order_by(sa.case((tenant.c.slug == "default", 0), else_=1), tenant.c.created)
        .limit(1)
    )
    if found is None:
        raise ApiError("The server has no tenant yet. Create one with `create_tenant`.")
    return found


@mutation
def set_secret(call: Call, *, name: str, value: object) -> dict[str, object]:
    """Keep a secret under a name, in place of the one before. No query shows it."""
    if not name.strip():
        raise ApiError("A secret needs a name that is not blank.")
    tenant_id = current_tenant(call)
    call.connection.execute(secret.delete().where(secret.c.tenant_id == tenant_id, secret.c.name == name))
    call.insert(secret, tenant_id=tenant_id, name=name, value=value)
    return SUCCESS


@mutation
def update_task_tag_limit(call: Call, *, tag: str, limit: int) -> dict[str, object]:
    """Limit how many task runs with a tag may run at once; 0 lets none run."""
    if not tag.strip():
        raise ApiError("A tag limit needs a tag that is not blank.")
    if limit < 0:
        raise ApiError(f"`limit` is {limit}; it must be 0 or more.")
    tenant_id = current_tenant(call)
    key = call.connection.scalar(
        sa.select(task_tag_limit.c.id).where(
            task_tag_limit.c.tenant_id == tenant_id, task_tag_limit.c.tag == tag
        )
    )
    if key is None:
        key = call.insert(task_tag_limit, tenant_id=tenant_id, tag=tag, limit=limit)
    else:
        call.update(task_tag_limit, key, limit=limit)
    return {"id": key}


@mutation
def delete_task_tag_limit(call: Call, *, limit_id: str) -> dict[str, object]:
    """Take a tag's limit away."""
    return call.delete(task_tag_limit, limit_id)


@mutation
def send_feedback(call: Call, *, message: str) -> dict[str, object]:
    """Keep what a user has to say."""
    call.insert(feedback, tenant_id=current_tenant(call), message=message)
    return SUCCESS
