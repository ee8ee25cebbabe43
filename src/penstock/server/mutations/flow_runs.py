"""Flow runs, and the queue that agents take them from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from penstock.server.errors import ApiError
from penstock.server.mutations.call import SUCCESS, Call, mutation
from penstock.server.mutations.new_flow_run import insert_flow_run, run_labels
from penstock.server.mutations.run_states import FLOW_RUN, set_flow_run_state, set_states
from penstock.server.states import FINISHED, read_state, serialized_state
from penstock.server.tables import agent, flow, flow_group, flow_run, task_run

if TYPE_CHECKING:
    from datetime import datetime

    from penstock.server.mutations.call import Row

RUNS_PER_QUEUE_ANSWER = 25

FLOW_COLUMNS = (
    flow.c.id,
    flow.c.tenant_id,
    flow.c.archived,
    flow.c.parameters,
    flow.c.run_config,
    flow.c.environment,
    flow.c.flow_group_id,
    flow.c.name,
)


def _flow_to_run(call: Call, flow_id: str | None, version_group_id: str | None) -> Row:
    if (flow_id is None) == (version_group_id is None):
        raise ApiError("Give `flow_id` or `version_group_id`, one of the two.")
    if flow_id is not None:
        found = call.row(flow, flow_id, *FLOW_COLUMNS)
        if found["archived"]:
            raise ApiError(
                f"The flow {flow_id} is archived; run a newer version of it, or its version group."
            )
        return found
    newest = (
        sa.select(*FLOW_COLUMNS)
        .where(
            flow.c.version_group_id == version_group_id, flow.c.archived.is_(False), *call.confinement(flow)
        )
        .order_by(flow.c.version.desc())
        .limit(1)
    )
    by_group = call.first(newest)
    if by_group is None:
        raise ApiError(f"The version group {version_group_id!r} has no flow that is not archived.")
    return by_group


def _json_object(value: object, name: str) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ApiError(f"`{name}` must be a JSON object.")
    return value


@mutation
def create_flow_run(
    call: Call,
    *,
    flow_id: str | None = None,
    version_group_id: str | None = None,
    parameters: object = None,
    labels: list[str] | None = None,
    run_config: object = None,
    context: object = None,
    scheduled_start_time: datetime | None = None,
    idempotency_key: str | None = None,
    flow_run_name: str | None = None,
) -> dict[str, object]:
    """Schedule a run of a flow, or of the newest flow of a version group."""
    chosen = _flow_to_run(call, flow_id, version_group_id)
    if idempotency_key is not None:
        first = call.connection.scalar(
            sa.select(flow_run.c.id).where(
                flow_run.c.flow_id == chosen["id"], flow_run.c.idempotency_key == idempotency_key
            )
        )
        if first is not None:
            return {"id": first}
    group = call.row(
        flow_group,
        chosen["flow_group_id"],
        flow_group.c.labels,
        flow_group.c.run_config,
        flow_group.c.default_parameters,
    )
    key = insert_flow_run(
        call.connection,
        call.now,
        chosen,
        group,
        parameters=_json_object(parameters, "parameters"),
        labels=run_labels(labels, run_config, group, chosen),
        scheduled_start_time=scheduled_start_time or call.now,
        run_config=run_config,
        context=_json_object(context, "context"),
        idempotency_key=idempotency_key,
        name=flow_run_name,
    )
    return {"id": key}


@mutation
def delete_flow_run(call: Call, *, flow_run_id: str) -> dict[str, object]:
    """Delete a flow run, its task runs, states and logs."""
    return call.delete(flow_run, flow_run_id)


@mutation
def set_flow_run_name(call: Call, *, flow_run_id: str, name: str) -> dict[str, object]:
    """Rename a flow run."""
    call.update(flow_run, flow_run_id, name=name)
    return SUCCESS


@mutation
def set_flow_run_labels(call: Call, *, flow_run_id: str, labels: list[str]) -> dict[str, object]:
    """Replace the labels that decide which agents take the run."""
    call.update(flow_run, flow_run_id, labels=sorted(set(labels)))
    return SUCCESS


@mutation
def update_flow_run_heartbeat(call: Call, *, flow_run_id: str) -> dict[str, object]:
    """Note that a flow run is alive."""
    call.update(flow_run, flow_run_id, heartbeat=call.now)
    return SUCCESS


@mutation
def set_flow_run_states(call: Call, *, states: list[dict[str, Any]]) -> dict[str, object]:
    """Set the states of flow runs, all or none; see `run_states`."""
    return set_states(call, FLOW_RUN, states)


@mutation
def cancel_flow_run(call: Call, *, flow_run_id: str) -> dict[str, object]:
    """Finished: left alone. Running: told to stop. Otherwise: cancelled at once."""
    state = call.row(flow_run, flow_run_id, flow_run.c.state, lock=True)["state"]
    if state in FINISHED:
        return {"state": state}
    if state in ("Running", "Cancelling"):
        wanted = serialized_state("Cancelling", "The flow run is being cancelled.")
    else:
        wanted = serialized_state("Cancelled", "The flow run was cancelled.")
    if state != wanted["type"]:
        set_flow_run_state(call, flow_run_id, read_state(wanted))
    return {"state": wanted["type"]}


def _labels_condition(call: Call, labels: list[str]) -> sa.ColumnElement[bool]:
    """Every label of the run is one of the caller's; and only a caller without labels takes runs without."""
    if call.is_postgresql:
        wanted: sa.ColumnElement[Any] = sa.type_coerce(labels, flow_run.c.labels.type)
        fits: sa.ColumnElement[bool] = flow_run.c.labels.op("<@", is_comparison=True)(wanted)
        unlabelled: sa.ColumnElement[bool] = sa.func.jsonb_array_length(flow_run.c.labels) == 0
    else:
        wanted = sa.type_coerce(labels, flow_run.c.labels.type)
        fits = sa.func.jsonb_contains(wanted, flow_run.c.labels, type_=sa.Boolean)
        unlabelled = sa.func.json_array_length(flow_run.c.labels) == 0
    return sa.and_(fits, sa.not_(unlabelled)) if labels else unlabelled


@mutation
def get_runs_in_queue(
    call: Call, *, tenant_id: str, before: datetime | None = None, labels: list[str] | None = None
) -> dict[str, object]:
    """The runs that an agent with these labels should take now, oldest first."""
    call.tenant(tenant_id)
    due_at = before or call.now
    has_due_task = (
        sa.select(task_run.c.id)
        .where(task_run.c.flow_run_id == flow_run.c.id, task_run.c.state_start_time <= due_at)
        .exists()
    )
    due = sa.or_(
        sa.and_(flow_run.c.state == "Scheduled", flow_run.c.state_start_time <= due_at),
        sa.and_(
            flow_run.c.state.in_(("Running", "Submitted", "Pending", "Retrying", "Resume", "Queued")),
            has_due_task,
        ),
    )
    runs = call.connection.scalars(
        sa.select(flow_run.c.id)
        .where(flow_run.c.tenant_id == tenant_id, due, _labels_condition(call, sorted(set(labels or []))))
        .order_by(flow_run.c.scheduled_start_time, flow_run.c.id)
        .limit(RUNS_PER_QUEUE_ANSWER)
    ).all()
    if named := call.headers.get("x-prefect-agent-id"):
        call.connection.execute(
            agent.update()
            .where(sa.cast(agent.c.id, sa.Text) == named.lower(), *call.confinement(agent))
            .values(last_queried=call.now)
        )
    return {"flow_run_ids": list(runs)}
