"""Agents and their configurations."""

from __future__ import annotations

import sqlalchemy as sa

from penstock.server.errors import ApiError
from penstock.server.mutations.call import SUCCESS, Call, mutation
from penstock.server.mutations.various import current_tenant
from penstock.server.tables import agent, agent_config


@mutation
def register_agent(
    call: Call,
    *,
    type: str,
    tenant_id: str | None = None,
    labels: list[str] | None = None,
    agent_config_id: str | None = None,
    name: str | None = None,
) -> dict[str, object]:
    """An agent of the same type, name, labels and configuration is the same agent."""
    tenant_id = call.tenant(tenant_id) if tenant_id else current_tenant(call)
    if agent_config_id:
        config = call.row(agent_config, agent_config_id, agent_config.c.tenant_id)
        if config["tenant_id"] != tenant_id:
            raise ApiError(
                f"The agent configuration {agent_config_id} belongs to another tenant than the agent."
            )
    wanted = sorted(set(labels or []))
    known = call.connection.execute(
        sa.select(agent.c.id, agent.c.labels).where(
            agent.c.tenant_id == tenant_id,
            agent.c.type == type,
            agent.c.name == name if name is not None else agent.c.name.is_(None),
            agent.c.agent_config_id == agent_config_id
            if agent_config_id
            else agent.c.agent_config_id.is_(None),
        )
    ).all()
    version = call.headers.get("x-prefect-core-version")
    for key, known_labels in known:
        if known_labels == wanted:
            call.update(agent, key, last_queried=call.now, core_version=version)
            return {"id": key}
    key = call.insert(
        agent,
        tenant_id=tenant_id,
        agent_config_id=agent_config_id,
        name=name,
        type=type,
        core_version=version,
        labels=wanted,
        last_queried=call.now,
    )
    return {"id": key}


@mutation
def delete_agent(call: Call, *, agent_id: str) -> dict[str, object]:
    """Forget an agent; the runs that it took stay."""
    return call.delete(agent, agent_id)


def _settings(settings: object) -> object:
    if not isinstance(settings, dict):
        raise ApiError("`settings` must be a JSON object.")
    return settings


@mutation
def create_agent_config(
    call: Call, *, tenant_id: str, name: str | None = None, settings: object = None
) -> dict[str, object]:
    """Keep settings that agents can share."""
    call.tenant(tenant_id)
    checked = _settings({} if settings is None else settings)
    return {"id": call.insert(agent_config, tenant_id=tenant_id, name=name, settings=checked)}


@mutation
def delete_agent_config(call: Call, *, agent_config_id: str) -> dict[str, object]:
    """Delete shared settings; agents that used them stay."""
    return call.delete(agent_config, agent_config_id)


@mutation
def update_agent_config(
    call: Call, *, agent_config_id: str, name: str | None = None, settings: object = None
) -> dict[str, object]:
    """What is not given, or null, stays as it is."""
    changes: dict[str, object] = {}
    if name is not None:
        changes["name"] = name
    if settings is not None:
        changes["settings"] = _settings(settings)
    call.update(agent_config, agent_config_id, **changes)
    return SUCCESS
