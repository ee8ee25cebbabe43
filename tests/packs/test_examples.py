"""The examples, as programs, against `penstock server start`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).parents[2] / "examples" / "packs"


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("examples")
    with ServerProcess(
        f"sqlite:///{folder / 'server.db'}", environment={"PENSTOCK_HOME": str(folder)}
    ) as server:
        yield server.url


def outcomes(api: httpx.Client, flow: str) -> list[tuple[str, Any]]:
    """What the actions of a flow ended in so far, oldest first."""
    executions = api.get("/v1/audit/flows", params={"flowName": flow}).json()["flows"]
    ended = [
        (action["result"]["event"], action["result"].get("payload"))
        for execution in reversed(executions)
        for action in execution["actions"].values()
    ]
    return [(event, payload) for event, payload in ended if event]


def drive(url: str, program: str, pack: str, command: str, values: list[Any]) -> list[tuple[str, Any]]:
    """Run a program, have a flow call its command with each of the values, and stop it."""
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / program)],
        env={**os.environ, "FLYTE_API": url, "PENSTOCK_URL": url},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with httpx.Client(base_url=url, timeout=20) as api:
            assert api.post("/v1/packs", json={"name": "Tester"}).status_code == 201
            step = {
                "event": {"packName": "Tester", "name": f"Ask{pack}"},
                "command": {"packName": pack, "name": command, "input": "{{ Event.Payload }}"},
            }
            assert api.post("/v1/flows", json={"name": pack, "steps": [step]}).status_code == 201
            for value in values:
                event = {"event": f"Ask{pack}", "payload": value}
                assert api.post("/v1/packs/Tester/events", json=event).status_code == 202
            deadline = time.monotonic() + 30
            while len(found := outcomes(api, pack)) < len(values) and time.monotonic() < deadline:
                time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    return found


def test_tickets(server_url: str) -> None:
    values = [
        {"project": "FOO", "ticketText": "It broke."},
        {"project": "FOO", "ticketText": ""},
        {"project": "FOO"},
    ]
    found = dict(drive(server_url, "tickets.py", "Tickets", "openTicket", values))
    assert found["TicketOpened"]["url"].startswith("https://example.com/")
    assert found["TicketRefused"] == {"project": "FOO", "reason": "no text"}
    assert "ticketText: Field required" in found["FATAL"]


def test_duty(server_url: str) -> None:
    ((event, payload),) = drive(server_url, "duty.py", "Duty", "whoIsOnDuty", [{}])
    assert event == "OnDuty"
    assert payload in {"Ada", "Grace", "Edsger"}


def test_chat_ops(server_url: str) -> None:
    ((event, payload),) = drive(
        server_url,
        "chat_ops.py",
        "Penstock",
        "cancelFlowRun",
        [{"id": "00000000-0000-0000-0000-000000000000"}],
    )
    assert event == "FlowRunCancelFailed"
    assert payload["message"]
    with httpx.Client(base_url=server_url) as api:
        posted = api.post(
            "/v1/flows",
            content=(EXAMPLES / "chat_ops.yaml").read_bytes(),
            headers={"Content-Type": "application/x-yaml"},
        )
    assert posted.status_code == 201, posted.text
