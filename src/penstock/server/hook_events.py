"""Remembering that cloud hooks have something to say, in the transaction of the change itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from penstock.server.states import ancestors
from penstock.server.tables import cloud_hook, cloud_hook_delivery, flow

if TYPE_CHECKING:
    from penstock.server.mutations.call import Call, Row
    from penstock.server.states import RunState


def queue_hook_events(call: Call, run: Row, state: RunState) -> None:
    """Queue a delivery for every active hook that listens for this state of this flow run.

    A hook that listens for a state listens for what extends it, too: `Failed` includes `TimedOut`.
    """
    hooks = call.connection.execute(
        sa.select(cloud_hook.c.id, cloud_hook.c.states, cloud_hook.c.version_group_id).where(
            cloud_hook.c.tenant_id == run["tenant_id"], cloud_hook.c.active.is_(True)
        )
    ).all()
    if not hooks:
        return
    about = call.connection.execute(
        sa.select(flow.c.id, flow.c.name, flow.c.version_group_id).where(flow.c.id == run["flow_id"])
    ).one()
    names = set(ancestors(state.type))
    for hook_id, states, version_group_id in hooks:
        if names.isdisjoint(states or ()) or version_group_id not in (None, about.version_group_id):
            continue
        payload = {
            "event": "flow_run_state_change",
            "flow": {"id": about.id, "name": about.name, "version_group_id": about.version_group_id},
            "flow_run": {"id": run["id"], "name": run["name"], "version": run["version"] + 1},
            "state": {"type": state.type, "message": state.message, "timestamp": call.now.isoformat()},
        }
        call.insert(
            cloud_hook_delivery,
            tenant_id=run["tenant_id"],
            cloud_hook_id=hook_id,
            payload=payload,
            attempts=0,
            next_attempt=call.now,
        )
