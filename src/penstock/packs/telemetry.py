"""What a pack tells of its work: Prometheus metrics and OpenTelemetry spans, each only where asked for.

Both packages are optional: asking for what is not installed is a ``ConfigurationError`` that says what to
install.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from penstock.packs.errors import ConfigurationError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class Telemetry(Protocol):
    """Hears what a pack does."""

    def handling(self, command: str) -> contextlib.AbstractContextManager[Outcome]:
        """An action is being handled while the context lasts; the outcome is told to what it gives."""
        ...

    def taken(self) -> None:
        """An action was taken."""
        ...

    def registered(self) -> None:
        """The pack registered."""
        ...

    def delivered(self, kind: str, outcome: str) -> None:
        """A result or an event was ``accepted``, ``refused``, or is to be sent again (``retried``)."""
        ...


class Outcome(Protocol):
    """Takes the name of the event an action ended in."""

    def __call__(self, event: str, /) -> None:
        """The action ended in ``event``."""
        ...


def _ignore(_event: str) -> None:
    return None


class NoTelemetry:
    """Tells nobody."""

    @contextlib.contextmanager
    def handling(self, command: str) -> Iterator[Outcome]:
        """Nothing."""
        yield _ignore

    def taken(self) -> None:
        """Nothing."""

    def registered(self) -> None:
        """Nothing."""

    def delivered(self, kind: str, outcome: str) -> None:
        """Nothing."""


class PrometheusTelemetry:
    """Counts into a Prometheus registry of its own, or ``registry``; ``page`` is what a scrape gets."""

    def __init__(self, pack: str, registry: CollectorRegistry | None = None) -> None:
        try:
            import prometheus_client as prometheus
        except ImportError:
            raise ConfigurationError(
                "Metrics need the package prometheus-client: pip install 'penstock[metrics]'."
            ) from None
        self._prometheus = prometheus
        self._registry = prometheus.CollectorRegistry() if registry is None else registry
        self._pack = pack
        self._actions = prometheus.Counter(
            "penstock_pack_actions", "Actions handled.", ["pack", "command", "event"], registry=self._registry
        )
        self._seconds = prometheus.Histogram(
            "penstock_pack_action_seconds",
            "Time in the handler.",
            ["pack", "command"],
            registry=self._registry,
        )
        self._running = prometheus.Gauge(
            "penstock_pack_actions_running", "Actions in a handler.", ["pack"], registry=self._registry
        ).labels(pack)
        self._taken = prometheus.Counter(
            "penstock_pack_actions_taken", "Actions taken.", ["pack"], registry=self._registry
        ).labels(pack)
        self._registrations = prometheus.Counter(
            "penstock_pack_registrations", "Registrations.", ["pack"], registry=self._registry
        ).labels(pack)
        self._deliveries = prometheus.Counter(
            "penstock_pack_deliveries",
            "Results and events, by what the API said.",
            ["pack", "kind", "outcome"],
            registry=self._registry,
        )

    @contextlib.contextmanager
    def handling(self, command: str) -> Iterator[Outcome]:
        """Count an action and time it."""
        with self._running.track_inprogress(), self._seconds.labels(self._pack, command).time():
            yield lambda event: self._actions.labels(self._pack, command, event).inc()

    def taken(self) -> None:
        """Count a taken action."""
        self._taken.inc()

    def registered(self) -> None:
        """Count a registration."""
        self._registrations.inc()

    def delivered(self, kind: str, outcome: str) -> None:
        """Count what the API said."""
        self._deliveries.labels(self._pack, kind, outcome).inc()

    def page(self) -> tuple[str, bytes]:
        """Content type and body for a scrape."""
        return self._prometheus.CONTENT_TYPE_LATEST, self._prometheus.generate_latest(self._registry)


class TracingTelemetry:
    """Makes a span of every handled action, with the process's OpenTelemetry tracer; the rest goes to
    ``inner``."""

    def __init__(self, pack: str, inner: Telemetry) -> None:
        try:
            from opentelemetry import trace
        except ImportError:
            raise ConfigurationError(
                "Tracing needs the package opentelemetry-api: pip install 'penstock[otel]'."
            ) from None
        self._trace = trace
        self._tracer = trace.get_tracer("penstock.packs")
        self._pack = pack
        self._inner = inner

    @contextlib.contextmanager
    def handling(self, command: str) -> Iterator[Outcome]:
        """A span around the handler; ``FATAL`` makes it an error."""
        attributes = {"penstock.pack": self._pack, "penstock.command": command}
        with (
            self._inner.handling(command) as told,
            self._tracer.start_as_current_span(
                f"pack.command {command}", attributes=attributes, kind=self._trace.SpanKind.CONSUMER
            ) as span,
        ):

            def outcome(event: str) -> None:
                told(event)
                span.set_attribute("penstock.event", event)
                if event == "FATAL":
                    span.set_status(self._trace.Status(self._trace.StatusCode.ERROR))

            yield outcome

    def taken(self) -> None:
        """Passed on."""
        self._inner.taken()

    def registered(self) -> None:
        """Passed on."""
        self._inner.registered()

    def delivered(self, kind: str, outcome: str) -> None:
        """Passed on."""
        self._inner.delivered(kind, outcome)
