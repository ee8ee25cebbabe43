"""A world on an open server, and the command line spoken to in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.legacy.conftest import clean_environment, open_server
from tests.legacy.servers import Served
from tests.legacy.worlds import World, world

from penstock.cli import main

__all__ = ["clean_environment", "open_server"]


@dataclass(frozen=True)
class Done:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def here(open_server: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A tenant of its own, which the environment names."""
    with world(open_server) as made:
        monkeypatch.setenv("PENSTOCK_URL", open_server.url)
        monkeypatch.setenv("PENSTOCK_TENANT_ID", str(made.client.tenant_id))
        yield made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("flow", "list")`: the command as if it had been typed."""

    def typed(*arguments: str) -> Done:
        code = main(arguments)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Done(code, said.out, said.err)

    return typed
