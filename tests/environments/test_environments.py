"""Environments without any API: what they execute, what they refuse, and how they end what is to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from penstock import flow
from penstock.environments import (
    DaskEnvironment,
    Environment,
    KubernetesJobEnvironment,
    LocalEnvironment,
    ProcessEnvironment,
    RunRequest,
    UnsuitableStorage,
)
from penstock.environments.base import EnvironmentFailure
from penstock.execution.context import StopReason, StopSignal
from penstock.states import Cancelled, Failed, State, Success, TimedOut
from penstock.storage import DockerStorage, LocalStorage, ModuleStorage, RemoteStorage, ScriptStorage, Storage


@flow
def add(x: int, y: int = 2) -> int:
    return x + y


@flow
def talk(lines: int) -> str:
    for number in range(lines):
        print(f"line {number}")
    print("to the other stream", file=sys.stderr)
    return os.environ.get("COLOUR", "none")


@flow
def sleep(journal: str, seconds: float = 30.0) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(journal).write_text(f"{os.getpid()} {child.pid}")
    try:
        time.sleep(seconds)
    finally:
        with Path(journal).open("a") as file:
            file.write(" cleaned")


@flow
def swell(megabytes: int) -> int:
    return len(bytearray(megabytes * 1024 * 1024))


@flow
def die(number: int) -> None:
    print("last words")
    os.kill(os.getpid(), number)


@flow
def leave(code: int) -> None:
    os._exit(code)


EVERY: list[Environment] = [
    LocalEnvironment(labels=("a", "b")),
    ProcessEnvironment(python="/opt/python", timeout=5, memory_limit=2**30, variables={"A": "1"}, grace=1),
    DaskEnvironment(address="tcp://10.0.0.1:8786"),
    DaskEnvironment(n_workers=3, threads_per_worker=2),
    KubernetesJobEnvironment(
        image="x:1", namespace="flows", secret="keys", cpu="500m", memory="1Gi", timeout=60
    ),
]


@pytest.mark.parametrize("environment", EVERY, ids=repr)
def test_environments_serialize(environment: Environment) -> None:
    again = Environment.deserialize(json.loads(json.dumps(environment.serialize())))
    assert again == environment
    assert type(again) is type(environment)
    assert hash(again) == hash(environment)


@pytest.mark.parametrize(
    ("serialized", "words"),
    [
        ([], "is an object with a `type`"),
        ({"type": "Moon"}, "no environment that is known here"),
        ({"type": "ProcessEnvironment", "timeout": -1}, "timeout: Input should be greater than 0"),
        ({"type": "ProcessEnvironment", "timeout": "soon"}, "timeout"),
        ({"type": "DaskEnvironment", "address": "here"}, "no address of a scheduler"),
        ({"type": "KubernetesJobEnvironment", "namespace": "Not A Name"}, "namespace"),
    ],
)
def test_what_is_no_environment_is_refused(serialized: Any, words: str) -> None:
    with pytest.raises(EnvironmentFailure, match=words):
        Environment.deserialize(serialized)


@pytest.mark.parametrize("environment", [LocalEnvironment(), DaskEnvironment()], ids=repr)
@pytest.mark.parametrize("storage", [ScriptStorage("x.py"), DockerStorage("x")], ids=repr)
def test_storages_that_only_give_a_command_are_refused(environment: Environment, storage: Storage) -> None:
    with pytest.raises(UnsuitableStorage, match="ProcessEnvironment"):
        environment.setup(storage)
    with pytest.raises(UnsuitableStorage):
        environment.execute(storage, "x")


def test_storages_that_a_cluster_cannot_reach_are_refused(tmp_path: Path) -> None:
    environment = KubernetesJobEnvironment(image="x")
    unreachable: list[Storage] = [
        LocalStorage(tmp_path),
        RemoteStorage("memory://x"),
        RemoteStorage("file:///x"),
        ScriptStorage("x.py"),
        ScriptStorage("x.py", repository="/srv/git"),
    ]
    reachable: list[Storage] = [
        RemoteStorage("s3://x"),
        ModuleStorage(),
        ScriptStorage("x.py", repository="https://x/y.git"),
    ]
    for storage in unreachable:
        with pytest.raises(UnsuitableStorage, match="cannot reach"):
            environment.check(storage)
    for storage in reachable:
        environment.check(storage)
        with pytest.raises(UnsuitableStorage, match="brings no image"):
            KubernetesJobEnvironment().check(storage)
    KubernetesJobEnvironment().check(DockerStorage("x"))


def execute(environment: Environment, storage: Storage, given: Any, **parameters: Any) -> State:
    location = storage.add_flow(given)
    outcome = environment.execute(storage, location, RunRequest(parameters=parameters))
    assert not outcome.reported
    return outcome.state


@pytest.mark.parametrize("environment", [LocalEnvironment(), ProcessEnvironment()], ids=repr)
def test_flows_succeed_and_fail(environment: Environment, storage: LocalStorage) -> None:
    state = execute(environment, storage, add, x=40)
    assert isinstance(state, Success)
    assert state.result == 42
    failed = execute(environment, storage, add, x="no number")
    assert isinstance(failed, Failed)
    assert "ParameterError" in str(failed.message)


def test_a_process_streams_its_output_and_has_its_variables(storage: LocalStorage) -> None:
    lines: list[tuple[str, str]] = []
    environment = ProcessEnvironment(variables={"COLOUR": "green"})
    outcome = environment.execute(
        storage,
        storage.add_flow(talk),
        RunRequest(parameters={"lines": 3}, output=lambda level, line: lines.append((level, line))),
    )
    assert outcome.state.result == "green"
    assert [line for line in lines if line[0] == "INFO"] == [
        ("INFO", f"line {number}") for number in range(3)
    ]
    assert [line for line in lines if line[0] == "WARNING"] == [("WARNING", "to the other stream")]


def test_a_process_that_takes_too_long_is_ended_with_all_it_started(
    storage: LocalStorage, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    started = time.monotonic()
    state = execute(ProcessEnvironment(timeout=3, grace=5), storage, sleep, journal=str(journal))
    assert time.monotonic() - started < 9
    assert isinstance(state, TimedOut)
    assert state.message == "The flow run took longer than 3 seconds."
    assert journal.read_text().endswith(" cleaned"), "The flow had no chance to clean up."
    assert_gone(journal)


def assert_gone(journal: Path) -> None:
    """The processes whose ids are in the journal are over."""
    for pid in map(int, journal.read_text().split()[:2]):
        end = time.monotonic() + 5
        while _alive(pid):
            assert time.monotonic() < end, f"The process {pid} is still there."
            time.sleep(0.05)


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("reason", "expected"), [(StopReason.CANCELLED, Cancelled), (StopReason.SHUTDOWN, Failed)]
)
def test_a_process_that_is_to_stop_is_ended(
    reason: StopReason, expected: type[State], storage: LocalStorage, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    stop = StopSignal()

    def stop_when_begun() -> None:
        end = time.monotonic() + 30
        while not journal.exists() and time.monotonic() < end:
            time.sleep(0.02)
        stop.set(reason)

    threading.Thread(target=stop_when_begun, daemon=True).start()
    outcome = ProcessEnvironment().execute(
        storage, storage.add_flow(sleep), RunRequest(parameters={"journal": str(journal)}, stop=stop)
    )
    assert type(outcome.state) is expected
    assert_gone(journal)


def test_a_process_whose_parent_is_killed_ends_itself(storage: LocalStorage, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    script = (
        "from penstock.environments import ProcessEnvironment, RunRequest\n"
        "from penstock.storage import LocalStorage\n"
        f"ProcessEnvironment().execute(LocalStorage({storage.directory!r}), {storage.add_flow(sleep)!r}, "
        f"RunRequest(parameters={{'journal': {str(journal)!r}}}))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    try:
        end = time.monotonic() + 30
        while not (journal.exists() and journal.read_text()):
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait(30)
    assert_gone(journal)


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux keeps to RLIMIT_AS.")
def test_memory_is_limited(storage: LocalStorage) -> None:
    limited = ProcessEnvironment(memory_limit=1024 * 1024 * 1024)
    assert execute(limited, storage, swell, megabytes=10).result == 10 * 1024 * 1024
    state = execute(limited, storage, swell, megabytes=2000)
    assert isinstance(state, Failed)
    assert "MemoryError" in str(state.message)


@pytest.mark.parametrize(
    ("given", "parameters", "words"),
    [
        (die, {"number": int(signal.SIGSEGV)}, "was ended by SIGSEGV. last words"),
        (leave, {"code": 7}, "ended with exit code 7 before it said"),
    ],
    ids=["signal", "exit"],
)
def test_a_process_that_dies_is_a_failed_run_with_the_reason(
    given: Any, parameters: dict[str, int], words: str, storage: LocalStorage
) -> None:
    state = execute(ProcessEnvironment(), storage, given, **parameters)
    assert isinstance(state, Failed)
    assert words in str(state.message)


def test_an_interpreter_that_is_not_there_is_named(storage: LocalStorage) -> None:
    location = storage.add_flow(add)
    with pytest.raises(EnvironmentFailure, match="/no/such/python cannot be started: No such file"):
        ProcessEnvironment(python="/no/such/python").execute(storage, location)


def test_a_flow_that_is_missing_is_a_failed_run_in_a_process(storage: LocalStorage) -> None:
    outcome = ProcessEnvironment().execute(storage, "add/gone.flow", RunRequest(parameters={"x": 1}))
    assert isinstance(outcome.state, Failed)
    assert "is not there" in str(outcome.state.message)


def test_what_looks_like_a_state_and_is_none_changes_nothing(storage: LocalStorage) -> None:
    @flow
    def lie() -> int:
        print('penstock-state {"state": 5}')
        print("penstock-state not json")
        return 1

    assert execute(ProcessEnvironment(), storage, lie).result == 1
