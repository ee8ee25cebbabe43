"""A running pack: it takes actions, handles them side by side, and has their results delivered.

One taker polls. While it finds actions, others take beside it; when none is left, it waits, longer each time,
up to the pack's interval. An action is noted on disk when it is taken and forgotten when its result is on
disk, so that a pack that dies begins again with what it had in hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json, to_json

from penstock.packs.backoff import Backoff, wait
from penstock.packs.client import Action, FlyteClient, encode_event
from penstock.packs.definitions import fatal_event
from penstock.packs.delivery import Delivery
from penstock.packs.errors import FlyteApiError, FlyteStatusError
from penstock.packs.handling import PreparedCommand, handle
from penstock.packs.outbox import Outbox, UnfinishedAction
from penstock.packs.registration import Registration
from penstock.packs.telemetry import Telemetry

logger = logging.getLogger(__name__)

SHORTEST_POLL: Final = 0.5
"""Seconds: the flyte clients do not poll more often when there is nothing to do."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a pack works.

    ``poll_interval`` is the longest time between polls, in seconds. ``max_concurrency`` is how many actions
    are handled at once, ``takers`` how many are asked for at once while there is work. ``drain_timeout`` is
    how many seconds a stopping pack waits for handlers and deliveries.
    """

    poll_interval: float = 5.0
    max_concurrency: int = 32
    takers: int = 8
    drain_timeout: float = 30.0


class Worker:
    """The takers and handlers of one pack. ``run`` works until ``stopping`` is set and what was begun is
    done."""

    def __init__(
        self,
        client: FlyteClient,
        commands: Mapping[str, PreparedCommand],
        registration: Registration,
        delivery: Delivery,
        outbox: Outbox,
        telemetry: Telemetry,
        options: WorkerOptions,
        stopping: asyncio.Event,
    ) -> None:
        self._client = client
        self._commands = commands
        self._registration = registration
        self._delivery = delivery
        self._outbox = outbox
        self._telemetry = telemetry
        self._options = options
        self._stopping = stopping
        self._threads = ThreadPoolExecutor(options.max_concurrency, thread_name_prefix="pack-handler")
        self._running = asyncio.Semaphore(options.max_concurrency)
        # Actions that wait for their command's own limit must not keep those of other commands from being
        # taken.
        has_limits = any(command.gate.limits for command in commands.values())
        self._in_hand = asyncio.Semaphore(options.max_concurrency * (4 if has_limits else 1))
        self._actions: dict[str, asyncio.Task[None]] = {}
        # Set for each taker that is of use: one more for every action found in a row, the first one always.
        self._wanted = [asyncio.Event() for _ in range(options.takers)]
        self._found_in_a_row = 0
        self._poll_now = asyncio.Event()

    async def run(self) -> None:
        """Work; returns once stopped and drained, or when the drain took too long."""
        if not self._commands:
            await self._stopping.wait()
            return
        resuming = asyncio.create_task(self._resume(await self._outbox.unfinished()), name="pack resume")
        takers = [
            asyncio.create_task(self._take(number), name=f"pack taker {number}")
            for number in range(self._options.takers)
        ]
        try:
            await self._stopping.wait()
            if self._actions:
                logger.info("Stopping: %d actions are being finished.", len(self._actions))
            # An answer under way may hold an action: it is waited for, not cut off.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._options.drain_timeout):
                    await asyncio.wait([*takers, resuming])
                    while self._actions:
                        await asyncio.wait(list(self._actions.values()))
        finally:
            unfinished = list(self._actions.values())
            for task in (*takers, resuming, *unfinished):
                task.cancel()
            if unfinished:
                logger.warning(
                    "%d actions did not finish; they are begun again with the next start.", len(unfinished)
                )
            await asyncio.gather(*takers, resuming, *unfinished, return_exceptions=True)
            self._threads.shutdown(wait=False, cancel_futures=True)

    def poll_now(self) -> None:
        """Poll without waiting for the interval to end."""
        self._poll_now.set()

    async def _resume(self, unfinished: list[UnfinishedAction]) -> None:
        if unfinished:
            logger.info(
                "%d actions were in hand when the pack ended last; they are taken up again.", len(unfinished)
            )
        for left in unfinished:
            action = Action(left.command, from_json(left.input), left.url)
            prepared = self._commands.get(left.command)
            if prepared is not None and not prepared.command.rerun:
                event = fatal_event(
                    f"The pack ended while the command {left.command!r} ran; it is not run twice."
                )
                await self._delivery.result(left.url, encode_event(event))
                continue
            await self._in_hand.acquire()
            if self._stopping.is_set():
                self._in_hand.release()
                return
            self._begin(action)

    async def _take(self, number: int) -> None:
        idle = Backoff(SHORTEST_POLL, self._options.poll_interval, jitter=0.1)
        failing = Backoff(SHORTEST_POLL, self._options.poll_interval)
        while not self._stopping.is_set():
            if number:
                await _either(self._wanted[number], self._stopping)
            await self._in_hand.acquire()
            if self._stopping.is_set():
                self._in_hand.release()
                return
            outcome: bool | None = None
            try:
                outcome = await self._take_one()
            except FlyteApiError as error:
                level = logging.WARNING if failing.attempts else logging.INFO
                logger.log(level, "No action could be taken: %s", error)
            finally:
                if not outcome:
                    self._in_hand.release()
            if outcome:
                idle.reset()
                failing.reset()
                self._found_in_a_row += 1
                if self._found_in_a_row < len(self._wanted):
                    self._wanted[self._found_in_a_row].set()
                continue
            self._found_in_a_row = 0
            for wanted in self._wanted:
                wanted.clear()
            if number:
                continue
            if outcome is False:
                failing.reset()
            await wait(failing.next() if outcome is None else idle.next(), self._stopping, self._poll_now)
            if self._poll_now.is_set():
                self._poll_now.clear()
                idle.reset()

    async def _take_one(self) -> bool:
        """Take an action and begin it; false where there is none, or nothing to begin."""
        pack = self._registration.current or await self._registration.obtain()
        if pack is None:
            return False
        try:
            action = await self._client.take_action(pack)
        except FlyteStatusError as error:
            if error.status != 404:
                raise
            logger.warning("The API does not know the pack any more; it registers again.")
            await self._registration.renew(pack)
            raise
        self._delivery.hurry()
        if action is None:
            return False
        self._telemetry.taken()
        url = action.result_url
        if url in self._actions or (self._delivery.is_behind and await self._outbox.has_result(url)):
            logger.info(
                "The API offers an action again that is in hand already (command %r).", action.command
            )
            return False
        self._outbox.note_taken(url, action.command, to_json(action.input))
        self._begin(action)
        return True

    def _begin(self, action: Action) -> None:
        task = asyncio.create_task(self._finish(action), name=f"pack command {action.command}")
        self._actions[action.result_url] = task
        task.add_done_callback(lambda _: self._end(action.result_url))

    def _end(self, url: str) -> None:
        self._actions.pop(url, None)
        self._in_hand.release()

    async def _finish(self, action: Action) -> None:
        prepared = self._commands.get(action.command)
        if prepared is not None and prepared.gate.limits:
            async with prepared.gate:
                body = await self._handle(action, action.command)
        else:
            # What the API sends for a name is not a label to count by.
            body = await self._handle(action, action.command if prepared else "unknown")
        await self._delivery.result(action.result_url, body)

    async def _handle(self, action: Action, label: str) -> bytes:
        async with self._running:
            with self._telemetry.handling(label) as outcome:
                event, body = await handle(self._commands, action, self._threads)
                outcome(event.name)
        return body


async def _either(one: asyncio.Event, other: asyncio.Event) -> None:
    if one.is_set() or other.is_set():
        return
    waiting = [asyncio.ensure_future(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
