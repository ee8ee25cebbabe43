"""The bridge: flows of the orchestrator, run and cancelled by flows of flyte, on one real server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from tests.packs.fake_api import until

from penstock import AsyncClient, Client
from penstock.packs import DefinitionError, Event, EventDef, FlyteClient, Pack
from penstock.packs.bridge import pack_from_client
from penstock.packs.describe import describe
from penstock.testing.packs import PackHarness
from penstock.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

Said = EventDef("Said")
Told = EventDef("Told")

FLOW: dict[str, Any] = {
    "name": "etl",
    "type": "prefect.core.flow.Flow",
    "parameters": [{"name": "x", "slug": "x", "required": False, "default": 1}],
    "tasks": [{"name": "load", "slug": "load-1", "tags": []}],
    "edges": [],
    "reference_tasks": [],
}


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A local server, both of its sides."""
    folder = tmp_path_factory.mktemp("bridge")
    with ServerProcess(
        f"sqlite:///{folder / 'server.db'}", environment={"PENSTOCK_HOME": str(folder)}
    ) as server:
        yield server.url


@pytest.fixture(scope="module")
def flow_id(server_url: str) -> str:
    """A flow to run."""
    with Client(url=server_url) as client:
        project = client.project.create(f"bridge {uuid4()}")
        return str(client.flow.create(FLOW, project.id).id)


def test_every_action_is_a_command_with_typed_input_and_events_of_its_own() -> None:
    pack = pack_from_client(Client(url="http://localhost:1"))
    commands = {command.name: command for command in describe(pack.definition).commands}
    assert {"runFlow", "archiveFlow", "createFlow", "cancelFlowRun", "setFlowRunLabels"} <= set(commands)
    assert commands["runFlow"].events == ["FlowRunStarted", "FlowRunFailed"]
    assert commands["cancelFlowRun"].events == ["FlowRunCancelled", "FlowRunCancelFailed"]
    assert commands["cancelFlowRun"].input_schema["required"] == ["id"]
    assert commands["cancelFlowRun"].input_schema["properties"]["id"]["format"] == "uuid"
    assert "Cancels a flow run" in commands["cancelFlowRun"].description
    run = commands["runFlow"].input_schema
    assert run["required"] == ["id"]
    assert {"parameters", "flow_run_name", "labels", "idempotency_key"} <= set(run["properties"])
    assert "countFlow" not in commands
    with_reads = pack_from_client(Client(url="http://localhost:1"), ["flow"], include_reads=True)
    names = {command.name for command in with_reads.definition.commands}
    assert "countFlow" in names
    assert "listFlow" not in names


def test_an_unknown_resource_names_those_there_are() -> None:
    with pytest.raises(DefinitionError, match=r"no resource 'flows'; it has: .*flow, .*flow_run"):
        pack_from_client(Client(url="http://localhost:1"), ["flows"])


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_actions_of_the_bridge_change_the_orchestrator(
    server_url: str, flow_id: str, kind: type[Client] | type[AsyncClient]
) -> None:
    client = kind(url=server_url)
    pack = pack_from_client(client, name="Orchestrator")

    async def main() -> None:
        async with PackHarness(pack) as harness:
            started = await harness.call("runFlow", {"id": flow_id, "parameters": {"x": 2}})
            assert started.event == "FlowRunStarted", started
            run_id = started.payload["result"]["id"]
            assert started.payload["id"] == flow_id
            labelled = await harness.call("setFlowRunLabels", {"id": run_id, "labels": ["a"]})
            assert labelled.event == "FlowRunLabelsSet"
            cancelled = await harness.call("cancelFlowRun", {"id": run_id})
            assert cancelled.event == "FlowRunCancelled"
            with Client(url=server_url) as asked:
                run = asked.flow_run(id=run_id)
                assert (run.state, run.labels, run.parameters) == ("Cancelled", ["a"], {"x": 2})
            unknown = await harness.call("cancelFlowRun", {"id": str(uuid4())})
            assert unknown.event == "FlowRunCancelFailed"
            assert unknown.payload["error"]
            assert unknown.payload["message"]
            invalid = await harness.call("cancelFlowRun", {"id": "seven"})
            assert invalid.is_fatal
            misspelt = await harness.call("runFlow", {"id": flow_id, "parametres": {}})
            assert misspelt.is_fatal
            assert "parametres" in misspelt.payload
        if isinstance(client, AsyncClient):
            await client.close()

    asyncio.run(main())
    if isinstance(client, Client):
        client.close()


def test_a_chat_runs_and_cancels_a_flow_through_flyte(server_url: str, flow_id: str) -> None:
    """Everything at once: the chat's pack, the bridge's pack, flyte flows, and the orchestrator, on one
    server."""
    steps = [
        {
            "id": "run",
            "criteria": "{{ Event.Payload.text|match:'^run ' }}",
            "context": {"room": "{{ Event.Payload.room }}"},
            "event": {"packName": "Chat", "name": "Said"},
            "command": {
                "packName": "Penstock",
                "name": "runFlow",
                "input": {"id": "{{ Event.Payload.text|split:' '|index:1 }}"},
            },
        },
        {
            "id": "cancel",
            "dependsOn": ["run"],
            "event": {"packName": "Penstock", "name": "FlowRunStarted"},
            "command": {
                "packName": "Penstock",
                "name": "cancelFlowRun",
                "input": {"id": "{{ Event.Payload.result.id }}"},
            },
        },
        {
            "id": "tell",
            "dependsOn": ["cancel"],
            "event": {"packName": "Penstock", "name": "FlowRunCancelled"},
            "command": {
                "packName": "Chat",
                "name": "say",
                "input": "{{ Context.room }}: {{ Event.Payload.id }} {{ Event.Payload.result }}",
            },
        },
    ]
    with httpx.Client(base_url=server_url) as flyte:
        assert flyte.post("/v1/flows", json={"name": "chat-ops", "steps": steps}).status_code == 201
    told: list[str] = []
    chat = Pack("Chat", FlyteClient(server_url), events=[Said], health_port=False, poll_interval=0.5)

    @chat.command("say", outputs=[Told])
    async def say(text: str) -> Event:
        told.append(text)
        return Told()

    client = Client(url=server_url)
    bridge = pack_from_client(client, flyte=FlyteClient(server_url), health_port=False, poll_interval=0.5)

    async def main() -> None:
        async with bridge.running(), chat.running():
            await chat.send_event(Said({"room": "ops", "text": f"run {flow_id}"}))
            await until(lambda: told)
        for pack in (bridge, chat):
            assert pack._client is not None
            await pack._client.aclose()

    asyncio.run(main())
    run_id, state = told[0].removeprefix("ops: ").split(" ")
    assert state == "Cancelled"
    assert client.flow_run(id=run_id).state == "Cancelled"
    client.close()
