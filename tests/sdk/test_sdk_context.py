"""The tenant: given, taken from the settings, found out once, or missing."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import httpx
import pytest
from tests.sdk.recording import AsyncRecordingTransport, RecordingTransport, Requests
from tests.sdk.server_process import ServerProcess, running_server

from penstock import (
    AsyncClient,
    AuthenticationError,
    Client,
    InvalidResponse,
    MissingContext,
    PermissionDenied,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def unaware(server: ServerProcess, requests: Requests) -> Iterator[Client]:
    """A client that was not told its tenant."""
    with httpx.Client(transport=RecordingTransport(requests)) as http:
        yield Client(server.url, http_client=http)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that asks for tokens."""
    with running_server(tmp_path_factory.mktemp("guarded"), ["--auth"]) as running:
        yield running


def name() -> str:
    return f"project {uuid4()}"


def test_the_tenant_is_found_once(unaware: Client, tenant_id: str, requests: Requests) -> None:
    unaware.project.create(name())
    found = requests.take()
    assert found[-1] == "project_create"
    assert found[0] == "auth_info"
    assert len(found) <= 3
    project = unaware.project.create(name())
    assert requests.only().variables["tenant_id"] == tenant_id
    # Copies know it, too.
    unaware.with_options(timeout=5).project.create(name())
    assert requests.take() == ["project_create"]
    assert str(project.tenant_id) == tenant_id


def test_the_tenant_is_not_looked_for_where_it_is_passed_or_not_needed(
    unaware: Client, tenant_id: str, requests: Requests
) -> None:
    unaware.project.create(name(), tenant_id=tenant_id)
    assert unaware.project.list(limit=1).first() is not None
    assert requests.take() == ["project_create", "project_list"]


def test_concurrent_calls_look_for_it_once(
    server: ServerProcess, unaware: Client, requests: Requests
) -> None:
    threads = [threading.Thread(target=unaware.project.create, args=(name(),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert requests.take().count("auth_info") == 1

    async def run() -> None:
        async with httpx.AsyncClient(transport=AsyncRecordingTransport(requests)) as http:
            client = AsyncClient(server.url, http_client=http)
            await asyncio.gather(*(client.project.create(name()) for _ in range(6)))

    asyncio.run(run())
    sent = requests.take()
    assert sent.count("project_create") == 6
    assert sent.count("auth_info") == 1


def test_the_tenant_comes_from_the_environment(
    server: ServerProcess, tenant_id: str, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_TENANT_ID", tenant_id)
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    with httpx.Client(transport=RecordingTransport(requests)) as http:
        client = Client(http_client=http)
        assert client.url == f"{server.url}/graphql"
        client.project.create(name())
    assert requests.only().variables["tenant_id"] == tenant_id


def test_two_tenants_are_for_the_caller_to_choose_between(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_server(tmp_path_factory.mktemp("tenants")) as server, Client(server.url) as client:
        second = client.tenant.create(name="Second", slug="second")
        with pytest.raises(MissingContext, match=r"tenant_id is needed.*pass tenant_id=") as caught:
            client.project.create(name())
        assert caught.value.name == "tenant_id"
        project = client.project.create(name(), tenant_id=second.id)
        assert project.tenant_id == second.id
        # A name that both have is no name of one of them.
        first = next(tenant for tenant in client.tenant.list() if tenant != second)
        client.project.create(project.name, tenant_id=first.id)
        with pytest.raises(InvalidResponse, match="expected to find one element and found 2"):
            client.project(name=project.name).refresh()
        with Client(server.url, tenant_id=second.id) as chosen:
            assert chosen.project.create(name()).tenant_id == second.id

        async def run() -> UUID | None:
            async with AsyncClient(server.url) as other:
                with pytest.raises(MissingContext, match="tenant_id is needed"):
                    await other.project.create(name())
                made = await other.project.create(name(), tenant_id=second.id)
                return (await made).tenant_id

        assert asyncio.run(run()) == second.id


def test_a_key_has_a_tenant(guarded: ServerProcess, requests: Requests) -> None:
    key = guarded.token("--name", "tests")
    with httpx.Client(transport=RecordingTransport(requests)) as http:
        # As a key is when it was read from a file.
        client = Client(guarded.url, api_key=f"{key}\n", http_client=http)
        client.project.create(name())
        assert requests.take() == ["auth_info", "project_create"]
        client.hello()
        assert requests.only().headers["authorization"] == f"Bearer {key}"
        assert key not in repr(client) + str(client) + repr(client.flow) + repr(client._options)
        # Another key may open another tenant: what was found for this one does not hold for it.
        with pytest.raises(AuthenticationError):
            client.with_options(headers={"authorization": "Bearer none"}).project.create(name())


def test_a_wrong_or_missing_key(guarded: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENSTOCK_API_KEY", raising=False)
    for key in (None, "wrong-s3cr3t"):
        with Client(guarded.url, api_key=key) as client:
            for attempt in (client.flow(id=uuid4()).refresh, lambda c=client: c.project.create(name())):
                with pytest.raises(AuthenticationError) as caught:
                    attempt()
                assert caught.value.status_code in (200, 401)
                assert "s3cr3t" not in str(caught.value)


def test_a_key_that_may_not(guarded: ServerProcess) -> None:
    with Client(guarded.url, api_key=guarded.token("--name", "runner", "--scope", "RUNNER")) as client:
        assert client.hello()
        with pytest.raises(PermissionDenied) as caught:
            client.api_token.create(name="another", scope="USER")
        assert caught.value.operation == "api_token_create"


def test_the_key_comes_from_the_environment(guarded: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_API_KEY", guarded.token("--name", "environment"))
    monkeypatch.setenv("PENSTOCK_URL", f"{guarded.url}/graphql")
    with Client() as client:
        assert client.project.create(name()).id
