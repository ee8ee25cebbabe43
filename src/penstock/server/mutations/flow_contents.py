"""The tasks and edges of a flow, from their serialized form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from penstock.server.errors import ApiError
from penstock.server.ids import new_id
from penstock.server.scalars import MICROSECONDS_PER_SECOND
from penstock.server.tables import edge, flow, task

if TYPE_CHECKING:
    from penstock.server.mutations.call import Call


def insert_tasks(call: Call, flow_id: str, tenant_id: str, serialized: object) -> None:
    """Insert serialized tasks; a task whose slug the flow has already is left as it is."""
    tasks = _objects(serialized, "tasks")
    known = set(call.connection.scalars(sa.select(task.c.slug).where(task.c.flow_id == flow_id)))
    rows: list[dict[str, Any]] = []
    for item in tasks:
        slug = item.get("slug")
        if not isinstance(slug, str) or not slug:
            raise ApiError('A serialized task needs a "slug".')
        if slug in known:
            continue
        known.add(slug)
        rows.append(
            {
                "id": new_id(),
                "tenant_id": tenant_id,
                "flow_id": flow_id,
                "name": item.get("name"),
                "slug": slug,
                "description": item.get("description"),
                "type": item.get("type"),
                "max_retries": item.get("max_retries"),
                "retry_delay": _microseconds(item.get("retry_delay")),
                "trigger": _function_name(item.get("trigger")),
                "mapped": False,
                "auto_generated": bool(item.get("auto_generated")),
                "cache_key": item.get("cache_key"),
                "is_root_task": True,
                "is_terminal_task": True,
                "is_reference_task": False,
                "tags": [str(tag) for tag in item.get("tags") or []],
                "created": call.now,
                "updated": call.now,
            }
        )
    if rows:
        call.connection.execute(task.insert(), rows)
        _mark_positions(call, flow_id)


def insert_edges(call: Call, flow_id: str, tenant_id: str, serialized: object) -> None:
    """Insert serialized edges between tasks of the flow; raises ApiError for an edge to a task that is not there."""
    edges = _objects(serialized, "edges")
    if not edges:
        return
    by_slug: dict[str, str] = dict(
        call.connection.execute(sa.select(task.c.slug, task.c.id).where(task.c.flow_id == flow_id)).all()
    )
    rows = [
        {
            "id": new_id(),
            "tenant_id": tenant_id,
            "flow_id": flow_id,
            "upstream_task_id": _end(by_slug, item, "upstream_task"),
            "downstream_task_id": _end(by_slug, item, "downstream_task"),
            "key": item.get("key"),
            "mapped": bool(item.get("mapped")),
            "created": call.now,
            "updated": call.now,
        }
        for item in edges
    ]
    call.connection.execute(edge.insert(), rows)
    _mark_positions(call, flow_id)


def _objects(serialized: object, name: str) -> list[dict[str, Any]]:
    if not isinstance(serialized, list) or not all(isinstance(item, dict) for item in serialized):
        raise ApiError(f"The serialized {name} must be a JSON list of objects.")
    return serialized


def _end(by_slug: dict[str, str], item: dict[str, Any], name: str) -> str:
    end = item.get(name)
    slug = end.get("slug") if isinstance(end, dict) else None
    if slug not in by_slug:
        raise ApiError(f"An edge's {name} has the slug {slug!r}, and the flow has no such task.")
    return by_slug[slug]


def _microseconds(retry_delay: object) -> int | None:
    if isinstance(retry_delay, (int, float)) and not isinstance(retry_delay, bool):
        return round(retry_delay * MICROSECONDS_PER_SECOND)
    return None


def _function_name(trigger: object) -> str | None:
    name = trigger.get("fn") if isinstance(trigger, dict) else trigger
    return name if isinstance(name, str) else None


def _mark_positions(call: Call, flow_id: str) -> None:
    """Bring up to date what tasks know of their place: mapped, root, terminal, reference.

    Reference tasks are those that the flow names, else the terminal ones. Tasks and edges arrive in batches, so this
    is done after each.
    """
    into = sa.select(edge.c.id).where(edge.c.downstream_task_id == task.c.id).exists()
    out_of = sa.select(edge.c.id).where(edge.c.upstream_task_id == task.c.id).exists()
    mapped = (
        sa.select(edge.c.id).where(edge.c.downstream_task_id == task.c.id, edge.c.mapped.is_(True)).exists()
    )
    serialized = call.connection.scalar(sa.select(flow.c.serialized_flow).where(flow.c.id == flow_id)) or {}
    named = [item.get("slug") for item in serialized.get("reference_tasks") or [] if isinstance(item, dict)]
    is_reference = task.c.slug.in_(named) if named else sa.not_(out_of)
    call.connection.execute(
        task.update()
        .where(task.c.flow_id == flow_id)
        .values(
            mapped=mapped,
            is_root_task=sa.not_(into),
            is_terminal_task=sa.not_(out_of),
            is_reference_task=is_reference,
        )
    )
