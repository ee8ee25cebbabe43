"""Where flows are executed (PIN-7).

An environment sets up what it needs and executes a flow that a storage holds. It serializes itself into the flow that is registered.

| environment | executes in | needs a storage that |
| --- | --- | --- |
| `LocalEnvironment()` | the agent's own process, a thread per run | gives a runner |
| `ProcessEnvironment(python=…, timeout=…)` | a fresh interpreter per run | any |
| `DaskEnvironment(address=…)` or `(n_workers=2)` | the agent, its tasks on a Dask cluster | gives a runner |
| `KubernetesJobEnvironment(image=…)` | a Kubernetes Job per run | is in the image, or remote |
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.environments.base import Environment, Outcome, RunRequest, UnsuitableStorage
    from penstock.environments.dask import DaskEnvironment
    from penstock.environments.kubernetes import KubernetesJobEnvironment
    from penstock.environments.local import LocalEnvironment
    from penstock.environments.process import ProcessEnvironment

__all__ = [
    "DaskEnvironment",
    "Environment",
    "KubernetesJobEnvironment",
    "LocalEnvironment",
    "Outcome",
    "ProcessEnvironment",
    "RunRequest",
    "UnsuitableStorage",
]

_PLACES = {
    "DaskEnvironment": "dask",
    "Environment": "base",
    "KubernetesJobEnvironment": "kubernetes",
    "LocalEnvironment": "local",
    "Outcome": "base",
    "ProcessEnvironment": "process",
    "RunRequest": "base",
    "UnsuitableStorage": "base",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
