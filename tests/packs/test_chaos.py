"""Nothing lost, nothing twice: through a hostile network, a server that loses all it knew, and SIGKILL.

The default run is short. ``PENSTOCK_STRESS=1`` is the campaign: 5,000 actions and 50 kills.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.packs.chaos_proxy import ChaosProxy

from penstock.testing.flyte_server import FlyteServer, FlyteServerOptions

if TYPE_CHECKING:
    from pathlib import Path

STRESS = os.environ.get("PENSTOCK_STRESS") == "1"
ACTIONS = 5_000 if STRESS else 300
KILLS = 50 if STRESS else 4
SECONDS = 1_500 if STRESS else 100

# Every action comes from a flow, and what the pack says of it comes back to a flow: the audit shows all of
# it.
FLOWS: list[dict[str, Any]] = [
    {
        "name": "order",
        "steps": [
            {
                "id": command,
                "criteria": f"{{{{ Event.Payload.command == '{command}' }}}}",
                "event": {"packName": "Source", "name": "Order"},
                "command": {"packName": "Chaos", "name": command, "input": "{{ Event.Payload.number }}"},
            }
            for command in ("work", "block")
        ],
    },
    {
        "name": "observe",
        "steps": [
            {
                "id": "observed",
                "event": {"packName": "Chaos", "name": "Observed"},
                "command": {"packName": "Sink", "name": "note", "input": "{{ Event.Payload }}"},
            }
        ],
    },
    {
        "name": "finish",
        "steps": [
            {
                "id": "finished",
                "event": {"packName": "Chaos", "name": "Finished"},
                "command": {"packName": "Sink", "name": "done", "input": "{{ Event.Payload }}"},
            }
        ],
    },
]


def prepare(api: httpx.Client, numbers: range) -> None:
    for name in ("Source", "Sink"):
        assert api.post("/v1/packs", json={"name": name}).status_code == 201
    for flow in FLOWS:
        assert api.post("/v1/flows", json=flow).status_code == 201
    for number in numbers:
        payload = {"number": number, "command": "block" if number % 5 == 0 else "work"}
        posted = api.post("/v1/packs/Source/events", json={"event": "Order", "payload": payload})
        assert posted.status_code == 202


class Sink:
    """Takes what the flows made of the pack's events: how often each number was observed, and finished."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api
        self.observed: Counter[int] = Counter()
        self.finished: Counter[int] = Counter()

    def empty(self, most: int = 20) -> None:
        """Take what waits; not more than ``most``, so that the pack cannot keep the test from killing it."""
        for _ in range(most):
            answer = self._api.post("/v1/packs/Sink/actions/take")
            if answer.status_code != 200:
                return
            action = answer.json()
            count = self.observed if action["command"] == "note" else self.finished
            count[int(action["input"])] += 1
            posted = self._api.post(action["links"][0]["href"], json={"event": "Ok"})
            assert posted.status_code == 202


def start_pack(url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.packs.chaos_pack"],
        env={**os.environ, "FLYTE_API": url},
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.timeout(SECONDS + 60)
def test_killed_again_and_again_behind_a_hostile_proxy(tmp_path: Path) -> None:
    """Every action is completed, none twice accepted, no event lost."""
    options = FlyteServerOptions(database=f"sqlite:///{tmp_path / 'flyte.db'}", lease=5.0)
    with (
        FlyteServer(options) as server,
        ChaosProxy(int(server.url.rpartition(":")[2]), trouble=0.08, seed=7) as proxy,
        httpx.Client(base_url=server.url, timeout=30) as api,
    ):
        prepare(api, range(ACTIONS))
        sink = Sink(api)
        deadline = time.monotonic() + SECONDS
        kills = 0
        while len(sink.finished) < ACTIONS and time.monotonic() < deadline:
            process = start_pack(proxy.url)
            begun, had = time.monotonic(), len(sink.finished)
            # Kills fall into the thick of it: after a share of the actions, not after a time that a slow
            # machine would spend starting up.
            share = max(1, ACTIONS // (2 * KILLS + 2))
            while len(sink.finished) < ACTIONS and time.monotonic() < deadline:
                sink.empty()
                if kills < KILLS and len(sink.finished) - had >= share and time.monotonic() - begun > 0.2:
                    break
            if len(sink.finished) < ACTIONS:
                process.send_signal(signal.SIGKILL)
                kills += 1
            else:
                process.send_signal(signal.SIGTERM)
            process.wait(60)
        assert len(sink.finished) == ACTIONS, (len(sink.finished), kills, proxy.happened)
        # A last run, at the same address, delivers what the one before had in its outbox.
        process = start_pack(proxy.url)
        while len(sink.observed) < ACTIONS and time.monotonic() < deadline:
            sink.empty()
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        sink.empty(10 * ACTIONS)
        assert kills == KILLS
        assert set(sink.finished) == set(sink.observed) == set(range(ACTIONS))
        assert set(sink.finished.values()) == {1}, "a result was accepted twice"
        assert len([trouble for trouble in proxy.happened if trouble]) >= 7


@pytest.mark.timeout(SECONDS + 60)
def test_an_api_that_comes_back_with_an_empty_database(tmp_path: Path) -> None:
    """The pack registers again and works on; what the API forgot is set aside and holds up nothing."""
    first = FlyteServer(FlyteServerOptions(database=f"sqlite:///{tmp_path / 'first.db'}")).start()
    port = int(first.url.rpartition(":")[2])
    process = None
    try:
        with httpx.Client(base_url=first.url, timeout=30) as api:
            prepare(api, range(60))
            process = start_pack(first.url)
            sink = Sink(api)
            while len(sink.finished) < 20:
                sink.empty()
                time.sleep(0.01)
        first.kill()
        with FlyteServer(
            FlyteServerOptions(database=f"sqlite:///{tmp_path / 'second.db'}", port=port)
        ) as second:
            with httpx.Client(base_url=second.url, timeout=30) as api:
                prepare(api, range(1_000, 1_040))
                sink = Sink(api)
                deadline = time.monotonic() + 60
                while len({n for n in sink.finished if n >= 1_000}) < 40 and time.monotonic() < deadline:
                    sink.empty()
                    time.sleep(0.02)
            assert {number for number in sink.finished if number >= 1_000} == set(range(1_000, 1_040))
            assert {count for number, count in sink.finished.items() if number >= 1_000} == {1}
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    finally:
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        first.stop()
