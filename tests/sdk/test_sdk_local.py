"""`Client.local`: the server in the process, without a socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import assert_type

import pytest

from penstock import AsyncClient, Client, flow


@flow
def add(x: int, y: int = 2) -> int:
    return x + y


def test_a_server_in_memory_ends_with_its_client() -> None:
    with Client.local() as client:
        assert_type(client, Client)
        registered = client.flow.register(add, project=client.project.create(name="etl"))
        assert registered.run(parameters={"x": 1}).state == "Scheduled"
    with Client.local() as other:
        assert other.project.count() == 0


def test_a_file_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    with Client.local(path) as client:
        client.project.create(name="kept")
    with Client.local(path) as client:
        assert [project.name for project in client.project.list()] == ["kept"]


def test_what_the_environment_says_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PENSTOCK_API_KEY", "elsewhere")
    with Client.local() as client:
        assert client.project.count() == 0


async def _asynchronously() -> list[str]:
    async with AsyncClient.local() as client:
        await client.project.create(name="async")
        return [project.name async for project in client.project.list()]


def test_the_async_twin() -> None:
    assert asyncio.run(_asynchronously()) == ["async"]
