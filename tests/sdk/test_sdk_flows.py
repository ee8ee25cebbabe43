"""`@flow` and `client.flow.register`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from penstock import Flow, FlowLike, NotFound, flow

if TYPE_CHECKING:
    from tests.sdk.recording import Requests

    from penstock import Client, Project


def test_a_function_stays_what_it_is() -> None:
    @flow
    def add(x: int, y: int = 2) -> int:
        """Adds two numbers.

        And says no more."""
        return x + y

    assert add(1) == 3
    assert add(1, y=5) == 6
    assert (add.name, add.description) == ("add", "Adds two numbers.")
    assert add.__doc__ is not None
    assert list(add.parameters) == ["x", "y"]
    assert repr(add) == "<flow add>"
    assert isinstance(add, FlowLike)


def test_a_flow_may_be_named_and_described() -> None:
    @flow(name="nightly", description="Each night.")
    def work() -> None: ...

    assert (work.name, work.description) == ("nightly", "Each night.")


def test_parameters_without_a_name_are_refused() -> None:
    with pytest.raises(
        TypeError, match=r"cannot be a flow: a run's parameters are passed by name, and \*args"
    ):

        @flow
        def work(*args: int) -> None: ...


def test_registering(client: Client, project: Project, requests: Requests) -> None:
    @flow
    def add(x: int, y: int = 2) -> int:
        return x + y

    registered = client.flow.register(add, project=project)
    assert isinstance(registered, Flow)
    assert requests.take() == ["flow_create"]
    parameters = registered.parameters
    assert parameters is not None
    assert [(item["name"], item["required"], item["default"]) for item in parameters] == [
        ("x", True, None),
        ("y", False, 2),
    ]
    assert [task.name for task in registered.tasks()] == ["add"]
    again = client.flow.register(add, project=project.id)
    assert again.version == 2
    assert again.flow_group == registered.flow_group
    assert [version.version for version in registered.versions()] == [2, 1]
    requests.clear()
    by_name = client.flow.register(add, project=project.name, idempotency_key="k")
    assert requests.take() == ["project_select", "flow_create"]
    assert client.flow.register(add, project=str(project.id), idempotency_key="k") == by_name


def test_an_object_of_another_library_registers(client: Client, project: Project) -> None:
    class Other:
        name = "other"

        def serialize(self) -> Mapping[str, Any]:
            return {"name": self.name, "parameters": [], "tasks": [], "edges": []}

    assert client.flow.register(Other(), project=project).name == "other"


def test_what_cannot_be_registered(client: Client, project: Project, requests: Requests) -> None:
    with pytest.raises(TypeError, match="is no flow: decorate the function with @flow"):
        client.flow.register(len, project=project)  # type: ignore[arg-type]  # what a checker would have refused

    @flow
    def work() -> None: ...

    assert requests.take() == []
    missing = f"no such project {uuid4()}"
    with pytest.raises(NotFound, match=f"There is no project with name {missing}"):
        client.flow.register(work, project=missing)
    assert requests.take() == ["project_select"]
