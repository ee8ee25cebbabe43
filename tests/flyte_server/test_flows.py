"""Flows: from an event to commands, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.flyte_server.flyte_requests import register, result_url, take

if TYPE_CHECKING:
    import httpx

CHAT_FLOW = r"""
name: build-label
description: A build gets a label from a chat message.
steps:
  - id: ask
    criteria: "{{ Event.Payload.channel == 'X1' && Event.Payload.message|match:'^add label \\w+ to \\d+$' }}"
    context:
      label: "{{ Event.Payload.message|split:' '|index:2 }}"
      build: "{{ Event.Payload.message|split:' '|index:4 }}"
      room: "{{ Event.Payload.channel }}"
    event: {packName: Slack, name: MessageReceived, packLabels: {env: "{{ Event.Pack.Labels.env }}"}}
    command:
      packName: Bamboo
      name: AddLabel
      input: {build: "{{ Context.build }}", label: "{{ Context.label }}"}
  - id: tell
    dependsOn: [ask]
    event: {packName: Bamboo, name: LabelAdded}
    command:
      packName: Slack
      name: SendMessage
      packLabels: {env: prod}
      input:
        channel: "{{ Context.room }}"
        message: "{{ Context.build }} is {{ Context.label }}{{ Event.Payload.missing }}"
