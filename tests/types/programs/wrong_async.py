"""What checkers must refuse of the async twin: the lines marked E."""

from uuid import UUID

from penstock import AsyncClient, AsyncFlow, Flow, FlowRun


async def main(client: AsyncClient) -> None:
    flow = client.flow(id=UUID(int=1))
    name: str = flow.get("name")  # E
    number: int = await flow.get("name")  # E
    await flow.get("nmae")  # E
    await flow.get(FlowRun.name)  # E
    await flow.get(Flow.project.nmae)  # E
    await flow.nmae  # E
    await flow.run(paramters={})  # E
    run = await flow.run()
    await run.cancel(force=True)  # E
    run.cancel().upper()  # E
    await client.project.create()  # E
    for each in client.flow.list():  # E
        pass
    for other in await client.flow.list():
        other.nmae  # E
    with client:  # E
        pass
    sync: Flow = await flow  # E
    flow.name = "x"  # E
    await client.flow.list(where={"nmae": {"_eq": "x"}})  # E
    twin: AsyncFlow = await flow
