"""An HTTP server that costs next to nothing: it answers every request for a path with the same bytes, and
keeps connections open.

It runs in a process of its own, so that what a client costs is measured without what a server costs.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def serve(answers: Mapping[str, bytes]) -> Iterator[str]:
    """Serve bodies by path (`/small` → JSON) on a free port of the loopback, for as long as the block runs;
    gives the base URL.
    """
    with tempfile.TemporaryDirectory() as folder:
        for path, body in answers.items():
            (Path(folder) / path.strip("/")).write_bytes(body)
        process = subprocess.Popen([sys.executable, __file__, folder], stdout=subprocess.PIPE, text=True)
        with process:
            try:
                assert process.stdout is not None
                yield f"http://127.0.0.1:{int(process.stdout.readline())}"
            finally:
                process.terminate()


class _Answering(asyncio.Protocol):
    """One connection: requests with Content-Length, as httpx sends them."""

    def __init__(self, answers: Mapping[bytes, bytes]) -> None:
        self._answers = answers
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            head, found, rest = self._received.partition(b"\r\n\r\n")
            if not found:
                return
            request, *fields = head.split(b"\r\n")
            length = next(
                (int(field[15:]) for field in fields if field[:15].lower() == b"content-length:"), 0
            )
            if len(rest) < length:
                return
            self._received = rest[length:]
            assert self._transport is not None
            self._transport.write(self._answers[request.split(b" ")[1]])


def _read(folder: Path) -> dict[bytes, bytes]:
    answers = {}
    for file in folder.iterdir():
        body = file.read_bytes()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        answers[f"/{file.name}".encode()] = head.encode() + body
    return answers


async def _main(answers: Mapping[bytes, bytes]) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Answering(answers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(_read(Path(sys.argv[1]))))
