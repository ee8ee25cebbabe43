"""Cloud hooks: what is told to other systems when a flow run changes its state."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from penstock.server.errors import ApiError
from penstock.server.mutations.call import SUCCESS, Call, mutation, mutation_with_own_transactions
from penstock.server.states import STATE_TYPES
from penstock.server.tables import cloud_hook, flow_run

if TYPE_CHECKING:
    from penstock.server.access import Principal
    from penstock.server.database import Database

# What this server can tell others by. The rest of the schema's types belong to services it has no account with.
SUPPORTED_TYPES = ("WEBHOOK", "SLACK_WEBHOOK", "PREFECT_MESSAGE")


@mutation
def create_cloud_hook(
    call: Call,
    *,
    tenant_id: str,
    type: str,
    states: list[str],
    name: str | None = None,
    version_group_id: str | None = None,
    config: object = None,
) -> dict[str, object]:
    """Have flow runs' changes to the given states told to somebody; raises ApiError for a hook that cannot work."""
    call.tenant(tenant_id)
    if not states:
        raise ApiError("A cloud hook needs at least one state to listen for.")
    wanted = {_state_name(state) for state in states}
    checked = {} if config is None else config
    if not isinstance(checked, dict):
        raise ApiError("`config` must be a JSON object.")
    if type not in SUPPORTED_TYPES:
        raise ApiError(f"This server has no {type} hooks; it has {', '.join(SUPPORTED_TYPES)}.")
    if type != "PREFECT_MESSAGE" and not str(checked.get("url", "")).startswith(("http://", "https://")):
        raise ApiError(f'A {type} needs `config: {{"url": "https://…"}}`.')
    if type == "WEBHOOK" and not checked.get("secret"):
        # What the receiver checks signatures with; the tenant reads it from the hook's config.
        checked = checked | {"secret": secrets.token_urlsafe(32)}
    key = call.insert(
        cloud_hook,
        tenant_id=tenant_id,
        type=type,
        name=name,
        version_group_id=version_group_id,
        states=sorted(wanted),
        config=checked,
        active=True,
    )
    return {"id": key}


def _state_name(state: str) -> str:
    by_upper = {name.upper(): name for name in STATE_TYPES}
    if found := by_upper.get(state.upper()):
        return found
    raise ApiError(f"{state!r} is no state; write one of {', '.join(sorted(by_upper.values()))}.")


@mutation
def delete_cloud_hook(call: Call, *, cloud_hook_id: str) -> dict[str, object]:
    """Delete a hook and what it had still to tell."""
    return call.delete(cloud_hook, cloud_hook_id)


@mutation
def set_cloud_hook_active(call: Call, *, cloud_hook_id: str) -> dict[str, object]:
    """Switch a hook on."""
    call.update(cloud_hook, cloud_hook_id, active=True)
    return SUCCESS


@mutation
def set_cloud_hook_inactive(call: Call, *, cloud_hook_id: str) -> dict[str, object]:
    """Switch a hook off."""
    call.update(cloud_hook, cloud_hook_id, active=False)
    return SUCCESS


@mutation_with_own_transactions
def test_cloud_hook(
    database: Database,
    principal: Principal,
    *,
    cloud_hook_id: str,
    flow_run_id: str | None = None,
    state_type: str | None = None,
) -> dict[str, object]:
    """Sends one message at once, and says in `error` what went wrong with it."""
    from penstock.server.services import cloud_hooks

    with database.read() as connection:
        call = Call(connection, principal, datetime.now(UTC), {}, database.is_postgresql)
        hook = dict(call.row(cloud_hook, cloud_hook_id))
        about = dict(call.row(flow_run, flow_run_id, flow_run.c.id, flow_run.c.name)) if flow_run_id else {}
    error = cloud_hooks.send_test(database, hook, about, (state_type or "SUCCESS").capitalize())
    return {"success": error is None, "error": error}
