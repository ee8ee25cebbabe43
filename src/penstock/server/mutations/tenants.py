"""Tenants."""

from __future__ import annotations

import re

import sqlalchemy as sa

from penstock.server.access import LOCAL_USER_ID
from penstock.server.errors import AlreadyExistsError, ApiError
from penstock.server.mutations.call import Call, mutation
from penstock.server.tables import member, tenant

_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


def _free_slug(call: Call, slug: str, *, but_for: str | None = None) -> None:
    if not _SLUG.fullmatch(slug) or len(slug) > 100:
        raise ApiError(
            f"{slug!r} is not a slug; use at most 100 lower-case letters, digits, and single dashes between them."
        )
    taken = call.connection.scalar(sa.select(tenant.c.id).where(tenant.c.slug == slug))
    if taken is not None and taken != but_for:
        raise AlreadyExistsError("The slug is taken by another tenant. Choose another one.")


def _name(name: str) -> str:
    if not name.strip():
        raise ApiError("A tenant needs a name that is not blank.")
    return name


@mutation
def create_tenant(call: Call, *, name: str, slug: str) -> dict[str, object]:
    """Make a tenant and the caller its member; raises AlreadyExistsError where the slug is taken."""
    call.principal.require_scope("USER")
    _free_slug(call, slug)
    made = call.insert(tenant, name=_name(name), slug=slug, settings={})
    if call.principal.user_id != LOCAL_USER_ID:
        call.insert(member, user_id=call.principal.user_id, tenant_id=made)
    return {"id": made}


@mutation
def delete_tenant(call: Call, *, confirm: bool, tenant_id: str) -> dict[str, object]:
    """Delete a tenant and everything in it; raises ApiError unless `confirm` is true."""
    call.principal.require_scope("USER", "TENANT")
    if not confirm:
        raise ApiError("Deleting a tenant deletes everything in it; pass `confirm: true` if you mean it.")
    return call.delete(tenant, tenant_id)


@mutation
def update_tenant_name(call: Call, *, tenant_id: str, name: str) -> dict[str, object]:
    """Rename a tenant."""
    call.update(tenant, tenant_id, name=_name(name))
    return {"id": tenant_id}


@mutation
def update_tenant_slug(call: Call, *, tenant_id: str, slug: str) -> dict[str, object]:
    """Give a tenant another slug; raises AlreadyExistsError where it is taken."""
    call.row(tenant, tenant_id, tenant.c.id)
    _free_slug(call, slug, but_for=tenant_id)
    call.update(tenant, tenant_id, slug=slug)
    return {"id": tenant_id}


@mutation
def update_tenant_settings(
    call: Call, *, tenant_id: str, settings: dict[str, object] | None = None
) -> dict[str, object]:
    """The given settings are merged into the tenant's."""
    found = call.row(tenant, tenant_id, tenant.c.settings, lock=True)
    if settings is not None and not isinstance(settings, dict):
        raise ApiError("`settings` must be a JSON object.")
    call.update(tenant, tenant_id, settings=found["settings"] | (settings or {}))
    return {"id": tenant_id}
