"""What the old methods returned: dicts with attribute access, and named tuples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from penstock.states import State


class GraphQLResult(dict[str, Any]):
    """An answer as a dict whose keys are attributes too, all the way down: `result.data.flow[0].name`.

    A key that is also a method of dict (`items`, `keys`, …) is reached as `result["items"]`.
    """

    def __getattr__(self, name: str) -> Any:
        # Asked only for what dict itself does not have.
        try:
            return self[name]
        except KeyError:
            known = ", ".join(map(repr, self)) or "nothing"
            raise AttributeError(f"The result has no {name!r}; it has {known}.") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"The result has no {name!r}.") from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *map(str, self)})

    def __str__(self) -> str:
        return json.dumps(self, indent=4, ensure_ascii=False, default=str)


def graphql_result(value: Mapping[str, Any]) -> GraphQLResult:
    """JSON values with attribute access."""
    return GraphQLResult({name: _nested(item) for name, item in value.items()})


def _nested(value: Any) -> Any:
    if isinstance(value, Mapping):
        return graphql_result(value)
    if isinstance(value, list):
        return [_nested(item) for item in value]
    return value


class ProjectInfo(NamedTuple):
    """The project of a flow run."""

    id: str
    name: str


class TaskRunInfoResult(NamedTuple):
    """What whoever executes a task run needs of it."""

    id: str
    task_id: str
    task_slug: str
    version: int
    state: State


class FlowRunInfoResult(NamedTuple):
    """What whoever executes a flow run needs of it; `task_runs` are those that are no mapped children."""

    id: str
    name: str | None
    flow_id: str
    parameters: dict[str, Any] | None
    context: dict[str, Any] | None
    version: int
    scheduled_start_time: datetime
    state: State
    task_runs: list[TaskRunInfoResult]
    project: ProjectInfo
