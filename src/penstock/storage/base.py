"""What every storage is: a place for flows by name, serializable, with a way to run each of its flows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated_dataclass

if TYPE_CHECKING:
    from penstock.execution.runner import FlowRunner
    from penstock.flows import FlowLike


class StorageError(RuntimeError):
    """A storage cannot be used, or does not hold what it should. The message says what, where, and what to do."""


@dataclass(frozen=True)
class EnvRunner:
    """A flow that is run by a command, which is told everything by environment variables (`penstock.execution.identity` lists them).

    Attributes:
        command: The program and its arguments.
        environment: Variables beside those of the process that runs it.
        directory: The folder to run it in; the current one, where it is None.
        passed: Names of variables that the command itself passes on, such as into a container.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str | None = None

    def run(self, timeout: float | None = None, **parameters: Any) -> Any:
        """Run the flow to its end, as a process of its own.

        Args:
            timeout: Seconds that it may take.
            parameters: The flow's parameters, by name.

        Returns:
            The flow's result, as it comes through JSON.

        Raises:
            FlowFailed: The flow did not succeed; its state says why.
            StorageError: The command failed before there was a state.
        """
        import os

        from pydantic_core import to_json

        from penstock.execution.__main__ import STATE_LINE
        from penstock.execution.engine import FlowFailed
        from penstock.states import State

        variables = {
            **os.environ,
            **self.environment,
            "PENSTOCK_PARAMETERS": to_json(parameters).decode(),
            "PENSTOCK_PRINT_STATE": "1",
        }
        variables.pop("PENSTOCK_FLOW_RUN_ID", None)
        done = subprocess.run(
            self.command,
            env=variables,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        state = next(
            (
                State.deserialize(json.loads(line.removeprefix(STATE_LINE))["state"])
                for line in reversed(done.stdout.splitlines())
                if line.startswith(STATE_LINE)
            ),
            None,
        )
        if state is None:
            said = done.stderr.strip().splitlines()
            raise StorageError(
                f"{self.command[0]} ended with {done.returncode} and no state: {said[-1] if said else 'it said nothing'}"
            )
        if not state.is_successful():
            raise FlowFailed(state)
        return state.result


@validated_dataclass(kw_only=True)
class Storage:
    """A place for flows.

    Attributes:
        name: What the storage is called.
        flows: The location of each flow in it, by the flow's name. A flow that is added again under its name takes the name over.
    """

    name: str = ""
    flows: dict[str, str] = field(default_factory=dict)

    _types: ClassVar[dict[str, type[Storage]]] = {}

    has_runner: ClassVar[bool] = True
    """Whether `get_runner` gives a runner in this process; where not, `get_env_runner` is the way."""

    def __init_subclass__(cls) -> None:
        Storage._types[cls.__name__] = cls

    def add_flow(self, flow: FlowLike) -> str:
        """Put a flow into the storage.

        Returns:
            The flow's location in it.

        Raises:
            StorageError: The flow cannot be stored here.
        """
        raise NotImplementedError

    def __contains__(self, obj: object) -> bool:
        """Whether a flow, or a flow of a name, is in the storage."""
        name = obj if isinstance(obj, str) else getattr(obj, "name", None)
        return name in self.flows

    def get_runner(self, flow_location: str) -> FlowRunner:
        """The flow at a location, ready to be run in this process.

        Raises:
            StorageError: It is not there, was changed, or cannot be run in this process.
        """
        from penstock.execution.runner import FlowRunner

        return FlowRunner(self.load(flow_location))

    def get_env_runner(self, flow_location: str, python: str | None = None) -> EnvRunner:
        """The flow at a location, as a command that is told everything by environment variables.

        Args:
            flow_location: Where in this storage it is.
            python: The interpreter to run it with; this one, where it is None.
        """
        return EnvRunner(
            (python or sys.executable, "-m", "penstock.execution"),
            {
                "PENSTOCK_STORAGE": json.dumps(self.serialize()),
                "PENSTOCK_FLOW_LOCATION": flow_location,
            },
        )

    def load(self, flow_location: str) -> FlowLike:
        """The flow object at a location.

        Raises:
            StorageError: It is not there, was changed, or cannot be read here.
        """
        raise NotImplementedError

    def build(self) -> Self:
        """Make the storage ready to be used by others; itself again."""
        return self

    def write_result(self, value: object) -> str | None:
        """Keep a result that is too large for a state.

        Returns:
            Its location, or None where this storage keeps no results.
        """
        return None

    def read_result(self, location: str) -> Any:
        """A result that was kept. Raises StorageError where it is not there or was changed."""
        raise StorageError(f"A {type(self).__name__} keeps no results, so there is none at {location!r}.")

    def serialize(self) -> dict[str, Any]:
        """The storage as JSON values, without secrets; `deserialize` reads it."""
        from penstock.flows import SERIALIZER

        plain: dict[str, Any] = TypeAdapter(type(self)).dump_python(self, mode="json")
        return {"type": type(self).__name__, **plain, "__version__": SERIALIZER}

    @classmethod
    def deserialize(cls, serialized: Mapping[str, Any]) -> Storage:
        """The storage that a serialized one is.

        Raises:
            StorageError: It is none, or of a kind that is not known here.
        """
        found: Storage = deserialize(serialized, "storage", all_storages(), StorageError)
        return found


def all_storages() -> dict[str, type[Storage]]:
    """Every kind of storage that is known, by name: ours, and those that were imported."""
    from penstock.storage import (  # noqa: F401  # importing makes them known
        docker,
        local,
        module,
        remote,
        script,
    )

    return Storage._types


def deserialize(
    serialized: object, what: str, types: Mapping[str, type[Any]], error_type: type[Exception]
) -> Any:
    """An object from its serialized form, by the class that its `type` names."""
    if not isinstance(serialized, Mapping) or not isinstance(serialized.get("type"), str):
        raise error_type(
            f'A serialized {what} is an object with a `type`, such as {{"type": "{next(iter(types), "")}"}}.'
        )
    found = types.get(serialized["type"])
    if found is None:
        raise error_type(
            f"{serialized['type']!r} is no {what} that is known here; known are {', '.join(sorted(types))}. "
            f"Import the module that defines it, or register the flow with another {what}."
        )
    fields = {name: value for name, value in serialized.items() if name not in ("type", "__version__")}
    try:
        return TypeAdapter(found).validate_python(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise error_type(
            f"A serialized {serialized['type']} cannot be read: {place}: {first['msg']}."
        ) from None
