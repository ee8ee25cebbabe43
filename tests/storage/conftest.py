"""A home with a signing key of each test's own, and S3 as moto serves it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PENSTOCK_HOME of this test's own."""
    for name in list(os.environ):
        if name.startswith("PENSTOCK_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("PENSTOCK_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of a server that speaks S3, on the loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        _end_event_loop()
        server.stop()


def _end_event_loop() -> None:
    """Close the loop of fsspec's own thread, which it leaves to the end of the process, where open sockets are warned of."""
    import fsspec.asyn
    import s3fs

    for filesystem in list(s3fs.S3FileSystem._cache.values()):
        s3fs.S3FileSystem.close_session(fsspec.asyn.loop[0], filesystem._s3)
    s3fs.S3FileSystem.clear_instance_cache()
    loop, thread = fsspec.asyn.loop[0], fsspec.asyn.iothread[0]
    if loop is not None and thread is not None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
        fsspec.asyn.loop[0] = fsspec.asyn.iothread[0] = None


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, with credentials in the environment and a bucket `flows`."""
    import httpx

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    httpx.put(f"{s3_server}/flows").raise_for_status()
    return s3_server
