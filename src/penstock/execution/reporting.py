"""Telling the API what becomes of a run: its states, those of its task runs, its logs, and that it is alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import UUID

from penstock.execution.logs import LogBatches

if TYPE_CHECKING:
    from penstock import Client
    from penstock.execution.identity import RunIdentity
    from penstock.states import State
    from penstock.storage.base import Storage

# A result whose JSON is longer is kept in the storage, and its location in the state.
RESULT_BYTES = 100_000

# How long a state that cannot be told is tried again, in seconds: longer than an API takes to start anew.
REPORT_SECONDS = 120.0

_SET_STATES = (
    "mutation ($flow_runs: [set_flow_run_state_input!]!) {"
    "set_flow_run_states(input: {states: $flow_runs}) {states {id status}}}"
)
_SET_TASK_STATES = (
    "mutation ($task_runs: [set_task_run_state_input!]!) {"
    "set_task_run_states(input: {states: $task_runs}) {states {id status message}}}"
)
_BOTH_FLOW_FIRST = (
    "mutation ($flow_runs: [set_flow_run_state_input!]!, $task_runs: [set_task_run_state_input!]!) {"
    "set_flow_run_states(input: {states: $flow_runs}) {states {id status}} "
    "set_task_run_states(input: {states: $task_runs}) {states {id status message}}}"
)
_BOTH_TASKS_FIRST = (
    "mutation ($flow_runs: [set_flow_run_state_input!]!, $task_runs: [set_task_run_state_input!]!) {"
    "set_task_run_states(input: {states: $task_runs}) {states {id status message}} "
    "set_flow_run_states(input: {states: $flow_runs}) {states {id status}}}"
)
_TASKS = (
    "query ($id: uuid!) {flow_run_by_pk(id: $id) {flow {tasks {id slug}} "
    "task_runs(where: {map_index: {_eq: -1}}) {id task_id}}}"
)

Answer = TypeVar("Answer")


class TaskReport(Protocol):
    """Whom the states of one task run are told. `id` is the task run's id in the API, None where it has none."""

    @property
    def id(self) -> UUID | None: ...
    def state(self, state: State) -> float | None:
        """Tell a state. Seconds to wait and then tell it again, where a limit has no room for it; else None."""
        ...


class Reporter(Protocol):
    """Whom the states of a flow run are told, and its logs."""

    def flow_state(
        self, state: State, *, task: TaskReport | None = None, task_state: State | None = None
    ) -> None:
        """Tell a state of the flow run, and together with it one of a task run of its."""
        ...

    def task(self, slug: str, map_index: int) -> TaskReport:
        """Whom to tell the states of a task run."""
        ...

    def log(self, task_run_id: UUID | None, name: str, level: str, message: str, timestamp: float) -> None:
        """Add a line to the run's logs."""
        ...


class _NoTask:
    id: UUID | None = None

    def state(self, state: State) -> float | None:
        """Nobody is told."""
        return None


class NoReporter:
    """For runs that the API knows nothing of: nobody is told."""

    def flow_state(
        self, state: State, *, task: TaskReport | None = None, task_state: State | None = None
    ) -> None:
        """Nobody is told."""

    def task(self, slug: str, map_index: int) -> TaskReport:
        """A task run that nobody is told of."""
        return _NoTask()

    def log(self, task_run_id: UUID | None, name: str, level: str, message: str, timestamp: float) -> None:
        """The line is left to `logging`'s own handlers."""


def persist(call: Callable[[], Answer], seconds: float = REPORT_SECONDS) -> Answer:
    """Makes a call to the API again and again while the API cannot be reached, with growing waits.

    Raises what the call raises when the API answers and refuses, or when it is not reached for so many seconds.
    """
    from penstock_api import HTTPStatusError, TransportError

    end = time.monotonic() + seconds
    wait = 0.2
    while True:
        try:
            return call()
        except (TransportError, HTTPStatusError) as error:
            status = getattr(error, "status_code", 503)
            if status not in (429, 500, 502, 503, 504) or time.monotonic() + wait > end:
                raise
        time.sleep(wait)
        wait = min(wait * 1.7, 5.0)


