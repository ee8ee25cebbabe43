"""Running a flow: its parameters, its states, and its tasks, one after the other or on an engine that spreads them."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from penstock.execution.context import (
    FlowContext,
    Interruptible,
    LogTarget,
    RunStopped,
    StopReason,
    StopSignal,
    current_flow,
    entered,
    log_target,
)
from penstock.execution.logs import install_handler, run_logger
from penstock.execution.reporting import NoReporter, Reporter, TaskReport
from penstock.states import (
    Cancelled,
    Failed,
    Mapped,
    Retrying,
    Running,
    State,
    Success,
    TimedOut,
)

if TYPE_CHECKING:
    from uuid import UUID

    from penstock.flows import FlowLike
    from penstock.tasks import TaskDefinition

Returned = TypeVar("Returned")

# The message of a state is for a line on a screen; logs have the rest.
MESSAGE_CHARACTERS = 2_000


class TaskTimeout(TimeoutError):
    """A task took longer than its timeout."""


class TasksFailed(RuntimeError):
    """Tasks that the flow submitted failed, and it did not ask for their results."""


class FlowFailed(RuntimeError):
    """A flow ended in a state that is no success. `state` is that state."""

    def __init__(self, state: State) -> None:
        super().__init__(str(state))
        self.state = state


@dataclass(frozen=True)
class TaskCall:
    """One call of a task.

    Attributes:
        task: The task.
        slug: The task's slug in its flow.
        map_index: Which of the task's runs this is; -1 for the first that is not mapped.
        args: Positional arguments; futures among them stand for their results.
        kwargs: Keyword arguments, likewise.
    """

    task: TaskDefinition[..., Any]
    slug: str
    map_index: int
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class TaskFuture(Protocol[Returned]):  # type: ignore[misc]  # a future is read-only for its users
    """A task's result, now or later."""

    def result(self, timeout: float | None = None) -> Returned:
        """The result, as soon as it is there.

        Args:
            timeout: Seconds to wait at most; None waits for ever.

        Raises:
            TimeoutError: The result is not there in time.
            Exception: What the task raised.
        """
        ...

    def done(self) -> bool:
        """Whether the task is over."""
        ...


class Engine(Protocol):
    """What runs the tasks of a flow."""

    def submit(self, call: TaskCall, context: FlowContext) -> TaskFuture[Any]:
        """Begin a task; its result comes later."""
        ...


class DoneFuture(Generic[Returned]):
    """The future of a task that is over."""

    def __init__(self, value: Returned | None, error: Exception | None = None) -> None:
        self._value = value
        self._error = error
        self.seen = error is None

    def result(self, timeout: float | None = None) -> Returned:
        """The result, or what the task raised."""
        self.seen = True
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # there is no error, so there is a value

    def done(self) -> bool:
        """It is."""
        return True


def is_future(value: object) -> bool:
    """Whether a value is the future of a task."""
    return isinstance(value, DoneFuture) or getattr(value, "is_task_future", False) is True


def resolved(value: Any) -> Any:
    """A value with the futures in it, and in lists, tuples and dicts in it, replaced by their results."""
    if is_future(value):
        return value.result()
    if type(value) in (list, tuple, set):
        return type(value)(resolved(item) for item in value)
    if type(value) is dict:
        return {key: resolved(item) for key, item in value.items()}
    return value


class SequentialEngine:
    """Runs every task at once, in the thread that calls it."""

    def submit(self, call: TaskCall, context: FlowContext) -> TaskFuture[Any]:
        """Run a task to its end."""
        report = context.reporter.task(call.slug, call.map_index)
        try:
            args, kwargs = resolved(call.args), resolved(dict(call.kwargs))
            return DoneFuture(run_task(call.task, args, kwargs, report, context.stop, context.reporter.log))
        except Exception as error:
            return DoneFuture(None, error)


def describe(error: BaseException) -> str:
    """An error as one line: its type and its text."""
    text = str(error)
    line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return line if len(line) <= MESSAGE_CHARACTERS else line[:MESSAGE_CHARACTERS] + "…"


def _queued(report: TaskReport, state: State, stop: StopSignal) -> None:
    while (wait := report.state(state)) is not None:
        stop.wait(wait)
        stop.check()


