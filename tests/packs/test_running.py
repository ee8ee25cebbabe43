"""A running pack against an API that behaves, and misbehaves, as the real ones were seen to."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field
from tests.packs.fake_api import CLOSE, HTML, FakeApi, Reply, Request, until

from penstock.packs import (
    Command,
    CommandHandler,
    ConfigurationError,
    DefinitionError,
    Event,
    EventDef,
    FlyteClient,
    OutboxError,
    Pack,
    PackDef,
    PackError,
    RateLimit,
    fatal_event,
)

Done = EventDef("Done")
Failed = EventDef("Failed")
Undeclared = EventDef("Undeclared")
Seen = EventDef("Seen")
HANDLERS: dict[str, EventDef[Any]] = {"undeclared": Undeclared}


class Text(BaseModel):
    text: str = Field(alias="theText")
    times: int = 1


def new_pack(api: FakeApi, **options: Any) -> Pack:
    options.setdefault("health_port", False)
    return Pack("P", FlyteClient(api.url, timeout=5), events=[Seen], **options)


@contextlib.asynccontextmanager
async def running(pack: Pack) -> AsyncIterator[Pack]:
    async with pack.running() as started:
        yield started
    assert pack._client is not None
    await pack._client.aclose()


def work(pack: Pack, condition: Callable[[], object], *, timeout: float = 20.0) -> None:
    """Run ``pack`` until ``condition`` holds."""

    async def main() -> None:
        async with running(pack):
            await until(condition, timeout)

    asyncio.run(main())


def results(api: FakeApi) -> dict[str, tuple[str, Any]]:
    """What each action ended in, by the name of its number: ``act0`` → (event, payload)."""
    return {path.split("/")[-2]: (body["event"], body["payload"]) for path, body in api.results}


def everything(pack: Pack) -> Pack:
    """Commands for every way an action can end."""

    @pack.command("echo", outputs=[Done])
    def echo(value: Any) -> Event:
        return Done(value)

    @pack.command("typed", outputs=[Done])
    async def typed(request: Text) -> Event:
        return Done(request.text * request.times)

    @pack.command("nothing", outputs=[Done])
    async def nothing() -> Event:
        return Done()

    @pack.command("raises", outputs=[Done])
    def raises(value: object) -> Event:
        raise ValueError("boom")

    @pack.command("exits", outputs=[Done])
    async def exits() -> Event:
        raise SystemExit(3)

    @pack.command("stops", outputs=[Done])
    def stops() -> Event:
        raise StopIteration

    @pack.command("fatal", outputs=[Done])
    async def fatal() -> Event:
        return fatal_event({"reason": "on purpose"})

    @pack.command("undeclared", outputs=[Done, Failed])
    async def undeclared() -> Event:
        return HANDLERS["undeclared"](1)

    @pack.command("noevent", outputs=[Done])
    async def noevent() -> Event:
        return "done"  # type: ignore[return-value]

    @pack.command("nojson", outputs=[Done])
    async def nojson() -> Event:
        return Done({"f": print})

    @pack.command("slow", outputs=[Done], timeout=0.1)
    async def slow() -> Event:
        await asyncio.sleep(10)
        return Done()

    @pack.command("own-timeout", outputs=[Done], timeout=10)
    async def own_timeout() -> Event:
        raise TimeoutError("the database")

    return pack


def test_every_action_ends_in_an_event_that_says_what_happened(api: FakeApi) -> None:
    expected: list[tuple[str, Any, str, Any]] = [
        ("echo", {"a": [1, 2.5, None]}, "Done", {"a": [1, 2.5, None]}),
        ("echo", 2**70, "Done", 2**70),
        ("typed", {"theText": "ab", "times": 2}, "Done", "abab"),
        ("typed", {"theText": "ab", "times": 2.0}, "Done", "abab"),
        (
            "typed",
            {"times": "x"},
            "FATAL",
            "The input of the command 'typed' is not valid: theText: Field required",
        ),
        ("typed", None, "FATAL", "The input of the command 'typed' is not valid: Input should be"),
        ("nothing", {"ignored": 1}, "Done", None),
        ("raises", 1, "FATAL", "ValueError: boom"),
        ("exits", None, "FATAL", "SystemExit: 3"),
        ("stops", None, "FATAL", "RuntimeError: StopIteration"),
        ("fatal", None, "FATAL", {"reason": "on purpose"}),
        (
            "undeclared",
            None,
            "FATAL",
            "ended in the event 'Undeclared', which it does not declare; it declares: Done",
        ),
        ("noevent", None, "FATAL", "returned str, not an Event"),
        ("nojson", None, "FATAL", "cannot be written as JSON"),
        ("slow", None, "FATAL", "did not finish within 0.1 s"),
        ("own-timeout", None, "FATAL", "TimeoutError: the database"),
        ("nosuch", "q", "FATAL", "This pack has no command 'nosuch'; it has: 'echo', 'typed'"),
    ]
    api.actions = [(command, value) for command, value, _, _ in expected]
    work(everything(new_pack(api)), lambda: len(api.results) == len(expected))
    found = results(api)
    for number, (command, _, event, payload) in enumerate(expected):
        got_event, got_payload = found[f"act{number}"]
        assert got_event == event, command
        if isinstance(payload, str) and event == "FATAL":
            assert payload in got_payload, command
        else:
            assert got_payload == payload, command


def test_the_traffic_of_a_whole_life(api: FakeApi) -> None:
    """In order: links, register, take; a result has exactly the fields of the wire."""
    api.actions = [("echo", "x")]
    work(everything(new_pack(api)), lambda: api.results and len(api.sent("/take")) > 1)
    assert [f"{request.method} {request.path}" for request in api.requests[:3]] == [
        "GET /v1",
        "POST /v1/packs",
        "POST /v1/packs/P/actions/take",
    ]
    assert list(api.requests[1].json) == ["name", "events", "commands"]
    (path, body) = api.results[0]
    assert path == "/v1/packs/P/actions/act0/result"
    assert list(body) == ["event", "payload", "createdAt"]


def test_the_seeds_classes_run(api: FakeApi) -> None:
    threads: set[str] = set()

    class Handler(CommandHandler):
        def handle(self, request: Any) -> Event:
            threads.add(threading.current_thread().name)
            return Event(event_def=EventDef(name="RotaRetrieved"), payload="Jane")

    class AsyncHandler(CommandHandler):
        async def handle(self, request: Text) -> Event:
            return Event(EventDef("RotaRetrieved"), request.text)

    outputs = [EventDef(name="RotaRetrieved")]
    definition = PackDef(
        name="P",
        commands=[
            Command(name="Rota", handler=Handler(), output_events=outputs),
            Command(name="Async", handler=AsyncHandler(), output_events=outputs),
        ],
    )
    api.actions = [("Rota", None), ("Async", {"theText": "hi"})]
    pack = Pack(definition, FlyteClient(api.url), health_port=False)
    work(pack, lambda: len(api.results) == 2)
    assert results(api) == {"act0": ("RotaRetrieved", "Jane"), "act1": ("RotaRetrieved", "hi")}
    assert all(name.startswith("pack-handler") for name in threads)


def test_labels_of_the_environment_win(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYTE_LABELS", "env=prod")
    work(new_pack(api, labels={"env": "dev", "team": "ops"}), lambda: api.sent("/v1/packs"))
    assert api.sent("/v1/packs")[0].json["labels"] == {"env": "prod", "team": "ops"}


def test_an_api_that_is_away_or_refuses_is_asked_until_it_takes_the_pack(api: FakeApi) -> None:
    refusals = iter([Reply(500), Reply(401), HTML, CLOSE])
    packs = iter([Reply(500), Reply(400)])

    def behave(request: Request) -> Reply | None:
        if request.path == "/v1":
            return next(refusals, None)
        return next(packs, None) if request.path == "/v1/packs" else None

    api.behave = behave
    api.actions = [("echo", 1)]
    pack = everything(new_pack(api))

    async def main() -> None:
        api.close()
        task = asyncio.create_task(pack.start())
        await asyncio.sleep(0.2)
        api.listen()
        await until(lambda: api.results)
        pack.stop()
        await task
        assert pack._client is not None
        await pack._client.aclose()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("penstock.packs.backoff.Backoff.next", lambda self: 0.02)
        asyncio.run(main())
    assert len(api.sent("/v1/packs")) == 3


def test_a_pack_the_api_forgot_registers_again(api: FakeApi) -> None:
    """The Go client ends here, the Python one polls for ever."""
    forgotten = iter([Reply(404), Reply(404)])
    api.behave = lambda request: next(forgotten, None) if request.path.endswith("/take") else None
    api.actions = [("echo", 1)]
    work(everything(new_pack(api)), lambda: api.results)
    assert len(api.sent("/v1/packs")) == 3


def test_a_take_that_fails_is_tried_again_soon(api: FakeApi) -> None:
    """Of two racing takers the real server answers one with 500."""
    failures = iter([Reply(500), HTML, CLOSE, Reply(204)])
    api.behave = lambda request: next(failures, None) if request.path.endswith("/take") else None
    api.actions = [("echo", 1)]
    work(everything(new_pack(api)), lambda: api.results)
    assert len(api.sent("/v1/packs")) == 1


def test_polling_is_immediate_with_work_and_rests_without(api: FakeApi) -> None:
    api.actions = [("echo", number) for number in range(30)]
    times: list[float] = []

    def behave(request: Request) -> Reply | None:
        if request.path.endswith("/take"):
            times.append(time.monotonic())
        return None

    api.behave = behave
    pack = everything(new_pack(api, poll_interval=1.0, takers=1))
    began = time.monotonic()
    work(pack, lambda: len(api.results) == 30 and time.monotonic() - times[29] > 2.5)
    assert times[29] - began < 1.5
    idle = times[30:]
    assert 3 <= len(idle) <= 5
    pauses = [later - earlier for earlier, later in itertools.pairwise(idle)]
    assert min(pauses) >= 0.4
    assert pauses[1] > pauses[0]


def test_handlers_run_side_by_side_up_to_the_limit(api: FakeApi) -> None:
    running_now = highest = 0
    pack = new_pack(api, max_concurrency=4)

    @pack.command("wait", outputs=[Done])
    async def wait() -> Event:
        nonlocal running_now, highest
        running_now += 1
        highest = max(highest, running_now)
        await asyncio.sleep(0.05)
        running_now -= 1
        return Done()

    api.actions = [("wait", None)] * 20
    work(pack, lambda: len(api.results) == 20)
    assert highest == 4


def test_blocking_handlers_do_not_stop_the_pack(api: FakeApi) -> None:
    pack = new_pack(api)
    barrier = threading.Barrier(3, timeout=5)

    @pack.command("block", outputs=[Done])
    def block() -> Event:
        return Done(barrier.wait() >= 0)

    api.actions = [("block", None)] * 3
    work(pack, lambda: len(api.results) == 3)
    assert {event for event, _ in results(api).values()} == {"Done"}


def test_a_commands_own_limits(api: FakeApi) -> None:
    pack = new_pack(api, max_concurrency=8)
    begun: list[float] = []
    together = highest = 0

    @pack.command("limited", outputs=[Done], rate_limit=RateLimit(2, 0.2))
    async def limited() -> Event:
        begun.append(time.monotonic())
        return Done()

    @pack.command("narrow", outputs=[Done], max_concurrency=1)
    async def narrow() -> Event:
        nonlocal together, highest
        together += 1
        highest = max(highest, together)
        await asyncio.sleep(0.03)
        together -= 1
        return Done()

    @pack.command("free", outputs=[Done])
    async def free() -> Event:
        return Done("free")

    # Twenty that wait for their own command's limit do not keep the last one from being taken.
    api.actions = [("limited", None)] * 6 + [("narrow", None)] * 14 + [("free", None)]
    work(pack, lambda: len(api.results) == 21)
    assert highest == 1
    assert begun[5] - begun[0] >= 0.4 - 0.02
    order = [path.split("/")[-2] for path, _ in api.results]
    assert order.index("act20") < 12


def test_events_arrive_once_and_in_order_whatever_happens(api: FakeApi) -> None:
    """Also those sent before the pack runs and while the API is away."""
    troubles = iter(
        [Reply(503), CLOSE, Reply(500), HTML, Reply(404), Reply(429, b"", {"Retry-After": "0"}), Reply(400)]
    )

    def behave(request: Request) -> Reply | None:
        return next(troubles, None) if request.path.endswith("/events") else None

    api.behave = behave
    pack = new_pack(api)

    async def main() -> None:
        await pack.send_event(Seen(0))
        async with running(pack):
            for number in range(1, 20):
                await pack.send_event(Seen(number))
            await until(lambda: len(api.events) >= 20)

    asyncio.run(main())
    assert [event["payload"] for event in api.events] == list(range(20))


def test_results_that_could_not_be_posted_go_out_later_once_each(api: FakeApi) -> None:
    """Both flyte clients lose them. Run E of the recordings: one result gets 500, another 404."""
    away = threading.Event()
    answers = {"act1": iter([Reply(500), Reply(404)]), "act2": iter([CLOSE])}

    def behave(request: Request) -> Reply | None:
        if not request.path.endswith("/result"):
            return None
        if not away.is_set():
            return Reply(503)
        return next(answers.get(request.path.split("/")[-2], iter(())), None)

    api.behave = behave
    api.actions = [("echo", number) for number in range(10)]
    pack = everything(new_pack(api, poll_interval=0.5))

    async def main() -> None:
        async with running(pack):
            await until(lambda: len(api.sent("/take")) >= 11)
            away.set()
            await until(lambda: len(api.results) >= 10)
            await asyncio.sleep(0.3)

    asyncio.run(main())
    assert sorted(results(api)) == sorted(f"act{number}" for number in range(10))
    assert len(api.results) == 10


def test_a_restarted_pack_sends_what_was_left_and_finishes_what_was_in_hand(api: FakeApi) -> None:
    api.behave = lambda request: Reply(503) if request.path.endswith(("/result", "/events")) else None
    began = threading.Event()
    hanging = True

    def build() -> Pack:
        pack = new_pack(api, drain_timeout=0.3)

        @pack.command("echo", outputs=[Done])
        async def echo(value: Any) -> Event:
            return Done(value)

        @pack.command("hang", outputs=[Done])
        async def hang() -> Event:
            began.set()
            await asyncio.sleep(60 if hanging else 0)
            return Done("finished")

        @pack.command("once", outputs=[Done], rerun=False)
        async def once() -> Event:
            await asyncio.sleep(60)
            return Done("never")

        return pack

    api.actions = [("echo", 1), ("echo", 2), ("hang", None), ("once", None)]
    first = build()

    async def one() -> None:
        async with running(first):
            await first.send_event(Seen("kept"))
            await until(lambda: began.is_set() and len(api.sent("/take")) >= 5)

    asyncio.run(one())
    assert api.results == []
    hanging = False
    api.behave = lambda request: None
    second = build()
    work(second, lambda: len(api.results) == 4 and api.events)
    found = results(api)
    assert found["act0"] == ("Done", 1)
    assert found["act1"] == ("Done", 2)
    assert found["act2"] == ("Done", "finished")
    assert found["act3"][0] == "FATAL"
    assert "not run twice" in found["act3"][1]
    assert [event["payload"] for event in api.events] == ["kept"]
    work(build(), lambda: len(api.sent("/take")) > 6)
    assert len(api.results) == 4


def test_an_action_offered_again_while_it_runs_runs_once(api: FakeApi) -> None:
    calls = 0
    pack = new_pack(api, poll_interval=0.5)

    @pack.command("c", outputs=[Done])
    async def command() -> Event:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.8)
        return Done()

    api.actions = [("c", None)]

    def offer_again(request: Request) -> Reply | None:
        if request.path.endswith("/take") and not api.results:
            api._handed_out = 0
        return None

    api.behave = offer_again
    work(pack, lambda: api.results)
    assert calls == 1
    assert len(api.results) == 1


def test_a_result_the_api_has_for_good_refused_is_set_aside(
    api: FakeApi, caplog: pytest.LogCaptureFixture
) -> None:
    final = Reply(500, b"already has a result\n", {"X-Penstock-Final": "true"})
    replies = {"act0": final, "act1": Reply(400, b"no"), "act2": Reply(413)}

    def behave(request: Request) -> Reply | None:
        return replies.get(request.path.split("/")[-2]) if request.path.endswith("/result") else None

    api.behave = behave
    api.actions = [("echo", number) for number in range(4)]
    pack = everything(new_pack(api))
    with caplog.at_level(logging.WARNING):
        work(pack, lambda: api.results and caplog.text.count("set aside") == 2)
    assert sorted(results(api)) == ["act3"]
    posted = [request.path.split("/")[-2] for request in api.sent("/result")]
    assert posted.count("act0") == 1


def test_a_stopping_pack_finishes_what_it_began(api: FakeApi) -> None:
    pack = new_pack(api)
    began = asyncio.Event()

    @pack.command("c", outputs=[Done])
    async def command() -> Event:
        began.set()
        await asyncio.sleep(0.5)
        return Done()

    api.actions = [("c", None)]

    async def main() -> None:
        async with running(pack):
            await began.wait()
            pack.stop()

    asyncio.run(main())
    assert len(api.results) == 1


def test_a_cancelled_pack_finishes_what_it_began(api: FakeApi) -> None:
    """Ctrl-C under ``asyncio.run(pack.start())`` cancels the main task."""
    pack = new_pack(api)
    began = asyncio.Event()

    @pack.command("c", outputs=[Done])
    async def command() -> Event:
        began.set()
        await asyncio.sleep(0.3)
        return Done()

    api.actions = [("c", None)]

    async def main() -> None:
        task = asyncio.create_task(pack.start())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pack._client is not None
        await pack._client.aclose()

    asyncio.run(main())
    assert len(api.results) == 1


def test_mistakes_end_the_start_before_anything_is_sent(api: FakeApi) -> None:
    pack = new_pack(api)

    @pack.command("c", outputs=[Done])
    def command(a: int, b: int) -> Event:
        return Done(a + b)

    with pytest.raises(DefinitionError):
        asyncio.run(pack.start())
    with pytest.raises(ConfigurationError, match="FLYTE_API"):
        asyncio.run(Pack("P", health_port=False).start())
    assert api.requests == []


def test_sending_what_is_not_declared_is_refused(api: FakeApi) -> None:
    pack = new_pack(api)

    async def main() -> None:
        with pytest.raises(
            DefinitionError, match="does not declare the event 'Undeclared'; it declares: Seen"
        ):
            await pack.send_event(Undeclared(1))
        with pytest.raises(ValueError, match="JSON"):
            await pack.send_event(Seen(print))

    asyncio.run(main())
    with pytest.raises(PackError, match="does not run"):
        pack.send_event_from_thread(Seen(1))


def test_a_plain_handler_may_send_events(api: FakeApi) -> None:
    pack = new_pack(api)

    @pack.command("c", outputs=[Done])
    def command() -> Event:
        pack.send_event_from_thread(Seen("from a thread"))
        return Done()

    api.actions = [("c", None)]
    work(pack, lambda: api.results and api.events)
    assert api.events[0]["payload"] == "from a thread"


def test_a_pack_runs_once_at_a_time(api: FakeApi) -> None:
    pack = new_pack(api)

    async def main() -> None:
        async with running(pack):
            with pytest.raises(PackError, match="running already"):
                await pack.start()

    asyncio.run(main())


def run_all(*work: Coroutine[Any, Any, None]) -> None:
    async def main() -> None:
        await asyncio.gather(*work)

    asyncio.run(main())


def test_two_processes_of_a_pack_share_the_work_without_sharing_an_outbox(api: FakeApi) -> None:
    api.actions = [("echo", number) for number in range(20)]
    packs = [everything(new_pack(api)) for _ in range(2)]

    async def one(pack: Pack) -> None:
        async with running(pack):
            await until(lambda: len(api.results) >= 20)

    run_all(*(one(pack) for pack in packs))
    assert len(results(api)) == len(api.results) == 20


def test_a_home_that_cannot_be_written_is_said_and_does_not_stop_the_pack(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "file"))
    api.actions = [("echo", 1)]
    work(everything(new_pack(api)), lambda: api.results)
    assert "kept in memory only" in caplog.text
    with pytest.raises(OutboxError, match="folder"):
        asyncio.run(new_pack(api, outbox=tmp_path / "file" / "o.sqlite").start())