def serialize_state(state: State, storage: Storage | None) -> dict[str, Any]:
    """A state as the API takes it: a result that is long, or has no form in JSON, goes to the storage first."""
    from pydantic_core import PydanticSerializationError, to_json

    from penstock.states import SERIALIZATION_VERSION

    if state.result is None:
        return state.serialize()
    try:
        size = len(to_json(state.result))
    except (PydanticSerializationError, ValueError):
        size = None
    if size is not None and size <= RESULT_BYTES:
        return state.serialize()
    plain = state.model_copy(update={"result": None}).serialize()
    try:
        location = storage.write_result(state.result) if storage is not None else None
    except Exception as error:
        location, why = None, f"{type(error).__name__}: {error}"
    else:
        why = "the flow has no storage that keeps results"
    if location is None:
        what = f"of {size} bytes" if size is not None else f"of the type {type(state.result).__name__}"
        plain["message"] = f"{state.message or ''} The result {what} was not kept: {why}.".strip()
        return plain
    plain["_result"] = {"type": "StoredResult", "location": location, "__version__": SERIALIZATION_VERSION}
    return plain


class ApiReporter:
    """Tells the API.

    Args:
        client: A client of the API that the run is in.
        flow_run_id: The run's id.
        storage: Where results go that a state cannot carry.
        logs: Where lines go; batches of its own, where it is None.
        heartbeat_interval: Seconds between two signs of life of the run and of its running task runs; None gives none.
        lost: Asked before every state: whether the run is somebody else's by now, in which case nothing is told any more.
    """

    def __init__(
        self,
        client: Client,
        flow_run_id: UUID,
        *,
        storage: Storage | None = None,
        logs: LogBatches | None = None,
        heartbeat_interval: float | None = 30.0,
        lost: Callable[[], bool] = lambda: False,
    ) -> None:
        self._client = client
        self.flow_run_id = flow_run_id
        self._storage = storage
        self._own_logs = LogBatches(client) if logs is None else None
        self._logs = logs if logs is not None else self._own_logs
        self._lost = lost
        self._lock = threading.Lock()
        self._task_ids: dict[str, UUID] | None = None
        self._task_runs: dict[UUID, UUID] = {}
        self._running: set[UUID] = set()
        self._closing = threading.Event()
        self._heartbeat: threading.Thread | None = None
        if heartbeat_interval is not None:
            self._heartbeat = threading.Thread(
                target=self._beat, args=(heartbeat_interval,), name="penstock-heartbeat", daemon=True
            )
            self._heartbeat.start()

    def close(self) -> None:
        """Stops the signs of life, and sends the logs that wait."""
        self._closing.set()
        if self._own_logs is not None:
            self._own_logs.close()
        if self._heartbeat is not None:
            self._heartbeat.join(timeout=10)

    def flush(self) -> None:
        """Sends the logs that wait."""
        if self._logs is not None:
            self._logs.flush()

    def _beat(self, interval: float) -> None:
        from penstock_api import ClientError

        while not self._closing.wait(interval):
            with self._lock:
                ids = sorted(self._running, key=str)
            try:
                send_heartbeats(self._client, [self.flow_run_id], ids)
            except ClientError:
                continue  # the next one may arrive; ten minutes without any are what counts

    def flow_state(
        self, state: State, *, task: TaskReport | None = None, task_state: State | None = None
    ) -> None:
        """Tell a state of the flow run; a task run's with it, behind it when it begins and before it when it ends."""
        if self._lost():
            return
        flow_runs = [{"flow_run_id": self.flow_run_id, "state": serialize_state(state, self._storage)}]
        document, variables = _SET_STATES, {"flow_runs": flow_runs}
        if task is not None and task.id is not None and task_state is not None:
            document = _BOTH_TASKS_FIRST if state.is_finished() else _BOTH_FLOW_FIRST
            variables["task_runs"] = [
                {"task_run_id": task.id, "state": serialize_state(task_state, self._storage)}
            ]
            self._mark(task.id, task_state)
        persist(lambda: self._client.execute(document, variables))

    def _mark(self, task_run_id: UUID, state: State) -> None:
        with self._lock:
            if state.is_running():
                self._running.add(task_run_id)
            else:
                self._running.discard(task_run_id)

    def task(self, slug: str, map_index: int) -> TaskReport:
        """Whom to tell the states of a task run, which is made if it is not there yet."""
        with self._lock:
            if self._task_ids is None:
                data = persist(lambda: self._client.execute(_TASKS, {"id": self.flow_run_id}))
                run = data["flow_run_by_pk"] or {"flow": {"tasks": []}, "task_runs": []}
                self._task_ids = {item["slug"]: UUID(item["id"]) for item in run["flow"]["tasks"]}
                self._task_runs = {UUID(item["task_id"]): UUID(item["id"]) for item in run["task_runs"]}
            task_id = self._task_ids.get(slug)
            known = self._task_runs.get(task_id) if task_id is not None else None
        if task_id is None:
            return _NoTask()
        if map_index == -1 and known is not None:
            return _ApiTask(self, known)
        made = persist(
            lambda: self._client.task_run.get_or_create(self.flow_run_id, task_id, map_index=map_index)
        )
        return _ApiTask(self, made.id)

    def tell_task_state(self, task_run_id: UUID, state: State) -> float | None:
        """Tell a state of a task run; seconds to wait before the next try, where a tag's limit is reached."""
        if self._lost():
            return None
        entry = {"task_run_id": task_run_id, "state": serialize_state(state, self._storage)}
        answer = persist(lambda: self._client.execute(_SET_TASK_STATES, {"task_runs": [entry]}))
        (told,) = answer["set_task_run_states"]["states"]
        if told["status"] == "QUEUED":
            return QUEUED_SECONDS
        self._mark(task_run_id, state)
        return None

    def log(self, task_run_id: UUID | None, name: str, level: str, message: str, timestamp: float) -> None:
        """Add a line to the run's logs; it is sent with the next batch."""
        if self._logs is not None:
            self._logs.write(self.flow_run_id, task_run_id, name, level, message, timestamp)


