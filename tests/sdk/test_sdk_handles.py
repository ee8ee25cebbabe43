"""Handles: what a handle is without a request, what one read loads, and how many requests each step sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from penstock import Flow, FlowRun, InvalidSelection, NotFound, Project

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.recording import Requests

    from penstock import Client


def test_a_handle_sends_nothing(client: Client, requests: Requests) -> None:
    known = uuid4()
    flow = client.flow(id=str(known))
    assert flow.id == known
    assert isinstance(flow.id, UUID)
    assert repr(flow) == f"Flow(id='{known}')"
    assert flow == client.flow(id=known)
    assert flow != client.flow(id=uuid4())
    assert flow != known
    assert len({flow, client.flow(id=known), client.flow_run(id=known)}) == 2
    assert requests.take() == []


def test_an_id_that_is_none_is_refused_before_anything_is_sent(client: Client, requests: Requests) -> None:
    with pytest.raises(ValueError, match="id is a UUID, and 'nightly' is none"):
        client.flow(id="nightly")
    with pytest.raises(TypeError, match="id is missing"):
        client.flow(id=None)  # type: ignore[arg-type]  # what a caller without a checker can write
    with pytest.raises(TypeError, match="A project is found by id; or name"):
        client.project(id=uuid4(), name="etl")  # type: ignore[call-overload]  # the same
    assert requests.take() == []


def test_the_first_read_loads_the_default_fields_once(
    client: Client, registered: Flow, requests: Requests
) -> None:
    flow = client.flow(id=registered.id)
    assert flow.name == "add"
    assert flow.version == 1
    assert flow.archived is False
    assert flow.parameters is not None
    assert [parameter["name"] for parameter in flow.parameters] == ["x", "y"]
    assert isinstance(flow.created, datetime)
    assert flow.created.utcoffset() == datetime.now(UTC).utcoffset()
    assert requests.take() == ["flow_get"]


def test_a_field_outside_the_defaults_is_read_on_demand_and_kept(
    client: Client, registered: Flow, requests: Requests
) -> None:
    flow = client.flow(id=registered.id)
    assert flow.serialized_flow is not None
    assert flow.serialized_flow["name"] == "add"
    sent = requests.only()
    assert sent.document == "query flow_select($id:uuid!){flow_by_pk(id:$id){serialized_flow}}"
    assert flow.serialized_flow["name"] == "add"
    assert requests.take() == []
    # What was read on demand does not count as the default fields.
    assert flow.version == 1
    assert requests.take() == ["flow_get"]


def test_get_with_a_name_sends_exactly_that_field(
    client: Client, registered: Flow, requests: Requests
) -> None:
    flow = client.flow(id=registered.id)
    assert flow.get("name") == "add"
    assert requests.only().document == "query flow_select($id:uuid!){flow_by_pk(id:$id){name}}"
    assert flow.name == "add"
    assert requests.take() == []


def test_get_reads_again_each_time(client: Client, project: Project, requests: Requests) -> None:
    mine, other = client.project(id=project.id), client.project(id=project.id)
    before = mine.get("description")
    other.set_description(description="changed elsewhere")
    assert (before, mine.get("description")) == ("made for a test", "changed elsewhere")
    assert mine.description == "changed elsewhere"
    assert requests.take() == ["project_select", "project_set_description", "project_select"]


def test_get_with_paths_sends_exactly_these_fields(
    client: Client, registered: Flow, project: Project, requests: Requests
) -> None:
    flow = client.flow(id=registered.id)
    name, project_name = flow.get(Flow.name, Flow.project.name)
    assert (name, project_name) == ("add", project.name)
    document = requests.all[0].document
    assert document == "query flow_select($id:uuid!){flow_by_pk(id:$id){name project{name}}}"


def test_paths_may_repeat_and_overlap(
    client: Client, registered: Flow, project: Project, requests: Requests
) -> None:
    found = client.flow(id=registered.id).get(
        Flow.project.id, Flow.name, Flow.project.id, Flow.project.tenant.name, Flow.name
    )
    assert found[0] == found[2] == project.id
    assert found[1] == found[4] == "add"
    assert isinstance(found[3], str)
    assert requests.only().document == (
        "query flow_select($id:uuid!){flow_by_pk(id:$id){project{id tenant{name}} name}}"
    )


def test_eight_paths_at_once(client: Client, registered: Flow, project: Project, requests: Requests) -> None:
    found = client.flow(id=registered.id).get(
        Flow.id,
        Flow.name,
        Flow.version,
        Flow.archived,
        Flow.created,
        Flow.project.id,
        Flow.project.tenant.settings,
        Flow.flow_group.labels,
    )
    assert found[:4] == (registered.id, "add", 1, False)
    assert found[4].tzinfo is not None
    assert found[5] == project.id
    assert isinstance(found[6], dict)
    assert found[7] is None
    assert requests.take() == ["flow_select"]


def test_a_path_behind_a_relation_that_is_null_gives_none(
    client: Client, registered: Flow, requests: Requests
) -> None:
    run = registered.run(parameters={"x": 1})
    assert run.get(FlowRun.agent.name) is None
    assert run.get(FlowRun.agent.name, FlowRun.flow.name, FlowRun.agent.labels) == (None, "add", None)
    assert run.agent is None
    requests.clear()
    assert run.agent is None
    assert requests.take() == []


def test_paths_go_through_several_relations(client: Client, registered: Flow, project: Project) -> None:
    run = registered.run(parameters={"x": 1})
    assert run.get(FlowRun.flow.project.name, FlowRun.flow.flow_group.id) == (
        project.name,
        registered.flow_group_id,
    )


def test_paths_and_names_that_lead_nowhere_send_nothing(client: Client, requests: Requests) -> None:
    flow = client.flow(id=uuid4())
    with pytest.raises(TypeError, match=r"flow_run\.name.* does not start at flow"):
        flow.get(FlowRun.name)  # type: ignore[arg-type]  # what a checker would have refused
    with pytest.raises(AttributeError, match="flow has no field 'nmae'; did you mean 'name'"):
        flow.get("nmae")  # type: ignore[call-overload]  # the same
    with pytest.raises(AttributeError, match="no attribute 'nmae'"):
        Flow.project.nmae  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(TypeError, match="a field's name, or one to eight paths"):
        flow.get()  # type: ignore[call-overload]  # the same
    with pytest.raises(TypeError, match=r"Flow\.project is a relation; name what.*Flow\.project\.name\."):
        flow.get(Flow.project)  # type: ignore[call-overload]  # the same
    assert requests.take() == []


def test_attributes_cannot_be_set(client: Client) -> None:
    flow = client.flow(id=uuid4())
    with pytest.raises(AttributeError, match="name is read from the API and cannot be set"):
        flow.name = "x"  # type: ignore[assignment]  # what a checker would have refused
    with pytest.raises(AttributeError, match="project is read from the API and cannot be set"):
        flow.project = client.project(id=uuid4())  # type: ignore[assignment]  # the same


def test_a_raw_selection_is_sent_minified_and_answered_as_json(
    client: Client, registered: Flow, project: Project, requests: Requests
) -> None:
    answer = client.flow(id=registered.id).query("{ name  project { name } }")
    assert answer == {"name": "add", "project": {"name": project.name}}
    assert requests.only().document == (
        "query flow_select($id:uuid!){flow_by_pk(id:$id){name project{name}}}"
    )


def test_a_raw_selection_takes_aliases_arguments_and_variables(
    client: Client, registered: Flow, requests: Requests
) -> None:
    for number in range(3):
        registered.run(parameters={"x": number}, flow_run_name=f"run {number}")
    requests.clear()
    answer = client.flow(id=registered.id).query(
        """
        title: name
        newest: flow_runs(limit: 1, order_by: [{name: desc}]) { name }
        chosen: flow_runs(where: $where, order_by: $order) { name }
        """,
        {"where": {"name": {"_in": ["run 0", "run 1"]}}, "order": [{"name": "asc"}]},
    )
    assert answer == {
        "title": "add",
        "newest": [{"name": "run 2"}],
        "chosen": [{"name": "run 0"}, {"name": "run 1"}],
    }
    sent = requests.only()
    assert sent.variables == {
        "id": str(registered.id),
        "where": {"name": {"_in": ["run 0", "run 1"]}},
        "order": [{"name": "asc"}],
    }


@pytest.mark.parametrize(
    ("selection", "variables", "message"),
    [
        ("nmae", None, "did you mean"),
        ("name { first }", None, "name"),
        ("project", None, "project"),
        ("project { name", None, "project|end|}"),
        ("flow_runs(limmit: 1) { name }", None, "limmit"),
        ("flow_runs(limit: $n) { name }", None, r"\$n"),
        ("name", {"unused": 1}, "unused"),
        ("project(id: $id) { name }", {"id": 1}, "id"),
        ("", None, "selects nothing"),
        ("name } } mutation { delete_everything", None, "1:6"),
    ],
)
def test_a_selection_that_does_not_fit_is_refused_before_anything_is_sent(
    client: Client, requests: Requests, selection: str, variables: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(InvalidSelection, match=f"(?i)^flow.query: .*({message})"):
        client.flow(id=uuid4()).query(selection, variables)
    assert requests.take() == []


def test_a_relation_among_the_defaults_comes_with_them(
    client: Client, registered: Flow, project: Project, requests: Requests
) -> None:
    flow = client.flow(id=registered.id)
    assert flow.project.name == project.name
    assert flow.project.id == project.id
    assert flow.project is flow.project
    assert flow.project == project
    assert requests.take() == ["flow_get"]
    # Of the project only what came is known; the rest is loaded when it is asked for, all of it at once.
    assert flow.project.description == "made for a test"
    assert flow.project.created is not None
    assert requests.take() == ["project_get"]


def test_a_relation_outside_the_defaults_is_followed_by_its_id(
    client: Client, registered: Flow, tenant_id: str, requests: Requests
) -> None:
    tenant = client.flow(id=registered.id).tenant
    assert tenant is not None
    assert str(tenant.id) == tenant_id
    assert requests.only().document == "query flow_select($id:uuid!){flow_by_pk(id:$id){tenant{id}}}"
    assert tenant.slug == "default"
    assert requests.take() == ["tenant_get"]


def test_an_unknown_id_is_not_found(client: Client, requests: Requests) -> None:
    unknown = uuid4()
    flow = client.flow(id=unknown)
    reads: list[Callable[[], object]] = [
        lambda: flow.name,
        lambda: flow.serialized_flow,
        lambda: flow.tenant,
        lambda: flow.get("name"),
        lambda: flow.get(Flow.name, Flow.project.name),
        lambda: flow.query("name"),
        lambda: flow.refresh(),
        lambda: str(flow),
        lambda: flow.runs().all(),
    ]
    for read in reads:
        with pytest.raises(NotFound) as caught:
            read()
        assert caught.value.resource == "flow"
        assert list(caught.value.key.values()) == [unknown]
        assert str(caught.value) == f"There is no flow with id {unknown}, or this client may not see it."
        assert isinstance(caught.value, LookupError)
    assert len(requests.take()) == len(reads)


def test_a_lookup_by_another_key(client: Client, project: Project, requests: Requests) -> None:
    found = client.project(name=project.name)
    assert found.name == project.name
    assert requests.take() == []
    assert found.id == project.id
    assert found.description == "made for a test"
    assert requests.take() == ["project_get_by_name"]
    # Once its id is known, it is found by it, whatever it is called then.
    found.set_name(f"{project.name}, renamed")
    assert found.name == f"{project.name}, renamed"
    assert requests.take() == ["project_set_name", "project_get"]
    with pytest.raises(NotFound, match=f"no project with name {project.name}, or"):
        client.project(name=project.name).refresh()


def test_an_action_on_what_was_found_by_another_key_asks_for_the_id_first(
    client: Client, project: Project, requests: Requests
) -> None:
    client.project(name=project.name).delete()
    assert requests.take() == ["project_get_by_name", "project_delete"]


def test_a_handle_that_may_still_change_its_key_is_not_hashable(client: Client, project: Project) -> None:
    by_name = client.project(name=project.name)
    with pytest.raises(TypeError, match=r"found by name.*refresh"):
        hash(by_name)
    assert hash(by_name.refresh()) == hash(project)
    assert by_name == project


def test_refresh_loads_again(client: Client, project: Project, requests: Requests) -> None:
    mine = client.project(id=project.id)
    assert mine.description == "made for a test"
    client.project(id=project.id).set_description(description="changed elsewhere")
    assert mine.description == "made for a test"
    assert mine.refresh() is mine
    assert mine.description == "changed elsewhere"
    assert requests.take() == ["project_get", "project_set_description", "project_get"]


def test_str_is_the_object_as_json(client: Client, registered: Flow, requests: Requests) -> None:
    flow = client.flow(id=registered.id)
    shown = json.loads(str(flow))
    assert requests.take() == ["flow_get"]
    assert shown["id"] == str(registered.id)
    assert shown["name"] == "add"
    assert shown["project"] == {"id": str(registered.project_id), "name": registered.project.name}
    assert datetime.fromisoformat(shown["created"]) == flow.created
    assert "serialized_flow" not in shown
    assert '\n  "name": "add"' in f"{flow}"
    assert requests.take() == ["flow_get"]  # the fixture's own handle, read above for the first time


def test_a_field_renamed_for_python_is_shown_and_read_under_its_name_here(
    client: Client, registered: Flow, requests: Requests
) -> None:
    run = registered.run(parameters={"x": 1})
    requests.clear()
    assert run.get("last_heartbeat") is None
    assert requests.only().document.endswith("{flow_run_by_pk(id:$id){heartbeat}}")
    run.heartbeat()
    assert run.last_heartbeat is not None
    assert "last_heartbeat" in json.loads(str(run))
    assert "heartbeat" not in json.loads(str(run))


def test_handles_of_different_clients_are_equal_where_the_api_is_the_same(
    client: Client, registered: Flow
) -> None:
    assert client.with_options(timeout=5).flow(id=registered.id) == registered
    from penstock import Client as AnyClient

    with AnyClient("http://127.0.0.1:1") as elsewhere:
        assert elsewhere.flow(id=registered.id) != registered
