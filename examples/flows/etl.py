"""A flow with tasks, stored, registered, and executed by an agent: `penstock server start`, and then this.

python examples/flows/etl.py
"""

from __future__ import annotations

import tempfile
from datetime import date

from penstock import Client, flow, task
from penstock.agent import Agent
from penstock.environments import ProcessEnvironment
from penstock.flows import run_logger
from penstock.storage import LocalStorage


@task(retries=3, retry_delay=2, timeout=60, tags=["source"])
def fetch(day: date, part: int) -> list[int]:
    """Fetch a part of a day's numbers."""
    run_logger().info("fetching part %d of %s", part, day)
    return [day.toordinal() % (part + 2), part]


@task
def combine(parts: list[list[int]]) -> int:
    """Add everything up."""
    return sum(number for part in parts for number in part)


@flow
def nightly(day: date, parts: int = 3) -> int:
    """Fetches a day in parts, and adds them up."""
    fetched = [fetch.submit(day, part) for part in range(parts)]
    return combine([future.result() for future in fetched])


def main() -> None:
    """Register the flow, run it once, and have an agent execute what is due."""
    print("Here and now:", nightly.run(date(2026, 1, 31)))
    with tempfile.TemporaryDirectory() as folder, Client() as client:
        names = {project.name for project in client.project.list()}
        project = (
            client.project(name="examples") if "examples" in names else client.project.create("examples")
        )
        registered = client.flow.register(
            nightly,
            project=project,
            storage=LocalStorage(folder),
            environment=ProcessEnvironment(timeout=300),
            labels=["examples"],
        )
        run = registered.run(parameters={"day": "2026-01-31"})
        Agent(client, labels=["examples"]).run_until_idle(timeout=120)
        print("By an agent:", run.refresh().state, run.serialized_state.result)
        for log in run.logs():
            print(f"  {log.timestamp:%H:%M:%S} {log.level:<7} {log.message}")


if __name__ == "__main__":
    main()
