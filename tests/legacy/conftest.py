"""One open server for a worker's tests; each test makes a tenant of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from tests.legacy.servers import Recorder, Served, serving

from penstock import Client


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that asks for no keys."""
    with serving(tmp_path_factory.mktemp("open")) as served:
        yield served


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Nothing of the machine's own settings counts."""
    for name in ("URL", "API_KEY", "TENANT_ID", "PROFILE"):
        monkeypatch.delenv(f"PENSTOCK_{name}", raising=False)
    monkeypatch.setenv("PENSTOCK_HOME", f"{tmp_path}/home")


@pytest.fixture
def carrier() -> Iterator[Recorder]:
    """What carries the client's requests, and remembers them."""
    with Recorder() as recorder:
        yield recorder


@pytest.fixture
def client(open_server: Served, carrier: Recorder) -> Iterator[Client]:
    """A client in a tenant of its own."""
    with Client(open_server.url) as first:
        slug = f"t-{uuid.uuid4().hex[:12]}"
        tenant_id = first.tenant.create(name=slug, slug=slug).id
    with Client(open_server.url, tenant_id=tenant_id, http_client=carrier) as made:
        yield made
