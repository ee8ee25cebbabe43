"""Requests of a kind that wait at the same time are answered by one transaction.

While one transaction is on its way to the disk, what arrives waits for the next: one by one when there is little to
do, many at a time when there is much. Nothing waits for company.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final, Generic, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

LARGEST: Final = 64
"""Items in one transaction: enough to pay for its end, few enough to keep others waiting no longer than that."""


class Batches(Generic[ItemT, ResultT]):
    """Runs ``function``, which answers items in their order, in a thread of ``threads``."""

    def __init__(self, function: Callable[[Sequence[ItemT]], Sequence[ResultT]], threads: Executor) -> None:
        self._function = function
        self._threads = threads
        # An application may be used from one event loop after the other, as tests do.
        self._waiting: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, deque[tuple[ItemT, asyncio.Future[ResultT]]]
        ] = weakref.WeakKeyDictionary()
        self._working: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = (
            weakref.WeakKeyDictionary()
        )

    async def submit(self, item: ItemT) -> ResultT:
        """The answer to ``item``; raises what ``function`` raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[ResultT] = loop.create_future()
        self._waiting.setdefault(loop, deque()).append((item, answer))
        working = self._working.get(loop)
        if working is None or working.done():
            self._working[loop] = loop.create_task(self._work(loop))
        return await answer

    async def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting = self._waiting[loop]
        while waiting:
            batch = [waiting.popleft() for _ in range(min(len(waiting), LARGEST))]
            items = [item for item, _ in batch]
            try:
                results = await loop.run_in_executor(self._threads, self._function, items)
            except Exception as error:
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), result in zip(batch, results, strict=True):
                if not answer.done():
                    answer.set_result(result)
