"""Where flows are kept (PIN-7).

A storage holds flows by name, and gives back a way to run each of them. It serializes itself into the flow that is registered, so that
whoever executes the flow, anywhere, finds it again.

| storage | keeps | needs |
| --- | --- | --- |
| `LocalStorage(directory)` | pickled flows in a folder | `penstock[agent]` |
| `RemoteStorage(url)` | pickled flows at any fsspec URL: s3, gs, az, memory, … | `penstock[s3]`, `[gcs]`, `[azure]` |
| `ModuleStorage()` | nothing: the flow's import path | the module, where it runs |
| `ScriptStorage(path, repository=…, revision=…)` | nothing: a file, in git or on disk | git |
| `DockerStorage(image)` | pickled flows in an image | a Docker engine to build it |
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.storage.base import EnvRunner, Storage, StorageError
    from penstock.storage.docker import DockerStorage
    from penstock.storage.local import LocalStorage
    from penstock.storage.module import ModuleStorage
    from penstock.storage.remote import RemoteStorage
    from penstock.storage.script import ScriptStorage

__all__ = [
    "DockerStorage",
    "EnvRunner",
    "LocalStorage",
    "ModuleStorage",
    "RemoteStorage",
    "ScriptStorage",
    "Storage",
    "StorageError",
]

_PLACES = {
    "DockerStorage": "docker",
    "EnvRunner": "base",
    "LocalStorage": "local",
    "ModuleStorage": "module",
    "RemoteStorage": "remote",
    "ScriptStorage": "script",
    "Storage": "base",
    "StorageError": "base",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
