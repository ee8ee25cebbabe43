"""Actions: what they take and give, what is absent and what is null, and flows as code."""

from datetime import UTC, datetime
from typing import Any, assert_type
from uuid import UUID

from penstock import UNSET, Agent, Client, Flow, FlowDefinition, FlowRun, Project, Unset, flow


@flow
def add(x: int, y: int = 2) -> int:
    return x + y


@flow(name="nightly")
def work(day: str) -> None: ...


same: FlowDefinition[..., int] = add
assert_type(add(1, y=2), int)
assert_type(add.name, str)
work("monday")

with Client(timeout=5, retries=1, headers={"X-Team": "data"}) as client:
    project = client.project.create(name="etl", description="nightly jobs")
    assert_type(project, Project)
    assert_type(client.project.create("etl", tenant_id=UUID(int=1)), Project)
    registered = client.flow.register(add, project=project)
    assert_type(registered, Flow)
    client.flow.register(work, project="etl", idempotency_key="k")
    client.flow.register(work, project=project.id, version_group_id=None)
    run = registered.run(
        parameters={"x": 1},
        flow_run_name="first",
        scheduled_start_time=datetime.now(UTC),
        labels=["a"],
        context={"a": [1]},
        idempotency_key="once",
    )
    assert_type(run, FlowRun)
    assert_type(registered.run(parameters=None, labels=UNSET), FlowRun)
    assert_type(run.cancel(), str | None)
    assert_type(registered.update_project(project.id), Flow)
    assert_type(registered.update_project(project_id=str(project.id)), Flow)
    assert_type(project.set_description(description=None), Project)
    assert_type(client.agent.register("local", labels=["a"]), Agent)
    assert_type(client.flow_run.in_queue(labels=["a"]), list[FlowRun])
    assert_type(client.hello(), str | None)
    assert_type(client.execute("{ hello }", {"a": 1}), dict[str, Any])
    assert_type(client.with_options(timeout=2), Client)
    result = run.set_state({"type": "Running"})
    assert_type(result.message, str | None)
    client.log.write([{"flow_run_id": run.id, "message": "fine", "level": "INFO"}])


def describe(project: Project, text: str | None | Unset = UNSET) -> Project:
    return project.set_description(description=text)
