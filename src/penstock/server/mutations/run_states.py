"""Setting the state of a run: the history, the copy on the run, and the rules between the two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from penstock.server.errors import ApiError, VersionLockingError
from penstock.server.hook_events import queue_hook_events
from penstock.server.ids import new_id
from penstock.server.states import FINISHED, RunState, read_state, serialized_state
from penstock.server.tables import (
    agent,
    flow,
    flow_group,
    flow_run,
    flow_run_state,
    task,
    task_run,
    task_run_state,
    task_tag_limit,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.server.mutations.call import Call, Row

# For this long nobody else can submit a run that was submitted.
SUBMITTED_LOCK = timedelta(seconds=30)

# When a run that waits for a place under a tag limit should ask again.
QUEUED_WAIT = timedelta(seconds=30)

STATES_PER_REQUEST = 1_000


@dataclass(frozen=True, slots=True)
class RunKind:
    """The two tables of a kind of run."""

    runs: sa.Table
    states: sa.Table
    key: str


FLOW_RUN = RunKind(flow_run, flow_run_state, "flow_run_id")
TASK_RUN = RunKind(task_run, task_run_state, "task_run_id")


def append_state(call: Call, kind: RunKind, run: Row, state: RunState, **more: object) -> int:
    """Add a state to a run's history and copy it to the run; the run's new version.

    `run` is a locked row of the run's table with its id, tenant, version, start and end time.
    """
    version = run["version"] + 1
    key = new_id()
    call.connection.execute(
        kind.states.insert().values(
            id=key,
            tenant_id=run["tenant_id"],
            timestamp=call.now,
            state=state.type,
            message=state.message,
            result=state.result,
            start_time=state.start_time,
            serialized_state=state.serialized,
            created=call.now,
            updated=call.now,
            version=version,
            **{kind.key: run["id"]},
        )
    )
    changes: dict[str, Any] = {
        "version": version,
        "state": state.type,
        "state_id": key,
        "state_timestamp": call.now,
        "state_message": state.message,
        "state_result": state.result,
        "state_start_time": state.start_time,
        "serialized_state": state.serialized,
        "updated": call.now,
        **more,
    }
    if state.type in ("Running", "Submitted"):
        changes["heartbeat"] = call.now
    if state.type == "Running" and run["start_time"] is None:
        changes["start_time"] = call.now
    if state.is_finished:
        changes["end_time"] = call.now
    started = changes.get("start_time", run["start_time"])
    if state.is_finished and started is not None:
        changes["duration"] = (call.now - started) // timedelta(microseconds=1)
    call.connection.execute(kind.runs.update().where(kind.runs.c.id == run["id"]).values(**changes))
    return int(version)


def _refuse_double_submission(call: Call, kind: RunKind, run: Row) -> None:
    key = kind.states.c[kind.key]
    recent = sa.select(kind.states.c.id).where(
        key == run["id"],
        kind.states.c.state == "Submitted",
        kind.states.c.timestamp > call.now - SUBMITTED_LOCK,
    )
    if run["state"] is not None and call.connection.scalar(recent.limit(1)) is not None:
        raise ApiError(
            f"State update failed for {_words(kind)} {run['id']}: this run has already been submitted."
        )


def _words(kind: RunKind) -> str:
    return kind.runs.name.replace("_", " ")


def _version_locked(call: Call, flow_id: str) -> bool:
    settings = call.connection.scalar(
        sa.select(flow_group.c.settings)
        .join(flow, flow.c.flow_group_id == flow_group.c.id)
        .where(flow.c.id == flow_id)
    )
    return bool((settings or {}).get("version_locking_enabled"))


def _check_version(call: Call, kind: RunKind, run: Row, flow_id: str, version: int | None) -> None:
    if version is not None and version != run["version"] and _version_locked(call, flow_id):
        raise VersionLockingError(
            f"State update failed for {_words(kind)} {run['id']}: it is at version {run['version']}, the update is for "
            f"version {version}. (VERSION_LOCKING_ERROR)"
        )


def _locked(call: Call, kind: RunKind, keys: Sequence[str]) -> None:
    # Everybody locks in the same order, so that two requests over the same runs cannot wait for each other.
    if call.is_postgresql and len(keys) > 1:
        table = kind.runs
        query = (
            sa.select(table.c.id).where(table.c.id.in_(keys), *call.confinement(table)).order_by(table.c.id)
        )
        call.connection.execute(query.with_for_update())


FLOW_RUN_COLUMNS = (
    flow_run.c.id,
    flow_run.c.tenant_id,
    flow_run.c.flow_id,
    flow_run.c.version,
    flow_run.c.state,
    flow_run.c.start_time,
    flow_run.c.end_time,
    flow_run.c.name,
)
TASK_RUN_COLUMNS = (
    task_run.c.id,
    task_run.c.tenant_id,
    task_run.c.flow_run_id,
    task_run.c.task_id,
    task_run.c.version,
    task_run.c.state,
    task_run.c.start_time,
    task_run.c.end_time,
    task_run.c.run_count,
)


def set_flow_run_state(call: Call, key: str, state: RunState, version: int | None = None) -> None:
    """Set one flow run's state; raises ApiError where a rule forbids it."""
    run = call.row(flow_run, key, *FLOW_RUN_COLUMNS, lock=True)
    _check_version(call, FLOW_RUN, run, run["flow_id"], version)
    more: dict[str, object] = {}
    if state.type == "Submitted":
        _refuse_double_submission(call, FLOW_RUN, run)
        if submitter := _calling_agent(call):
            more["agent_id"] = submitter
    append_state(call, FLOW_RUN, run, state, **more)
    if state.type == "Cancelled":
        _cancel_task_runs(call, key)
    queue_hook_events(call, run, state)


