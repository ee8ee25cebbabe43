"""Flows by their import path: nothing is stored."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from pydantic.dataclasses import dataclass

from penstock.storage.base import Storage, StorageError

if TYPE_CHECKING:
    from penstock.flows import FlowLike


@dataclass
class ModuleStorage(Storage):
    """Flows that are installed where they run: a location is `package.module:name`, and nothing is pickled.

    Attributes:
        module: The module to look in; where it is empty, the module that each flow was defined in.
    """

    module: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or "module"

    def add_flow(self, flow: FlowLike) -> str:
        """Note a flow's import path. Raises StorageError where the flow is not found under it again."""
        module = self.module or str(getattr(flow, "__module__", "") or "")
        if not module or module == "__main__":
            raise StorageError(
                f"The flow {flow.name!r} is defined in a script, which cannot be imported. Define it in a module, or use another storage."
            )
        names = [str(getattr(flow, "__qualname__", "")), flow.name]
        found = importlib.import_module(module)
        attribute = next((name for name in names if name and getattr(found, name, None) is flow), None)
        if attribute is None:
            attribute = next((name for name, value in vars(found).items() if value is flow), None)
        if attribute is None:
            raise StorageError(
                f"The module {module} has no attribute that is the flow {flow.name!r}. Define it at the module's top."
            )
        self.flows[flow.name] = location = f"{module}:{attribute}"
        return location

    def load(self, flow_location: str) -> FlowLike:
        """Import the flow. Raises StorageError where it cannot be imported, or is none."""
        from penstock.flows import FlowLike

        module, _, attribute = flow_location.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except Exception as error:  # importing runs the user's code
            raise StorageError(
                f"The flow {flow_location} cannot be imported: {type(error).__name__}: {error}. Install its package where the flow runs."
            ) from error
        if not isinstance(found, FlowLike):
            raise StorageError(f"{flow_location} is a {type(found).__name__}, which is no flow.")
        return found