def run_task(
    task: TaskDefinition[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    report: TaskReport,
    stop: StopSignal,
    log: Callable[[UUID | None, str, str, str, float], None],
) -> Any:
    """Run one task: its tries, its waits between them, its timeout, and its states.

    Raises:
        Exception: What the last try raised.
        RunStopped: The run is to stop.
    """
    with entered(log_target, LogTarget(log, report.id)):
        attempt = 0
        while True:
            stop.check()
            attempt += 1
            _queued(
                report,
                Running(
                    message=f"Try {attempt} of {task.retries + 1}." if task.retries else "Task run started."
                ),
                stop,
            )
            try:
                value = _call(task.function, args, kwargs, task.timeout, task.name)
            except RunStopped as stopped:
                report.state(Cancelled(message=str(RunStopped(stop.reason or stopped.reason))))
                raise
            except Exception as error:
                if attempt <= task.retries:
                    run_logger.warning(
                        "%s failed, try %d of %d: %s", task.name, attempt, task.retries + 1, describe(error)
                    )
                    due = datetime.now(UTC) + timedelta(seconds=task.retry_delay)
                    report.state(Retrying(message=describe(error), start_time=due, run_count=attempt))
                    stop.wait(task.retry_delay)
                    continue
                run_logger.error("%s failed: %s", task.name, describe(error), exc_info=error)
                failed = TimedOut if isinstance(error, TaskTimeout) else Failed
                report.state(failed(message=describe(error)))
                raise
            report.state(Success(message="Task run succeeded.", result=value))
            return value


def _call(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    timeout: float | None,
    name: str,
) -> Any:
    if timeout is None:
        return function(*args, **kwargs)
    done: list[Any] = []
    failed: list[BaseException] = []
    inside: list[Interruptible] = []

    def target() -> None:
        try:
            with Interruptible() as interruptible:
                inside.append(interruptible)
                done.append(function(*args, **kwargs))
        except BaseException as error:
            failed.append(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(target,), name=f"penstock-task-{name}", daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        for interruptible in inside:
            interruptible.interrupt()
        raise TaskTimeout(f"{name} took longer than {timeout:g} seconds.")
    if failed:
        raise failed[0]
    return done[0]


def call_task(task: TaskDefinition[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What calling a task does: inside a flow, a task run whose result is waited for; elsewhere, a call of its function."""
    context = current_flow.get()
    if context is None:
        return task.function(*args, **kwargs)
    return submit_task(task, args, kwargs).result()


def submit_task(
    task: TaskDefinition[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> TaskFuture[Any]:
    """Begin a task run; outside a flow, it is over when this returns."""
    context = current_flow.get()
    if context is None:
        try:
            return DoneFuture(task.function(*resolved(args), **resolved(dict(kwargs))))
        except Exception as error:
            return DoneFuture(None, error)
    context.stop.check()
    slug = context.slugs.get(id(task), f"{task.name}-1")
    future = context.engine.submit(TaskCall(task, slug, context.next_index(slug), args, kwargs), context)
    context.futures.append(future)
    return future


def map_task(
    task: TaskDefinition[..., Any], iterables: Sequence[Sequence[Any]], kwargs: Mapping[str, Any]
) -> list[TaskFuture[Any]]:
    """Begin a task run for each element: the task's own run becomes Mapped, and has them as its children 0, 1, …"""
    context = current_flow.get()
    rows = list(zip(*iterables, strict=True))
    if context is None:
        return [submit_task(task, row, kwargs) for row in rows]
    slug = context.slugs.get(id(task), f"{task.name}-1")
    with context.lock:
        first = context.calls.get(slug, 0)
        context.calls[slug] = first + max(len(rows), 1)
    parent = context.reporter.task(slug, -1)
    if first == 0:
        parent.state(Mapped(message=f"Mapped over {len(rows)} elements.", n_map_states=len(rows)))
    futures: list[TaskFuture[Any]] = []
    for number, row in enumerate(rows, first):
        context.stop.check()
        futures.append(context.engine.submit(TaskCall(task, slug, number, row, kwargs), context))
    context.futures.extend(futures)
    return futures


def run_flow(
    flow: FlowLike,
    parameters: Mapping[str, Any],
    *,
    reporter: Reporter | None = None,
    engine: Engine | None = None,
    stop: StopSignal | None = None,
    flow_run_id: UUID | None = None,
    attempt: int = 1,
) -> State:
    """Run a flow to its end and tell every state.

    Args:
        flow: A function decorated with `@flow`, or another library's flow with a `run` that takes parameters by name.
        parameters: The parameters by name, as values or as they come from JSON.
        reporter: Whom states and logs are told; nobody, where it is None.
        engine: What runs tasks; this thread, where it is None.
        stop: Tells the run to stop.
        flow_run_id: The run's id in the API.
        attempt: Which execution of the run this is.

    Returns:
        The final state. A flow that raises is Failed: nothing is raised here but what the reporter raises.
    """
    state, _ = run_flow_with_error(
        flow,
        parameters,
        reporter=reporter,
        engine=engine,
        stop=stop,
        flow_run_id=flow_run_id,
        attempt=attempt,
    )
    return state


def run_flow_with_error(
    flow: FlowLike,
    parameters: Mapping[str, Any],
    *,
    reporter: Reporter | None = None,
    engine: Engine | None = None,
    stop: StopSignal | None = None,
    flow_run_id: UUID | None = None,
    attempt: int = 1,
) -> tuple[State, Exception | None]:
    """`run_flow`, with the exception that the flow ended with, if it ended so."""
    from penstock.flows import FlowDefinition

    teller: Reporter = reporter if reporter is not None else NoReporter()
    stopping = stop if stop is not None else StopSignal()
    install_handler()
    body: TaskReport | None = None
    context: FlowContext | None = None
    if isinstance(flow, FlowDefinition):
        slugs = flow.task_slugs()
        context = FlowContext(
            flow.name, {}, teller, engine or SequentialEngine(), stopping, flow_run_id, attempt, slugs
        )
        if not slugs:
            body = teller.task(flow.body_slug, -1)
    with entered(log_target, LogTarget(teller.log, body.id if body is not None else None)):
        if stopping.is_set():
            state, error = _stopped(stopping, RunStopped()), None
        else:
            teller.flow_state(
                Running(message="Flow run started."),
                task=body,
                task_state=Running(message="Task run started."),
            )
            state, error = _run(flow, parameters, context, stopping)
        told = state.model_copy(update={"message": state.message}) if body is not None else None
        teller.flow_state(state, task=body, task_state=told)
    return state, error


def _stopped(stop: StopSignal, stopped: RunStopped) -> State:
    reason = stop.reason or stopped.reason
    match reason:
        case StopReason.TIMED_OUT:
            return TimedOut(message="The flow run took longer than its environment allows.")
        case StopReason.SHUTDOWN:
            return Failed(message="The agent was stopped before the flow run was over.")
        case _:
            return Cancelled(message="The flow run was cancelled.")


def _run(
    flow: FlowLike, parameters: Mapping[str, Any], context: FlowContext | None, stop: StopSignal
) -> tuple[State, Exception | None]:
    from penstock.flows import FlowDefinition, ParameterError

    try:
        with Interruptible() as interruptible, stop.calling(interruptible.interrupt):
            if isinstance(flow, FlowDefinition) and context is not None:
                context.parameters = flow.validate(parameters)
                with entered(current_flow, context):
                    result = resolved(flow(**context.parameters))
                    _settle(context)
                return Success(message="Flow run succeeded.", result=result), None
            return foreign_state(_run_method(flow)(**parameters)), None
    except RunStopped as stopped:
        _abandon(context)
        return _stopped(stop, stopped), None
    except ParameterError as error:
        # Wrong input is told in a sentence; where in our code it was noticed helps nobody.
        run_logger.error("%s", f"TypeError: {error}")
        return Failed(message=describe(error)), error
    except Exception as error:
        _abandon(context)
        if stop.is_set():
            return _stopped(stop, RunStopped()), None
        run_logger.error("The flow failed: %s", describe(error), exc_info=_without_our_frames(error))
        return Failed(message=describe(error)), error


def _without_our_frames(error: Exception) -> Exception:
    """The error with a traceback that begins in the flow's own code."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_globals.get("__name__", "").startswith("penstock."):
        traceback = traceback.tb_next
    return error.with_traceback(traceback) if traceback is not None else error


def _run_method(flow: FlowLike) -> Callable[..., Any]:
    run = getattr(flow, "run", None)
    if not callable(run):
        raise TypeError(
            f"The flow {flow.name!r} has no run() method, so it can be registered but not executed."
        )
    found: Callable[..., Any] = run
    return found


def foreign_state(outcome: Any) -> State:
    """What another library's `run` gave, as a state: a state of its by its type and message, else a success with that result."""
    if isinstance(outcome, State):
        return outcome
    is_successful = getattr(outcome, "is_successful", None)
    if not callable(is_successful):
        return Success(message="Flow run succeeded.", result=outcome)
    message = str(getattr(outcome, "message", None) or outcome)
    if is_successful():
        return Success(message=message)
    results = getattr(outcome, "result", None)
    if isinstance(results, Mapping):
        for task, item in results.items():
            if callable(getattr(item, "is_failed", None)) and item.is_failed():
                run_logger.error("%s: %s", getattr(task, "name", task), getattr(item, "message", item))
    return Failed(message=message[:MESSAGE_CHARACTERS])


def _settle(context: FlowContext) -> None:
    """Wait for the tasks that were begun; raises TasksFailed for those whose failure nobody has looked at."""
    failures: list[Exception] = []
    for future in context.futures:
        if getattr(future, "seen", False):
            continue
        try:
            future.result()
        except Exception as error:
            failures.append(error)
    if failures:
        raise TasksFailed(
            f"{len(failures)} of {len(context.futures)} task runs failed; the first: {describe(failures[0])}"
        )


def _abandon(context: FlowContext | None) -> None:
    for future in context.futures if context is not None else ():
        cancel = getattr(future, "cancel", None)
        if callable(cancel):
            cancel()


def wait_until(moment: datetime, stop: StopSignal) -> None:
    """Wait until a time, or until the run is to stop."""
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
        if stop.wait(min(left, 60.0)):
            return
