"""The pack of the chaos tests: every action sends an event, then ends in one that says which action it
was."""

from __future__ import annotations

import asyncio
import os
import random
import time

from penstock.packs import Event, EventDef, FlyteClient, Pack

pack = Pack(
    "Chaos",
    FlyteClient(os.environ["FLYTE_API"], timeout=2),
    poll_interval=0.5,
    health_port=False,
    max_concurrency=16,
)
Finished = EventDef("Finished", payload=int)
Observed = pack.event("Observed", payload=int)


@pack.command("work", outputs=[Finished])
async def work(number: int) -> Event:
    await asyncio.sleep(random.random() * 0.15)
    await pack.send_event(Observed(number))
    return Finished(number)


@pack.command("block", outputs=[Finished])
def block(number: int) -> Event:
    time.sleep(random.random() * 0.15)
    pack.send_event_from_thread(Observed(number))
    return Finished(number)


if __name__ == "__main__":
    pack.run()
