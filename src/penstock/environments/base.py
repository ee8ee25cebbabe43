"""What every environment is: a way to execute stored flows, serializable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass as validated_dataclass

from penstock.execution.context import StopSignal
from penstock.storage.base import Storage, deserialize

if TYPE_CHECKING:
    from penstock import Client
    from penstock.execution.identity import RunIdentity
    from penstock.execution.logs import LogBatches
    from penstock.states import State


class EnvironmentFailure(RuntimeError):
    """An environment cannot execute: what it needs is not there. The message says what, where, and what to do."""


class UnsuitableStorage(EnvironmentFailure):
    """A storage of a kind that the environment cannot execute flows from. The message names those that it can."""


def _nothing(level: str, line: str) -> None:
    """Output that nobody wants."""


@dataclass(frozen=True)
class RunRequest:
    """What is executed, for whom.

    Attributes:
        parameters: The flow's parameters, as they come from JSON.
        identity: The run in the API; where it is None, the flow is executed and nobody is told.
        client: A client of that API, for environments that execute in this process.
        logs: Where lines go.
        stop: Tells the execution to stop.
        output: Is given what the flow writes, by level and line, where that is not in the logs already.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    identity: RunIdentity | None = None
    client: Client | None = None
    logs: LogBatches | None = None
    stop: StopSignal = field(default_factory=StopSignal)
    output: Callable[[str, str], None] = _nothing


@dataclass(frozen=True)
class Outcome:
    """What came of an execution: the final state, and whether the API was told of it."""

    state: State
    reported: bool


@validated_dataclass(frozen=True, kw_only=True)
class Environment:
    """A way to execute flows.

    Attributes:
        labels: What an agent must have to be given the flow's runs.
    """

    labels: tuple[str, ...] = ()

    _types: ClassVar[dict[str, type[Environment]]] = {}

    def __init_subclass__(cls) -> None:
        Environment._types[cls.__name__] = cls

    def check(self, storage: Storage) -> None:
        """Raises UnsuitableStorage for a storage that this environment cannot execute flows from."""

    def setup(self, storage: Storage) -> None:
        """Set up what executions need, once for any number of them.

        Raises:
            EnvironmentFailure: It cannot be set up.
        """
        self.check(storage)

    def execute(self, storage: Storage, flow_location: str, request: RunRequest | None = None) -> Outcome:
        """Execute a stored flow to its end.

        Args:
            storage: Where it is.
            flow_location: Where in the storage.
            request: What with, and for which run; without one, the flow is executed with its defaults, and nobody is told.

        Returns:
            What came of it. A flow that fails is an outcome and raises nothing.

        Raises:
            EnvironmentFailure: It could not be executed.
            StorageError: The flow could not be got out of the storage.
        """
        raise NotImplementedError

    def serialize(self) -> dict[str, Any]:
        """The environment as JSON values, without secrets; `deserialize` reads it."""
        from penstock.flows import SERIALIZER

        plain: dict[str, Any] = TypeAdapter(type(self)).dump_python(self, mode="json")
        return {"type": type(self).__name__, **plain, "__version__": SERIALIZER}

    @classmethod
    def deserialize(cls, serialized: Mapping[str, Any]) -> Environment:
        """The environment that a serialized one is.

        Raises:
            EnvironmentFailure: It is none, or of a kind that is not known here.
        """
        found: Environment = deserialize(serialized, "environment", all_environments(), EnvironmentFailure)
        return found


def all_environments() -> dict[str, type[Environment]]:
    """Every kind of environment that is known, by name: ours, and those that were imported."""
    from penstock.environments import (  # noqa: F401  # importing makes them known
        dask,
        kubernetes,
        local,
        process,
    )

    return Environment._types


def refuse_without_runner(environment: Environment, storage: Storage) -> None:
    """Raises UnsuitableStorage for a storage whose flows cannot be run in this process."""
    if not storage.has_runner:
        raise UnsuitableStorage(
            f"A {type(environment).__name__} runs flows in its own process, and a {type(storage).__name__} only gives a command. "
            "Use a LocalStorage, RemoteStorage or ModuleStorage, or a ProcessEnvironment."
        )
