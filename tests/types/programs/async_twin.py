"""The async twin: what is awaited, and what that gives."""

import asyncio
from datetime import datetime
from typing import Any, assert_type
from uuid import UUID

from penstock import (
    AsyncAgent,
    AsyncClient,
    AsyncFlow,
    AsyncFlowRun,
    AsyncPages,
    AsyncProject,
    Flow,
    FlowRun,
    flow,
)


@flow
def add(x: int, y: int = 2) -> int:
    return x + y


async def main() -> None:
    async with AsyncClient(timeout=5) as client:
        project = await client.project.create(name="etl")
        assert_type(project, AsyncProject)
        registered = await client.flow.register(add, project=project)
        assert_type(registered, AsyncFlow)
        handle = client.flow(id=registered.id)
        assert_type(handle, AsyncFlow)
        assert_type(handle.id, UUID)
        loaded = await handle
        assert_type(loaded, AsyncFlow)
        assert_type(loaded.name, str)
        assert_type(loaded.project, AsyncProject)
        assert_type(await loaded.get("version"), int | None)
        assert_type(await loaded.get(Flow.name), str)
        assert_type(await loaded.get(Flow.name, Flow.project.created), tuple[str, datetime])
        assert_type(await loaded.get(AsyncFlow.name, AsyncFlow.project.name), tuple[str, str])
        assert_type(await loaded.query("name"), dict[str, Any])
        run = await loaded.run(parameters={"x": 1})
        assert_type(run, AsyncFlowRun)
        assert_type(await run.get(FlowRun.agent.name), str | None)
        agent = (await run).agent
        assert_type(agent, AsyncAgent | None)
        assert_type(await run.cancel(), str | None)
        assert_type((await run.refresh()).state, str | None)
        assert_type(client.flow_run.list(where={"state": {"_eq": "Failed"}}), AsyncPages[AsyncFlowRun])
        assert_type(await client.flow_run.list(limit=3), list[AsyncFlowRun])
        assert_type(await loaded.runs().first(), AsyncFlowRun | None)
        async for each in loaded.runs(order_by=[{"created": "desc"}]):
            assert_type(each, AsyncFlowRun)
        assert_type([each async for each in client.flow.list()], list[AsyncFlow])
        assert_type(await client.flow.count(), int)
        assert_type(await client.execute("{ hello }"), dict[str, Any])
        assert_type(await asyncio.gather(loaded.get("name"), loaded.get("version")), tuple[str, int | None])


asyncio.run(main())
