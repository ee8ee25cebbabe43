"""What the tests of the flyte side send again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

DEMO: dict[str, object] = {
    "name": "Demo",
    "labels": {"team": "ops", "env": "dev"},
    "events": [{"name": "Seen"}, {"name": "Done", "links": [{"href": "http://h/done", "rel": "help"}]}],
    "commands": [{"name": "echo", "events": ["Done"], "links": [{"href": "http://h/echo", "rel": "help"}]}],
    "links": [{"href": "http://h", "rel": "help"}],
}
FLOW = {
    "name": "f1",
    "steps": [
        {
            "id": "s1",
            "event": {"packName": "Demo", "name": "Seen"},
            "command": {
                "packName": "Demo",
                "name": "echo",
                "input": {
                    "msg": "hi {{ Event.Payload.who }}",
                    "n": 7,
                    "b": True,
                    "l": [1, "{{ Event.Payload.who }}"],
                },
            },
        },
        {
            "id": "s2",
            "dependsOn": ["s1"],
            "event": {"packName": "Demo", "name": "FATAL"},
            "command": {"packName": "Demo", "name": "onfatal", "input": "{{ Event.Payload }}"},
        },
    ],
}
TAKE = "/v1/packs/Demo.env.dev.team.ops/actions/take"
EVENTS = "/v1/packs/Demo.env.dev.team.ops/events"


def register(api: httpx.Client, document: object = DEMO) -> dict[str, Any]:
    answer = api.post("/v1/packs", json=document)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def take(api: httpx.Client, path: str = TAKE) -> dict[str, Any]:
    answer = api.post(path)
    assert answer.status_code == 200, (answer.status_code, answer.text)
    found: dict[str, Any] = answer.json()
    return found


def queue(api: httpx.Client, count: int = 1) -> None:
    """Register the pack, and queue actions the way they come into being: by a flow and events."""
    register(api)
    assert api.post("/v1/flows", json=FLOW).status_code == 201
    for number in range(count):
        event = {"event": "Seen", "payload": {"who": f"bob{number}"}}
        assert api.post(EVENTS, json=event).status_code == 202


def result_url(action: dict[str, Any]) -> str:
    (link,) = action["links"]
    assert link["rel"].endswith("/swagger#/actionResult")
    url: str = link["href"]
    return url
