"""Execution with the tasks on a Dask cluster."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from penstock.environments.base import (
    Environment,
    EnvironmentFailure,
    Outcome,
    RunRequest,
    refuse_without_runner,
)
from penstock.environments.local import execute_here
from penstock.execution.context import FlowContext, StopSignal
from penstock.execution.engine import TaskCall, is_future, run_task
from penstock.execution.reporting import ApiReporter, NoReporter, Reporter, open_client

if TYPE_CHECKING:
    from penstock.execution.identity import RunIdentity
    from penstock.storage.base import Storage

# How long a scheduler is tried to be reached.
CONNECT_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class DaskEnvironment(Environment):
    """Executes the flow's own function in the agent's process, and its tasks on a Dask cluster.

    Attributes:
        address: The scheduler of a cluster, such as `tcp://10.0.0.5:8786`, whose workers have penstock and what the tasks import;
            where it is None, a cluster of processes on this machine is started for each run.
        n_workers: Worker processes of the cluster that is started.
        threads_per_worker: Tasks that each of them runs at a time.
    """

    address: str | None = None
    n_workers: int = Field(default=2, ge=1)
    threads_per_worker: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _address_is_one(self) -> DaskEnvironment:
        if self.address is not None and "://" not in self.address:
            raise ValueError(
                f"{self.address!r} is no address of a scheduler; it should look like tcp://10.0.0.5:8786"
            )
        return self

    def check(self, storage: Storage) -> None:
        """Refuses storages that give no runner."""
        refuse_without_runner(self, storage)

    def execute(self, storage: Storage, flow_location: str, request: RunRequest | None = None) -> Outcome:
        """Execute a stored flow, its tasks on the cluster."""
        self.check(storage)
        asked = request or RunRequest()
        with self._cluster() as client:
            return execute_here(
                storage, flow_location, asked, DaskEngine(client, asked.identity, storage, asked.stop)
            )

    @contextmanager
    def _cluster(self) -> Iterator[Any]:
        try:
            # By name, because its own types are too narrow for what it takes.
            distributed: Any = importlib.import_module("distributed")
        except ImportError:
            raise EnvironmentFailure(
                "A DaskEnvironment needs dask.distributed, which is not installed. Run: pip install 'penstock[dask]'"
            ) from None
        if self.address is not None:
            try:
                client = distributed.Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False)
            except (OSError, TimeoutError) as error:
                raise EnvironmentFailure(
                    f"The Dask scheduler at {self.address} cannot be reached: {error}."
                ) from None
            with client:
                yield client
            return
        with (
            distributed.LocalCluster(
                n_workers=self.n_workers,
                threads_per_worker=self.threads_per_worker,
                processes=True,
                # Of the flow's own; and no port that another cluster may have.
                dashboard_address=None,
                silence_logs="ERROR",
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            yield client


class DaskFuture:
    """The future of a task on a cluster."""

    is_task_future = True

    def __init__(self, future: Any, stop: StopSignal) -> None:
        self.future = future
        self._stop = stop
        self.seen = False

    def result(self, timeout: float | None = None) -> Any:
        """The result; raises what the task raised, and TimeoutError after so many seconds."""
        self.seen = True
        waiting = threading.Event()
        self.future.add_done_callback(lambda _: waiting.set())
        with self._stop.calling(waiting.set):
            if not waiting.wait(timeout):
                raise TimeoutError(f"The task was not over within {timeout:g} seconds.")
        if not self.future.done():
            self._stop.check()
        return self.future.result()

    def done(self) -> bool:
        """Whether the task is over."""
        return bool(self.future.done())

    def cancel(self) -> None:
        """Take the task off the cluster, if it has not begun."""
        self.future.cancel()


class DaskEngine:
    """Runs tasks on a cluster, at the same time as far as there is room."""

    def __init__(self, client: Any, identity: RunIdentity | None, storage: Storage, stop: StopSignal) -> None:
        self._client = client
        self._identity = identity
        self._storage = storage.serialize()
        self._stop = stop
        self._pickled: dict[int, bytes] = {}

    def submit(self, call: TaskCall, context: FlowContext) -> DaskFuture:
        """Begin a task. Futures among its arguments are waited for by the cluster, not by the flow."""
        from penstock.storage.blobs import pickled

        content = self._pickled.get(id(call.task))
        if content is None:
            content = self._pickled[id(call.task)] = pickled(call.task)
        future = self._client.submit(
            _on_worker,
            content,
            call.slug,
            call.map_index,
            self._identity.with_secrets() if self._identity is not None else None,
            self._storage,
            [_inner(item) for item in call.args],
            {name: _inner(item) for name, item in call.kwargs.items()},
            pure=False,
            # A worker that dies takes no blame for its tasks alone: they are tried on others.
            retries=0,
        )
        return DaskFuture(future, self._stop)


def _inner(value: Any) -> Any:
    """A value as the cluster takes it: our futures as its own, which it replaces by their results."""
    if isinstance(value, DaskFuture):
        return value.future
    if is_future(value):
        return value.result()
    if type(value) in (list, tuple, set):
        return type(value)(_inner(item) for item in value)
    if type(value) is dict:
        return {key: _inner(item) for key, item in value.items()}
    return value


@lru_cache(maxsize=8)
def _worker_reporter(identity: str, storage: str) -> ApiReporter:
    """One reporter per run and worker process."""
    import json

    from penstock.execution.identity import RunIdentity
    from penstock.storage.base import Storage

    known = RunIdentity.model_validate_json(identity)
    return ApiReporter(
        open_client(known),
        known.flow_run_id,
        storage=Storage.deserialize(json.loads(storage)),
        heartbeat_interval=known.heartbeat_interval,
    )


def _on_worker(
    content: bytes,
    slug: str,
    map_index: int,
    identity: str | None,
    storage: dict[str, Any],
    args: list[Any],
    kwargs: dict[str, Any],
) -> Any:
    import json

    from penstock.execution.logs import install_handler
    from penstock.storage.blobs import cloudpickle

    install_handler()
    reporter: Reporter = (
        _worker_reporter(identity, json.dumps(storage)) if identity is not None else NoReporter()
    )
    task = cloudpickle().loads(content)
    report = reporter.task(slug, map_index)
    try:
        return run_task(task, args, kwargs, report, StopSignal(), reporter.log)
    finally:
        # The worker may be ended before the next batch is due.
        if isinstance(reporter, ApiReporter):
            reporter.flush()
