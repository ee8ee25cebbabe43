"""What tests of code that uses penstock need: a client of a server in memory, a server process, a harness for packs.

Write `pytest_plugins = ["penstock.testing.fixtures"]` in the `conftest.py` at the root of your tests, and take the
fixtures `penstock_client` and `penstock_async_client`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.testing.server import ServerProcess as ServerProcess

__all__ = ["ServerProcess"]


def __getattr__(name: str) -> object:
    if name == "ServerProcess":
        from penstock.testing.server import ServerProcess

        return ServerProcess
    raise AttributeError(f"module 'penstock.testing' has no attribute {name!r}")
