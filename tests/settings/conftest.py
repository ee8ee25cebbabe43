"""A server that asks for keys, shared by a worker's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.legacy.conftest import clean_environment, open_server
from tests.legacy.servers import Served, serving

__all__ = ["clean_environment", "open_server"]


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server, and a key of scope USER for its first tenant."""
    with serving(tmp_path_factory.mktemp("guarded"), auth=True) as served:
        yield served
