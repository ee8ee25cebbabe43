"""Many clients at once, and a server that dies under load: nothing is lost, doubled or half done.

The default run has a short form of each; PENSTOCK_STRESS=1 runs them at length.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
from tests.server.api import Api, Refused, new_tenant
from tests.server.conftest import NO_SERVICES

from penstock.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

STRESS = os.environ.get("PENSTOCK_STRESS") == "1"
PROCESSES = 8
RUNS = 200 if STRESS else 60
KILLS = 50 if STRESS else 3

BARE_FLOW = {"name": "bare", "parameters": [], "tasks": [], "edges": []}

# What each of the processes does with the same runs, each in an order of its own.
WORKER = """
import json, random, sys
from tests.server.api import Api, Refused

url, tenant_id, seed = sys.argv[1:4]
runs = json.load(sys.stdin)
chance = random.Random(int(seed))
chance.shuffle(runs)
submitted, batches = [], 0
with Api(url, tenant_id=tenant_id) as api:
    for key in runs:
        try:
            api.set_run(key, "Submitted")
            submitted.append(key)
        except Refused as refused:
            assert "already been submitted" in refused.message, refused
    chance.shuffle(runs)
    for start in range(0, len(runs), 20):
        entries = [{"flow_run_id": key, "state": {"type": "Running", "message": seed}} for key in runs[start:start + 20]]
        api.do("set_flow_run_states", "states { id }", states=entries)
print(json.dumps(submitted))
"""


def test_eight_processes_set_states_on_the_same_runs(server: ServerProcess) -> None:
    import json

    with Api(server.url) as everywhere:
        tenant_id = new_tenant(everywhere)
    with Api(server.url, tenant_id=tenant_id) as api:
        flow_id = api.flow(serialized=BARE_FLOW)
        runs = [api.run(flow_id, parameters={}) for _ in range(RUNS)]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, server.url, tenant_id, str(seed)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for seed in range(PROCESSES)
        ]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(json.dumps(runs))
            process.stdin.close()
        submitted: Counter[str] = Counter()
        for process in processes:
            assert process.stdout is not None
            submitted.update(json.loads(process.stdout.read()))
            process.stdout.close()
            assert process.wait(120) == 0
        assert set(submitted) == set(runs)
        assert set(submitted.values()) == {1}
        rows = api.ask(
            "{ flow_run { id version state state_id states(order_by: {version: asc}) { id version state message } } }"
        )["flow_run"]
        assert len(rows) == RUNS
        for row in rows:
            # Scheduled, Submitted once, and Running once by each of the processes.
            assert [state["version"] for state in row["states"]] == list(range(1, 3 + PROCESSES))
            names = Counter(state["state"] for state in row["states"])
            assert names == {"Scheduled": 1, "Submitted": 1, "Running": PROCESSES}
            messages = {state["message"] for state in row["states"] if state["state"] == "Running"}
            assert messages == {str(seed) for seed in range(PROCESSES)}
            last = row["states"][-1]
            assert (row["version"], row["state"], row["state_id"]) == (
                last["version"],
                last["state"],
                last["id"],
            )


class Writer(threading.Thread):
    """A client that writes until its server is gone, and remembers what was acknowledged."""

    def __init__(self, url: str, tenant_id: str, flow_id: str) -> None:
        super().__init__(daemon=True)
        self._url, self._tenant_id, self._flow_id = url, tenant_id, flow_id
        self.created: dict[str, str] = {}
        self.logged: dict[str, int] = Counter()
        self.states: dict[str, int] = Counter()

    def run(self) -> None:
        try:
            with Api(self._url, tenant_id=self._tenant_id) as api:
                while True:
                    key = uuid4().hex
                    run = api.run(self._flow_id, idempotency_key=key)
                    self.created[key] = run
                    api.do("write_run_logs", "success", logs=[{"flow_run_id": run, "message": "m"}] * 3)
                    self.logged[run] += 3
                    for state in ("Running", "Success"):
                        api.set_run(run, state)
                        self.states[run] += 1
        except (httpx.TransportError, Refused):
            return


def wait_for_writes(writers: list[Writer], count: int) -> None:
    """Wait until so many runs were acknowledged, so that the kill comes in the middle of work on any machine."""
    deadline = time.monotonic() + 60
    while sum(len(writer.created) for writer in writers) < count:
        assert time.monotonic() < deadline, "the server acknowledges nothing"
        time.sleep(0.005)


def check_nothing_is_half_done(api: Api) -> None:
    """Every run has all its task runs, its whole history, and its logs by the batch."""
    rows: list[dict[str, Any]] = api.ask(
        "{ flow_run { version state states(order_by: {version: asc}) { version state } "
        "task_runs { version states { version } } logs_aggregate { aggregate { count } } } }"
    )["flow_run"]
    for row in rows:
        assert [state["version"] for state in row["states"]] == list(range(1, row["version"] + 1))
        assert row["states"][-1]["state"] == row["state"]
        assert len(row["task_runs"]) == 3
        assert all(len(task["states"]) == task["version"] == 1 for task in row["task_runs"])
        assert row["logs_aggregate"]["aggregate"]["count"] in (0, 3)


def test_a_server_killed_under_load_keeps_what_it_acknowledged(
    database_kind: str, new_database: Callable[[str], str]
) -> None:
    chance = random.Random(1)
    process = ServerProcess(new_database(database_kind), "--row-limit", "1000000", *NO_SERVICES)
    created: dict[str, str] = {}
    logged: Counter[str] = Counter()
    states: Counter[str] = Counter()
    process.start()
    with Api(process.url) as api:
        api.tenant_id = tenant_id = api.ask("{ tenant { id } }")["tenant"][0]["id"]
        flow_id = api.flow()
    for _ in range(KILLS):
        writers = [Writer(process.url, tenant_id, flow_id) for _ in range(4)]
        for writer in writers:
            writer.start()
        wait_for_writes(writers, chance.randint(2, 25))
        time.sleep(chance.uniform(0.0, 0.05))
        process.kill()
        for writer in writers:
            writer.join(30)
            created |= writer.created
            logged.update(writer.logged)
            states.update(writer.states)
        process.start()
        with Api(process.url) as api:
            check_nothing_is_half_done(api)
    with Api(process.url) as api:
        found = {
            row["idempotency_key"]: row
            for row in api.ask("{ flow_run { id idempotency_key version logs { id } } }")["flow_run"]
        }
        assert len(created) > KILLS
        for key, run in created.items():
            assert found[key]["id"] == run
            assert len(found[key]["logs"]) >= logged[run]
            assert found[key]["version"] >= 1 + states[run]
    assert process.stop() == 0