# A task run that waits for room under a tag's limit asks again after so long; the API counts a place as free at once.
QUEUED_SECONDS = 5.0


class _ApiTask:
    def __init__(self, reporter: ApiReporter, task_run_id: UUID) -> None:
        self._reporter = reporter
        self.id: UUID | None = task_run_id

    def state(self, state: State) -> float | None:
        """Tell a state of this task run."""
        assert self.id is not None
        return self._reporter.tell_task_state(self.id, state)


def send_heartbeats(client: Client, flow_runs: list[UUID], task_runs: list[UUID]) -> None:
    """Says of runs that they are alive, all in one request. Raises `ClientError` where that fails."""
    if not flow_runs and not task_runs:
        return
    variables: dict[str, Any] = {}
    declared: list[str] = []
    calls: list[str] = []
    for kind, ids in (("flow", flow_runs), ("task", task_runs)):
        for number, key in enumerate(ids):
            name = f"{kind}{number}"
            variables[name] = key
            declared.append(f"${name}: UUID!")
            calls.append(
                f"{name}: update_{kind}_run_heartbeat(input: {{{kind}_run_id: ${name}}}) {{success}}"
            )
    client.execute(f"mutation ({', '.join(declared)}) {{{' '.join(calls)}}}", variables)


def open_client(identity: RunIdentity) -> Client:
    """A client of the API that a run is in."""
    from penstock import Client

    return Client(
        identity.url,
        api_key=identity.api_key.get_secret_value() if identity.api_key is not None else None,
        tenant_id=identity.tenant_id,
    )


def parameters_from(text: str | None) -> Mapping[str, Any]:
    """Parameters from their JSON text; none where there is no text. Raises `ValueError` where it is no JSON object."""
    import json

    found = json.loads(text) if text else {}
    if not isinstance(found, dict):
        raise ValueError("The parameters are no JSON object.")
    return found
