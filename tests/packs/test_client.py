"""FlyteClient: what it sends, what it follows, and what it makes of answers that are none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.packs.fake_api import CLOSE, HTML, FakeApi, Reply, as_json

from penstock.packs import (
    Action,
    ConfigurationError,
    EventDef,
    FlyteClient,
    FlyteResponseError,
    FlyteStatusError,
    FlyteTransportError,
    PackDef,
    SyncFlyteClient,
    settings,
)

if TYPE_CHECKING:
    from pathlib import Path

Done = EventDef("Done")


def run(work: Callable[[FlyteClient], Coroutine[Any, Any, Any]], url: str, **options: Any) -> Any:
    async def main() -> Any:
        async with FlyteClient(url, **options) as client:
            return await work(client)

    return asyncio.run(main())


def test_all_calls_with_a_token_as_the_flyte_client_sends_them(api: FakeApi) -> None:
    api.actions = [("echo", {"a": 1, "t": "x"})]

    async def work(client: FlyteClient) -> None:
        pack = await client.create_pack(PackDef("P", help_url="http://help/x"))
        assert (pack.id, pack.take_url) == ("P", f"{api.url}/v1/packs/P/actions/take")
        action = await client.take_action(pack)
        assert action is not None
        assert action == Action("echo", {"a": 1, "t": "x"}, f"{api.url}/v1/packs/P/actions/act0/result")
        await client.complete_action(action, Done({"a": 1}))
        assert await client.take_action(pack) is None
        await client.post_event(pack, Done(2), key="k")
        assert await client.health() == f"{api.url}/health"

    run(work, api.url, jwt="aaa.bbb.ccc")
    assert [
        (request.method, request.path, request.headers.get("content-type")) for request in api.requests
    ] == [
        ("GET", "/v1", None),
        ("POST", "/v1/packs", "application/json"),
        ("POST", "/v1/packs/P/actions/take", None),
        ("POST", "/v1/packs/P/actions/act0/result", "application/json"),
        ("POST", "/v1/packs/P/actions/take", None),
        ("POST", "/v1/packs/P/events", "application/json"),
        ("GET", "/health", None),
    ]
    assert {request.headers["authorization"] for request in api.requests} == {"Bearer aaa.bbb.ccc"}
    assert api.requests[2].body == b""
    assert api.requests[2].headers["content-length"] == "0"
    result = api.requests[3].json
    assert list(result) == ["event", "payload", "createdAt"]
    assert result["createdAt"].endswith("Z")
    assert api.requests[5].headers["idempotency-key"] == "k"


def test_the_sync_facade_makes_the_same_calls(api: FakeApi) -> None:
    api.actions = [("echo", 1)]
    with SyncFlyteClient(api.url) as client:
        pack = client.create_pack({"name": "P"})
        action = client.take_action(pack)
        assert action is not None
        client.complete_action(action, Done())
        client.post_event(pack, Done())
        assert client.health() == f"{api.url}/health"
        assert client.links().ending("pack/listPacks") == f"{api.url}/v1/packs"
    assert len(api.results) == len(api.events) == 1


@pytest.mark.parametrize("ending", ["", "/", "//", "/v1", "/v1/"])
def test_slashes_at_the_end_of_the_url_are_dropped(api: FakeApi, ending: str) -> None:
    async def work(client: FlyteClient) -> None:
        await client.links()

    run(work, api.url + ending)
    assert api.requests[0].path == "/v1"


def test_links_are_followed_wherever_they_go_and_never_built(api: FakeApi) -> None:
    def behave(request: Any) -> Reply | None:
        links = {
            "/v1": [("http://elsewhere/rel#pack/listPacks", "/odd/place?x=1")],
            "/odd/place?x=1": [("help", "/help"), ("a#/event", "/e"), ("b!/action/takeAction", "/t?y=2")],
            "/t?y=2": [("c/actionResult", "/r")],
        }
        if request.path not in links:
            return Reply(202)
        found = [{"rel": rel, "href": api.url + href} for rel, href in links[request.path]]
        return as_json({"links": found, "command": "c"})

    api.behave = behave

    async def work(client: FlyteClient) -> None:
        pack = await client.create_pack(PackDef("P"))
        action = await client.take_action(pack)
        assert action is not None
        await client.complete_action(action, Done())
        await client.post_event(pack, Done())

    run(work, api.url)
    assert [request.path for request in api.requests] == ["/v1", "/odd/place?x=1", "/t?y=2", "/r", "/e"]


def test_taking_one_command_only_uses_both_names_of_the_parameter(api: FakeApi) -> None:
    async def work(client: FlyteClient) -> None:
        await client.take_action(await client.create_pack(PackDef("P")), "a b")

    run(work, api.url)
    query = httpx.URL(api.url + api.requests[-1].path).params
    assert dict(query) == {"commandName": "a b", "actionName": "a b"}


def test_a_packs_own_links_do_not_hide_the_apis(api: FakeApi) -> None:
    links = [{"href": "http://mine/", "rel": "my-event"}, {"href": "http://mine/", "rel": "mytakeAction"}]

    async def work(client: FlyteClient) -> None:
        pack = await client.create_pack({"name": "P", "links": links})
        assert pack.take_url.startswith(api.url)
        assert pack.event_url.startswith(api.url)

    run(work, api.url)


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (HTML, FlyteResponseError, "JSON object"),
        (Reply(200, b"{"), FlyteResponseError, "JSON object"),
        (Reply(200, b"[]"), FlyteResponseError, "JSON object"),
        (Reply(200, b"\xff\xfe", {"Content-Encoding": "gzip"}), FlyteResponseError, "decoded"),
        (as_json({}), FlyteResponseError, "without a command"),
        (as_json({"command": "c"}), FlyteResponseError, "actionResult"),
        (as_json({"command": "c", "links": [{"rel": 1}]}), FlyteResponseError, "actionResult"),
        (Reply(302, b"", {"Location": "/login"}), FlyteResponseError, "302"),
        (Reply(404), FlyteStatusError, "404"),
        (Reply(500, b"it broke\n"), FlyteStatusError, "500: it broke"),
        (CLOSE, FlyteTransportError, "cannot be reached"),
        (Reply(raw=b"garbage\r\n\r\n"), FlyteTransportError, "cannot be reached"),
        (Reply(delay=5), FlyteTransportError, "did not answer within 0.3 s"),
    ],
)
def test_answers_that_are_none(api: FakeApi, reply: Reply, kind: type[Exception], says: str) -> None:
    api.behave = lambda request: reply if request.path.endswith("/take") else None

    async def work(client: FlyteClient) -> None:
        pack = await client.create_pack(PackDef("P"))
        with pytest.raises(kind, match=says):
            await client.take_action(pack)

    run(work, api.url, timeout=0.3)


def test_only_202_is_acceptance(api: FakeApi) -> None:
    api.behave = lambda request: HTML if request.path.endswith("/events") else None

    async def work(client: FlyteClient) -> None:
        pack = await client.create_pack(PackDef("P"))
        with pytest.raises(FlyteResponseError, match="200"):
            await client.post_event(pack, Done())

    run(work, api.url)


def test_an_answer_that_trickles_has_one_deadline(api: FakeApi) -> None:
    """httpx's own timeout begins anew with every byte."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not gone.is_set():
            writer.write(b" ")
            await asyncio.sleep(0.05)
        writer.close()

    gone = asyncio.Event()

    async def main() -> None:
        server = await asyncio.start_server(slow, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with FlyteClient(f"http://127.0.0.1:{port}", timeout=0.4) as client:
            with pytest.raises(FlyteTransportError, match="did not answer"):
                await client.links()
        gone.set()
        await asyncio.sleep(0.1)
        server.close()

    asyncio.run(main())


def test_a_token_does_not_follow_links_to_other_hosts(api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    other = f"http://localhost:{api.port}"

    def behave(request: Any) -> Reply | None:
        if request.path == "/v1":
            return as_json({"links": [{"rel": "info/health", "href": f"{other}/health"}]})
        return None

    api.behave = behave

    async def work(client: FlyteClient) -> None:
        await client.health()
        await client.health()

    with caplog.at_level(logging.WARNING):
        run(work, api.url, jwt="secret-token")
    assert "authorization" not in api.requests[-1].headers
    assert caplog.text.count("no token is sent there") == 1
    assert "secret-token" not in caplog.text
    run(work, api.url, jwt="secret-token", trusted_hosts=["localhost"])
    assert api.requests[-1].headers["authorization"] == "Bearer secret-token"


def test_a_function_gives_the_token_of_each_request(api: FakeApi) -> None:
    tokens = iter(["one", "two"])

    async def work(client: FlyteClient) -> None:
        await client.links()
        await client.links(refresh=True)

    run(work, api.url, jwt=lambda: next(tokens))
    assert [request.headers["authorization"] for request in api.requests] == ["Bearer one", "Bearer two"]


def test_the_environment_of_the_flyte_clients(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYTE_API", api.url + "/")
    monkeypatch.setenv("FLYTE_JWT", "from.the.env\n")
    monkeypatch.setenv("FLYTE_API_TIMEOUT", "7")

    async def work() -> None:
        async with FlyteClient() as client:
            assert client._timeout == 7
            await client.links()

    asyncio.run(work())
    assert api.requests[0].headers["authorization"] == "Bearer from.the.env"


@pytest.mark.parametrize(
    ("read", "environment", "says"),
    [
        (settings.api_url, {}, "FLYTE_API is not set"),
        (settings.api_url, {"FLYTE_API": "localhost:8080"}, "no http"),
        (settings.api_url, {"FLYTE_API": "http://user:pw@host"}, "password"),
        (settings.jwt, {"FLYTE_JWT": "a b"}, "cannot be sent"),
        (settings.jwt, {"FLYTE_JWT": "a\nb"}, "cannot be sent"),
        (settings.labels, {"FLYTE_LABELS": "oops"}, "key=value"),
        (settings.labels, {"FLYTE_LABELS": "a=b/c"}, "URL"),
        (settings.timeout, {"FLYTE_API_TIMEOUT": "abc"}, "whole seconds"),
        (settings.timeout, {"FLYTE_API_TIMEOUT": "-1"}, "whole seconds"),
        (settings.timeout, {"FLYTE_API_TIMEOUT": "0"}, "whole seconds"),
    ],
)
def test_a_bad_environment_is_one_sentence(
    read: Callable[[dict[str, str]], object], environment: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        read(environment)
    assert "pw@" not in str(caught.value)


def test_labels_from_the_environment() -> None:
    assert settings.labels({"FLYTE_LABELS": "env=dev, team=ops"}) == {"env": "dev", "team": "ops"}
    assert settings.labels({}) == {}
    assert settings.timeout({}) == 10


def test_tls_options(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigurationError, match="TLS"):
        FlyteClient("https://flyte.test", verify=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigurationError, match="TLS"):
        FlyteClient("https://flyte.test", certificate=(str(tmp_path / "a"), str(tmp_path / "b")))
    assert caplog.text == ""
    FlyteClient("https://flyte.test", insecure_skip_verify=True)
    assert "certificate is not checked" in caplog.text
