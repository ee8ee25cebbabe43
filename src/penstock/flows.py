"""Flows as code: `@flow` makes a function one, and `FlowLike` is what any other flow object must have to be registered."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, overload, runtime_checkable

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned", covariant=True)

_SERIALIZER = "penstock/0.1.0"


@runtime_checkable
class FlowLike(Protocol):
    """What can be registered: a flow object of any library that has a name and serializes itself.

    `serialize` gives the flow as JSON values: an object with `name`, `parameters`, `tasks` and `edges`.
    """

    @property
    def name(self) -> str: ...

    def serialize(self) -> Any: ...


class FlowDefinition(Generic[Parameters, Returned]):
    """A function as a flow: called, it is the function; registered, it is a flow of the API with the function's parameters."""

    def __init__(self, function: Callable[Parameters, Returned], name: str, description: str | None) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._name = name
        self.description = description
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

    def serialize(self) -> dict[str, Any]:
        """The flow as JSON values, in the form that `create_flow` takes: one task, the function itself, and its parameters."""
        task: dict[str, Any] = {
            "name": self._function.__name__,
            "slug": f"{self._function.__name__}-1",
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
        return {
            "name": self._name,
            "type": "penstock.flows.FlowDefinition",
            "description": self.description,
            "parameters": [_serialize_parameter(item) for item in self.parameters.values()],
            "tasks": [task],
            "edges": [],
            "reference_tasks": [],
            "schedule": None,
            "environment": None,
            "storage": None,
            "__version__": _SERIALIZER,
        }


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
