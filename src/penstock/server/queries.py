"""Root queries that read no table: the API about itself, and summaries of task runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from penstock.server.errors import NotFoundError
from penstock.server.states import FINISHED, PARENTS, STATE_TYPES, ancestors
from penstock.server.tables import task_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLResolveInfo

    from penstock.server.execution import RequestContext

BACKEND = "SERVER"


def hello(_root: object, _info: GraphQLResolveInfo) -> str:
    """A word that shows the API is there."""
    return "Hello from penstock."


def reference_data(_root: object, _info: GraphQLResolveInfo) -> dict[str, object]:
    """What states there are, and what each extends."""
    names = sorted(STATE_TYPES)
    return {
        "state_hierarchy": {
            name: [other for other in sorted(PARENTS) if PARENTS[other] == name] for name in sorted(PARENTS)
        },
        "state_info": {
            name: {"parents": list(ancestors(name)[1:]), "is_finished": name in FINISHED} for name in names
        },
    }


def api(_root: object, _info: GraphQLResolveInfo) -> dict[str, object]:
    """Which server this is."""
    from importlib.metadata import version

    release = version("penstock")
    return {
        "backend": BACKEND,
        "mode": "normal",
        "version": release,
        "core_version": release,
        "release_timestamp": None,
    }


def auth_info(_root: object, info: GraphQLResolveInfo) -> dict[str, object]:
    """Who the caller is."""
    context: RequestContext = info.context
    return {
        "tenant_id": context.principal.tenant_id,
        "user_id": context.principal.user_id,
        "api_token_scope": context.principal.scope,
    }


def _task_run(connection: sa.Connection, info: GraphQLResolveInfo, key: str) -> sa.RowMapping:
    context: RequestContext = info.context
    query = sa.select(task_run).where(task_run.c.id == key)
    if context.principal.tenant_id is not None:
        query = query.where(task_run.c.tenant_id == context.principal.tenant_id)
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFoundError("task_run", key)
    return found


def get_task_run_info(_root: object, info: GraphQLResolveInfo, task_run_id: str) -> dict[str, object]:
    """A task run's state."""
    context: RequestContext = info.context
    with context.database.read() as connection:
        return dict(_task_run(connection, info, task_run_id))


def mapped_children(_root: object, info: GraphQLResolveInfo, task_run_id: str) -> dict[str, object]:
    """The mapped children of a task run, summed up: their time span, and how many are in which state."""
    context: RequestContext = info.context
    with context.database.read() as connection:
        parent = _task_run(connection, info, task_run_id)
        children = (
            task_run.c.flow_run_id == parent["flow_run_id"],
            task_run.c.task_id == parent["task_id"],
            task_run.c.map_index >= 0,
        )
        counts = connection.execute(
            sa.select(task_run.c.state, sa.func.count()).where(*children).group_by(task_run.c.state)
        ).all()
        span = connection.execute(
            sa.select(
                sa.func.min(task_run.c.start_time, type_=task_run.c.start_time.type),
                sa.func.max(task_run.c.end_time, type_=task_run.c.end_time.type),
            ).where(*children)
        ).one()
    return {
        "min_start_time": span[0],
        "max_end_time": span[1],
        "state_counts": {str(state): count for state, count in sorted(counts, key=str)},
    }


RESOLVERS: dict[str, Callable[..., Any]] = {
    "hello": hello,
    "reference_data": reference_data,
    "api": api,
    "auth_info": auth_info,
    "get_task_run_info": get_task_run_info,
    "mapped_children": mapped_children,
}
