"""Being known to the API, whatever it takes."""

from __future__ import annotations

import asyncio
import logging

from penstock.packs.backoff import Backoff, wait
from penstock.packs.client import FlyteClient, RegisteredPack
from penstock.packs.definitions import PackDef
from penstock.packs.errors import FlyteApiError, FlyteStatusError
from penstock.packs.telemetry import Telemetry

logger = logging.getLogger(__name__)


class Registration:
    """A pack's registration. ``current`` is what the API last gave, ``None`` before it gave anything.

    Where the API is away or refuses, it is asked again for ever: after half a second at first, then up to
    every ``longest_wait`` seconds.
    """

    def __init__(
        self,
        client: FlyteClient,
        pack: PackDef,
        telemetry: Telemetry,
        stopping: asyncio.Event,
        longest_wait: float = 10.0,
    ) -> None:
        self._client = client
        self._pack = pack
        self._telemetry = telemetry
        self._stopping = stopping
        self._longest_wait = longest_wait
        self._turn = asyncio.Lock()
        self.current: RegisteredPack | None = None
        self.ready = asyncio.Event()

    async def obtain(self) -> RegisteredPack | None:
        """Register unless that is done; ``None`` only where the pack stops meanwhile."""
        return await self.renew(None)

    async def renew(self, stale: RegisteredPack | None) -> RegisteredPack | None:
        """Register again unless somebody has since ``stale`` was current; ``None`` where the pack stops
        meanwhile."""
        async with self._turn:
            if self.current is not None and self.current is not stale:
                return self.current
            backoff = Backoff(0.5, self._longest_wait)
            while not self._stopping.is_set():
                try:
                    await self._client.links(refresh=True)
                    self.current = await self._client.create_pack(self._pack)
                except FlyteApiError as error:
                    delay = backoff.next()
                    hint = _hint(error)
                    logger.warning(
                        "Pack %r is not registered, next try in %.1f s: %s%s",
                        self._pack.name,
                        delay,
                        error,
                        hint,
                    )
                    await wait(delay, self._stopping)
                else:
                    self._telemetry.registered()
                    self.ready.set()
                    logger.info("Pack %r is registered as %r.", self._pack.name, self.current.id)
                    return self.current
            return None


def _hint(error: FlyteApiError) -> str:
    if isinstance(error, FlyteStatusError) and error.status in {401, 403}:
        return " Check FLYTE_JWT."
    return ""
