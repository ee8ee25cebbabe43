"""S3 as moto serves it, on the loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def s3_server() -> Iterator[str]:
    """A server that speaks S3, for as long as the block runs; its URL."""
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
