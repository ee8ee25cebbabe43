"""What executing a flow costs: in each environment against calling its function, from `flow.run()` to Running, and
runs per second through one agent.

Everything runs on this machine: a server process with SQLite, an agent in this process. The function waits
a little (`WORK_SECONDS`), so that a ratio against calling them says something.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks._measure import arguments, duration, report
from penstock import Client, flow
from penstock.agent import Agent
from penstock.environments import (
    DaskEnvironment,
    Environment,
    LocalEnvironment,
    ProcessEnvironment,
    RunRequest,
)
from penstock.storage import LocalStorage
from penstock.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

WORK_SECONDS = 0.05
RUNS = 200


@flow
def work(seconds: float = WORK_SECONDS) -> float:
    """Waits for a while: what others do on this machine does not make it longer."""
    time.sleep(seconds)
    return seconds


def main() -> None:
    """Measure and report."""
    options = arguments(__doc__ or "", rounds=10)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["PENSTOCK_HOME"] = str(folder)
        storage = LocalStorage(folder / "flows")
        overheads = environments(storage, options.rounds)
        server = stack.enter_context(ServerProcess(f"sqlite:///{folder}/server.db"))
        client = stack.enter_context(Client(server.url))
        project = client.project.create("benchmark")
        registered = client.flow.register(work, project=project, storage=storage)
        waits = to_running(client, registered.id, options.rounds)
        throughput = rate(client, registered.id)
    report("Executing flows", [overheads, waits, throughput], record=options.record)


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def environments(storage: LocalStorage, rounds: int) -> str:
    """A flow of 50 ms in each environment, without the API, against calling its function: in turns."""
    location = storage.add_flow(work)
    request = RunRequest(parameters={"seconds": WORK_SECONDS})

    def execution(environment: Environment) -> Callable[[], object]:
        return lambda: environment.execute(storage, location, request)

    contenders: dict[str, Callable[[], object]] = {
        "the function": work,
        "flow.run()": work.run,
        "LocalEnvironment": execution(LocalEnvironment()),
        "ProcessEnvironment": execution(ProcessEnvironment()),
        "DaskEnvironment, a cluster of its own": execution(DaskEnvironment(n_workers=1)),
    }
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds + 1):
        for name, call in contenders.items():
            took[name].append(_seconds(call))
    base = took["the function"][1:]
    lines = [
        f"A flow of {duration(WORK_SECONDS)} in each environment ({rounds} rounds)",
        "",
        "| | median | overhead | against the function |",
        "| --- | --- | --- | --- |",
    ]
    for name, times in took.items():
        pairs = list(zip(times[1:], base, strict=True))
        lines.append(
            f"| {name} | {duration(statistics.median(times[1:]))} "
            f"| {duration(max(statistics.median(one - other for one, other in pairs), 0.0))} "
            f"| {statistics.median(one / other for one, other in pairs):.2f} |"
        )
    return "\n".join(lines)


def to_running(client: Client, flow_id: object, rounds: int) -> str:
    """The time from `flow.run()` to the state Running, by the server's clock, with an agent that looks every 0.1 s."""
    agent = Agent(client, poll_interval=0.1, max_poll_interval=0.1, concurrency=4)
    thread = threading.Thread(target=agent.start, daemon=True)
    thread.start()
    registered = client.flow(id=str(flow_id))
    waits: list[float] = []
    for _ in range(rounds * 3):
        run = registered.run(parameters={"seconds": 0.0})
        while run.refresh().state not in ("Success", "Failed"):
            time.sleep(0.02)
        assert run.state == "Success", run.state_message
        assert run.start_time is not None
        waits.append((run.start_time - run.created).total_seconds())
    agent.drain()
    thread.join(30)
    return (
        f"From flow.run() to Running, the agent looking every 0.1 s ({len(waits)} runs): "
        f"median {duration(statistics.median(waits))}, longest {duration(max(waits))}."
    )


def rate(client: Client, flow_id: object) -> str:
    """Runs per second through one agent, of a flow that does nothing, against calls of the API that change nothing."""
    registered = client.flow(id=str(flow_id))
    for _ in range(RUNS):
        registered.run(parameters={"seconds": 0.0})
    hello = statistics.median(_seconds(client.hello) for _ in range(200))
    took = _seconds(lambda: Agent(client, poll_interval=0.05, concurrency=8).run_until_idle(timeout=600))
    per_run = took / RUNS
    return (
        f"{RUNS} runs that do nothing through one agent, eight at a time: {RUNS / took:.1f} runs per second; "
        f"a run takes as long as {per_run / hello:.0f} requests that do nothing."
    )


if __name__ == "__main__":
    main()
