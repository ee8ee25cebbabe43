"""Flows as code: `@flow` makes a function one, and `FlowLike` is what any other flow object must have to be registered."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, overload, runtime_checkable

if TYPE_CHECKING:
    from logging import Logger
    from uuid import UUID

    from pydantic import TypeAdapter

    from penstock.states import State
    from penstock.tasks import TaskDefinition

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned", covariant=True)

SERIALIZER = "penstock/0.1.0"


@runtime_checkable
class FlowLike(Protocol):
    """What can be registered: a flow object of any library that has a name and serializes itself.

    `serialize` gives the flow as JSON values: an object with `name`, `parameters`, `tasks` and `edges`.
    """

    @property
    def name(self) -> str: ...

    def serialize(self) -> Any: ...


@dataclass(frozen=True)
class RunInfo:
    """What a flow can know about the run that executes it.

    Attributes:
        flow_name: The flow's name.
        flow_run_id: The run's id in the API; None where the flow is run outside it.
        attempt: Which execution of the run this is: 1, and one more each time an agent was lost and the run rescheduled.
        parameters: The run's parameters, validated.
    """

    flow_name: str
    flow_run_id: UUID | None
    attempt: int
    parameters: Mapping[str, Any]


def current_run() -> RunInfo | None:
    """The run that the calling code is part of; None outside a flow, and in a task that runs on a cluster."""
    from penstock.execution.context import current_flow

    context = current_flow.get()
    if context is None:
        return None
    return RunInfo(context.flow_name, context.flow_run_id, context.attempt, dict(context.parameters))


def run_logger() -> Logger:
    """The logger for flows and tasks: its lines, from INFO on, are lines of the run that the calling code is part of."""
    from penstock.execution.logs import run_logger as logger

    return logger


class ParameterError(TypeError):
    """Parameters that do not fit the flow: one is missing, unknown, or of another type. The message names them all."""


class FlowDefinition(Generic[Parameters, Returned]):
    """A function as a flow: called, it is the function; registered, it is a flow of the API with the function's parameters.

    `run` executes it here and now, as a run: its parameters are validated, its tasks are tried again, and a state comes of it.
    """

    def __init__(self, function: Callable[Parameters, Returned], name: str, description: str | None) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._name = name
        self.description = description
        self._adapters: dict[str, TypeAdapter[Any]] | None = None
        self._annotations: dict[str, Any] | None = None
        self.parameters: Mapping[str, inspect.Parameter] = dict(inspect.signature(function).parameters)
        for parameter in self.parameters.values():
            if parameter.kind in (
                inspect.Parameter.VAR_POSITIONAL,
                inspect.Parameter.VAR_KEYWORD,
                inspect.Parameter.POSITIONAL_ONLY,
            ):
                raise TypeError(
                    f"{function.__qualname__} cannot be a flow: a run's parameters are passed by name, and {parameter} has none. "
                    "Give every parameter a name that can be passed as a keyword."
                )

    @property
    def name(self) -> str:
        """The flow's name."""
        return self._name

    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<flow {self._name}>"

    @property
    def function(self) -> Callable[Parameters, Returned]:
        """The function."""
        return self._function

    @property
    def body_slug(self) -> str:
        """The slug of the one task that a flow without tasks of its own has: its function."""
        return f"{self._function.__name__}-1"

    def run(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> State:
        """Execute the flow here and now, without the API.

        Parameters may also be given as they come from JSON: `run(day="2026-01-31")` for a `date`.

        Returns:
            The final state: Success with the function's result as `result`, or Failed with the reason as `message`. A flow that raises
            raises nothing here, and neither do parameters that do not fit.
        """
        from inspect import signature

        from penstock.execution.engine import describe, run_flow
        from penstock.states import Failed

        try:
            bound = signature(self._function).bind_partial(*args, **kwargs)
        except TypeError as error:
            return Failed(message=describe(ParameterError(f"{error}.")))
        return run_flow(self, bound.arguments)

    def tasks(self) -> dict[str, TaskDefinition[..., Any]]:
        """The tasks that the function uses, by the names that it has for them."""
        from penstock.execution.graph import used_tasks

        return used_tasks(self._function)

    def task_slugs(self) -> dict[int, str]:
        """The slugs of the tasks that the function uses, by the `id` of the task."""
        from penstock.execution.graph import slugs

        return slugs(self.tasks())

    def annotations(self) -> dict[str, Any]:
        """The parameters' types. `Any` for those without one, and for those whose name cannot be found any more."""
        if self._annotations is None:
            self._annotations = _resolve_annotations(self._function, self.parameters)
        return self._annotations

    def validate(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters as the function takes them: what JSON has no form for is read from its text.

        Raises:
            ParameterError: A parameter is missing, unknown, or does not fit its type; the message says it of each.
        """
        from pydantic import PydanticUserError, TypeAdapter, ValidationError

        if self._adapters is None:
            adapters: dict[str, TypeAdapter[Any]] = {}
            for name, annotation in self.annotations().items():
                try:
                    adapters[name] = TypeAdapter(annotation)
                except PydanticUserError:
                    adapters[name] = TypeAdapter(Any)  # a class of the user's that pydantic cannot check
            self._adapters = adapters
        wrong = [
            f"{name} is no parameter of it (it has {', '.join(self.parameters) or 'none'})"
            for name in given
            if name not in self.parameters
        ]
        values: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            if name not in given:
                if parameter.default is inspect.Parameter.empty:
                    wrong.append(f"{name} is required and was not given")
                continue
            try:
                values[name] = self._adapters[name].validate_python(given[name])
            except ValidationError as error:
                first = error.errors(include_url=False, include_context=False, include_input=False)[0]
                place = "".join(f"[{item!r}]" for item in first["loc"])
                message = first["msg"]
                wrong.append(f"{name}{place}: {message[:1].lower()}{message[1:]}")
        if wrong:
            raise ParameterError(f"The parameters do not fit the flow {self._name!r}: {'; '.join(wrong)}.")
        return values

    def __getstate__(self) -> dict[str, Any]:
        # Names in annotations may be unknown where the flow is unpickled, so they are looked up before.
        self.annotations()
        return {**self.__dict__, "_adapters": None}

    def serialize(self) -> dict[str, Any]:
        """The flow as JSON values, in the form that `create_flow` takes: its parameters, its tasks and the edges between them.

        A flow that uses no task has one: its function.
        """
        from penstock.execution.graph import edges

        used = self.tasks()
        slugs = self.task_slugs()
        by_slug = {slugs[id(task)]: task for task in used.values()}
        tasks = [task.serialize(slug) for slug, task in by_slug.items()] or [self._body()]
        return {
            "name": self._name,
            "type": "penstock.flows.FlowDefinition",
            "description": self.description,
            "parameters": [_serialize_parameter(item) for item in self.parameters.values()],
            "tasks": tasks,
            "edges": [
                {
                    "upstream_task": {"slug": edge.upstream},
                    "downstream_task": {"slug": edge.downstream},
                    "key": edge.key,
                    "mapped": edge.mapped,
                }
                for edge in edges(self._function, used)
            ],
            "reference_tasks": [],
            "schedule": None,
            "environment": None,
            "storage": None,
            "__version__": SERIALIZER,
        }

    def _body(self) -> dict[str, Any]:
        return {
            "name": self._function.__name__,
            "slug": self.body_slug,
            "type": f"{self._function.__module__}.{self._function.__qualname__}",
            "description": self.description,
            "tags": [],
            "max_retries": 0,
            "retry_delay": None,
            "trigger": None,
            "mapped": False,
            "auto_generated": False,
            "cache_key": None,
            "is_root_task": True,
            "is_terminal_task": True,
            "is_reference_task": True,
        }


def _resolve_annotations(
    function: Callable[..., Any], parameters: Mapping[str, inspect.Parameter]
) -> dict[str, Any]:
    from typing import get_type_hints

    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception:  # a hint may be any expression
        hints = {}
        for name, annotation in getattr(function, "__annotations__", {}).items():
            if not isinstance(annotation, str):
                hints[name] = annotation
    return {name: hints.get(name, Any) for name in parameters}


def _serialize_parameter(parameter: inspect.Parameter) -> dict[str, Any]:
    from pydantic_core import to_jsonable_python

    required = parameter.default is inspect.Parameter.empty
    return {
        "name": parameter.name,
        "slug": parameter.name,
        "type": "penstock.flows.Parameter",
        "required": required,
        "default": None if required else to_jsonable_python(parameter.default, fallback=repr),
        "tags": [],
    }


@overload
def flow(function: Callable[Parameters, Returned], /) -> FlowDefinition[Parameters, Returned]: ...
@overload
def flow(
    *, name: str | None = None, description: str | None = None
) -> Callable[[Callable[Parameters, Returned]], FlowDefinition[Parameters, Returned]]: ...
def flow(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, description: str | None = None
) -> Any:
    """Makes a function a flow: `@flow`, or `@flow(name="nightly")`.

    Args:
        name: The flow's name; the function's, where it is None.
        description: What the flow is for; the docstring's first paragraph, where it is None.

    Raises:
        TypeError: The function has parameters that cannot be passed by name.
    """

    def decorate(target: Callable[..., Any]) -> FlowDefinition[..., Any]:
        documented = inspect.getdoc(target)
        text = description if description is not None else documented.split("\n\n")[0] if documented else None
        return FlowDefinition(target, name or target.__name__, text)

    return decorate if function is None else decorate(function)
