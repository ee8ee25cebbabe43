"""Execution in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic.dataclasses import dataclass

from penstock.environments.base import Environment, Outcome, RunRequest, refuse_without_runner
from penstock.execution.engine import run_flow
from penstock.execution.reporting import ApiReporter, NoReporter, Reporter

if TYPE_CHECKING:
    from penstock.execution.engine import Engine
    from penstock.storage.base import Storage


@dataclass(frozen=True, kw_only=True)
class LocalEnvironment(Environment):
    """Executes flows in the agent's own process, each in a thread: the least overhead, and no walls between runs.

    A flow that is to stop is interrupted between two lines of Python; what waits in C is not.
    """

    def check(self, storage: Storage) -> None:
        """Refuses storages that give no runner."""
        refuse_without_runner(self, storage)

    def execute(self, storage: Storage, flow_location: str, request: RunRequest | None = None) -> Outcome:
        """Execute a stored flow in this thread."""
        self.check(storage)
        return execute_here(storage, flow_location, request or RunRequest(), None)


def execute_here(storage: Storage, flow_location: str, request: RunRequest, engine: Engine | None) -> Outcome:
    """Execute a stored flow in this thread, its tasks on an engine."""
    flow = storage.get_runner(flow_location).flow
    with reporter_for(storage, request) as reporter:
        state = run_flow(
            flow,
            request.parameters,
            reporter=reporter,
            engine=engine,
            stop=request.stop,
            flow_run_id=request.identity.flow_run_id if request.identity is not None else None,
            attempt=request.identity.attempt if request.identity is not None else 1,
        )
    return Outcome(state, reported=request.identity is not None)


@contextmanager
def reporter_for(storage: Storage, request: RunRequest) -> Iterator[Reporter]:
    """Whom to tell of a run, for as long as it is executed."""
    if request.client is None or request.identity is None:
        yield NoReporter()
        return
    from penstock.execution.context import StopReason

    reporter = ApiReporter(
        request.client,
        request.identity.flow_run_id,
        storage=storage,
        logs=request.logs,
        heartbeat_interval=request.identity.heartbeat_interval,
        lost=lambda: request.stop.reason is StopReason.LOST,
    )
    try:
        yield reporter
    finally:
        reporter.close()
