"""Getting results and events to the API: each is on disk first, and sent until it is accepted.

While all goes well, a result is posted by the task that made it, many at a time. Events go one after the
other, in the order they were sent. Once something could not be delivered, everything goes in order, one after
the other, until nothing is left. What the API answers decides what becomes of an entry:

- no connection, 401, 403, 408, 429, 502, 503, 504: the API is not to be had. Everything waits, in order.
- 500, a connection closed without an answer, an answer that is none: it may be this entry. After two more
tries it
  steps aside, with delays of its own, so that it holds up nothing but, if it is an event, the events behind
  it.
- 404: the API forgot the pack or the action. The pack registers again; an event then goes to its new place. A
result
  whose action stays unknown is set aside.
- another 4xx: it can never be accepted. It is set aside, after a second and a third try for the sake of
proxies.
- whatever the API itself calls final is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from penstock.packs.backoff import Backoff, wait
from penstock.packs.client import FlyteClient
from penstock.packs.errors import FlyteApiError, FlyteStatusError, FlyteTransportError, OutboxError
from penstock.packs.outbox import Entry, Outbox
from penstock.packs.registration import Registration
from penstock.packs.telemetry import Telemetry

logger = logging.getLogger(__name__)

AWAY: Final = frozenset({401, 403, 408, 429, 502, 503, 504})
TRIES_IN_PLACE: Final = 3
TRIES_OF_UNKNOWN: Final = 6
TRIES_OF_REFUSED: Final = 3
GIVE_UP_SECONDS: Final = 24 * 3600.0
"""How long a result is sent that the API answers with 500: the flyte server answers so, for ever, to one that
it has."""


class _Verdict(Enum):
    ACCEPTED = auto()
    AWAY = auto()
    DOUBTFUL = auto()
    UNKNOWN = auto()
    REFUSED = auto()
    NEVER = auto()
    DONE_ELSEWHERE = auto()


@dataclass(frozen=True, slots=True)
class _Answer:
    verdict: _Verdict
    reason: str = ""
    retry_after: float | None = None


@dataclass(slots=True)
class _Trouble:
    """What is known of an entry that was not accepted: tries per kind of trouble, and when it is due
    again."""

    doubtful: int = 0
    unknown: int = 0
    refused: int = 0
    due: float = 0.0
    backoff: Backoff | None = None


class Delivery:
    """Delivers what is in an outbox. ``run`` does it until cancelled."""

    def __init__(
        self,
        client: FlyteClient,
        outbox: Outbox,
        registration: Registration,
        telemetry: Telemetry,
        *,
        longest_wait: float = 30.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._outbox = outbox
        self._registration = registration
        self._telemetry = telemetry
        self._longest_wait = longest_wait
        self._clock = clock
        # Something may be left from the last run.
        self._behind = True
        self._wake = asyncio.Event()
        self._wake.set()
        self._api_is_back = asyncio.Event()
        self._in_flight: set[str] = set()
        self._settled: set[int] = set()
        self._trouble: dict[int, _Trouble] = {}

    @property
    def is_behind(self) -> bool:
        """Whether entries wait that could not be delivered at once."""
        return self._behind

    def hurry(self) -> None:
        """The API answers: waiting for it has an end."""
        if self._behind:
            self._api_is_back.set()

    async def event(self, body: bytes) -> None:
        """Keep an event and have it sent; on disk when this returns. Raises ``OutboxError``."""
        await self._outbox.put_event(body)
        self._wake.set()

    async def result(self, url: str, body: bytes) -> None:
        """Keep an action's result, and send it unless others wait before it."""
        self._in_flight.add(url)
        try:
            try:
                entry = await self._outbox.put_result(url, body)
            except OutboxError:
                # The disk is full or gone: better sent from memory than not at all.
                await self._insist(Entry(-1, "", "result", url, body, self._clock()))
                return
            if entry is None or self._behind:
                return
            answer = await self._post(entry)
            if not self._settle(entry, answer):
                self._behind = True
        finally:
            self._in_flight.discard(url)
            if self._behind:
                self._wake.set()

    async def run(self) -> None:
        """Deliver what waits, whenever something does."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                next_due = await self._drain()
            except OutboxError as error:
                logger.error("%s", error)
                next_due = self._clock() + 5.0
            if next_due is not None:
                await wait(max(0.05, next_due - self._clock()), self._wake)
                self._wake.set()

    async def flush(self, seconds: float) -> int:
        """Send what waits for at most so long; how many entries then still wait."""
        deadline = time.monotonic() + seconds
        while (left := await self._outbox.count()) and time.monotonic() < deadline:
            self._wake.set()
            self._api_is_back.set()
            await asyncio.sleep(0.05)
        return left

    async def _drain(self) -> float | None:
        """One pass over all that waits, in order; when the next of those that stepped aside is due."""
        next_due: float | None = None
        events_held = False
        after = 0
        while True:
            # An entry settled from here on may still be in what is read now; one settled before is not.
            self._settled.clear()
            entries = await self._outbox.waiting(after)
            if not entries:
                break
            for entry in entries:
                after = entry.sequence
                if entry.sequence in self._settled or entry.url in self._in_flight:
                    continue
                if entry.kind == "event" and events_held:
                    continue
                due = self._trouble[entry.sequence].due if entry.sequence in self._trouble else 0.0
                if due <= self._clock():
                    due = await self._deliver(entry)
                if due:
                    next_due = due if next_due is None else min(next_due, due)
                    events_held = events_held or entry.kind == "event"
        self._behind = False
        return next_due

    async def _deliver(self, entry: Entry) -> float:
        """Send ``entry`` until it is settled (0) or steps aside (when it is due again)."""
        away = Backoff(0.2, self._longest_wait)
        while True:
            answer = await self._post(entry)
            if self._settle(entry, answer):
                return 0.0
            if answer.verdict is _Verdict.AWAY:
                self._api_is_back.clear()
                level = logging.DEBUG if away.attempts else logging.WARNING
                delay = answer.retry_after or away.next()
                logger.log(level, "A %s waits, next try in %.1f s: %s", entry.kind, delay, answer.reason)
                await wait(delay, self._api_is_back)
                if self._api_is_back.is_set():
                    # It answers somebody; that must not become a busy loop for what it does not answer.
                    await asyncio.sleep(0.05)
                continue
            trouble = self._trouble.setdefault(entry.sequence, _Trouble())
            if answer.verdict is _Verdict.DOUBTFUL and trouble.doubtful < TRIES_IN_PLACE:
                await asyncio.sleep(0.05 * trouble.doubtful)
                continue
            trouble.backoff = trouble.backoff or Backoff(0.5, 300.0)
            trouble.due = self._clock() + trouble.backoff.next()
            logger.warning("A %s stepped aside: %s", entry.kind, answer.reason)
            return trouble.due

    def _settle(self, entry: Entry, answer: _Answer) -> bool:
        """Do what the answer ends; say whether it ended anything."""
        verdict, reason = answer.verdict, answer.reason
        if verdict is _Verdict.ACCEPTED:
            self._outbox.accepted(entry)
        elif verdict is _Verdict.DONE_ELSEWHERE:
            logger.warning("A result was not needed any more: %s", reason)
            self._outbox.accepted(entry)
        elif verdict is _Verdict.NEVER or self._is_hopeless(entry, verdict):
            logger.error("The API does not take a %s, it is set aside: %s", entry.kind, reason)
            self._outbox.refused(entry, reason)
        else:
            self._telemetry.delivered(entry.kind, "retried")
            return False
        self._settled.add(entry.sequence)
        self._trouble.pop(entry.sequence, None)
        refused = verdict not in {_Verdict.ACCEPTED, _Verdict.DONE_ELSEWHERE}
        self._telemetry.delivered(entry.kind, "refused" if refused else "accepted")
        return True

    def _is_hopeless(self, entry: Entry, verdict: _Verdict) -> bool:
        if verdict is _Verdict.AWAY:
            return False
        trouble = self._trouble.setdefault(entry.sequence, _Trouble())
        if verdict is _Verdict.REFUSED:
            trouble.refused += 1
            return trouble.refused >= TRIES_OF_REFUSED
        if verdict is _Verdict.UNKNOWN:
            trouble.unknown += 1
            return entry.kind == "result" and trouble.unknown >= TRIES_OF_UNKNOWN
        trouble.doubtful += 1
        return entry.kind == "result" and self._clock() - entry.created_at > GIVE_UP_SECONDS

    async def _post(self, entry: Entry) -> _Answer:
        pack = self._registration.current
        if pack is None:
            pack = await self._registration.obtain()
            if pack is None:
                return _Answer(_Verdict.AWAY, "The pack stops.")
        try:
            await self._client.post(entry.url or pack.event_url, entry.body, entry.key or None)
        except FlyteTransportError as error:
            return _Answer(_Verdict.DOUBTFUL if error.sent else _Verdict.AWAY, str(error))
        except FlyteStatusError as error:
            verdict = _verdict(error)
            if verdict is _Verdict.UNKNOWN:
                await self._registration.renew(pack)
            return _Answer(verdict, str(error), error.retry_after)
        except FlyteApiError as error:
            return _Answer(_Verdict.DOUBTFUL, str(error))
        return _Answer(_Verdict.ACCEPTED)

    async def _insist(self, entry: Entry) -> None:
        """Send a result that could not be kept, from memory."""
        backoff = Backoff(0.2, self._longest_wait)
        for _ in range(10_000):
            answer = await self._post(entry)
            if answer.verdict in {_Verdict.ACCEPTED, _Verdict.DONE_ELSEWHERE, _Verdict.NEVER}:
                return
            await asyncio.sleep(backoff.next())


def _verdict(error: FlyteStatusError) -> _Verdict:
    if error.final:
        return _Verdict.DONE_ELSEWHERE if error.status == 500 else _Verdict.NEVER
    if error.status in AWAY:
        return _Verdict.AWAY
    if error.status in {404, 410}:
        return _Verdict.UNKNOWN
    return _Verdict.REFUSED if error.status < 500 else _Verdict.DOUBTFUL
