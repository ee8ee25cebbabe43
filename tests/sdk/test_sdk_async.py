"""The async twin against a real server: what is awaited, what is said where it was not, and concurrency."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from penstock import (
    AsyncFlow,
    AsyncFlowRun,
    AsyncProject,
    Flow,
    FlowRun,
    InvalidSelection,
    NotFound,
    NotLoaded,
    Project,
    flow,
)

if TYPE_CHECKING:
    from tests.sdk.recording import Requests

    from penstock import AsyncClient

pytestmark = pytest.mark.anyio


async def test_an_attribute_that_is_not_loaded_says_what_to_await(
    async_client: AsyncClient, requests: Requests
) -> None:
    handle = async_client.flow(id=uuid4())
    assert isinstance(handle.id, UUID)
    with pytest.raises(
        NotLoaded, match=r"name is not loaded: `flow = await flow` loads.*`await flow.get\('name'\)`"
    ):
        handle.name  # noqa: B018
    with pytest.raises(
        NotLoaded, match=r"serialized_flow is not among the default.*`await flow.get\('serialized_flow'\)`"
    ):
        handle.serialized_flow  # noqa: B018
    with pytest.raises(NotLoaded, match="project is not loaded: `flow = await flow` loads it"):
        handle.project  # noqa: B018
    with pytest.raises(
        NotLoaded, match=r"tenant is not among the default.*`await flow.get\(AsyncFlow.tenant\.…\)`"
    ):
        handle.tenant  # noqa: B018
    assert isinstance(NotLoaded("x"), AttributeError)
    assert not hasattr(handle, "name")
    assert repr(handle) == f"AsyncFlow(id='{handle.id}')"
    assert str(handle) == f"{handle!r} (not loaded)"
    assert requests.take() == []


async def test_awaiting_a_handle_loads_it_once(
    async_client: AsyncClient, registered: Flow, project: Project, requests: Requests
) -> None:
    handle = async_client.flow(id=registered.id)
    loaded = await handle
    assert loaded is handle
    assert requests.take() == ["flow_get"]
    assert (handle.name, handle.version, handle.project.name) == ("add", 1, project.name)
    assert json.loads(str(handle))["name"] == "add"
    await handle
    assert requests.take() == []
    await handle.refresh()
    assert requests.take() == ["flow_get"]
    inner = await handle.project
    assert isinstance(inner, AsyncProject)
    assert inner.description == "made for a test"
    assert requests.take() == ["project_get"]


async def test_get_and_query(
    async_client: AsyncClient, registered: Flow, project: Project, requests: Requests
) -> None:
    handle = async_client.flow(id=registered.id)
    assert await handle.get("name") == "add"
    assert handle.name == "add"
    assert await handle.get(Flow.version) == 1
    assert await handle.get(Flow.name, Flow.project.name) == ("add", project.name)
    assert await handle.query("name project { name }") == {"name": "add", "project": {"name": project.name}}
    assert requests.take() == ["flow_select"] * 4
    assert await handle.get("serialized_flow") is not None
    assert handle.serialized_flow is not None
    requests.clear()
    with pytest.raises(TypeError, match="does not start at flow"):
        await handle.get(FlowRun.name)  # type: ignore[arg-type]  # what a checker would have refused
    with pytest.raises(InvalidSelection, match="did you mean"):
        await handle.query("nmae")
    assert requests.take() == []


async def test_an_unknown_id_is_not_found(async_client: AsyncClient) -> None:
    handle = async_client.flow(id=uuid4())
    with pytest.raises(NotFound, match=f"no flow with id {handle.id}"):
        await handle
    with pytest.raises(NotFound):
        await handle.get("name")
    with pytest.raises(NotFound):
        await handle.runs()


async def test_actions_and_what_they_do_to_the_handle(
    async_client: AsyncClient, registered: Flow, requests: Requests
) -> None:
    handle = await async_client.flow(id=registered.id)
    run = await handle.run(parameters={"x": 1})
    assert isinstance(run, AsyncFlowRun)
    with pytest.raises(NotLoaded, match="name is not loaded"):
        handle.name  # noqa: B018
    assert await run.cancel() == "Cancelled"
    assert (await run.refresh()).state == "Cancelled"
    assert requests.take() == ["flow_get", "flow_run", "flow_run_cancel", "flow_run_get"]
    other = await async_client.project.create(f"project {uuid4()}")
    assert await handle.update_project(other.id) is handle
    assert (await handle).project == other


async def test_a_lookup_by_another_key(
    async_client: AsyncClient, project: Project, requests: Requests
) -> None:
    found = async_client.project(name=project.name)
    with pytest.raises(NotLoaded, match="id is not loaded"):
        found.id  # noqa: B018
    await found.set_description(description="by name")
    assert requests.take() == ["project_get_by_name", "project_set_description"]
    assert (await found).description == "by name"
    assert found.id == project.id


async def test_lists(async_client: AsyncClient, registered: Flow, requests: Requests) -> None:
    handle = async_client.flow(id=registered.id)
    runs = await asyncio.gather(
        *(handle.run(parameters={"x": n}, flow_run_name=f"run {n}") for n in range(12))
    )
    assert len(set(runs)) == 12
    requests.clear()
    seen = []
    async for run in handle.runs(order_by=[{"name": "asc"}], page_size=5):
        seen.append(run)
        if len(seen) == 6:
            break
    assert [run.name for run in seen[:3]] == ["run 0", "run 1", "run 10"]
    assert all(isinstance(run, AsyncFlowRun) for run in seen)
    assert requests.take() == ["flow_runs"] * 2
    where = {"flow_id": {"_eq": str(registered.id)}}
    everything = await async_client.flow_run.list(where={"flow_id": {"_eq": registered.id}}, page_size=6)
    assert set(everything) == set(runs)
    assert requests.take() == ["flow_run_list"] * 3
    first = await handle.runs(order_by=[{"name": "desc"}]).first()
    assert first is not None
    assert first.name == "run 9"
    assert await async_client.flow_run.count(where={"flow_id": {"_eq": where["flow_id"]["_eq"]}}) == 12
    assert [len(page) async for page in handle.runs(page_size=5).pages()] == [5, 5, 2]


async def test_registering_a_flow(async_client: AsyncClient, project: Project, requests: Requests) -> None:
    @flow(name="nightly")
    def work(day: str) -> None:
        """Does the work of a day."""

    registered = await async_client.flow.register(work, project=project.name)
    assert isinstance(registered, AsyncFlow)
    assert (
        await registered.get(
            "name",
        )
        == "nightly"
    )
    assert await registered.get(Flow.project.id) == project.id


async def test_many_at_once_over_one_client(
    async_client: AsyncClient, registered: Flow, project: Project, requests: Requests
) -> None:
    handles = [async_client.flow(id=registered.id) for _ in range(25)]
    names = await asyncio.gather(*(handle.get(Flow.name, Flow.project.name) for handle in handles))
    assert set(names) == {("add", project.name)}
    assert len(requests.take()) == 25
    # gather awaits what is equal once, and these name the same object: one is loaded and stands for all.
    loaded = await asyncio.gather(*handles)
    assert {handle.version for handle in loaded} == {1}
    assert len(loaded) == 25
    assert requests.take() == ["flow_get"]


async def test_a_handle_of_either_twin_names_the_same_object(
    async_client: AsyncClient, registered: Flow
) -> None:
    assert async_client.flow(id=registered.id) == registered
    assert hash(async_client.flow(id=registered.id)) == hash(registered)
