"""The examples run as they stand against a server, and print what they promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sdk.server_process import ServerProcess

    from penstock import Client

EXAMPLES = Path(__file__).parents[2] / "examples"

PROMISED = {
    "quickstart": [
        "→ ('add', 1)",
        "→ {'name': 'add', 'project': {'name': 'nightly ",
        "→ ('first', 'Scheduled')",
        "→ Cancelled",
        "→ run 00, run 01, ",
        "→ 13",
        "→ There is no flow with id ",
    ],
    "async_quickstart": [
        "Not yet: name is not loaded",
        "Loaded: add in async ",
        "Started: 20",
        "Cancelled: 5",
    ],
    "errors_and_retries": [
        "NotFound: There is no flow with id",
        "nothing was sent: flow.query: 1:1: ",
        "One run for one key: True",
        "Patiently: work",
        "TransportError: hello: http://127.0.0.1:9/graphql cannot be reached",
        "may have reached the server: False",
    ],
    "pagination": [
        "Found run 04 Scheduled",
        "['run 20', 'run 10', 'run 00']",
        "The newest: run 29",
        "Page 3: 6 runs, run 24 to run 29",
        "In all: 30",
    ],
}


def run(name: str, settings: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs an example in a folder, with nothing set but these settings."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PENSTOCK_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")],
        env={**clean, **settings, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_every_example_is_run() -> None:
    assert {example.stem for example in EXAMPLES.glob("*.py")} == {*PROMISED, "demo"}


def test_the_demo_brings_its_own_server(tmp_path: Path) -> None:
    done = run("demo", {"PENSTOCK_HOME": str(tmp_path)}, tmp_path)
    for promised in PROMISED["quickstart"]:
        assert promised in done.stdout, done.stdout


@pytest.mark.parametrize("name", PROMISED)
def test_an_example(server: ServerProcess, client: Client, tenant_id: str, tmp_path: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")],
        env={
            **os.environ,
            "PENSTOCK_URL": server.url,
            "PENSTOCK_HOME": str(tmp_path),
            "PYTHONIOENCODING": "utf-8",
        },
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for promised in PROMISED[name]:
        assert promised in done.stdout, done.stdout
    # They clean up behind them.
    started = {"quickstart": "nightly 2", "async_quickstart": "async 2", "errors_and_retries": "retries 2"}
    left = client.project.count(where={"name": {"_like": f"{started.get(name, 'pagination 2')}%"}})
    assert left == 0
