"""The agent against a real server: what becomes of runs, their task runs and their logs, and how it ends."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import httpx
import pytest
from tests.agent.processes import AgentProcess

from penstock import Client, FlowDefinition, FlowRun, Project, flow, task
from penstock.agent import Agent
from penstock.environments import DaskEnvironment, Environment, LocalEnvironment, ProcessEnvironment
from penstock.flows import current_run, run_logger
from penstock.schedules import interval
from penstock.storage import LocalStorage, RemoteStorage, Storage
from penstock.storage.blobs import write_blob

if TYPE_CHECKING:
    from tests.sdk.server_process import ServerProcess


@task(retries=2, retry_delay=0.05, tags=["flaky"])
def flaky(journal: str) -> int:
    with Path(journal).open("a") as file:
        file.write("x")
    count = len(Path(journal).read_text())
    run_logger().info("try number %d", count)
    if count < 3:
        raise OSError(f"not at try {count}")
    return count


@task
def double(number: int) -> int:
    return number * 2


@flow
def add(x: int, y: int = 2) -> int:
    run_logger().info("adding %d and %d", x, y)
    return x + y


@flow
def work(journal: str, count: int = 3) -> list[int]:
    """Uses tasks in every way."""
    first = flaky(journal)
    return [first, *(future.result() for future in double.map(range(count)))]


@flow
def large(size: int) -> str:
    return "x" * size


@flow
def slow(seconds: float = 30.0) -> None:
    for _ in range(int(seconds * 50)):
        time.sleep(0.02)


@flow
def broken() -> None:
    raise LookupError("there is no such thing")


class Bench:
    """A place to register and run flows for one test: a label of its own, so that no other test's agent takes its runs."""

    def __init__(self, client: Client, project: Project, storage: Storage) -> None:
        self.client = client
        self.project = project
        self.storage = storage
        self.label = f"label-{uuid.uuid4()}"

    def run(
        self,
        given: FlowDefinition[..., Any],
        environment: Environment | None = None,
        parameters: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> FlowRun:
        """Register a flow and make a run of it."""
        registered = self.client.flow.register(
            given,
            project=self.project,
            storage=self.storage,
            environment=environment or LocalEnvironment(),
            labels=[self.label],
        )
        return registered.run(parameters=parameters or {}, **options)

    def agent(self, **options: Any) -> Agent:
        """An agent for the runs of this test."""
        return Agent(
            self.client,
            labels=[self.label],
            **{"poll_interval": 0.1, "watch_interval": 0.2, "prefetch": 0.0, **options},
        )

    def work(self) -> None:
        """Have an agent do what is to do."""
        self.agent().run_until_idle(timeout=90)

    def messages(self, run: FlowRun) -> list[str]:
        """The lines of a run's logs."""
        return [log.message or "" for log in run.logs()]


@pytest.fixture
def bench(client: Client, project: Project, home: Path) -> Bench:
    """See above."""
    return Bench(client, project, LocalStorage(home / "flows"))


ENVIRONMENTS = [LocalEnvironment(), ProcessEnvironment()]


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda item: type(item).__name__)
def test_a_run_succeeds_with_its_states_logs_and_result(bench: Bench, environment: Environment) -> None:
    run = bench.run(add, environment, {"x": "40"})
    bench.work()
    run.refresh()
    assert (run.state, run.serialized_state.result) == ("Success", 42)
    assert [item.state for item in run.states()] == ["Scheduled", "Submitted", "Running", "Success"]
    assert run.agent is not None
    assert run.agent.name
    (task_run,) = run.task_runs()
    assert task_run.task.slug == "add-1"
    assert [item.state for item in task_run.states()] == ["Pending", "Running", "Success"]
    assert "adding 40 and 2" in bench.messages(run)
    assert not any("HTTP Request" in message for message in bench.messages(run))


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda item: type(item).__name__)
def test_a_run_fails_with_the_reason(bench: Bench, environment: Environment) -> None:
    run, wrong = bench.run(broken, environment), bench.run(add, environment, {"x": "not a number"})
    bench.work()
    assert (run.refresh().state, run.state_message) == ("Failed", "LookupError: there is no such thing")
    (logged,) = [message for message in bench.messages(run) if "LookupError" in message]
    assert "Traceback" in logged
    assert "raise LookupError" in logged
    assert "penstock/execution" not in logged, "Our own frames are nobody's business."
    assert wrong.refresh().state == "Failed"
    assert not any("Traceback" in message for message in bench.messages(wrong))


