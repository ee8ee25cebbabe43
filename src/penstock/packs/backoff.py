"""Waiting between attempts."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Delays in seconds that double from ``first`` to ``longest``, each shortened at random by up to
    ``jitter``.

    The jitter keeps a crowd of packs from coming back to a restarted API in step.
    """

    first: float
    longest: float
    jitter: float = 0.3
    attempts: int = 0

    def next(self) -> float:
        """The next delay."""
        # The exponent is bounded because an API may be away for weeks.
        delay = min(self.longest, self.first * 2.0 ** min(self.attempts, 60))
        self.attempts += 1
        return delay * (1 - self.jitter * random.random())

    def reset(self) -> None:
        """Begin again with the first delay."""
        self.attempts = 0


async def wait(seconds: float, *wakers: asyncio.Event) -> None:
    """Wait for ``seconds``, or until one of ``wakers`` is set."""
    if any(waker.is_set() for waker in wakers):
        return
    if len(wakers) == 1:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await wakers[0].wait()
        return
    waiting = [asyncio.ensure_future(waker.wait()) for waker in wakers]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
