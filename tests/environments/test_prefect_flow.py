"""A flow object of Prefect 1.4.1, in a virtual environment with that release, stored, registered, and executed by our agent.

Making the environment takes a minute and the network, so that this is part of `make stress` only; PENSTOCK_PREFECT_PYTHON names the
interpreter of one that is there already.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.agent import Agent
from penstock.environments import ProcessEnvironment

if TYPE_CHECKING:
    from penstock import Client, Project

REQUIREMENTS = (
    "prefect==1.4.1",
    "marshmallow<3.20",
    "marshmallow-oneofschema<3.1",
    "urllib3<2",
    "pendulum<3",
    "setuptools<80",
)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def prefect_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of a virtual environment with Prefect 1.4.1 and penstock."""
    if named := os.environ.get("PENSTOCK_PREFECT_PYTHON"):
        return named
    if os.environ.get("PENSTOCK_STRESS") != "1":
        pytest.skip("NOT TESTED WITH PREFECT 1.4.1: set PENSTOCK_STRESS=1 to make an environment with it.")
    if sys.version_info >= (3, 12):
        pytest.skip("NOT TESTED WITH PREFECT 1.4.1: it runs on Python 3.11 at most.")
    folder = tmp_path_factory.mktemp("prefect")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *REQUIREMENTS, "-e", f"{ROOT}[agent]"], check=True
    )
    return python


@pytest.mark.timeout(900)
def test_a_prefect_flow_is_stored_registered_and_executed(
    prefect_python: str, client: Client, project: Project, home: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [prefect_python, "-W", "ignore", Path(__file__).with_name("prefect_flow.py"), tmp_path / "flows"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    label = str(uuid.uuid4())
    environment = ProcessEnvironment(
        python=prefect_python, labels=(label,), variables={"PYTHONWARNINGS": "ignore"}
    )
    serialized = {
        **made["flow"],
        "storage": made["storage"],
        "flow_location": made["location"],
        "environment": environment.serialize(),
    }
    registered = client.flow.create(serialized, project.id)
    assert sorted(task.name or "" for task in registered.tasks()) == ["check", "double", "number"]
    good, bad = (registered.run(parameters={"number": number}, labels=[label]) for number in (21, 99))
    Agent(client, labels=[label], poll_interval=0.2).run_until_idle(timeout=120)
    assert good.refresh().state == "Success", (good.state_message, [log.message for log in good.logs()])
    assert bad.refresh().state == "Failed"
    assert any("198 is too large" in (log.message or "") for log in bad.logs())