def _calling_agent(call: Call) -> str | None:
    named = call.headers.get("x-prefect-agent-id")
    if not named:
        return None
    found: str | None = call.connection.scalar(
        sa.select(agent.c.id).where(sa.cast(agent.c.id, sa.Text) == named.lower(), *call.confinement(agent))
    )
    return found


def _cancel_task_runs(call: Call, flow_run_id: str) -> None:
    query = sa.select(*TASK_RUN_COLUMNS).where(
        task_run.c.flow_run_id == flow_run_id,
        sa.or_(task_run.c.state.is_(None), task_run.c.state.not_in(FINISHED)),
    )
    if call.is_postgresql:
        query = query.with_for_update()
    cancelled = read_state(serialized_state("Cancelled", "The flow run was cancelled."))
    for run in call.all(query.order_by(task_run.c.id)):
        append_state(call, TASK_RUN, run, cancelled)


def set_task_run_state(
    call: Call, key: str, state: RunState, version: int | None = None
) -> tuple[str, str | None]:
    """Set one task run's state: ("SUCCESS", None), or ("QUEUED", why) where a tag limit makes it wait.

    Raises ApiError where a rule forbids it.
    """
    # The flow run first: whoever cancels it locks it before its task runs.
    parent_id = call.row(task_run, key, task_run.c.flow_run_id)["flow_run_id"]
    parent = call.row(flow_run, parent_id, flow_run.c.state, flow_run.c.flow_id)
    run = call.row(task_run, key, *TASK_RUN_COLUMNS, lock=True)
    _check_version(call, TASK_RUN, run, parent["flow_id"], version)
    more: dict[str, object] = {}
    if state.type == "Submitted":
        _refuse_double_submission(call, TASK_RUN, run)
    if state.type == "Running":
        if parent["state"] != "Running":
            raise ApiError(
                f"State update failed for task run {key}: it cannot run while its flow run {parent_id} is "
                f"{parent['state']}; set the flow run to Running first."
            )
        if full := _full_tag(call, run):
            why = f"The limit of {full[1]} running task runs with the tag {full[0]!r} is reached."
            queued = serialized_state("Queued", why, start_time=call.now + QUEUED_WAIT)
            append_state(call, TASK_RUN, run, read_state(queued | {"state": dict(state.serialized)}))
            return "QUEUED", why
        more["run_count"] = run["run_count"] + 1
    if isinstance(cache_key := state.serialized.get("cache_key"), str):
        more["cache_key"] = cache_key
    append_state(call, TASK_RUN, run, state, **more)
    return "SUCCESS", None


def _full_tag(call: Call, run: Row) -> tuple[str, int] | None:
    """The first tag of the run's task whose limit is reached, and that limit."""
    limits = sa.select(task_tag_limit.c.tag, task_tag_limit.c.limit).where(
        task_tag_limit.c.tenant_id == run["tenant_id"]
    )
    if call.is_postgresql:
        # Two task runs that ask for the last place at once: the second waits here and then counts the first.
        limits = limits.with_for_update()
    by_tag = dict(call.connection.execute(limits.order_by(task_tag_limit.c.tag)).all())
    if not by_tag:
        return None
    tags = call.connection.scalar(sa.select(task.c.tags).where(task.c.id == run["task_id"])) or []
    limited = [tag for tag in tags if tag in by_tag]
    if not limited:
        return None
    running = call.connection.scalars(
        sa.select(task.c.tags)
        .join(task_run, task_run.c.task_id == task.c.id)
        .where(
            task_run.c.tenant_id == run["tenant_id"],
            task_run.c.state == "Running",
            task_run.c.id != run["id"],
        )
    ).all()
    for tag in limited:
        if sum(tag in other for other in running) >= by_tag[tag]:
            return tag, by_tag[tag]
    return None


def set_states(call: Call, kind: RunKind, entries: Sequence[dict[str, Any]]) -> dict[str, object]:
    """Set the states of several runs, all or none: the answer of both `set_*_run_states` mutations."""
    if len(entries) > STATES_PER_REQUEST:
        raise ApiError(f"{len(entries)} states were sent; at most {STATES_PER_REQUEST} are set at once.")
    _locked(call, kind, [entry[kind.key] for entry in entries])
    out: list[dict[str, object]] = []
    for entry in entries:
        key, state, version = entry[kind.key], read_state(entry["state"]), entry.get("version")
        status, message = "SUCCESS", None
        if kind is FLOW_RUN:
            set_flow_run_state(call, key, state, version)
        else:
            status, message = set_task_run_state(call, key, state, version)
        out.append({"id": key, "status": status, "message": message})
    return {"states": out}
