"""Actions: what they send, what they return, what they do to the handle, and failures that come as data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from penstock import UNSET, ActionFailed, Agent, Flow, FlowRun, GraphQLError, Project

if TYPE_CHECKING:
    from tests.sdk.recording import Requests

    from penstock import Client


def test_creating_returns_a_handle(client: Client, tenant_id: str, requests: Requests) -> None:
    name = f"project {uuid4()}"
    made = client.project.create(name, description="of this test")
    assert isinstance(made, Project)
    assert isinstance(made.id, UUID)
    sent = requests.only()
    assert sent.name == "project_create"
    assert sent.variables == {"name": name, "description": "of this test", "tenant_id": tenant_id}
    assert made.name == name
    assert requests.take() == ["project_get"]


def test_what_is_unset_is_not_sent_and_none_is_null(
    client: Client, tenant_id: str, requests: Requests
) -> None:
    name = f"project {uuid4()}"
    made = client.project.create(name)
    assert requests.only().variables == {"name": name, "tenant_id": tenant_id}
    client.project.create(f"{name} 2", description=None)
    assert requests.only().variables["description"] is None
    made.set_description(description=UNSET)
    assert requests.only().variables == {"project_id": str(made.id)}
    made.set_description(description="x")
    assert made.description == "x"
    made.set_description(description=None)
    assert made.description is None


def test_an_action_forgets_what_was_loaded(client: Client, project: Project, requests: Requests) -> None:
    assert project.description == "made for a test"
    project.set_description(description="new")
    assert requests.take() == ["project_set_description"]
    assert project.description == "new"
    assert project.created is not None
    assert requests.take() == ["project_get"]


def test_an_action_forgets_relations_too(client: Client, registered: Flow, requests: Requests) -> None:
    before = registered.project
    other = client.project.create(f"project {uuid4()}")
    moved = registered.update_project(other.id)
    assert moved is registered
    requests.clear()
    assert registered.project == other
    assert registered.project != before
    assert requests.take() == ["flow_get"]


def test_an_action_on_a_handle_needs_one_request(
    client: Client, registered: Flow, requests: Requests
) -> None:
    client.flow(id=registered.id).archive()
    sent = requests.only()
    assert sent.name == "flow_archive"
    assert sent.variables == {"flow_id": str(registered.id)}
    assert client.flow(id=registered.id).archived


def test_actions_that_return_what_they_made(client: Client, registered: Flow, requests: Requests) -> None:
    start = datetime(2030, 1, 1, 12, tzinfo=UTC)
    run = registered.run(
        parameters={"x": 1},
        flow_run_name="first",
        scheduled_start_time=start,
        labels=["gpu"],
        context={"team": "data"},
    )
    assert isinstance(run, FlowRun)
    assert requests.only().variables == {
        "flow_id": str(registered.id),
        "parameters": {"x": 1},
        "flow_run_name": "first",
        "scheduled_start_time": "2030-01-01T12:00:00+00:00",
        "labels": ["gpu"],
        "context": {"team": "data"},
    }
    assert (run.name, run.state, run.parameters, run.labels) == ("first", "Scheduled", {"x": 1}, ["gpu"])
    assert run.scheduled_start_time == start
    assert run.scheduled_start_time.utcoffset() == timedelta(0)
    assert run.context == {"team": "data"}
    assert run.flow == registered
    assert run.cancel() == "Cancelled"
    assert run.state == "Cancelled"


def test_an_idempotency_key_gives_the_first_run_again(registered: Flow) -> None:
    first = registered.run(parameters={"x": 1}, idempotency_key="once")
    assert registered.run(parameters={"x": 2}, idempotency_key="once") == first
    assert registered.runs().all() == [first]
    assert first.parameters == {"x": 1}


def test_an_action_that_returns_values(client: Client, registered: Flow, requests: Requests) -> None:
    run = registered.run(parameters={"x": 1})
    requests.clear()
    result = run.set_state({"type": "Running", "message": "at it"})
    assert result.status is not None
    assert result.message is None or isinstance(result.message, str)
    assert requests.take() == ["flow_run_set_state"]
    assert (run.state, run.state_message) == ("Running", "at it")


def test_an_action_of_the_kind_returns_a_list(client: Client, registered: Flow) -> None:
    runs = [registered.run(parameters={"x": number}) for number in range(3)]
    results = client.flow_run.set_states(
        [{"flow_run_id": run.id, "state": {"type": "Running"}} for run in runs]
    )
    assert len(results) == 3
    assert {run.state for run in registered.runs()} == {"Running"}


def test_agents(client: Client, tenant_id: str, requests: Requests) -> None:
    agent = client.agent.register("local", name=f"agent {uuid4()}", labels=["a", "b"])
    assert isinstance(agent, Agent)
    assert requests.only().variables["tenant_id"] == tenant_id
    assert agent.labels == ["a", "b"]
    assert agent.get(Agent.agent_config.name) is None
    agent.delete()
    with pytest.raises(LookupError, match=f"no agent with id {agent.id}"):
        agent.refresh()


def test_a_failure_told_as_data_is_an_error(client: Client, requests: Requests) -> None:
    unknown = uuid4()
    with pytest.raises((ActionFailed, GraphQLError)) as caught:
        client.flow_run(id=unknown).set_name("x")
    assert "flow_run_set_name" in str(caught.value)
    assert requests.take() == ["flow_run_set_name"]


def test_a_failed_action_leaves_the_handle_as_it_was(
    client: Client, project: Project, requests: Requests
) -> None:
    other = client.project.create(f"project {uuid4()}")
    with pytest.raises((ActionFailed, GraphQLError)):
        project.set_name(other.refresh().name)
    requests.clear()
    assert project.description == "made for a test"
    assert requests.take() == []


def test_parameters_that_do_not_fit_are_the_servers_to_refuse(registered: Flow) -> None:
    with pytest.raises(GraphQLError, match="x"):
        registered.run()


def test_values_that_have_no_form_are_refused_before_anything_is_sent(
    registered: Flow, requests: Requests
) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        registered.run(parameters={"x": 1}, scheduled_start_time=datetime(2030, 1, 1))
    with pytest.raises(ValueError, match="NaN"):
        registered.run(parameters={"x": float("nan")})
    with pytest.raises(TypeError, match="UNSET stands for"):
        registered.run(parameters={"x": UNSET})
    assert requests.take() == []


def test_operations_without_an_object(client: Client, requests: Requests) -> None:
    assert client.hello()
    client.send_feedback(message="reads well")
    assert requests.take() == ["hello", "send_feedback"]
    api = client.api()
    assert api is not None
    assert api.backend


def test_secrets_are_sent_and_never_shown(client: Client, requests: Requests) -> None:
    client.secret.set(name="database", value="s3cr3t-value")
    assert requests.only().variables["value"] == "s3cr3t-value"
    assert "s3cr3t" not in repr(client) + repr(client.secret)
