"""Background services: they run beside the API, in the same process, one thread each."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from penstock.server.services import cloud_hooks, lazarus, scheduler, zombies

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.server.config import Services
    from penstock.server.database import Database
    from penstock.server.metrics import Metrics

logger = logging.getLogger("penstock.server.services")

# How long a service that is in the middle of something may take to end.
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its name, and one round of it, which says how much it did."""

    name: str
    round: Callable[[Database, datetime], int]


def chosen(services: Services) -> list[Service]:
    """The services that are switched on."""
    every = [
        (services.scheduler, Service("scheduler", scheduler.schedule)),
        (services.zombie_killer, Service("zombie_killer", zombies.end_zombies)),
        (services.lazarus, Service("lazarus", lazarus.revive)),
        (services.cloud_hooks, Service("cloud_hooks", cloud_hooks.deliver)),
    ]
    return [service for on, service in every if on]


class ServiceRunner:
    """Runs services, each in a thread, a round every `interval` seconds, until stopped.

    A round that fails is logged and counted, and the next one is tried: a service never ends by itself.
    """

    def __init__(self, database: Database, services: Services, metrics: Metrics) -> None:
        self._database = database
        self._interval = services.interval
        self._metrics = metrics
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(service,), name=f"penstock-{service.name}", daemon=True)
            for service in chosen(services)
        ]

    def start(self) -> None:
        """Start every service."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Tell every service to end, and wait for the round it is in."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _run(self, service: Service) -> None:
        while not self._stopping.is_set():
            try:
                done = service.round(self._database, datetime.now(UTC))
                self._metrics.service_round(service.name, done)
                if done:
                    logger.info("service", extra={"service": service.name, "actions": done})
            except Exception:
                self._metrics.service_failure(service.name)
                logger.exception("a round of a service failed", extra={"service": service.name})
            self._stopping.wait(self._interval)
