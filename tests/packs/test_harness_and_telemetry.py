"""The test kit on a whole conversation, and what a pack tells of its work."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel
from tests.packs.fake_api import FakeApi, until

from penstock.packs import ConfigurationError, Event, EventDef, FlyteClient, Pack
from penstock.testing.packs import ActionResult, PackHarness, PostedEvent

Done = EventDef("Done")
Progress = EventDef("Progress", payload=int)


class Order(BaseModel):
    item: str
    count: int


def shop() -> Pack:
    pack = Pack("Shop", events=[Progress])

    @pack.command("order", outputs=[Done])
    async def order(request: Order) -> Event:
        for number in range(request.count):
            await pack.send_event(Progress(number))
        return Done(f"{request.count} {request.item}")

    return pack


def test_commands_events_and_flows_in_the_harness() -> None:
    pack = shop()

    async def main() -> None:
        async with PackHarness(pack) as harness:
            result = await harness.call("order", {"item": "tea", "count": 2})
            assert result == ActionResult("Done", "2 tea")
            assert not result.is_fatal
            assert await harness.next_event("Progress") == PostedEvent("Progress", 0)
            assert await harness.next_event() == PostedEvent("Progress", 1)
            assert (await harness.call("order", {"item": "tea"})).is_fatal
            assert (await harness.call("nosuch")).is_fatal
            # A flow makes text of what it templates; the command's type makes a number of it again.
            harness.install_flow(
                {
                    "name": "chat",
                    "steps": [
                        {
                            "event": {"packName": "Chat", "name": "Said"},
                            "command": {
                                "packName": "Shop",
                                "name": "order",
                                "input": {
                                    "item": "{{ Event.Payload.what }}",
                                    "count": "{{ Event.Payload.n }}",
                                },
                            },
                        }
                    ],
                }
            )
            await harness.raise_event("Chat", "Said", {"what": "cups", "n": 1})
            assert await harness.next_event("Progress") == PostedEvent("Progress", 0)
            assert len(harness.events) == 3
            with pytest.raises(ValueError, match="no flow"):
                harness.install_flow({"name": "bad", "steps": [{}]})
        # The pack is as it was, and can be used again.
        async with PackHarness(pack, timeout=0.2) as harness:
            assert harness.events == []
            with pytest.raises(TimeoutError):
                await harness.next_event()

    asyncio.run(main())


def test_metrics_are_served_beside_the_health_checks(api: FakeApi) -> None:
    pack = Pack("P", FlyteClient(api.url), health_port=0, health_host="127.0.0.1", metrics=True)

    @pack.command("echo", outputs=[Done])
    async def echo(value: Any) -> Event:
        return Done(value)

    api.actions = [("echo", 1), ("echo", 2), ("nosuch", None)]

    async def main() -> str:
        async with pack.running():
            await until(lambda: len(api.results) == 3)
            assert pack.health_address is not None
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"http://127.0.0.1:{pack.health_address[1]}/metrics")
        assert pack._client is not None
        await pack._client.aclose()
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.text

    page = asyncio.run(main())
    assert 'penstock_pack_actions_total{command="echo",event="Done",pack="P"} 2.0' in page
    assert 'penstock_pack_actions_total{command="unknown",event="FATAL",pack="P"} 1.0' in page
    assert 'penstock_pack_actions_taken_total{pack="P"} 3.0' in page
    assert 'penstock_pack_registrations_total{pack="P"} 1.0' in page
    assert 'penstock_pack_deliveries_total{kind="result",outcome="accepted",pack="P"}' in page


def test_every_action_is_a_span(api: FakeApi) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    pack = Pack("P", FlyteClient(api.url), health_port=False, tracing=True)
    inside: list[int] = []

    @pack.command("echo", outputs=[Done])
    def echo(value: Any) -> Event:
        inside.append(trace.get_current_span().get_span_context().span_id)
        return Done(value)

    api.actions = [("echo", 1), ("nosuch", None)]

    async def main() -> None:
        async with pack.running():
            await until(lambda: len(api.results) == 2)
        assert pack._client is not None
        await pack._client.aclose()

    asyncio.run(main())
    spans = {span.name: span for span in exporter.get_finished_spans()}
    good, bad = spans["pack.command echo"], spans["pack.command unknown"]
    assert good.attributes is not None
    assert dict(good.attributes) == {
        "penstock.pack": "P",
        "penstock.command": "echo",
        "penstock.event": "Done",
    }
    assert good.context is not None
    assert inside == [good.context.span_id]
    assert not bad.status.is_ok


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, api: FakeApi) -> None:
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)
    with pytest.raises(ConfigurationError, match=r"penstock\[metrics\]"):
        asyncio.run(Pack("P", FlyteClient(api.url), health_port=False, metrics=True).start())