"""


def post_flow(api: httpx.Client, *steps: dict[str, object], name: str = "f") -> None:
    answer = api.post("/v1/flows", json={"name": name, "steps": list(steps)})
    assert answer.status_code == 201, answer.text


def step(event: str, command: str, *, pack: str = "P", **more: Any) -> dict[str, object]:
    to = {"packName": pack, "name": command, **more.pop("to", {})}
    return {"event": {"packName": pack, "name": event, **more.pop("on", {})}, "command": to, **more}


def raise_event(api: httpx.Client, name: str, payload: object = None, pack: str = "P") -> None:
    assert api.post(f"/v1/packs/{pack}/events", json={"event": name, "payload": payload}).status_code == 202


def waiting(api: httpx.Client, pack: str = "P") -> list[tuple[str, Any]]:
    taken = []
    while (answer := api.post(f"/v1/packs/{pack}/actions/take")).status_code == 200:
        taken.append((answer.json()["command"], answer.json()["input"]))
    return taken


def test_a_conversation_between_two_packs(api: httpx.Client) -> None:
    register(api, {"name": "Slack", "labels": {"env": "prod"}})
    register(api, {"name": "Slack", "labels": {"env": "test"}})
    register(api, {"name": "Bamboo"})
    yaml = {"Content-Type": "application/x-yaml"}
    assert api.post("/v1/flows", content=CHAT_FLOW.encode(), headers=yaml).status_code == 201
    raise_event(api, "MessageReceived", {"channel": "X1", "message": "hello"}, "Slack.env.prod")
    raise_event(api, "MessageReceived", {"channel": "X2", "message": "add label red to 7"}, "Slack.env.prod")
    raise_event(api, "MessageReceived", {"channel": "X1", "message": "add label red to 7"}, "Slack.env.prod")
    added = take(api, "/v1/packs/Bamboo/actions/take")
    assert (added["command"], added["input"]) == ("AddLabel", {"build": "7", "label": "red"})
    # The same event from outside of the execution does not continue it.
    raise_event(api, "LabelAdded", {}, "Bamboo")
    assert waiting(api, "Slack.env.prod") == []
    assert api.post(result_url(added), json={"event": "LabelAdded"}).status_code == 202
    assert waiting(api, "Slack.env.test") == []
    assert waiting(api, "Slack.env.prod") == [("SendMessage", {"channel": "X1", "message": "7 is red"})]
    (execution,) = api.get("/v1/audit/flows", params={"actionPackLabels": "env:prod"}).json()["flows"]
    assert execution["name"] == "build-label"
    assert list(execution["actions"]) == ["ask", "tell"]
    assert execution["actions"]["tell"]["context"] == {"label": "red", "build": "7", "room": "X1"}
    assert execution["actions"]["ask"]["state"]["value"] == "SUCCESS"


def test_each_execution_has_its_own_correlation(api: httpx.Client) -> None:
    register(api, {"name": "P"})
    post_flow(
        api,
        step("Go", "first", id="a", context={"n": "{{ Event.Payload }}"}),
        step("Ok", "second", id="b", dependsOn=["a"], to={"input": "{{ Context.n }}"}),
    )
    raise_event(api, "Go", 1)
    raise_event(api, "Go", 2)
    one, two = (take(api, "/v1/packs/P/actions/take") for _ in range(2))
    for action in (two, one):
        assert api.post(result_url(action), json={"event": "Ok"}).status_code == 202
    assert waiting(api) == [("second", "2"), ("second", "1")]
    executions = api.get("/v1/audit/flows").json()["flows"]
    assert len({execution["correlationId"] for execution in executions}) == 2
    one_of_them = api.get(f"/v1/audit/flows/{executions[0]['correlationId']}").json()
    assert one_of_them["actions"] == executions[0]["actions"]
    assert api.get("/v1/audit/flows/none").status_code == 404
    assert len(api.get("/v1/audit/flows", params={"limit": 1, "start": 1}).json()["flows"]) == 1


def test_either_dependency_is_enough_and_a_step_happens_once(api: httpx.Client) -> None:
    register(api, {"name": "P"})
    post_flow(
        api,
        step("Go", "a", id="a"),
        step("Go", "b", id="b"),
        step("Ok", "after", id="c", dependsOn=["a", "b"]),
    )
    raise_event(api, "Go")
    actions = [take(api, "/v1/packs/P/actions/take") for _ in range(2)]
    for action in actions:
        api.post(result_url(action), json={"event": "Ok"})
    assert waiting(api) == [("after", None)]


def test_a_result_is_a_fresh_event_too(api: httpx.Client) -> None:
    register(api, {"name": "P"})
    post_flow(api, step("Go", "a"), name="one")
    post_flow(api, step("Ok", "other"), name="two")
    raise_event(api, "Go")
    api.post(result_url(take(api, "/v1/packs/P/actions/take")), json={"event": "Ok"})
    assert waiting(api) == [("other", None)]
    assert len(api.get("/v1/audit/flows").json()["flows"]) == 2
    assert len(api.get("/v1/audit/flows", params={"flowName": "two"}).json()["flows"]) == 1
    assert api.get("/v1/audit/flows", params={"actionName": "none"}).json()["flows"] == []


def test_steps_without_an_id_all_run(api: httpx.Client) -> None:
    register(api, {"name": "P"})
    post_flow(api, step("Go", "a"), step("Go", "b"))
    raise_event(api, "Go")
    assert waiting(api) == [("a", None), ("b", None)]


@pytest.mark.parametrize(
    ("labels", "triggers"),
    [({}, True), ({"env": "dev"}, True), ({"env": "dev", "team": "ops"}, True), ({"env": "prod"}, False)],
)
def test_an_events_labels_must_be_among_the_packs(
    api: httpx.Client, labels: dict[str, str], triggers: bool
) -> None:
    register(api, {"name": "P", "labels": {"env": "dev", "team": "ops"}})
    post_flow(api, step("Go", "a", on={"packLabels": labels}))
    raise_event(api, "Go", pack="P.env.dev.team.ops")
    assert bool(waiting(api, "P.env.dev.team.ops")) is triggers


def test_actions_wait_for_a_pack_with_their_labels(api: httpx.Client) -> None:
    register(api, {"name": "P"})
    post_flow(api, step("Go", "a", to={"packLabels": {"env": "{{ Event.Payload }}"}}))
    for environment in ("prod", "dev", "prod"):
        raise_event(api, "Go", environment)
    assert waiting(api) == []
    register(api, {"name": "P", "labels": {"env": "prod", "zone": "1"}})
    assert len(waiting(api, "P.env.prod.zone.1")) == 2


@pytest.mark.parametrize("criteria", ["true", "{{ 1 == 1 }}", "{{ Event.Payload.yes }}", "1", " T "])
def test_criteria_that_hold(api: httpx.Client, criteria: str) -> None:
    register(api, {"name": "P"})
    post_flow(api, step("Go", "a", criteria=criteria))
    raise_event(api, "Go", {"yes": True})
    assert len(waiting(api)) == 1


@pytest.mark.parametrize(
    "criteria", ["false", "{{ Event.Payload.no }}", "{{ Event.Payload.none.deep }}", "maybe", "0"]
)
def test_criteria_that_do_not(api: httpx.Client, criteria: str) -> None:
    register(api, {"name": "P"})
    post_flow(api, step("Go", "a", criteria=criteria), step("Go", "control"))
    raise_event(api, "Go", {"no": False})
    assert waiting(api) == [("control", None)]


def test_a_step_whose_template_fails_leaves_the_others_alone(api: httpx.Client) -> None:
    register(api, {"name": "P"})
    post_flow(api, step("Go", "a", to={"input": "{{ datastore('none') }}"}), step("Go", "b"))
    raise_event(api, "Go")
    assert waiting(api) == [("b", None)]


def test_flows_read_the_datastore(api: httpx.Client) -> None:
    register(api, {"name": "P"})
    api.put("/v1/datastore/teams", json={"ops": {"email": "ops@example.com"}})
    api.put("/v1/datastore/word", content=b"hi", headers={"Content-Type": "text/plain"})
    source = "{{ datastore('word') }} {{ datastore('teams').ops.email }}"
    post_flow(api, step("Go", "a", to={"input": source}))
    raise_event(api, "Go")
    assert waiting(api) == [("a", "hi ops@example.com")]


def test_a_new_version_replaces_a_flow_and_running_executions_end_in_theirs(api: httpx.Client) -> None:
    register(api, {"name": "P"})
    post_flow(api, step("Go", "old", id="a"), step("Ok", "old-end", id="b", dependsOn=["a"]))
    raise_event(api, "Go")
    post_flow(api, step("Start", "new", id="a"))
    raise_event(api, "Go")
    raise_event(api, "Start")
    old = take(api, "/v1/packs/P/actions/take")
    assert waiting(api) == [("new", None)]
    api.post(result_url(old), json={"event": "Ok"})
    assert waiting(api) == [("old-end", None)]


def test_a_removed_flow_is_triggered_no_more(api: httpx.Client) -> None:
    register(api, {"name": "P"})
    post_flow(api, step("Go", "a"))
    listed = api.get("/v1/flows").json()["flows"]
    assert [flow["name"] for flow in listed] == ["f"]
    assert api.get(listed[0]["links"][0]["href"]).json()["steps"][0]["command"]["name"] == "a"
    assert api.delete("/v1/flows/f").status_code == 204
    assert [api.delete("/v1/flows/f").status_code, api.get("/v1/flows/f").status_code] == [404, 404]
    raise_event(api, "Go")
    assert waiting(api) == []


GOOD = step("Go", "a", id="a")


@pytest.mark.parametrize(
    ("flow", "says"),
    [
        ({"name": "f", "steps": [{**GOOD, "criterea": "x"}]}, "steps.0.criterea"),
        ({"name": "f", "steps": [{**GOOD, "criteria": "{{ Event.Payload| }}"}]}, "Step 'a', criteria"),
        ({"name": "f", "steps": [{**GOOD, "dependsOn": ["b"]}]}, "depends on 'b'"),
        ({"name": "f", "steps": [GOOD, GOOD]}, "more than once"),
        ({"name": "f", "steps": [{"event": {"packName": "P", "name": "E"}}]}, "steps.0.command"),
        ({"name": "a b", "steps": []}, "URL"),
        ({"steps": []}, "name"),
        ([1], "no flow"),
    ],
)
def test_refused_flows_say_where(api: httpx.Client, flow: object, says: str) -> None:
    answer = api.post("/v1/flows", json=flow)
    assert answer.status_code == 400
    assert says in answer.text
    assert api.get("/v1/flows").json()["flows"] == []


def test_tenants_do_not_see_each_other(api: httpx.Client) -> None:
    register(api, {"name": "P"})
    post_flow(api, step("Go", "a"))
    raise_event(api, "Go")
    action = take(api, "/v1/packs/P/actions/take")
    raise_event(api, "Go")
    (execution, _) = api.get("/v1/audit/flows").json()["flows"]
    api.put("/v1/datastore/k", content=b"v")
    api.headers["Authorization"] = "Bearer somebody-else"
    assert api.get("/v1/packs").json()["packs"] == []
    register(api, {"name": "P"})
    assert api.post("/v1/packs/P/actions/take").status_code == 204
    assert api.post(result_url(action), json={"event": "Ok"}).status_code == 404
    assert api.get(f"/v1/audit/flows/{execution['correlationId']}").status_code == 404
    for path in ("/v1/flows/f", "/v1/datastore/k"):
        assert [api.get(path).status_code, api.delete(path).status_code] == [404, 404]
    raise_event(api, "Go")
    assert waiting(api) == []
    assert api.delete("/v1/packs/P").status_code == 204
