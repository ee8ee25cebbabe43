"""Every command against a real server: what it prints, what it changes, and its exit code."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.legacy.servers import Served, serving
from tests.legacy.worlds import World

from penstock.settings import Profile, profiles_path, read_profiles, save_profile
from penstock.states import Failed, Running, Success

PENSTOCK = [sys.executable, "-m", "penstock.cli"]


# ------------------------------------------------------------------------------------------------------ flows and projects


def test_flows(here: World, run: Run) -> None:
    assert "There are none." in run("flow", "list").err
    flow_id = here.flow_id
    listed = run("flow", "list")
    assert listed.code == 0
    assert listed.out.split("\n")[0].split() == ["NAME", "VERSION", "PROJECT", "CREATED", "ARCHIVED", "ID"]
    assert flow_id in listed.out and "add" in listed.out
    assert [item["id"] for item in run("flow", "list", "--json", "--name", "add").json] == [flow_id]
    assert run("flow", "list", "--json", "--project", "other").json == []

    shown = run("flow", "show", "--name", "add")
    assert "version_group_id" in shown.out and flow_id in shown.out
    assert run("flow", "show", flow_id, "--json").json["name"] == "add"

    assert "nobody to ask" in run("flow", "archive", flow_id).err
    assert run("flow", "archive", flow_id, "--yes").code == 0
    assert run("flow", "list", "--json").json == []
    assert len(run("flow", "list", "--json", "--archived").json) == 1
    assert run("flow", "delete", flow_id, "-y").code == 0
    gone = run("flow", "show", flow_id)
    assert gone.code == 2 and flow_id in gone.err


def test_which_flow_has_to_be_said(here: World, run: Run) -> None:
    assert run("flow", "show").code == 2
    assert "give either its id or --name" in run("flow", "show").err
    assert "no flow called nope" in run("flow", "show", "--name", "nope").err
    here.client.project.create(name="q")
    here.client.flow.register(here.flow, project="q")
    assert here.flow_id
    assert "in p, q: say which with --project" in run("flow", "show", "--name", "add").err
    assert run("flow", "show", "--name", "add", "--project", "p", "--json").json["id"] == here.flow_id
    assert "is a UUID" in run("flow", "show", "etl").err


def test_projects(here: World, run: Run) -> None:
    made = run("project", "create", "etl", "--description", "[bold]nightly[/bold]")
    assert uuid.UUID(made.out.strip())
    again = run("project", "create", "etl")
    assert again.code == 1 and "Uniqueness violation" in again.err
    assert "[bold]nightly[/bold]" in run("project", "list").out
    assert run("project", "show", "etl", "--json").json["name"] == "etl"
    assert run("project", "delete", "etl", "--yes").code == 0
    assert run("project", "show", "etl").code == 2


def test_tasks(here: World, run: Run) -> None:
    assert here.flow_id
    assert "add-1" in run("task", "list").out
    assert [item["slug"] for item in run("task", "list", "--flow", "add", "--json").json] == ["add-1"]
    assert [item["slug"] for item in run("task", "list", "--flow-id", here.flow_id, "--json").json] == [
        "add-1"
    ]


# ------------------------------------------------------------------------------------------------------------------- runs


def test_running_a_flow(here: World, run: Run, tmp_path: Path) -> None:
    assert here.flow_id
    file = tmp_path / "parameters.json"
    file.write_text('{"x": 1, "y": 1}')
    made = run(
        *("flow", "run", "--name", "add", "--parameters-file", str(file), "--parameters-string", '{"y": 2}'),
        *("--param", "x=[3]", "--param", "note=a=b", "--run-name", "nightly", "--label", "a", "--label", "b"),
        *("--at", "2030-01-10T00:00:00+00:00", "--idempotency-key", "k"),
    )
    assert made.code == 0, made.err
    found = here.client.flow_run(id=made.out.strip())
    assert found.parameters == {"x": [3], "y": 2, "note": "a=b"}
    assert (found.name, found.labels, found.idempotency_key) == ("nightly", ["a", "b"], "k")
    assert found.scheduled_start_time.year == 2030
    again = run("flow", "run", here.flow_id, "--idempotency-key", "k", "--json")
    assert again.json == {"id": made.out.strip()}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--param", "x"], "--param takes NAME=VALUE"),
        (["--parameters-string", "[1]"], "has to be a JSON object"),
        (["--parameters-string", "{"], "is no JSON"),
        (["--parameters-file", "/nowhere.json"], "/nowhere.json cannot be read: No such file"),
        (["--at", "tomorrow"], "--at takes a time such as"),
    ],
)
def test_bad_parameters_run_nothing(arguments: list[str], sentence: str, here: World, run: Run) -> None:
    done = run("flow", "run", here.flow_id, *arguments)
    assert done.code == 2 and sentence in done.err
    assert here.client.flow_run.count() == 0


def test_runs(here: World, run: Run) -> None:
    run_id = here.flow_run_id
    listed = run("flow-run", "list", "--flow", "add", "--state", "Running", "--project", "p")
    assert run_id in listed.out and "Running" in listed.out
    assert run("flow-run", "list", "--json", "--state", "Failed").json == []
    assert run("flow-run", "list", "--json", "--flow", "nope").json == []
    assert run("flow-run", "list", "--json", "--project", "nope").json == []
    assert run("flow-run", "show", run_id, "--json").json["name"] == "rn"
    here.client.log.write([{"flow_run_id": run_id, "message": "[red]hello", "level": "INFO", "name": "s"}])
    assert "INFO     s: [red]hello" in run("flow-run", "logs", run_id).out
    assert run("flow-run", "logs", run_id, "--level", "ERROR", "--json").json == []
    assert run("flow-run", "logs", run_id, "--json").json[0]["message"] == "[red]hello"
    assert "Cancelling" in run("flow-run", "cancel", run_id, "--yes").err


@pytest.mark.parametrize(("last", "code"), [(Success(message="fine"), 0), (Failed(message="broken"), 1)])
def test_watching_a_run(last: Success | Failed, code: int, here: World, run: Run) -> None:
    run_id = here.flow_run_id

    def work() -> None:
        time.sleep(0.3)
        here.client.log.write([{"flow_run_id": run_id, "message": "at work", "level": "INFO", "name": "s"}])
        here.client.flow_run(id=run_id).set_state(last)

    worker = threading.Thread(target=work)
    worker.start()
    done = run("flow-run", "watch", run_id, "--timeout", "20")
    worker.join()
    assert done.code == code
    lines = [line[10:] for line in done.err.splitlines()]
    assert [line.split(":")[0] for line in lines if line[:5] != "INFO "] == [
        "Scheduled",
        "Running",
        last.type,
    ]
    assert lines.count("INFO     s: at work") == 1
    assert done.out == ""


def test_running_and_watching_with_an_end(here: World, run: Run) -> None:
    done = run("flow", "run", here.flow_id, "--watch", "--timeout", "0.2")
    assert done.code == 1 and "The run is Scheduled after 0.2 seconds" in done.err
    assert uuid.UUID(done.out.strip())


# ------------------------------------------------------------------------------------------------------ tenants and keys


def test_tenants(here: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"Other {here.slug}"
    other = run("tenant", "create", name).out.strip()
    slug = f"other-{here.slug}"
    tenants = run("tenant", "list", "--json").json
    assert {here.slug, slug} <= {item["slug"] for item in tenants}
    assert [item["slug"] for item in tenants if item["current"]] == [here.slug]
    assert slug in run("tenant", "list").out

    assert run("tenant", "switch", slug).code == 0
    monkeypatch.delenv("PENSTOCK_TENANT_ID")
    assert str(read_profiles(profiles_path()).profiles["default"].tenant_id) == other
    monkeypatch.delenv("PENSTOCK_URL")
    assert [item["slug"] for item in run("tenant", "list", "--json").json if item["current"]] == [slug]
    assert run("tenant", "switch", str(here.client.tenant_id)).code == 0
    wrong = run("tenant", "switch", "nowhere")
    assert wrong.code == 2 and "no tenant nowhere" in wrong.err and slug in wrong.err


def test_several_tenants_and_none_chosen(here: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENSTOCK_TENANT_ID")
    done = run("project", "create", "p")
    assert done.code == 2 and "choose one with `penstock tenant switch SLUG`" in done.err


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> object:
    with serving(tmp_path_factory.mktemp("guarded"), auth=True) as served:
        yield served


def test_keys(guarded: Served, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{guarded.api_key}\n"))
    done = run("auth", "login", "--key", "-", "--url", guarded.url)
    assert done.code == 0 and guarded.api_key not in done.out + done.err
    kept = read_profiles(profiles_path()).profiles["default"]
    assert kept.url == guarded.url and kept.api_key is not None
    assert kept.api_key.get_secret_value() == guarded.api_key

    status = run("auth", "status", "--json")
    assert status.json["key"] == "set" and status.json["scope"] == "USER"
    assert guarded.api_key not in run("auth", "status").out
    made = run("auth", "create-token", "ci", "--scope", "RUNNER", "--json").json
    assert made["token"].startswith("pk_")
    assert run("auth", "revoke-token", made["id"]).code == 0
    assert "does not list tokens" in run("auth", "list-tokens").err

    assert run("auth", "logout").code == 0
    assert read_profiles(profiles_path()).profiles["default"].api_key is None
    refused = run("project", "list")
    assert refused.code == 1 and "penstock auth login" in refused.err
    assert run("auth", "status").code == 1


def test_a_wrong_key_is_not_kept(guarded: Served, run: Run) -> None:
    save_profile(profiles_path(), "default", Profile(url=guarded.url))
    done = run("auth", "login", "--key", "pk_wrong")
    assert done.code == 1 and "pk_wrong" not in done.err
    assert read_profiles(profiles_path()).profiles["default"].api_key is None
    assert "nobody to ask" in run("auth", "login").err
    assert "The key is empty" in run("auth", "login", "--key", " ").err


# ------------------------------------------------------------------------------------------------------------- bad input


def test_a_server_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("time.sleep", lambda _: None)
    done = run("flow", "list")
    assert done.code == 1 and "cannot be reached" in done.err


def test_settings_that_cannot_be_used(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_URL", "nowhere")
    assert run("flow", "list").code == 2
    assert "Check PENSTOCK_URL" in run("flow", "list").err


def test_unknown_options_and_commands(run: Run) -> None:
    assert run("flow", "list", "--nope").code == 2
    assert run("flow", "lst").code == 2
    wrong = run("flwo")
    assert wrong.code == 2 and 'Did you mean "flow"?' in wrong.err


@pytest.mark.parametrize("family", ["flow", "flow-run", "project", "task", "tenant", "auth"])
def test_help(family: str, run: Run) -> None:
    done = run(family, "--help")
    assert done.code == 0 and f"penstock {family}" in done.out


# --------------------------------------------------------------------------------------------------- terminals and shells


def test_on_a_terminal_the_table_fits(here: World) -> None:
    assert here.flow_run_id
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm-256color"}
    with subprocess.Popen([*PENSTOCK, "flow-run", "list"], stdout=slave, stderr=slave, env=environment):
        pass
    os.close(slave)
    shown = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(master)
    text = shown.decode()
    assert here.flow_run_id in text and "\x1b[" in text


def test_whoever_reads_may_stop_reading(here: World) -> None:
    assert here.flow_id
    with subprocess.Popen(
        [*PENSTOCK, "flow", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        error = process.stderr.read()
    assert "Traceback" not in error and "Exception ignored" not in error


def test_completion(run: Run) -> None:
    assert run("completion", "words", "fl").out.split() == ["flow", "flow-run"]
    assert "get" not in run("completion", "words", "").out.split()
    assert run("completion", "words", "flow", "").out.split()[-5:] == [
        "archive",
        "delete",
        "list",
        "run",
        "show",
    ]
    assert "--parameters-file" in run("completion", "words", "flow", "run", "--p").out.split()
    assert run("completion", "words", "nope", "").out.strip() == ""
    assert run("completion").code == 2 and run("completion", "--help").code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_in_the_shell(shell: str, run: Run) -> None:
    script = run("completion", shell).out
    assert "penstock completion words" in script
    if shell == "bash":
        program = "\n".join(
            [
                f"PATH={Path(sys.executable).parent}:$PATH",
                script,
                "COMP_WORDS=(penstock flow ar)",
                "COMP_CWORD=2",
                "_penstock_complete",
                'echo "${COMPREPLY[@]}"',
            ]
        )
        done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "archive"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from penstock.cli import main; main(['--help']);"
        "heavy = {'typer', 'rich', 'pydantic', 'httpx', 'penstock_api', 'libcst', 'asyncio'} & set(sys.modules);"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert json.dumps(done.stdout).count("flow-run") == 1


# --------------------------------------------------------------------------------------------------------- old spellings


def test_old_spellings(here: World, run: Run) -> None:
    assert run("create", "project", "old", "-d", "as it was").code == 0
    run_id = here.flow_run_id
    for old, new in [
        (("get", "flows", "-n", "add"), ("flow", "list", "--name", "add")),
        (("get", "projects"), ("project", "list")),
        (("get", "flow-runs", "--flow-name", "add"), ("flow-run", "list", "--flow", "add")),
        (("get", "tasks", "--flow-name=add"), ("task", "list", "--flow", "add")),
        (("get", "logs", "--id", run_id), ("flow-run", "logs", run_id)),
        (("describe", "flows", "--name", "add"), ("flow", "show", "--name", "add")),
        (("describe", "flow-runs", "--id", run_id), ("flow-run", "show", run_id)),
        (("describe", "tasks", "--name", "add"), ("task", "list", "--json", "--flow", "add")),
        (("auth", "list-tenants"), ("tenant", "list")),
    ]:
        before, today = run(*old), run(*new)
        assert (before.code, before.out) == (today.code, today.out) and before.code == 0
        assert f"type penstock {' '.join(new[:2])}" in before.err


def test_running_as_it_was_typed_before(here: World, run: Run) -> None:
    assert here.flow_id
    done = run("run", "cloud", "--name", "add", "--project", "p", "-ps", '{"x": 5}', "-rn", "nightly")
    assert here.client.flow_run(id=done.out.strip()).parameters == {"x": 5}
    done = run("run", "--name", "add", "--param", "x=6", "--run-name", "again")
    assert here.client.flow_run(id=done.out.strip()).parameters == {"x": 6}
    done = run("run", "--id", here.flow_id)
    assert uuid.UUID(done.out.strip())
    assert run("auth", "switch-tenants", "--slug", here.slug).code == 0


def test_old_spellings_without_a_successor(run: Run) -> None:
    assert run("execute", "cloud-flow").code == 2
    assert "agent" in run("execute", "cloud-flow").err
    unknown = run("get", "agents")
    assert unknown.code == 2 and "`penstock get flows` is `penstock flow list`" in unknown.err
    assert run("get", "--help").code == 0
    assert Running().type == "Running"
