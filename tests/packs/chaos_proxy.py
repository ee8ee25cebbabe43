"""A proxy between a pack and its API that does to requests what networks and proxies do."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter
from typing import Self

GARBAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n<html>hello!</html>\n"


class ChaosProxy:
    """Passes requests on to ``upstream_port``; with the probability ``trouble`` something happens to one of
    them.

    ``happened`` counts what. An answer that is lost was given: the API has done what it was asked for.
    """

    TROUBLES = ("drop", "lose-answer", "reset", "delay", "500", "502", "404", "garbage", "cut-answer")

    def __init__(self, upstream_port: int, *, trouble: float, seed: int) -> None:
        self.upstream_port = upstream_port
        self.trouble = trouble
        self.port = 0
        self.happened: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        async def start() -> None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]

        self._thread.start()
        asyncio.run_coroutine_threadsafe(start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        async def stop() -> None:
            assert self._server is not None
            self._server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            for _ in range(3):
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        try:
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.upstream_port)
            while True:
                request = await _message(reader)
                trouble = self._random.choice(self.TROUBLES) if self._random.random() < self.trouble else ""
                self.happened[trouble] += 1
                if trouble == "drop":
                    return
                if trouble == "reset":
                    writer.transport.abort()
                    return
                if trouble == "garbage":
                    writer.write(GARBAGE)
                    continue
                if trouble.isdigit():
                    writer.write(f"HTTP/1.1 {trouble} X\r\nContent-Length: 0\r\n\r\n".encode())
                    continue
                if trouble == "delay":
                    await asyncio.sleep(self._random.random() * 0.2)
                upstream.write(request)
                answer = await _message(upstream_reader)
                if trouble == "lose-answer":
                    return
                if trouble == "cut-answer":
                    writer.write(answer[: len(answer) // 2])
                    return
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            for each in (writer, upstream):
                if each is not None:
                    with contextlib.suppress(OSError):
                        each.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return head + await reader.readexactly(int(value))
    return head
