"""Cloud hooks: what is told to other systems when a flow run changes its state."""

from __future__ import annotations

from penstock.server.errors import ApiError
from penstock.server.mutations.call import SUCCESS, Call, mutation
from penstock.server.states import STATE_TYPES
from penstock.server.tables import cloud_hook, flow_run


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
    call.tenant(tenant_id)
    if not states:
        raise ApiError("A cloud hook needs at least one state to listen for.")
    wanted = {_state_name(state) for state in states}
    checked = {} if config is None else config
    if not isinstance(checked, dict):
        raise ApiError("`config` must be a JSON object.")
    if type == "WEBHOOK" and not str(checked.get("url", "")).startswith(("http://", "https://")):
        raise ApiError('A WEBHOOK needs `config: {"url": "https://…"}`.')
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
    return call.delete(cloud_hook, cloud_hook_id)


@mutation
def set_cloud_hook_active(call: Call, *, cloud_hook_id: str) -> dict[str, object]:
    call.update(cloud_hook, cloud_hook_id, active=True)
    return SUCCESS


@mutation
def set_cloud_hook_inactive(call: Call, *, cloud_hook_id: str) -> dict[str, object]:
    call.update(cloud_hook, cloud_hook_id, active=False)
    return SUCCESS


@mutation
def test_cloud_hook(
    call: Call, *, cloud_hook_id: str, flow_run_id: str | None = None, state_type: str | None = None
) -> dict[str, object]:
    """Sends one message at once, and says in `error` what went wrong with it."""
    from penstock.server.services import (
        cloud_hooks,
    )

    hook = call.row(cloud_hook, cloud_hook_id)
    if flow_run_id:
        call.row(flow_run, flow_run_id, flow_run.c.id)
    state = (state_type or "SUCCESS").capitalize()
    error = cloud_hooks.send_test(call.connection, dict(hook), flow_run_id, state)
    return {"success": error is None, "error": error}