@pytest.mark.parametrize(
    "environment",
    [
        *ENVIRONMENTS,
        pytest.param(
            DaskEnvironment(n_workers=1),
            marks=[
                pytest.mark.filterwarnings("ignore::ResourceWarning"),
                pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
            ],
        ),
    ],
    ids=lambda item: type(item).__name__,
)
def test_task_runs_are_told_to_the_api(bench: Bench, environment: Environment, tmp_path: Path) -> None:
    run = bench.run(work, environment, {"journal": str(tmp_path / "journal")})
    bench.work()
    assert run.refresh().state == "Success", run.state_message
    assert run.serialized_state.result == [3, 0, 2, 4]
    found = {(item.task.slug, item.map_index): item for item in run.task_runs()}
    assert {key: item.state for key, item in found.items()} == {
        ("flaky-1", -1): "Success",
        ("double-1", -1): "Mapped",
        **{("double-1", number): "Success" for number in range(3)},
    }
    tried = found["flaky-1", -1]
    assert [item.state for item in tried.states()] == [
        "Pending",
        *("Running", "Retrying") * 2,
        "Running",
        "Success",
    ]
    assert tried.run_count == 3
    assert [log.message for log in tried.logs() if "try number" in (log.message or "")] == [
        f"try number {number}" for number in (1, 2, 3)
    ]
    assert found["double-1", 2].serialized_state.result == 4


def test_a_large_result_goes_to_the_storage(bench: Bench) -> None:
    run = bench.run(large, None, {"size": 300_000})
    bench.work()
    state = run.refresh().serialized_state
    assert state.type == "Success"
    assert state.result is None
    assert state.result_location is not None
    assert bench.storage.read_result(state.result_location) == "x" * 300_000


def spoil_signature(path: Path) -> None:
    blob = path.read_bytes()
    path.write_bytes(blob[:-1] + bytes([blob[-1] ^ 1]))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def other_python(path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("penstock.storage.blobs.python_version", lambda: "3.7")
        path.write_bytes(write_blob("flow", "add", add)[0])


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda item: type(item).__name__)
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_signature, "wrong signature"),
        (Path.unlink, "is not there"),
        (cut, "is cut off"),
        (other_python, "was stored by Python 3.7"),
    ],
)
def test_a_spoiled_flow_fails_its_run_and_not_the_agent(
    bench: Bench, environment: Environment, spoil: Callable[[Path], None], words: str
) -> None:
    run = bench.run(add, environment, {"x": 1})
    spoil(Path(str(bench.storage.serialize()["directory"])) / bench.storage.flows["add"])
    agent = bench.agent()
    agent.run_until_idle(timeout=90)
    assert run.refresh().state == "Failed"
    assert words in str(run.state_message)
    assert any(words in message for message in bench.messages(run))
    # The agent is as well as before.
    bench.storage.add_flow(add)
    again = bench.run(add, LocalEnvironment(), {"x": 1})
    agent.run_until_idle(timeout=90)
    assert again.refresh().state == "Success"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"storage": {"type": "Floppy"}}, "'Floppy' is no storage that is known here"),
        ({"storage": None}, "has no storage"),
        ({"environment": {"type": "Moon"}}, "'Moon' is no environment"),
        ({"environment": {"type": "ProcessEnvironment", "python": "/no/such/python"}}, "cannot be started"),
        ({"flow_location": "../../etc/passwd"}, "no location in this storage"),
        ({"environment": {"type": "DaskEnvironment", "n_workers": "many"}}, "n_workers"),
    ],
    ids=lambda item: json.dumps(item) if isinstance(item, dict) else "",
)
def test_what_cannot_be_executed_fails_with_a_sentence(
    bench: Bench, change: dict[str, Any], words: str
) -> None:
    location = bench.storage.add_flow(add)
    serialized = {
        **add.serialize(),
        "storage": bench.storage.serialize(),
        "flow_location": location,
        **change,
    }
    registered = bench.client.flow.create(serialized, bench.project.id)
    run = registered.run(parameters={"x": 1}, labels=[bench.label])
    bench.work()
    assert run.refresh().state == "Failed"
    assert words in str(run.state_message)
    assert "Traceback" not in " ".join(bench.messages(run))


def test_a_run_waits_for_its_time(bench: Bench) -> None:
    start = datetime.now(UTC) + timedelta(seconds=1.5)
    early = bench.run(add, None, {"x": 1}, scheduled_start_time=start)
    late = bench.run(add, None, {"x": 1}, scheduled_start_time=start + timedelta(hours=1))
    bench.agent(prefetch=10.0).run_until_idle(timeout=30)
    assert early.refresh().state == "Success"
    assert early.start_time is not None
    assert early.start_time >= start
    assert late.refresh().state == "Scheduled"


