"""Packs that the tests run as programs of their own."""

from __future__ import annotations

import asyncio
import os

from pydantic import BaseModel, Field

from penstock.packs import Event, EventDef, Pack

pack = Pack("Sample", help_url="http://help/sample", labels={"env": "test"}, poll_interval=0.5)
# Named like one, and none.
other = "pack"


class Greeting(BaseModel):
    """What to say."""

    text: str = Field(description="The <words>.")


Said = EventDef("Said", "http://help/said", payload=Greeting)


@pack.command("say", outputs=[Said])
async def say(request: Greeting) -> Event:
    """Says it.

    After a while, if SAMPLE_DELAY says so.
    """
    print(f"saying {request.text}", flush=True)
    await asyncio.sleep(float(os.environ.get("SAMPLE_DELAY", "0")))
    return Said(request)


broken = Pack("Broken")


@broken.command("c", outputs=[Said])
def both(a: int, b: int) -> Event:
    """Takes one parameter too many."""
    return Said(Greeting(text=str(a + b)))


if __name__ == "__main__":
    pack.run()
