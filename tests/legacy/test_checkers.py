"""Type checkers report every old call, and none of the new ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# A line that ends in `# old` is reported as deprecated, and no other line is.
SCRIPT = """\
import datetime

from penstock import AsyncClient, Client, flow
from penstock.states import Success


@flow
def add(x: int, y: int = 2) -> int:
    return x + y


client = Client()
client = Client("http://127.0.0.1:4200", api_key="k")
client = Client("http://127.0.0.1:4200", "k")  # old
client = Client(api_server="http://127.0.0.1:4200")  # old
client = Client(api_token="k")  # old
NOW = datetime.datetime.now(datetime.timezone.utc)

project_id: str = client.create_project("p")  # old
client.delete_project("p")  # old
flow_id: str = client.register(add, project_name="p")  # old
flow_id = client.deploy(add, "p")  # old
run_id: str = client.create_flow_run(flow_id, parameters={"x": 1}, scheduled_start_time=NOW)  # old
info = client.get_flow_run_info(run_id)  # old
name: str | None = info.name
finished: bool = client.get_flow_run_state(run_id).is_finished()  # old
client.set_flow_run_state(run_id, 1, Success())  # old
client.set_flow_run_state(run_id, Success())  # old
client.set_flow_run_name(run_id, "n")  # old
client.cancel_flow_run(run_id)  # old
client.update_flow_run_heartbeat(run_id)  # old
task_run = client.get_task_run_info(run_id, "t")  # old
client.get_task_run_state(task_run.id)  # old
client.set_task_run_state(task_run.id, Success())  # old
client.set_task_run_name(task_run.id, "n")  # old
client.update_task_run_heartbeat(task_run.id)  # old
client.get_latest_cached_states("t", None, NOW)  # old
artifact: str = client.create_task_run_artifact(task_run.id, "link", {})  # old
client.update_task_run_artifact(artifact, {})  # old
client.delete_task_run_artifact(artifact)  # old
client.set_secret("n", "v")  # old
limit: int | None = client.get_task_tag_limit("t")  # old
client.update_task_tag_limit("t", 1)  # old
client.delete_task_tag_limit("l")  # old
client.write_run_log(run_id, message="m")  # old
client.write_run_logs([{"flow_run_id": run_id, "message": "m"}])  # old
client.register_agent("LocalAgent")  # old
client.get_agent_config("c")  # old
client.login_to_tenant("t")  # old
client.switch_tenant("t")  # old
client.logout_from_tenant()  # old
client.get_available_tenants()  # old
client.get_default_tenant_slug()  # old
client.create_tenant("t")  # old
client.save_api_token()  # old
client.get_auth_token()  # old
client.save_auth_to_disk()  # old
client.load_auth_from_disk()  # old
client.attach_headers({})  # old
client.get_cloud_url("flow", flow_id)  # old
client.get("/")  # old
client.post("/")  # old
client.graphql("{ hello }").data.hello  # old

client.project.create(name="p")
client.project(name="p").delete()
client.flow.register(add, project="p")
run = client.flow(id=flow_id).run(parameters={"x": 1})
run.set_state(Success(), version=1)
run.heartbeat()
finished = run.serialized_state.is_finished()
client.log.write([{"flow_run_id": run.id, "message": "m"}])
client.tenant(slug="t").login()
client.logout()
client.execute("{ hello }")
name = client.flow(id=flow_id).get("name")


async def main() -> None:
    async with AsyncClient() as aclient:
        await aclient.project.create(name="p")
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checked") / "script.py"
    path.write_text(SCRIPT, encoding="utf-8")
    (path.parent / "pyrightconfig.json").write_text('{"reportDeprecated": "error"}', encoding="utf-8")
    return path


def old_lines() -> set[int]:
    return {number for number, line in enumerate(SCRIPT.splitlines(), 1) if line.endswith("# old")}


def test_every_method_of_the_table_is_called_in_the_script() -> None:
    from penstock.legacy.table import OLD_METHODS

    assert [method.name for method in OLD_METHODS if f"client.{method.name}(" not in SCRIPT] == []


def test_mypy_reports_the_old_calls_and_nothing_else(script: Path) -> None:
    command = [
        *(sys.executable, "-m", "mypy", "--strict", "--enable-error-code", "deprecated", "--output", "json"),
        *("--cache-dir", str(script.parent / "cache"), script.name),
    ]
    done = subprocess.run(command, cwd=script.parent, capture_output=True, text=True, check=False)
    assert not done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert {report["code"] for report in reports} == {"deprecated"}, done.stdout
    assert {report["line"] for report in reports} == old_lines()
    assert all("write " in report["message"] for report in reports)


def test_pyright_reports_the_old_calls_and_nothing_else(script: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", script.name],
        cwd=script.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    reports = json.loads(done.stdout)["generalDiagnostics"]
    assert {report["rule"] for report in reports} == {"reportDeprecated"}, done.stdout
    assert {report["range"]["start"]["line"] + 1 for report in reports} == old_lines()
