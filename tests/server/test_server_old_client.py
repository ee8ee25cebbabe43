"""A client that none of us wrote: Prefect 1.4.1 registers, runs and cancels flows against our server.

It lives in an environment of its own, made once under the user's cache folder from the package index. Where it cannot be
made (no Python 3.9 to 3.11, no index), this is skipped and says so; PENSTOCK_REQUIRE_PREFECT=1 makes that a failure.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from tests.server.api import Api

if TYPE_CHECKING:
    from penstock.testing.server import ServerProcess

REQUIREMENTS = (
    "prefect==1.4.1",
    "marshmallow<3.20",
    "marshmallow-oneofschema<3.1",
    "urllib3<2",
    "pendulum<3",
    "setuptools<81",
)
PROGRAM = Path(__file__).with_name("prefect_program.py")


def _not_tested(reason: str) -> None:
    message = f"NOT TESTED AGAINST PREFECT 1.4.1: {reason}"
    if os.environ.get("PENSTOCK_REQUIRE_PREFECT") == "1":
        pytest.fail(message)
    pytest.skip(message)


def _interpreter() -> str | None:
    if sys.version_info < (3, 12):
        return sys.executable
    return next((found for minor in (11, 10, 9) if (found := shutil.which(f"python3.{minor}"))), None)


@pytest.fixture(scope="session")
def prefect_environment() -> Path:
    """The folder of a virtual environment with Prefect 1.4.1 in it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "penstock-tests"
    cache.mkdir(parents=True, exist_ok=True)
    interpreter = _interpreter()
    if interpreter is None:
        _not_tested("it needs Python 3.9, 3.10 or 3.11, and none of them is on PATH.")
    folder = cache / "prefect-1.4.1"
    done = folder / "complete"
    with (cache / "prefect-1.4.1.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists() and (folder / "bin" / "python").exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        commands = (
            [str(interpreter), "-m", "venv", str(folder)],
            [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *REQUIREMENTS],
        )
        for command in commands:
            made = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
            if made.returncode:
                _not_tested(f"`{' '.join(command)}` failed: {made.stderr.strip().splitlines()[-1:]}")
        done.touch()
    return folder


@pytest.mark.timeout(1200)
def test_prefect_1_4_1_works_against_this_server(
    server: ServerProcess, prefect_environment: Path, tmp_path: Path
) -> None:
    slug = f"old-{uuid4().hex[:12]}"
    environment = {
        "HOME": str(tmp_path),
        "PATH": f"{prefect_environment / 'bin'}:{os.environ.get('PATH', '')}",
        "PREFECT__BACKEND": "server",
        "PREFECT__SERVER__ENDPOINT": server.url,
        "PYTHONWARNINGS": "ignore",
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        [str(prefect_environment / "bin" / "python"), str(PROGRAM), str(tmp_path / "flows"), slug],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert (seen["same_project"], seen["same_flow"], seen["same_run"]) == (True, True, True)
    assert seen["view"] == ["old-etl", "old project", False]
    assert seen["current_tenant"] == "default"
    assert (seen["state"], seen["result"]) == ("Success", 10), seen
    assert seen["task_states"] == ["Mapped"] + ["Success"] * 7
    assert "extracting 2" in seen["logs"]
    assert seen["agent"] == {"name": "ours", "labels": ["here"]}
    assert (seen["task_state"], seen["failed"], seen["cancelled_state"]) == ("Success", "Failed", "Cancelled")
    assert "Required parameters were not given: x." in seen["error"]
    assert seen["scheduled_runs"] == 10
    assert seen["deleted"] is True
    with Api(server.url) as api:
        assert api.by_id("tenant", seen["tenant"], "slug") == {"slug": slug}


RECORDED = [
    # Reads and mutations as clients of the 0.8 to 1.4 line wrote them on the wire, with ids filled in by the test.
    "query($slug: String, $id: uuid) { tenant(where: {slug: { _eq: $slug }, id: { _eq: $id } }) { id } }",
    "query { tenant(order_by: {slug: asc}) { slug id name } }",
    'query { project(where: { name: { _eq: "p" } }) { id } }',
    'query { flow_run(where: { id: { _in: ["ID"] }, _or: [{ state: { _eq: "Scheduled" } }, { state: { _eq: "Running" }, '
    'task_runs: { state_start_time: { _lte: "2026-11-21T09:16:15.325666+00:00" } } }] }) { id version state '
    "serialized_state parameters scheduled_start_time run_config name flow { name core_version storage id version "
    'environment } task_runs(where: { state_start_time: { _lte: "2026-11-21T09:16:15.325666+00:00" } }) '
    "{ task_id serialized_state version id } } }",
    'query { task_run(where: { state: { _eq: "Cached" }, _or: [{ cache_key: { _eq: "ck" } }, { task_id: { _eq: "ID" } }], '
    'state_timestamp: { _gte: "2020-01-01T00:00:00" } }, order_by: { state_timestamp: desc }, limit: 100) '
    "{ serialized_state } }",
    'query { flow_run_by_pk(id: "ID") { id name flow_id parameters context version scheduled_start_time '
    "serialized_state task_runs(where: { map_index: { _eq: -1 } }) { id task { id slug } version serialized_state } } }",
    'query { task_tag_limit(where: { tag: { _eq: "tag" } }) { limit } }',
    'query { agent_config(where: { id: { _eq: "ID" } }) { settings } }',
    'mutation { get_or_create_task_run_info(input: { flow_run_id: "ID", task_id: "TASK", map_index: -1 }) '
    "{ id version serialized_state } }",
    'mutation { update_flow_run_heartbeat(input: { flow_run_id: "ID" }) { success } }',
]


@pytest.mark.parametrize("text", RECORDED)
def test_what_old_clients_write_on_the_wire_is_understood(api: Api, text: str) -> None:
    key = api.run()
    task = api.by_id("flow_run", key, "task_runs { task { id } }")["task_runs"][0]["task"]["id"]
    body = {
        "query": text.replace('"TASK"', f'"{task}"').replace('"ID"', f'"{key}"'),
        "variables": json.dumps({"slug": None, "id": None}),
    }
    answer = api.http.post("/", json=body)
    assert answer.status_code == 200, answer.text
    assert "errors" not in answer.json(), answer.text
