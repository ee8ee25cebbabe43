"""Tasks on a real Dask cluster: two worker processes, and one of them killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock import flow, task
from penstock.environments import DaskEnvironment, RunRequest
from penstock.environments.base import EnvironmentFailure
from penstock.execution.context import StopReason, StopSignal
from penstock.states import Cancelled, Failed, Success

if TYPE_CHECKING:
    from penstock.storage import LocalStorage

# Of the libraries': ports that others have, loops that end with the process, pages of configuration.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ELEMENTS = 200


@task
def square(number: int, journal: str, seconds: float) -> int:
    with Path(journal).open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return number * number


@task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@flow
def squares(count: int, journal: str, seconds: float = 0.0) -> int:
    mapped = square.map(range(count), journal=journal, seconds=seconds)
    together: Any = mapped  # futures may stand for values, which no type can say
    return total.submit(together).result()


@task(retries=1)
def odd(number: int) -> int:
    if number % 2 == 0:
        raise ValueError(f"{number} is even")
    return number


@flow
def odds(numbers: list[int]) -> int:
    return sum(future.result() for future in odd.map(numbers))


def test_two_hundred_tasks_though_a_worker_is_killed(storage: LocalStorage, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    killed: list[int] = []

    def kill_a_worker() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and not killed:
            pids = journal.read_text().split() if journal.exists() else []
            if len(pids) > ELEMENTS // 4:
                os.kill(int(pids[-1]), signal.SIGKILL)
                killed.append(int(pids[-1]))
            time.sleep(0.01)

    killer = threading.Thread(target=kill_a_worker, daemon=True)
    killer.start()
    outcome = DaskEnvironment(n_workers=2).execute(
        storage,
        storage.add_flow(squares),
        RunRequest(parameters={"count": ELEMENTS, "journal": str(journal), "seconds": 0.01}),
    )
    killer.join(5)
    assert killed
    assert isinstance(outcome.state, Success), outcome.state.message
    assert outcome.state.result == sum(number * number for number in range(ELEMENTS))
    processes = set(journal.read_text().split())
    assert str(os.getpid()) not in processes
    assert len(processes) >= 2


def test_a_cluster_by_address_failures_and_stopping(storage: LocalStorage, tmp_path: Path) -> None:
    import importlib

    distributed: Any = importlib.import_module("distributed")
    journal = tmp_path / "journal"
    with distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        environment = DaskEnvironment(address=cluster.scheduler_address)
        failed = environment.execute(
            storage, storage.add_flow(odds), RunRequest(parameters={"numbers": [1, 3, 4]})
        )
        assert isinstance(failed.state, Failed)
        assert failed.state.message == "ValueError: 4 is even"
        stop = StopSignal()
        threading.Timer(1.0, lambda: stop.set(StopReason.CANCELLED)).start()
        started = time.monotonic()
        stopped = environment.execute(
            storage,
            storage.add_flow(squares),
            RunRequest(parameters={"count": 50, "journal": str(journal), "seconds": 1.0}, stop=stop),
        )
        assert time.monotonic() - started < 15
        assert isinstance(stopped.state, Cancelled)


def test_a_scheduler_that_is_not_there_is_named(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.environments.dask.CONNECT_SECONDS", 1)
    location = storage.add_flow(odds)
    with pytest.raises(EnvironmentFailure, match=r"scheduler at tcp://127.0.0.1:9 cannot be reached"):
        DaskEnvironment(address="tcp://127.0.0.1:9").execute(storage, location)
