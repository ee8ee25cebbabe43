"""The wire as the flyte server speaks it, request by request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml
from tests.flyte_server.flyte_requests import DEMO, EVENTS, TAKE, queue, register, result_url, take

if TYPE_CHECKING:
    from penstock.testing.flyte_server import FlyteServer


def test_the_links_are_the_flyte_servers_in_its_order(api: httpx.Client) -> None:
    base = str(api.base_url).rstrip("/")
    answer = api.get("/v1")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert [(link["href"], link["rel"]) for link in answer.json()["links"]] == [
        (f"{base}/v1", "self"),
        (f"{base}/", "up"),
        (f"{base}/swagger#!/info/v1", "help"),
        (f"{base}/health", f"{base}/swagger#!/info/health"),
        (f"{base}/v1/packs", f"{base}/swagger#!/pack/listPacks"),
        (f"{base}/v1/flows", f"{base}/swagger#!/flow/listFlows"),
        (f"{base}/v1/datastore", f"{base}/swagger#!/datastore/listDatastoreItems"),
        (f"{base}/v1/audit/flows", f"{base}/swagger#!/flowAudit/findFlows"),
        (f"{base}/v1/swagger", f"{base}/swagger"),
    ]
    assert [link["rel"] for link in api.get("/").json()["links"]] == [
        "self",
        "help",
        f"{base}/swagger#!/info/v1",
    ]


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "flyte.example"}, "https://flyte.example"),
        ({"X-Flyte-Host": "fh.example", "X-Forwarded-Host": "other.example"}, "http://fh.example"),
        ({"Host": "host.example:81"}, "http://host.example:81"),
    ],
)
def test_links_begin_with_the_host_the_proxy_names(
    api: httpx.Client, headers: dict[str, str], origin: str
) -> None:
    assert api.get("/v1", headers=headers).json()["links"][0]["href"] == f"{origin}/v1"


def test_the_index_is_exactly_at_v1(api: httpx.Client, shared_server: FlyteServer) -> None:
    assert api.get("/v1/").status_code == 404
    assert httpx.get(httpx.URL(shared_server.url).copy_with(raw_path=b"//v1")).status_code == 404
    assert api.get("/v1/nope").status_code == 404


def test_yaml_is_answered_where_it_is_asked_for(api: httpx.Client) -> None:
    answer = api.get("/v1", headers={"Accept": "application/x-yaml"})
    assert answer.headers["content-type"].startswith("application/x-yaml")
    assert yaml.safe_load(answer.text) == api.get("/v1").json()


def test_a_registered_pack_comes_back_with_the_links_it_works_by(api: httpx.Client) -> None:
    base = str(api.base_url).rstrip("/")
    answer = api.post("/v1/packs", json=DEMO)
    url = f"{base}/v1/packs/Demo.env.dev.team.ops"
    take_rel = f"{base}/swagger#!/action/takeAction"
    assert answer.status_code == 201
    assert answer.headers["location"] == url
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    body = answer.json()
    seen = datetime.fromisoformat(body.pop("lastSeen"))
    assert abs(datetime.now(UTC) - seen) < timedelta(minutes=1)
    assert list(body) == ["id", "name", "labels", "commands", "events", "links", "status"]
    assert body == {
        "id": "Demo.env.dev.team.ops",
        "name": "Demo",
        "labels": {"env": "dev", "team": "ops"},
        "commands": [
            {
                "name": "echo",
                "events": ["Done"],
                "links": [{"href": f"{url}/actions/take?commandName=echo", "rel": take_rel}],
            }
        ],
        "events": DEMO["events"],
        "links": [
            {"href": "http://h", "rel": "help"},
            {"href": url, "rel": "self"},
            {"href": f"{base}/v1/packs", "rel": "up"},
            {"href": f"{url}/actions/take", "rel": take_rel},
            {"href": f"{url}/events", "rel": f"{base}/swagger#/event"},
        ],
        "status": "live",
    }


def test_registering_again_replaces_the_pack(api: httpx.Client) -> None:
    register(api)
    register(api, {**DEMO, "events": [], "links": []})
    found = api.get("/v1/packs/Demo.env.dev.team.ops").json()
    assert "events" not in found
    assert [pack["id"] for pack in api.get("/v1/packs").json()["packs"]] == ["Demo.env.dev.team.ops"]


@pytest.mark.parametrize(
    "document",
    [
        {"name": "Min"},
        {"name": "Nulls", "labels": None, "events": None, "commands": None, "links": None},
        {"name": "NoEvents", "commands": [{"name": "a"}]},
        {"name": "Unknown", "extra": {"a": 1}},
    ],
)
def test_what_a_registration_may_leave_out(api: httpx.Client, document: dict[str, object]) -> None:
    found = register(api, document)
    assert found["name"] == document["name"]
    assert api.post(f"/v1/packs/{document['name']}/actions/take").status_code == 204


def test_registration_as_text_or_yaml(api: httpx.Client) -> None:
    as_text = api.post(
        "/v1/packs", content=b'{"name":"TP"}', headers={"Content-Type": "text/plain; charset=utf-8"}
    )
    as_yaml = api.post("/v1/packs", content=b"name: Yam", headers={"Content-Type": "application/x-yaml"})
    assert (as_text.status_code, as_yaml.status_code) == (201, 201)
    assert as_yaml.json()["name"] == "Yam"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"name":', "cannot be read"),
        (b"[]", "no pack"),
        (b"{}", "no name"),
        (b'{"name":"Sup","links":[{"href":"http://h","rel":"support"}]}', "rel"),
        (b'{"name":"Sup","links":[{"href":"http://h","rel":"self"}]}', "rel"),
        (b'{"name":"Sup","links":[{"href":"http://h","rel":"x/takeAction"}]}', "rel"),
        (b'{"name":"L","labels":{"n":1}}', "labels.n"),
        (b'{"name":"My Pack/x"}', "URL"),
        (b'{"name":"P","labels":{"a":"b/c"}}', "URL"),
    ],
)
def test_refused_registrations_say_why_in_text(api: httpx.Client, body: bytes, says: str) -> None:
    answer = api.post("/v1/packs", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert says in answer.text
    assert api.get("/v1/packs").json()["packs"] == []


@pytest.mark.parametrize("body", [b"null", b""])
def test_take_answers_204_where_nothing_waits(api: httpx.Client, body: bytes) -> None:
    register(api)
    answer = api.post(TAKE, content=body)
    assert (answer.status_code, answer.content) == (204, b"")


def test_take_and_events_of_an_unknown_pack_are_404(api: httpx.Client) -> None:
    answers = [
        api.post("/v1/packs/Nope/actions/take"),
        api.post("/v1/packs/Nope/events", json={"event": "Seen"}),
        api.post("/v1/packs/Nope/actions/x/result", json={"event": "Done"}),
        api.get("/v1/packs/Nope"),
        api.delete("/v1/packs/Nope"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert api.get("/v1/packs/Nope/actions/take").status_code == 405


def test_an_event_becomes_an_action_and_its_result_the_next(api: httpx.Client) -> None:
    queue(api)
    first = take(api)
    assert {key: first[key] for key in ("command", "input")} == {
        "command": "echo",
        "input": {"msg": "hi bob0", "n": 7, "b": True, "l": [1, "bob0"]},
    }
    assert api.post(TAKE).status_code == 204
    done = api.post(result_url(first), json={"event": "FATAL", "payload": "it broke"})
    assert (done.status_code, done.content) == (202, b"")
    second = take(api)
    assert (second["command"], second["input"]) == ("onfatal", "it broke")


def test_input_is_null_where_the_flow_gives_none(api: httpx.Client) -> None:
    register(api, {"name": "Demo"})
    step = {"event": {"packName": "Demo", "name": "Go"}, "command": {"packName": "Demo", "name": "plain"}}
    api.post("/v1/flows", json={"name": "f", "steps": [step]})
    api.post("/v1/packs/Demo/events", json={"event": "Go"})
    assert take(api, "/v1/packs/Demo/actions/take")["input"] is None


@pytest.mark.parametrize("parameter", ["commandName", "actionName"])
def test_take_is_narrowed_by_the_link_and_by_the_name_the_flyte_server_reads(
    api: httpx.Client, parameter: str
) -> None:
    queue(api)
    assert api.post(TAKE, params={parameter: "nosuch"}).status_code == 204
    assert api.post(TAKE, params={parameter: "echo"}).json()["command"] == "echo"


def test_actions_are_taken_in_the_order_they_came(api: httpx.Client) -> None:
    queue(api, 5)
    assert [take(api)["input"]["msg"] for _ in range(5)] == [f"hi bob{number}" for number in range(5)]


def test_a_second_result_is_refused_with_500_and_changes_nothing(api: httpx.Client) -> None:
    queue(api)
    url = result_url(take(api))
    assert api.post(url, json={"event": "FATAL", "payload": 1}).status_code == 202
    again = api.post(url, json={"event": "Done", "payload": 2})
    assert again.status_code == 500
    assert "already has a result" in again.text
    assert again.headers["X-Penstock-Final"] == "true"
    (execution,) = api.get("/v1/audit/flows").json()["flows"]
    assert execution["actions"]["s1"]["result"]["payload"] == 1


def test_a_result_sent_again_under_its_key_counts_once(api: httpx.Client) -> None:
    queue(api)
    url = result_url(take(api))
    for _ in range(3):
        answer = api.post(url, json={"event": "FATAL", "payload": 1}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 202
    other = api.post(url, json={"event": "FATAL", "payload": 1}, headers={"Idempotency-Key": "other"})
    assert other.status_code == 500
    assert take(api)["command"] == "onfatal"
    assert api.post(TAKE).status_code == 204


def test_an_event_sent_again_under_its_key_counts_once(api: httpx.Client) -> None:
    queue(api, 0)
    for key in ("a", "a", "b"):
        answer = api.post(EVENTS, json={"event": "Seen", "payload": {}}, headers={"Idempotency-Key": key})
        assert answer.status_code == 202
    assert len(api.get("/v1/audit/flows").json()["flows"]) == 2


def test_a_result_for_no_action_of_the_pack_is_404(api: httpx.Client) -> None:
    queue(api)
    register(api, {"name": "Min"})
    url = result_url(take(api))
    assert api.post(url.replace("Demo.env.dev.team.ops", "Min"), json={"event": "Done"}).status_code == 404
    assert api.post(url[: url.rindex("/actions/")] + "/actions/012/result", json={}).status_code == 404
    assert api.post(url, json={"event": "Done"}).status_code == 202


def test_an_action_that_was_not_taken_takes_no_result(api: httpx.Client) -> None:
    queue(api)
    (execution,) = api.get("/v1/audit/flows").json()["flows"]
    action_id = execution["actions"]["s1"]["id"]
    answer = api.post(f"/v1/packs/Demo.env.dev.team.ops/actions/{action_id}/result", json={"event": "Done"})
    assert answer.status_code == 500
    assert "never taken" in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"event":"Seen","payload":{"who":"bob"}}', 202),
        (b'{"event":"N","payload":1,"createdAt":"2024-01-01T00:00:00.123456+00:00"}', 202),
        (b'{"event":"N","payload":1,"createdAt":"2026-11-21T08:49:11.998053095Z"}', 202),
        (b'{"event":"N","payload":1,"createdAt":null}', 202),
        (b'{"event":"Undeclared"}', 202),
        (b"{}", 202),
        (b'{"event":"N","payload":1,"createdAt":"2024-01-01T00:00:00.123456"}', 400),
        (b'{"event":"N","payload":1,"createdAt":"yesterday"}', 400),
        (b'{"event":"N","payload":1,"createdAt":"2024-01-01"}', 400),
        (b"{", 400),
        (b"", 400),
        (b'{"event":"N","payload":NaN}', 400),
        (b'{"event":7}', 400),
    ],
)
def test_events_and_results_are_read_alike(api: httpx.Client, body: bytes, status: int) -> None:
    queue(api)
    assert api.post(EVENTS, content=body).status_code == status
    assert api.post(result_url(take(api)), content=body).status_code == status


def test_large_integers_stay_whole(api: httpx.Client) -> None:
    """The flyte server rounds numbers to 64-bit floats; a pack gets the very number here."""
    register(api, {"name": "Demo"})
    step = {
        "event": {"packName": "Demo", "name": "Go"},
        "command": {
            "packName": "Demo",
            "name": "c",
            "input": {"fixed": 2**60 + 1, "all": "{{ Event.Payload }}"},
        },
    }
    api.post("/v1/flows", json={"name": "f", "steps": [step]})
    api.post("/v1/packs/Demo/events", json={"event": "Go", "payload": {"n": 2**70 + 1}})
    assert take(api, "/v1/packs/Demo/actions/take")["input"] == {"fixed": 2**60 + 1, "all": {"n": 2**70 + 1}}


def test_an_action_without_a_result_is_offered_again_after_the_lease(
    api_with_short_lease: httpx.Client,
) -> None:
    api = api_with_short_lease
    queue(api)
    first = take(api)
    deadline = datetime.now(UTC) + timedelta(seconds=20)
    answer = api.post(TAKE)
    while answer.status_code == 204 and datetime.now(UTC) < deadline:
        answer = api.post(TAKE)
    assert answer.json() == first
    (execution,) = api.get("/v1/audit/flows").json()["flows"]
    states = [state["value"] for state in execution["actions"]["s1"]["states"]]
    assert states[:3] == ["NEW", "PENDING", "PENDING"]
    assert api.post(result_url(first), json={"event": "Done"}).status_code == 202
    assert api.post(result_url(first), json={"event": "Done"}).status_code == 500


def test_a_removed_pack_is_unknown_until_it_registers_again(api: httpx.Client) -> None:
    queue(api, 2)
    url = result_url(take(api))
    assert api.delete("/v1/packs/Demo.env.dev.team.ops").status_code == 204
    statuses = [
        api.post(TAKE).status_code,
        api.post(EVENTS, json={"event": "Seen"}).status_code,
        api.post(url, json={"event": "Done"}).status_code,
    ]
    assert statuses == [404, 404, 404]
    register(api)
    assert api.post(url, json={"event": "Done"}).status_code == 202
    assert take(api)["input"]["msg"] == "hi bob1"


def test_a_body_that_is_too_large_is_refused(api: httpx.Client) -> None:
    register(api)
    body = b'{"event":"N","payload":"' + b"x" * (9 * 1024 * 1024) + b'"}'
    assert api.post(EVENTS, content=body).status_code == 413


def test_health_and_swagger(api: httpx.Client) -> None:
    answer = api.get("/health")
    assert (answer.status_code, answer.content) == (200, b"")
    document = api.get("/v1/swagger").json()
    assert document["paths"]["/v1/packs"]["get"]["operationId"] == "listPacks"


def test_datastore_by_form_and_by_body(api: httpx.Client) -> None:
    form = api.put(
        "/v1/datastore/teams",
        files={"value": ("teams.json", b'{"ops": {"email": "ops@example.com"}}', "application/json")},
        data={"description": "who is who"},
    )
    assert form.status_code == 201
    assert form.headers["location"].endswith("/v1/datastore/teams")
    assert api.put("/v1/datastore/teams", json={"ops": {"email": "o@example.com"}}).status_code == 204
    found = api.get("/v1/datastore/teams")
    assert found.json() == {"ops": {"email": "o@example.com"}}
    assert found.headers["content-type"] == "application/json"
    binary = bytes(range(256)) * 3
    api.put("/v1/datastore/bin", files={"value": ("b", binary, "application/octet-stream")})
    assert api.get("/v1/datastore/bin").content == binary
    assert [item["key"] for item in api.get("/v1/datastore").json()["datastore"]] == ["bin", "teams"]
    assert api.put("/v1/datastore/empty", content=b"").status_code == 400
    assert api.post("/v1/datastore/teams", json={}).status_code == 409
    assert api.delete("/v1/datastore/teams").status_code == 204
    assert [api.get("/v1/datastore/teams").status_code, api.delete("/v1/datastore/teams").status_code] == [
        404,
        404,
    ]
