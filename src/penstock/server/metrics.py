"""Metrics in Prometheus' format, one registry per application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from penstock.server.database import Database

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What is counted: requests by status, their duration, and what the background services did."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "penstock_graphql_requests",
            "GraphQL requests answered, by HTTP status and whether the answer has errors.",
            ["status", "errors"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "penstock_graphql_request_seconds",
            "How long GraphQL requests took.",
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._service_work = Counter(
            "penstock_service_actions",
            "What background services did: runs scheduled, zombies failed, runs revived, hooks delivered.",
            ["service"],
            registry=self._registry,
        )
        self._service_failures = Counter(
            "penstock_service_failures",
            "Rounds of a background service that failed.",
            ["service"],
            registry=self._registry,
        )
        connections = Gauge(
            "penstock_database_connections_in_use",
            "Database connections that are in use.",
            registry=self._registry,
        )
        connections.set_function(lambda: float(database.connections_in_use()))

    def request(self, status: int, seconds: float, *, errors: bool) -> None:
        """Count one GraphQL request."""
        self._requests.labels(str(status), "yes" if errors else "no").inc()
        self._seconds.observe(seconds)

    def service_round(self, service: str, done: int) -> None:
        """Count what a round of a service did."""
        self._service_work.labels(service).inc(done)

    def service_failure(self, service: str) -> None:
        """Count a round that failed."""
        self._service_failures.labels(service).inc()

    def text(self) -> bytes:
        """Everything counted, as Prometheus reads it."""
        return generate_latest(self._registry)
