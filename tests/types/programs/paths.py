"""Typed paths: what `get` gives for names and for one to eight paths, through relations and past those that may be null."""

from datetime import datetime
from typing import Any, assert_type
from uuid import UUID

from penstock import AsyncFlow, Client, Flow, FlowRun, Project, TaskRun

client = Client()
flow = client.flow(id="8a1c5b7e-0f0e-4b0e-9d7a-2f6a1b3c4d5e")
run = client.flow_run(id=UUID(int=1))

# Names.
assert_type(flow.get("name"), str)
assert_type(flow.get("version"), int | None)
assert_type(flow.get("id"), UUID)
assert_type(flow.get("created"), datetime)
assert_type(flow.get("archived"), bool)
assert_type(flow.get("parameters"), list[dict[str, Any]] | None)
assert_type(run.get("last_heartbeat"), datetime | None)

# One path, and paths through relations.
assert_type(flow.get(Flow.name), str)
assert_type(flow.get(Flow.project.name), str)
assert_type(flow.get(Flow.project.tenant.slug), str | None)
assert_type(run.get(FlowRun.flow.project.name), str)
assert_type(run.get(FlowRun.agent.name), str | None)
assert_type(run.get(FlowRun.agent.labels), list[str] | None)
assert_type(run.get(FlowRun.agent.agent_config.name), str | None)
assert_type(client.task_run(id=UUID(int=1)).get(TaskRun.flow_run.flow.project.id), UUID)

# Several.
assert_type(flow.get(Flow.name, Flow.version), tuple[str, int | None])
assert_type(flow.get(Flow.name, Flow.project.name, Flow.created), tuple[str, str, datetime])
assert_type(
    flow.get(
        Flow.id,
        Flow.name,
        Flow.version,
        Flow.archived,
        Flow.created,
        Flow.project.id,
        Flow.project.name,
        Flow.flow_group.name,
    ),
    tuple[UUID, str, int | None, bool, datetime, UUID, str, str | None],
)
assert_type(run.get(FlowRun.agent.name, FlowRun.flow.name), tuple[str | None, str])

# The async twin shares the paths; either class may name them.
assert_type(flow.get(AsyncFlow.name, AsyncFlow.project.name), tuple[str, str])

# Attributes.
assert_type(flow.name, str)
assert_type(flow.project, Project)
assert_type(flow.project.name, str)
assert_type(run.flow, Flow)
agent = run.agent
if agent is not None:
    assert_type(agent.labels, list[str])
tenant = flow.tenant
if tenant is not None:
    assert_type(tenant.slug, str)

# Raw selections are JSON.
assert_type(flow.query("name project { name }"), dict[str, Any])
assert_type(flow.query("flow_runs(where: $w) { id }", {"w": {}}), dict[str, Any])
assert_type(flow.refresh(), Flow)
