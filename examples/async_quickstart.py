"""The client with asyncio: awaiting a handle loads it, actions are awaited, lists are read with `async for`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from penstock import AsyncClient, Flow, NotLoaded, flow


@flow
def add(x: int, y: int = 2) -> int:
    """Adds two numbers."""
    return x + y


async def main() -> None:
    """Starts twenty runs at once, and reads them."""
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"

    async with AsyncClient() as client:
        project = await client.project.create(name=f"async {now}")
        registered = await client.flow.register(add, project=project)

        # A handle sends nothing, and its attributes do not wait in secret: they say what to await.
        handle = client.flow(id=registered.id)
        try:
            print(handle.name)
        except NotLoaded as error:
            print("Not yet:", error)

        await handle
        print("Loaded:", handle.name, "in", handle.project.name)
        print("Two fields:", await handle.get(Flow.name, Flow.version))

        runs = await asyncio.gather(*(handle.run(parameters={"x": number}) for number in range(20)))
        print("Started:", len(runs), "runs at once")
        await asyncio.gather(*(run.cancel() for run in runs[:5]))

        cancelled = [run async for run in handle.runs(where={"state": {"_eq": "Cancelled"}}, page_size=2)]
        print("Cancelled:", len(cancelled))

        await handle.delete()
        await project.delete()


if __name__ == "__main__":
    asyncio.run(main())
