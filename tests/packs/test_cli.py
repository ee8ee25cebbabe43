"""``penstock pack``: run, describe, outbox; signals; mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.packs.fake_api import FakeApi, Reply

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = "tests.packs.sample_packs:pack"
COMMAND = [sys.executable, "-m", "penstock.packs.cli"]


def penstock_pack(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)


def started(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_drains_and_ends(api: FakeApi, name: str) -> None:
    api.actions = [("say", {"text": "hi"})]
    process = started("run", SAMPLE, "--api", api.url, "--no-health", SAMPLE_DELAY="0.7")
    assert process.stdout is not None
    assert process.stdout.readline() == "saying hi\n"
    process.send_signal(getattr(signal, name))
    code, errors = ended(process)
    assert code == 0, errors
    assert f"{name}: the pack finishes what it began" in errors
    assert [body["event"] for _, body in api.results] == ["Said"]
    assert "HTTP Request" not in errors


def test_a_second_signal_ends_at_once_and_the_next_start_takes_it_up(api: FakeApi) -> None:
    api.actions = [("say", {"text": "hi"})]
    process = started("run", SAMPLE, "--api", api.url, "--no-health", SAMPLE_DELAY="60")
    assert process.stdout is not None
    assert process.stdout.readline() == "saying hi\n"
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    # The system makes one signal of two that come too close together.
    while "finishes what it began" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    code, errors = ended(process)
    assert "SIGTERM again" in errors
    assert code == 130
    assert api.results == []
    again = started("run", SAMPLE, "--api", api.url, "--no-health")
    api.wait_until(lambda: api.results)
    again.send_signal(signal.SIGTERM)
    assert ended(again)[0] == 0


def test_the_environment_says_where_the_api_is(api: FakeApi) -> None:
    process = started(
        "run", SAMPLE, "--no-health", FLYTE_API=api.url, FLYTE_JWT="a.b.c", FLYTE_LABELS="zone=1"
    )
    api.wait_until(lambda: api.sent("/v1/packs"))
    process.send_signal(signal.SIGTERM)
    code, errors = ended(process)
    assert code == 0, errors
    registration = api.sent("/v1/packs")[0]
    assert registration.json["labels"] == {"env": "test", "zone": "1"}
    assert registration.headers["authorization"] == "Bearer a.b.c"
    assert "a.b.c" not in errors


def test_describe_shows_schemas() -> None:
    done = penstock_pack("describe", SAMPLE)
    document = json.loads(done.stdout)
    assert document["id"] == "Sample.env.test"
    (command,) = document["commands"]
    assert command["description"].startswith("Says it.")
    assert command["input"]["required"] == ["text"]
    (event,) = document["events"]
    assert event["commands"] == ["say"]
    assert event["payload"]["title"] == "Greeting"


def test_describe_writes_a_page(tmp_path: Path) -> None:
    page = tmp_path / "help.html"
    assert penstock_pack("describe", SAMPLE, "--html", str(page)).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    for expected in ('id="command-say"', 'id="event-Said"', 'href="#event-Said"', "The &lt;words&gt;."):
        assert expected in text
    assert "<script" not in text
    assert penstock_pack("describe", SAMPLE, "--html", "-").stdout == text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["describe", "nonsense"], "names no pack; write MODULE:PACK"),
        (["describe", "no.such.module:pack"], "no module 'no.such.module'"),
        (["describe", "tests.packs.sample_packs:other"], "is no Pack. It has: pack, broken."),
        (["describe", "tests.packs.sample_packs:broken"], "has the parameters a, b"),
        (["describe", SAMPLE, "--html", "/nowhere/x.html"], "cannot be written"),
        (["run", SAMPLE], "FLYTE_API is not set"),
        (["run", SAMPLE, "--api", "nonsense"], "no http"),
        (["run", SAMPLE, "--log-level", "loud"], "no log level"),
        (["outbox", SAMPLE, "--api", "http://localhost:1"], "There is no outbox"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(arguments: list[str], says: str) -> None:
    done = penstock_pack(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_outbox_shows_what_waits(api: FakeApi) -> None:
    api.behave = lambda request: Reply(503) if request.path.endswith("/result") else None
    api.actions = [("say", {"text": "hi"})]
    process = started("run", SAMPLE, "--api", api.url, "--no-health")
    api.wait_until(lambda: api.sent("/result"))
    meanwhile = penstock_pack("outbox", SAMPLE, "--api", api.url)
    assert meanwhile.returncode == 2
    assert "in use: its pack is running" in meanwhile.stderr
    process.kill()
    ended(process)
    shown = json.loads(penstock_pack("outbox", SAMPLE, "--api", api.url).stdout)
    assert (shown["waiting"], shown["unfinished"], shown["set_aside"]) == (1, [], [])
