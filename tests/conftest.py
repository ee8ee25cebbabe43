"""What tests share: a real server for each worker, clients that write down what they send, and objects to work on."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import settings
from tests.sdk.recording import AsyncRecordingTransport, RecordingTransport, Requests
from tests.sdk.server_process import ServerProcess, running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from penstock import AsyncClient, Client, Flow, Project

_LOG_CHARACTERS = 4000


# The short run tries the same examples each time, so that a change that breaks nothing fails nothing; the long campaigns look for new ones.
settings.register_profile("short", derandomize=True)
if not os.environ.get("PENSTOCK_STRESS"):
    settings.load_profile("short")


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked `anyio` run under asyncio."""
    return "asyncio"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the server's log beside a failure of a test that spoke to it."""
    report = yield
    server = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(server, ServerProcess):
        report.sections.append(("server log", server.log.read_text(encoding="utf-8")[-_LOG_CHARACTERS:]))
    return report


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of this worker's own, without the services that change runs behind a test's back."""
    quiet = ("--no-scheduler", "--no-zombie-killer", "--no-lazarus", "--no-cloud-hooks")
    with running_server(tmp_path_factory.mktemp("server"), quiet) as running:
        yield running


@pytest.fixture(scope="session")
def tenant_id(server: ServerProcess) -> str:
    """The id of the tenant that a new server has."""
    answer = httpx.post(f"{server.url}/graphql", json={"query": "{ tenant { id } }"}, timeout=30)
    (tenant,) = answer.json()["data"]["tenant"]
    return str(tenant["id"])


@pytest.fixture
def requests() -> Requests:
    """What `client` and `async_client` have sent."""
    return Requests()


@pytest.fixture
def client(server: ServerProcess, tenant_id: str, requests: Requests) -> Iterator[Client]:
    """A client of the worker's server that writes down what it sends, and knows its tenant."""
    from penstock import Client

    with httpx.Client(transport=RecordingTransport(requests)) as http:
        yield Client(server.url, tenant_id=tenant_id, http_client=http)


@pytest.fixture
async def async_client(
    server: ServerProcess, tenant_id: str, requests: Requests
) -> AsyncIterator[AsyncClient]:
    """`client`, for asyncio."""
    from penstock import AsyncClient

    async with httpx.AsyncClient(transport=AsyncRecordingTransport(requests)) as http:
        yield AsyncClient(server.url, tenant_id=tenant_id, http_client=http)


@pytest.fixture
def project(client: Client, requests: Requests) -> Project:
    """A project of this test's own, loaded; its making is not among the requests."""
    made = client.project.create(f"project {uuid.uuid4()}", description="made for a test").refresh()
    requests.clear()
    return made


@pytest.fixture
def registered(client: Client, project: Project, requests: Requests) -> Flow:
    """A flow `add` with the parameters x (required) and y, registered in `project`; its making is not among the requests."""
    from penstock import flow

    @flow
    def add(x: int, y: int = 2) -> int:
        """Adds two numbers."""
        return x + y

    made = client.flow.register(add, project=project)
    requests.clear()
    return made
