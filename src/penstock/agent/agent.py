"""The agent's own life: looking for runs, executing them, watching them, and ending in order."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from penstock.agent import queue
from penstock.agent.health import HealthServer
from penstock.agent.queue import QueuedRun
from penstock.environments.base import Environment, EnvironmentFailure, Outcome, RunRequest
from penstock.execution.context import StopReason, StopSignal
from penstock.execution.engine import describe, wait_until
from penstock.execution.identity import RunIdentity
from penstock.execution.logs import LogBatches
from penstock.execution.reporting import persist, send_heartbeats, serialize_state
from penstock.states import Cancelled, Failed, State
from penstock.storage.base import Storage, StorageError

if TYPE_CHECKING:
    from penstock import Client

logger = logging.getLogger("penstock.agent")

AGENT_TYPE = "penstock"

# An agent that has not reached the API for so long says that it is unwell.
UNWELL_SECONDS = 60.0


@dataclass
class _Active:
    """A run that this agent has taken, until it is over."""

    run: QueuedRun
    stop: StopSignal = field(default_factory=StopSignal)
    # How many looks in a row have found the run over, though it is still executed here.
    over: int = 0


@dataclass(frozen=True)
class Progress:
    """Something that happened to a run: `event` is taken, Success, Failed, Cancelled, …"""

    time: datetime
    flow: str
    run: str
    event: str
    message: str = ""


class Agent:
    """Takes the flow runs that are due and executes each where its flow says.

    Args:
        client: A client of the API. Runs of its tenant are taken.
        labels: What runs the agent is for: those all of whose labels are among these; without any, those without labels.
        name: What it is called in the API.
        poll_interval: Seconds between two looks at the queue while there are runs.
        max_poll_interval: Seconds between two looks when the queue has been empty for long: the interval grows up to this.
        prefetch: Seconds: runs that are due so soon are taken already, and started at their time.
        concurrency: How many runs are executed at a time; where it is None, four for each processor.
        heartbeat_interval: Seconds between two signs of life of each run. The API gives a run up after ten minutes without.
        watch_interval: Seconds between two looks at whether a run is to be cancelled.
        progress: Is told what happens to runs, from several threads.
        health_port: The port of `GET /health`; 0 takes a free one, None has none.
        health_host: The address that it listens on.

    Attributes:
        id: The agent's id in the API, once it is registered.
        health_port: The port that `GET /health` is served on, once it is.
        ready: Set when the agent begins to look for runs.
    """

    def __init__(
        self,
        client: Client,
        *,
        labels: Sequence[str] = (),
        name: str | None = None,
        poll_interval: float = 1.0,
        max_poll_interval: float = 10.0,
        prefetch: float = 10.0,
        concurrency: int | None = None,
        heartbeat_interval: float = 30.0,
        watch_interval: float = 2.0,
        progress: Callable[[Progress], None] = lambda _: None,
        health_port: int | None = None,
        health_host: str = "127.0.0.1",
    ) -> None:
        self.labels = sorted(set(labels))
        self.name = name or f"{platform.node() or 'agent'}-{os.getpid()}"
        self.id: UUID | None = None
        self.concurrency = concurrency if concurrency is not None else 4 * (os.cpu_count() or 1)
        wrong = {
            "poll_interval": poll_interval <= 0,
            "max_poll_interval": max_poll_interval < poll_interval,
            "prefetch": prefetch < 0,
            "concurrency": self.concurrency < 1,
            "heartbeat_interval": heartbeat_interval <= 0,
            "watch_interval": watch_interval <= 0,
        }
        if bad := next((key for key, is_wrong in wrong.items() if is_wrong), None):
            raise ValueError(
                f"The agent's {bad} is too small: intervals are seconds above 0, and there is room for one run at least."
            )
        self._client = client
        self._poll_interval = poll_interval
        self._max_poll_interval = max_poll_interval
        self._prefetch = timedelta(seconds=prefetch)
        self._heartbeat_interval = heartbeat_interval
        self._watch_interval = watch_interval
        self._progress = progress
        self._health_address = (health_host, health_port) if health_port is not None else None
        self.health_port: int | None = None
        self.ready = threading.Event()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._active: dict[UUID, _Active] = {}
        self._draining = threading.Event()
        self._closing = threading.Event()
        self._reached = time.monotonic()
        self._taken = 0
        self._finished = 0
        self._problem = ""
        self._logs: LogBatches | None = None

    def __repr__(self) -> str:
        return f"<agent {self.name}>"

    def start(self) -> None:
        """Take and execute runs until `drain` or `abort` is called, and those that were taken are over.

        Raises:
            ClientError: The API cannot be reached, or refuses the agent, at the start; later on, it is tried again for ever.
        """
        with self._working():
            self._loop(until_idle=False, deadline=None)

    def run_until_idle(self, timeout: float = 300.0) -> int:
        """Take and execute runs until none is due and those that were taken are over.

        Args:
            timeout: Seconds that this may take.

        Returns:
            How many runs were executed.

        Raises:
            TimeoutError: There is still something to do after so long; what was not over is marked Failed.
            ClientError: The API cannot be reached, or refuses the agent.
        """
        before = self._finished
        with self._working():
            if not self._loop(until_idle=True, deadline=time.monotonic() + timeout):
                waiting = len(self._active)
                self.abort()
                raise TimeoutError(
                    f"The agent was not idle within {timeout:g} seconds: {waiting} runs were not over."
                )
        return self._finished - before

    def drain(self) -> None:
        """Take no more runs; `start` returns when those that were taken are over."""
        self._draining.set()
        with self._changed:
            self._changed.notify_all()

    def abort(self) -> None:
        """Take no more runs, and end those that were taken: they are marked Failed with the reason."""
        self.drain()
        with self._lock:
            active = list(self._active.values())
        for item in active:
            item.stop.set(StopReason.SHUTDOWN)

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Whether the agent is well, and how it stands."""
        silence = time.monotonic() - self._reached
        with self._lock:
            active = len(self._active)
        said: dict[str, Any] = {
            "agent": self.name,
            "id": self.id,
            "draining": self._draining.is_set(),
            "active_runs": active,
            "taken_runs": self._taken,
            "finished_runs": self._finished,
            "seconds_since_api_answered": round(silence, 1),
        }
        if self._problem:
            said["problem"] = self._problem
        return silence < max(UNWELL_SECONDS, 3 * self._max_poll_interval), said

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """Everything that goes on beside looking for runs: the registration, the watch, the logs, the health endpoint."""
        if self.id is None:
            from penstock import __version__

            agent = self._client.agent.register(AGENT_TYPE, name=self.name, labels=self.labels)
            self.id = agent.id
            self._client = self._client.with_options(
                headers={
                    "X-PREFECT-AGENT-ID": str(self.id),
                    "X-PREFECT-CORE-VERSION": f"penstock/{__version__}",
                }
            )
        self._closing.clear()
        self._reached = time.monotonic()
        watcher = threading.Thread(target=self._watch, name="penstock-watch", daemon=True)
        with contextlib.ExitStack() as stack:
            self._logs = stack.enter_context(LogBatches(self._client))
            if self._health_address is not None:
                host, port = self._health_address
                self.health_port = stack.enter_context(HealthServer(self.health, host, port)).port
            watcher.start()
            self.ready.set()
            try:
                yield
            finally:
                self._wait_for_runs()
                self._closing.set()
                watcher.join(30)

    def _wait_for_runs(self) -> None:
        # Those that were told to stop have a time for it; those that drain have none.
        with self._changed:
            self._changed.wait_for(lambda: not self._active)

    def _loop(self, *, until_idle: bool, deadline: float | None) -> bool:
        """Look for runs again and again; whether there is nothing to do (True) or the deadline has passed (False)."""
        from penstock_api import ClientError

        interval = self._poll_interval
        while not self._draining.is_set():
            if deadline is not None and time.monotonic() > deadline:
                return False
            with self._lock:
                room = self.concurrency - len(self._active)
            taken = waiting = 0
            if room > 0:
                try:
                    taken, waiting = self._look(room)
                    self._reached, self._problem = time.monotonic(), ""
                except ClientError as error:
                    self._problem = describe(error)
                    logger.warning("The queue could not be read: %s", self._problem)
                    if until_idle and not self._active:
                        raise
            with self._lock:
                idle = not self._active
            if until_idle and idle and not taken and not waiting and not self._problem:
                return True
            if taken:
                interval = self._poll_interval
                if room > taken:
                    continue  # there may be more than one answer holds
            elif not waiting:
                interval = min(interval * 1.5, self._max_poll_interval)
            self._pause(interval, full=room <= taken, wake_when_idle=until_idle)
        return True

    def _pause(self, seconds: float, *, full: bool, wake_when_idle: bool) -> None:
        with self._changed:
            if full:
                # Seconds do not matter then: a run that ends makes room.
                self._changed.wait_for(
                    lambda: self._draining.is_set() or len(self._active) < self.concurrency,
                    timeout=max(seconds, 1.0),
                )
            elif wake_when_idle and self._active:
                self._changed.wait_for(lambda: self._draining.is_set() or not self._active, timeout=seconds)
            else:
                self._changed.wait_for(self._draining.is_set, timeout=seconds)

    def _look(self, room: int) -> tuple[int, int]:
        """Take what there is room for: how many were taken, and how many were due and not."""
        with self._lock:
            known = set(self._active)
        answer = queue.look(self._client, self.labels, self._prefetch, known)
        taken = 0
        for run in answer.runs:
            if taken == room or self._draining.is_set() or not answer.is_fresh():
                break
            if queue.take(self._client, run, self.id, self.name):
                taken += 1
                self._begin(run)
        return taken, len(answer.runs) - taken

    def _begin(self, run: QueuedRun) -> None:
        active = _Active(run)
        with self._lock:
            self._active[run.id] = active
            self._taken += 1
        self._tell(run, "taken", "")
        threading.Thread(
            target=self._execute, args=(active,), name=f"penstock-run-{run.name}", daemon=True
        ).start()

    def _tell(self, run: QueuedRun, event: str, message: str) -> None:
        with contextlib.suppress(Exception):
            self._progress(
                Progress(datetime.now(UTC), run.flow.name, run.name or str(run.id), event, message)
            )

    def _execute(self, active: _Active) -> None:
        run = active.run
        outcome: Outcome | None = None
        storage: Storage | None = None
        try:
            try:
                storage, environment = _places(run)
                outcome = self._run(active, storage, environment)
            except (StorageError, EnvironmentFailure) as error:
                outcome = Outcome(Failed(message=str(error)), reported=False)
                self._log(run, "ERROR", str(error))
            except Exception as error:
                # Whatever an environment or a library of its does: the agent goes on, and the run says why it failed.
                logger.exception("A run failed in its environment.")
                outcome = Outcome(Failed(message=describe(error)), reported=False)
                self._log(run, "ERROR", f"The environment failed: {describe(error)}")
            if not outcome.reported and active.stop.reason is not StopReason.LOST:
                self._report(run, outcome.state, storage)
        except BaseException as error:
            logger.error("The state of the run %s could not be told: %s", run.id, describe(error))
        finally:
            state = outcome.state if outcome is not None else Failed(message="lost")
            lost = active.stop.reason is StopReason.LOST
            self._tell(run, "lost" if lost else state.type, state.message or "")
            with self._changed:
                self._active.pop(run.id, None)
                self._finished += 1
                self._changed.notify_all()

    def _run(self, active: _Active, storage: Storage, environment: Environment) -> Outcome:
        run = active.run
        early = run.start_time > datetime.now(UTC)
        if early:
            wait_until(run.start_time, active.stop)
        if active.stop.is_set():
            stopped = Failed(message="The agent was stopped before the flow run began.")
            if active.stop.reason is StopReason.CANCELLED:
                return Outcome(Cancelled(message="The flow run was cancelled."), reported=False)
            return Outcome(stopped, reported=False)
        request = RunRequest(
            parameters=run.parameters or {},
            identity=self._identity(run),
            client=self._client,
            logs=self._logs,
            stop=active.stop,
            output=lambda level, line: self._log(run, level, line),
        )
        environment.setup(storage)
        return environment.execute(storage, str(run.flow.location), request)

    def _identity(self, run: QueuedRun) -> RunIdentity:
        # What the client shows to the API, its runs show, too.
        authorization = next(
            (
                value
                for name, value in self._client._options.headers.items()
                if name.lower() == "authorization"
            ),
            "",
        )
        tenant = self._client._context_value("tenant_id")
        return RunIdentity.model_validate(
            {
                "url": self._client.url,
                "flow_run_id": run.id,
                "flow_run_name": run.name or "",
                "attempt": run.attempt,
                "api_key": authorization.removeprefix("Bearer ").strip() or None,
                "tenant_id": tenant,
                "heartbeat_interval": self._heartbeat_interval,
            }
        )

    def _log(self, run: QueuedRun, level: str, message: str) -> None:
        if self._logs is not None:
            self._logs.write(run.id, None, "penstock.agent", level, message)

    def _report(self, run: QueuedRun, state: State, storage: Storage | None) -> None:
        from penstock_api import GraphQLError

        serialized = serialize_state(state, storage)
        with contextlib.suppress(GraphQLError):  # the run was deleted
            persist(lambda: self._client.flow_run(id=run.id).set_state(serialized))

    def _watch(self) -> None:
        """Give signs of life of all runs that were taken, and notice those that are to stop."""
        from penstock_api import ClientError

        beat = time.monotonic()
        while not self._closing.wait(min(self._watch_interval, self._heartbeat_interval)):
            with self._lock:
                active = dict(self._active)
            if not active:
                continue
            try:
                if time.monotonic() - beat >= self._heartbeat_interval:
                    beat = time.monotonic()
                    send_heartbeats(self._client, sorted(active, key=str), [])
                found = {run.id: run for run in queue.watch(self._client, active)}
            except ClientError as error:
                logger.warning("The runs could not be looked at: %s", describe(error))
                continue
            except Exception:
                logger.exception("The runs could not be looked at.")
                continue
            self._reached = time.monotonic()
            for key, item in active.items():
                self._judge(item, found.get(key))

    def _judge(self, active: _Active, found: queue.WatchedRun | None) -> None:
        """Stop a run that is to be cancelled, and one that is not this agent's any more."""
        if found is None:
            active.stop.set(StopReason.LOST)
        elif found.state == "Cancelling":
            active.stop.set(StopReason.CANCELLED)
        elif found.state in ("Cancelled", "Failed"):
            # The zombie killer or somebody else ended it; or it ended itself a moment ago, and is still sending its logs.
            active.over += 1
            if active.over > 1:
                active.stop.set(StopReason.LOST)
        elif (
            found.state == "Scheduled"
            or (found.times_resurrected or 0) != active.run.attempt - 1
            or (found.agent_id is not None and self.id is not None and found.agent_id != self.id)
        ):
            active.stop.set(StopReason.LOST)


def _places(run: QueuedRun) -> tuple[Storage, Environment]:
    if run.flow.storage is None or run.flow.location is None:
        raise StorageError(
            f"The flow {run.flow.name!r} has no storage, so that it cannot be found. Register it with client.flow.register(…, storage=…)."
        )
    storage = Storage.deserialize(run.flow.storage)
    environment: Environment
    if run.flow.environment is None or "type" not in run.flow.environment:
        from penstock.environments.local import LocalEnvironment

        environment = LocalEnvironment()
    else:
        environment = Environment.deserialize(run.flow.environment)
    environment.check(storage)
    return storage, environment
