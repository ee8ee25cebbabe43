"""pytest fixtures: clients of a server of their own, in memory, in the test's process.

    # conftest.py
    pytest_plugins = ["penstock.testing.fixtures"]

    # test_mine.py
    def test_mine(penstock_client):
        project = penstock_client.project.create(name="etl")

Every test gets an empty server with one tenant. Needs the extra `server`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock import AsyncClient, Client

LOCAL_URL = "http://penstock.local/graphql"


@pytest.fixture
def penstock_client() -> Iterator[Client]:
    """A client of a new server in memory; both end with the test."""
    from penstock import Client
    from penstock.server.local import local_transport

    transport = local_transport()
    tenant_id = transport.default_tenant_id
    # All explicit, so that no profile or environment variable of the developer's leads elsewhere.
    with (
        httpx.Client(transport=transport) as http,
        Client(url=LOCAL_URL, api_key="", tenant_id=tenant_id, http_client=http) as client,
    ):
        yield client


@pytest.fixture
def penstock_async_client() -> Iterator[AsyncClient]:
    """The asynchronous twin. It is made without an event loop, so any plugin's asynchronous tests can take it."""
    from penstock import AsyncClient
    from penstock.server.local import AsyncLocalTransport

    transport = AsyncLocalTransport()
    http = httpx.AsyncClient(transport=transport)
    yield AsyncClient(url=LOCAL_URL, api_key="", tenant_id=transport.default_tenant_id, http_client=http)
    asyncio.run(http.aclose())
