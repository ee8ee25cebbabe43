"""Many runs, several agents, and agents that are killed in the middle: on PostgreSQL, with real processes.

The short forms are in every run; PENSTOCK_STRESS=1 makes them as long as the design asks for.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.agent.processes import AgentProcess, agents, hurried_server

from penstock import Client, FlowRun, flow
from penstock.environments import Environment, LocalEnvironment, ProcessEnvironment
from penstock.flows import current_run
from penstock.storage import LocalStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

STRESS = os.environ.get("PENSTOCK_STRESS") == "1"
RUNS = 1000 if STRESS else 60
KILLED_RUNS = 300 if STRESS else 45
KILLS = 30 if STRESS else 3
SECONDS = 1500 if STRESS else 120

AGENT = (
    *("--poll-interval", "0.2", "--max-poll-interval", "0.5", "--prefetch", "0"),
    *("--heartbeat-interval", "1", "--watch-interval", "1"),
)
FINISHED = {"Success", "Failed", "Cancelled"}


@flow
def noted(journal: str, seconds: float = 0.0) -> str:
    """Writes down that it begins and that it ends: its side effects."""
    run = current_run()
    assert run is not None

    def note(what: str) -> None:
        line = f"{what} {run.flow_run_id} {run.attempt}\n".encode()
        # One write to a file opened for appending is whole, whoever else writes.
        descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, line)
        os.close(descriptor)

    note("begin")
    time.sleep(seconds)
    note("end")
    return str(run.flow_run_id)


@dataclass(frozen=True)
class Place:
    """A server with a client, and where everything is kept."""

    client: Client
    url: str
    tenant_id: UUID
    home: Path
    journal: Path

    def create(self, environment: Environment, count: int, seconds: float) -> None:
        """Make runs that are due now."""
        project = self.client.project.create(f"campaign {time.monotonic_ns()}")
        registered = self.client.flow.register(
            noted, project=project, storage=LocalStorage(self.home / "flows"), environment=environment
        )
        for _ in range(count):
            registered.run(parameters={"journal": str(self.journal), "seconds": seconds})

    def finished(self) -> int:
        """How many runs are over."""
        return self.client.flow_run.count(where={"state": {"_in": sorted(FINISHED)}})

    def begun(self) -> list[str]:
        """`ID ATTEMPT` of every execution that began."""
        return [line[6:] for line in self._lines() if line.startswith("begin ")]

    def ended(self) -> list[str]:
        """`ID ATTEMPT` of every execution that came to its end."""
        return [line[4:] for line in self._lines() if line.startswith("end ")]

    def _lines(self) -> list[str]:
        return self.journal.read_text().splitlines() if self.journal.exists() else []

    def runs(self) -> list[FlowRun]:
        """All runs."""
        return self.client.flow_run.list(limit=5000).all()


@pytest.fixture
def place(postgresql_url: str, home: Path) -> Iterator[Place]:
    """A server with an empty tenant of its own."""
    with hurried_server(home, postgresql_url) as url, Client(url) as client:
        slug = f"campaign-{time.monotonic_ns()}"
        tenant = client.tenant.create(slug, slug)
        with Client(url, tenant_id=tenant.id) as own:
            yield Place(own, url, tenant.id, home, home / "journal")


def wait(place: Place, count: int, meanwhile: Callable[[], Any] = lambda: None) -> None:
    """Wait until so many runs are over."""
    end = time.monotonic() + SECONDS
    while (over := place.finished()) < count:
        assert time.monotonic() < end, f"{over} of {count} runs were over after {SECONDS} seconds."
        meanwhile()
        time.sleep(0.3)


@pytest.mark.timeout(SECONDS + 120)
def test_every_run_is_executed_once_by_three_agents(place: Place) -> None:
    place.create(LocalEnvironment(), RUNS, seconds=0)
    started = time.monotonic()
    with agents(place.url, place.home, 3, (*AGENT, "--concurrency", "4"), place.tenant_id) as running:
        wait(place, RUNS)
        took = time.monotonic() - started
        said = [agent.terminate() for agent in running]
        # Not "No more runs are taken", which an agent says that is ended while one is under way.
        taken = [sum("  taken  " in line for line in agent.said().splitlines()) for agent in running]
    print(f"{RUNS} runs, three agents: {took:.1f} s, {RUNS / took:.1f} runs per second, shares {taken}")
    assert said == [0, 0, 0]
    runs = place.runs()
    assert Counter(run.state for run in runs) == {"Success": RUNS}
    assert sorted(place.begun()) == sorted(f"{run.id} 1" for run in runs)
    assert sum(taken) == RUNS
    submissions = place.client.execute(
        'query {flow_run {states(where: {state: {_eq: "Submitted"}}) {id} running: states(where: {state: {_eq: "Running"}}) {id}}}'
    )["flow_run"]
    assert {(len(run["states"]), len(run["running"])) for run in submissions} == {(1, 1)}


@pytest.mark.timeout(SECONDS + 120)
def test_runs_of_killed_agents_are_finished_by_others(place: Place) -> None:
    in_processes = KILLED_RUNS // 5
    place.create(LocalEnvironment(), KILLED_RUNS - in_processes, seconds=0.7)
    place.create(ProcessEnvironment(), in_processes, seconds=0.7)
    chance = random.Random(20260131)
    killed = 0
    next_kill = time.monotonic() + 1.0
    options = (*AGENT, "--concurrency", "3")
    with agents(place.url, place.home, 3, options, place.tenant_id) as running:

        def kill_one() -> None:
            nonlocal killed, next_kill
            unfinished = set(place.begun()) - set(place.ended())
            if killed == KILLS or time.monotonic() < next_kill or not unfinished:
                return
            victim = chance.choice(running)
            running.remove(victim)
            victim.kill()
            killed += 1
            running.append(AgentProcess(place.url, place.home, *options, tenant_id=place.tenant_id))
            next_kill = time.monotonic() + chance.uniform(1.0, 3.0)

        wait(place, KILLED_RUNS, kill_one)
        # A run that is over stays over: nothing that was killed comes back to it.
        time.sleep(1)
    runs = place.runs()
    assert killed == KILLS
    states = Counter(run.state for run in runs)
    assert set(states) <= {"Success", "Failed"}, states
    begun = Counter(place.begun())
    assert max(begun.values()) == 1, [entry for entry, count in begun.items() if count > 1]
    again = [run for run in runs if run.times_resurrected]
    assert again, "No kill interrupted a run, so that nothing was shown."
    assert all(run.state == "Success" or run.times_resurrected == 3 for run in runs)
    print(
        f"{len(runs)} runs, {killed} kills: {dict(states)}, {len(again)} interrupted and rescheduled by lazarus"
    )
