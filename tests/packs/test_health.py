"""The health server: the flyte client's JSON and statuses, and none of its blindness."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.packs.fake_api import FakeApi, Reply, until

from penstock.packs import (
    ConfigurationError,
    DefinitionError,
    FlyteClient,
    Health,
    HealthCheck,
    Pack,
    flyte_api_health_check,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def ask(pack: Pack, *paths: str, method: str = "GET") -> list[httpx.Response]:
    """The answers of ``pack``'s health server."""

    async def main() -> list[httpx.Response]:
        async with pack.running(registered=False):
            await until(lambda: pack.health_address)
            assert pack.health_address is not None
            async with httpx.AsyncClient() as client:
                url = f"http://127.0.0.1:{pack.health_address[1]}"
                found = [await client.request(method, url + path) for path in paths]
        assert pack._client is not None
        await pack._client.aclose()
        return found

    return asyncio.run(main())


def new_pack(api: FakeApi, *checks: HealthCheck, **options: Any) -> Pack:
    options.setdefault("health_port", 0)
    return Pack("P", FlyteClient(api.url), health_checks=checks, health_host="127.0.0.1", **options)


def test_without_checks_the_pack_is_running(api: FakeApi) -> None:
    answers = ask(new_pack(api), "/", "/health", "/whatever")
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert answer.text == '{"DefaultCheck":{"healthy":true,"status":"Pack is running."}}'
    assert ask(new_pack(api), "/", method="POST")[0].status_code == 200
    head = ask(new_pack(api), "/", method="HEAD")[0]
    assert (head.status_code, head.content) == (200, b"")


def test_sync_async_and_named_checks_answer_together(api: FakeApi) -> None:
    pack = Pack(
        "P",
        FlyteClient(api.url),
        health_port=0,
        health_host="127.0.0.1",
        health_checks=[lambda: ("Go style", Health(True, {"n": 1}))],
    )

    @pack.health_check("Sync")
    def sync_check() -> Health:
        return Health(healthy=True, status="All good")

    @pack.health_check("Async")
    async def async_check() -> Health:
        return Health(healthy=True)

    (answer,) = ask(pack, "/")
    assert answer.status_code == 200
    assert answer.text == (
        '{"Async":{"healthy":true,"status":null},"Go style":{"healthy":true,"status":{"n":1}},'
        '"Sync":{"healthy":true,"status":"All good"}}'
    )


def test_one_unhealthy_check_makes_it_500(api: FakeApi) -> None:
    good, bad = (
        HealthCheck("Good", lambda: Health(True)),
        HealthCheck("Bad", lambda: Health(False, "disk full")),
    )
    (answer,) = ask(new_pack(api, good, bad), "/")
    assert answer.status_code == 500
    assert answer.json()["Bad"] == {"healthy": False, "status": "disk full"}
    assert answer.json()["Good"]["healthy"] is True


def broken() -> Health:
    raise OSError("no route")


def no_health() -> Health:
    return "fine"  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("check", "says"), [(broken, "OSError: no route"), (no_health, "returned str, not a Health")]
)
def test_a_check_that_fails_is_unhealthy(api: FakeApi, check: Callable[[], Health], says: str) -> None:
    (answer,) = ask(new_pack(api, HealthCheck("C", check)), "/")
    assert answer.status_code == 500
    assert says in answer.json()["C"]["status"]


def test_a_status_that_is_no_json_is_500_with_json(api: FakeApi) -> None:
    (answer,) = ask(new_pack(api, HealthCheck("C", lambda: Health(True, object()))), "/")
    assert answer.status_code == 500
    assert answer.json()["HealthServer"]["healthy"] is False


def test_a_hanging_check_is_unhealthy_and_hangs_nothing(api: FakeApi) -> None:
    calls = 0

    def hang() -> Health:
        nonlocal calls
        calls += 1
        time.sleep(2)
        return Health(True)

    async def hang_too() -> Health:
        await asyncio.sleep(3600)
        return Health(True)

    pack = new_pack(api, HealthCheck("Thread", hang, 0.2), HealthCheck("Task", hang_too, 0.2))
    began = time.monotonic()
    answers = ask(pack, "/", "/", "/")
    assert time.monotonic() - began < 1.9
    assert {answer.status_code for answer in answers} == {500}
    assert answers[0].json()["Thread"]["status"] == "The check did not answer within 0.2 s."
    assert calls == 1


def test_the_api_check_says_when_the_api_is_not_well(api: FakeApi) -> None:
    """The flyte client's own check is never unhealthy."""
    client = FlyteClient(api.url, timeout=1)
    pack = Pack(
        "P", client, health_port=0, health_host="127.0.0.1", health_checks=[flyte_api_health_check(client)]
    )
    (good,) = ask(pack, "/")
    assert good.json() == {
        "FlyteApiCheck": {
            "healthy": True,
            "status": f"flyte-api is up and responding to requests. url: '{api.url}/health'",
        }
    }
    api.behave = lambda request: Reply(500) if request.path == "/health" else None
    client = FlyteClient(api.url, timeout=1)
    pack = Pack(
        "P", client, health_port=0, health_host="127.0.0.1", health_checks=[flyte_api_health_check(client)]
    )
    (bad,) = ask(pack, "/")
    assert bad.status_code == 500
    assert "500" in bad.json()["FlyteApiCheck"]["status"]


def test_a_port_that_is_taken(
    api: FakeApi, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        asked_for = new_pack(api, health_port=port)
        with pytest.raises(ConfigurationError, match=f"cannot listen on port {port}"):
            asyncio.run(asked_for.start())
        # The default one is only wished for.
        monkeypatch.setattr("penstock.packs.pack.DEFAULT_PORT", port)
        wished_for = new_pack(api, health_port=None)

        async def main() -> None:
            async with wished_for.running():
                assert wished_for.health_address is None
            assert wished_for._client is not None
            await wished_for._client.aclose()

        asyncio.run(main())
    assert "The pack runs without one" in caplog.text


def test_it_answers_before_the_pack_is_registered(api: FakeApi) -> None:
    api.behave = lambda _: Reply(503)
    (answer,) = ask(new_pack(api), "/")
    assert answer.status_code == 200


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"G" * 100_000, b"GET / HTTP/1.1\r\n"])
def test_what_is_no_request_does_not_disturb(api: FakeApi, sent: bytes) -> None:
    pack = new_pack(api)

    async def main() -> None:
        async with pack.running():
            assert pack.health_address is not None
            reader, writer = await asyncio.open_connection("127.0.0.1", pack.health_address[1])
            writer.write(sent)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 10)
            writer.close()
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"http://127.0.0.1:{pack.health_address[1]}/")
            assert answer.status_code == 200
        assert pack._client is not None
        await pack._client.aclose()

    asyncio.run(main())


def test_checks_need_names_of_their_own(api: FakeApi) -> None:
    with pytest.raises(DefinitionError, match="needs a name"):
        HealthCheck("", lambda: Health(True))
    with pytest.raises(DefinitionError, match="positive"):
        HealthCheck("C", lambda: Health(True), 0)
    twice = [HealthCheck("C", lambda: Health(True))] * 2
    with pytest.raises(DefinitionError, match="more than once"):
        asyncio.run(new_pack(api, *twice).start())