def test_labels_choose_the_agent(bench: Bench) -> None:
    run = bench.run(add, None, {"x": 1})
    for labels in ((), ("other",)):
        Agent(bench.client, labels=[*labels, str(uuid.uuid4())], poll_interval=0.1).run_until_idle(timeout=30)
        assert run.refresh().state == "Scheduled"
    Agent(bench.client, labels=[bench.label, "more"], poll_interval=0.1).run_until_idle(timeout=30)
    assert run.refresh().state == "Success"


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda item: type(item).__name__)
def test_a_running_run_is_cancelled(bench: Bench, environment: Environment) -> None:
    run = bench.run(slow, environment)
    threading.Thread(target=cancel_when_running, args=(run,), daemon=True).start()
    started = time.monotonic()
    bench.agent().run_until_idle(timeout=60)
    assert time.monotonic() - started < 25
    assert run.refresh().state == "Cancelled"
    assert [item.state for item in run.states()][-2:] == ["Cancelling", "Cancelled"]


def cancel_when_running(run: FlowRun) -> None:
    wait_for(run, "Running")
    run.cancel()


def wait_for(run: FlowRun, state: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while run.refresh().state != state:
        assert time.monotonic() < end, f"The run is {run.state} and not {state}."
        time.sleep(0.05)


def test_a_run_that_is_somebody_elses_by_now_is_left_alone(bench: Bench) -> None:
    run = bench.run(slow, LocalEnvironment())

    def fail_it() -> None:
        wait_for(run, "Running")
        run.set_state({"type": "Failed", "message": "No heartbeat detected."})

    threading.Thread(target=fail_it, daemon=True).start()
    bench.agent().run_until_idle(timeout=60)
    assert (run.refresh().state, run.state_message) == ("Failed", "No heartbeat detected.")


def test_a_limit_on_a_tag_makes_task_runs_wait(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.execution.reporting.QUEUED_SECONDS", 0.2)
    bench.client.task_tag_limit.set("flaky", 0)
    try:
        run = bench.run(work, None, {"journal": str(tmp_path / "journal")})

        def raise_limit() -> None:
            wait_for(run, "Running")
            time.sleep(0.5)
            bench.client.task_tag_limit.set("flaky", 5)

        threading.Thread(target=raise_limit, daemon=True).start()
        bench.agent().run_until_idle(timeout=60)
        assert run.refresh().state == "Success"
        (limited,) = [item for item in run.task_runs() if item.task.slug == "flaky-1"]
        assert "Queued" in [item.state for item in limited.states()]
    finally:
        bench.client.task_tag_limit.set("flaky", 100)


def test_no_more_runs_at_a_time_than_there_is_room_for(bench: Bench, tmp_path: Path) -> None:
    journal = tmp_path / "journal"

    @flow
    def crowd(journal: str) -> None:
        for what in ("+", "-"):
            descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(descriptor, what.encode())
            os.close(descriptor)
            time.sleep(0.1)

    runs = [bench.run(crowd, None, {"journal": str(journal)}) for _ in range(9)]
    assert bench.agent(concurrency=3).run_until_idle(timeout=60) == 9
    depth = deepest = 0
    for what in journal.read_text():
        depth += 1 if what == "+" else -1
        deepest = max(deepest, depth)
    assert 2 <= deepest <= 3
    assert Counter(run.refresh().state for run in runs) == {"Success": 9}


def test_run_until_idle_gives_up_in_time(bench: Bench) -> None:
    run = bench.run(slow)
    with pytest.raises(TimeoutError, match="not idle within 1 seconds: 1 runs were not over"):
        bench.agent().run_until_idle(timeout=1)
    assert run.refresh().state == "Failed"
    assert "The agent was stopped" in str(run.state_message)


@pytest.mark.parametrize(
    "options", [{"poll_interval": 0}, {"concurrency": 0}, {"prefetch": -1}, {"max_poll_interval": 0.01}]
)
def test_impossible_options_are_refused(client: Client, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"agent's {next(iter(options))} is too small"):
        Agent(client, **options)


def test_a_schedule_is_registered(bench: Bench) -> None:
    every = interval(timedelta(hours=1), parameters={"x": 5})
    registered = bench.client.flow.register(
        add, project=bench.project, storage=bench.storage, schedule=every, labels=["z", "a", "z"]
    )
    schedule, environment = registered.get("schedule"), registered.get("environment")
    assert [clock["type"] for clock in schedule["clocks"]] == ["IntervalClock"]
    assert environment is not None
    assert environment["labels"] == ["a", "z"]
    assert registered.runs().all()[0].parameters == {"x": 5}


@pytest.mark.anyio
async def test_the_async_client_registers_the_same(bench: Bench, async_client: Any) -> None:
    registered = await async_client.flow.register(
        add, project=bench.project, storage=bench.storage, labels=[bench.label]
    )
    run = bench.client.flow(id=registered.id).run(parameters={"x": 40})
    bench.work()
    assert run.refresh().state == "Success"


def test_a_flow_knows_its_run(bench: Bench) -> None:
    @flow
    def curious() -> str:
        run = current_run()
        assert run is not None
        return f"{run.flow_run_id} {run.attempt}"

    run = bench.run(curious)
    bench.work()
    assert run.refresh().serialized_state.result == f"{run.id} 1"


def test_flows_in_s3_are_executed(
    client: Client, project: Project, home: Path, monkeypatch: pytest.MonkeyPatch, s3_server: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    httpx.put(f"{s3_server}/agent").raise_for_status()
    bench = Bench(client, project, RemoteStorage("s3://agent/flows", options={"endpoint_url": s3_server}))
    runs = [bench.run(add, environment, {"x": 1}) for environment in ENVIRONMENTS]
    bench.work()
    assert [(run.refresh().state, run.serialized_state.result) for run in runs] == [("Success", 3)] * 2
    gone = bench.run(add, LocalEnvironment(), {"x": 1})
    fsspec.filesystem("s3", endpoint_url=s3_server).rm_file(f"agent/flows/{bench.storage.flows['add']}")
    bench.work()
    assert gone.refresh().state == "Failed"
    assert "s3://agent/flows/add/" in str(gone.state_message)


# ---- the command ----


@pytest.fixture
def started(
    bench: Bench, server: ServerProcess, home: Path, tenant_id: str
) -> Iterator[Callable[..., AgentProcess]]:
    """Starts `penstock agent start` for the runs of this test."""
    running: list[AgentProcess] = []

    def start(*options: str, url: str | None = None) -> AgentProcess:
        agent = AgentProcess(
            url or server.url,
            home,
            *(
                "--label",
                bench.label,
                "--poll-interval",
                "0.1",
                "--max-poll-interval",
                "0.3",
                "--prefetch",
                "0",
            ),
            *options,
            tenant_id=tenant_id,
        )
        running.append(agent)
        return agent

    yield start
    for agent in running:
        if agent.process.poll() is None:
            agent.kill()


def test_sigterm_lets_the_agent_finish_what_it_has_taken(
    bench: Bench, started: Callable[..., AgentProcess]
) -> None:
    agent = started("--health-port", "0", "--concurrency", "1", "--name", "the agent")
    run = bench.run(slow, None, {"seconds": 2.0})
    agent.wait_for("taken")
    agent.wait_for("Health  ")
    url = next(line.split()[-1] for line in agent.said().splitlines() if line.startswith("Health"))
    health = httpx.get(url, timeout=10)
    assert health.status_code == 200
    assert (health.json()["status"], health.json()["agent"], health.json()["active_runs"]) == (
        "ok",
        "the agent",
        1,
    )
    assert httpx.get(url.replace("/health", "/other"), timeout=10).status_code == 404
    wait_for(run, "Running")
    later = bench.run(add, None, {"x": 1})
    assert agent.terminate() == 0
    assert run.refresh().state == "Success"
    assert later.refresh().state == "Scheduled"
    assert "No more runs are taken; 1 are not over." in agent.said()


def test_a_drain_that_takes_too_long_ends_the_runs(
    bench: Bench, started: Callable[..., AgentProcess]
) -> None:
    agent = started("--drain-timeout", "0.5")
    runs = [bench.run(slow, environment) for environment in ENVIRONMENTS]
    for run in runs:
        wait_for(run, "Running")
    assert agent.terminate() == 0
    assert [run.refresh().state for run in runs] == ["Failed", "Failed"]
    assert all("The agent was stopped" in str(run.state_message) for run in runs)


def test_once_ends_by_itself(bench: Bench, started: Callable[..., AgentProcess]) -> None:
    run = bench.run(add, None, {"x": 1})
    agent = started("--once")
    assert agent.process.wait(60) == 0
    assert "1 runs were executed." in agent.said()
    assert f"add / {run.refresh().name}" in agent.said()


def test_an_api_that_is_not_there_is_a_sentence(started: Callable[..., AgentProcess]) -> None:
    agent = started(url="http://127.0.0.1:9")
    assert agent.process.wait(60) == 2
    assert "Error: " in agent.said()
    assert "Traceback" not in agent.said()
