"""Tokens, concurrent takers, expiring packs, and a server that is killed."""

from __future__ import annotations

import concurrent.futures
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.flyte_server.flyte_requests import DEMO, EVENTS, FLOW, TAKE, queue, register, result_url

from penstock.testing.flyte_server import FlyteServer, FlyteServerOptions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("header", "status", "challenge"),
    [
        (None, 401, 'Bearer realm="token"'),
        ("Bearer", 401, 'Bearer realm="token"'),
        ("Basic Z29vZA==", 401, 'Bearer realm="token"'),
        ("Bearer bad", 401, 'Bearer realm="token", error="invalid_token"'),
        ("Bearer good", 200, None),
        ("bearer good", 200, None),
        ("good", 200, None),
    ],
)
def test_tokens_as_the_flyte_server_reads_them(
    one_token_server: FlyteServer, header: str | None, status: int, challenge: str | None
) -> None:
    headers = {"Authorization": header} if header else {}
    answer = httpx.get(f"{one_token_server.url}/v1/packs", headers=headers)
    assert answer.status_code == status
    assert answer.headers.get("www-authenticate") == challenge
    if status == 401:
        assert answer.content == b""
    assert httpx.get(f"{one_token_server.url}/v1").status_code == 200


@pytest.fixture(scope="module")
def one_token_server(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A server that only the token ``good`` opens, and that forgets packs after half a second."""
    database = f"sqlite:///{tmp_path_factory.mktemp('one') / 'flyte.db'}"
    with FlyteServer(FlyteServerOptions(database=database, tokens="good", pack_expiry=0.5)) as server:
        yield server


def test_twenty_takers_never_get_the_same_action(api: httpx.Client) -> None:
    queue(api, 60)

    def take_all(_: int) -> list[str]:
        taken = []
        with httpx.Client(base_url=api.base_url, headers=api.headers, timeout=30) as client:
            while (answer := client.post(TAKE)).status_code == 200:
                taken.append(result_url(answer.json()))
        assert answer.status_code == 204
        return taken

    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        taken = [url for urls in threads.map(take_all, range(20)) for url in urls]
    assert len(taken) == len(set(taken)) == 60


def test_of_many_results_at_once_one_is_accepted(api: httpx.Client) -> None:
    queue(api)
    url = result_url(api.post(TAKE).json())

    def post(number: int) -> int:
        headers = dict(api.headers)
        return httpx.post(
            url, json={"event": "FATAL", "payload": number}, headers=headers, timeout=30
        ).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(post, range(8)))
    assert statuses == [202] + [500] * 7
    assert api.post(TAKE).json()["command"] == "onfatal"
    assert api.post(TAKE).status_code == 204


def test_a_pack_unseen_for_too_long_is_gone(one_token_server: FlyteServer) -> None:
    with httpx.Client(base_url=one_token_server.url, headers={"Authorization": "Bearer good"}) as api:
        register(api)
        assert api.post(TAKE).status_code == 204
        time.sleep(0.7)
        statuses = [api.post(TAKE).status_code, api.post(EVENTS, json={"event": "Seen"}).status_code]
        assert statuses == [404, 404]
        assert api.get("/v1/packs").json()["packs"] == []


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    server = FlyteServer(FlyteServerOptions(database=f"sqlite:///{tmp_path / 'flyte.db'}")).start()
    accepted = 0
    try:
        for _ in range(3):
            with httpx.Client(base_url=server.url) as api:
                api.post("/v1/packs", json=DEMO)
                api.post("/v1/flows", json=FLOW)
                for _ in range(20):
                    assert api.post(EVENTS, json={"event": "Seen", "payload": {}}).status_code == 202
                    accepted += 1
            server.kill()
            server.start()
        with httpx.Client(base_url=server.url) as api:
            taken = 0
            while api.post(TAKE).status_code == 200:
                taken += 1
        assert taken == accepted == 60
    finally:
        server.stop()
