"""`@task`: a function whose calls inside a flow are task runs, with tries, timeouts and states of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    from penstock.execution.engine import TaskFuture

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


class TaskDefinition(Generic[Parameters, Returned]):
    """A function as a task.

    Called inside a flow, it is a task run, and gives the function's result; `submit` and `map` begin task runs and give futures, which run
    at the same time on an engine that spreads tasks (Dask). Called anywhere else, it is the function.

    Attributes:
        function: The function.
        name: The task's name.
        retries: How many more tries there are after the first.
        retry_delay: Seconds between two tries.
        timeout: Seconds that one try may take; None for no end.
        tags: What limits of the API are by.
    """

    def __init__(
        self,
        function: Callable[Parameters, Returned],
        *,
        name: str,
        retries: int,
        retry_delay: float,
        timeout: float | None,
        tags: tuple[str, ...],
        description: str | None,
    ) -> None:
        if retries < 0 or retry_delay < 0:
            raise ValueError(
                f"The task {name!r} has {retries} retries with a delay of {retry_delay} s; neither can be negative."
            )
        if timeout is not None and timeout <= 0:
            raise ValueError(
                f"The task {name!r} has a timeout of {timeout} s; it must be more than 0, or None."
            )
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name
        self.retries = retries
        self.retry_delay = retry_delay
        self.timeout = timeout
        self.tags = tags
        self.description = description

    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        from penstock.execution.engine import call_task

        result: Returned = call_task(self, args, kwargs)
        return result

    def submit(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> TaskFuture[Returned]:
        """Begin a task run and go on; futures of other tasks may stand for arguments.

        Returns:
            The future of the result. What the task raises is raised by its `result()`.
        """
        from penstock.execution.engine import submit_task

        return submit_task(self, args, kwargs)

    def map(self, *iterables: Iterable[Any], **unmapped: Any) -> list[TaskFuture[Returned]]:
        """Begin a task run for each element of the iterables, taken side by side.

        Args:
            iterables: One for each positional argument, of the same length; futures may stand for elements.
            unmapped: Arguments that are the same for all, by name.

        Returns:
            The futures of the results, in the order of the elements.

        Raises:
            ValueError: The iterables are not of the same length.
        """
        from penstock.execution.engine import map_task

        return map_task(self, [list(iterable) for iterable in iterables], unmapped)

    def __repr__(self) -> str:
        return f"<task {self.name}>"

    def serialize(self, slug: str) -> dict[str, Any]:
        """The task as JSON values, in the form that `create_flow` takes."""
        return {
            "name": self.name,
            "slug": slug,
            "type": f"{self.function.__module__}.{self.function.__qualname__}",
            "description": self.description,
            "tags": list(self.tags),
            "max_retries": self.retries,
            "retry_delay": self.retry_delay or None,
            "timeout": self.timeout,
            "trigger": None,
            "auto_generated": False,
            "cache_key": None,
        }


@overload
def task(function: Callable[Parameters, Returned], /) -> TaskDefinition[Parameters, Returned]: ...
@overload
def task(
    *,
    name: str | None = None,
    retries: int = 0,
    retry_delay: float | timedelta = 0.0,
    timeout: float | timedelta | None = None,
    tags: Iterable[str] = (),
) -> Callable[[Callable[Parameters, Returned]], TaskDefinition[Parameters, Returned]]: ...
def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    retries: int = 0,
    retry_delay: float | timedelta = 0.0,
    timeout: float | timedelta | None = None,
    tags: Iterable[str] = (),
) -> Any:
    """Makes a function a task: `@task`, or `@task(retries=3, retry_delay=10)`.

    Args:
        name: The task's name; the function's, where it is None.
        retries: How often it is tried again after it raised.
        retry_delay: Seconds between two tries, or a timedelta.
        timeout: Seconds that one try may take, or a timedelta; None for no end.
        tags: Labels that the API's limits on running tasks go by.

    Raises:
        ValueError: A number is negative, or the timeout is 0.
    """

    def seconds(value: float | timedelta) -> float:
        return value.total_seconds() if isinstance(value, timedelta) else float(value)

    def decorate(target: Callable[..., Any]) -> TaskDefinition[..., Any]:
        from inspect import getdoc

        documented = getdoc(target)
        return TaskDefinition(
            target,
            name=name or target.__name__,
            retries=retries,
            retry_delay=seconds(retry_delay),
            timeout=None if timeout is None else seconds(timeout),
            tags=tuple(sorted(set(tags))),
            description=documented.split("\n\n")[0] if documented else None,
        )

    return decorate if function is None else decorate(function)
