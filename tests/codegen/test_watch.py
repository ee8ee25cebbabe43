"""`penstock generate --watch` generates again after each change, and ends with Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.codegen.projects import CONFIG, base_project, write_project

from penstock_codegen.watch import sources, watch


def test_each_change_is_seen_once(tmp_path: Path) -> None:
    root = write_project(tmp_path, base_project())
    config = root / "pyproject.toml"
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: (root / "queries/book/list.graphql").write_text(
            "query { books { title } }", encoding="utf-8"
        ),
        lambda: (root / "queries/book/delete.graphql").unlink(),
        lambda: (root / "schema.graphql").write_text("type Query { a: Int }", encoding="utf-8"),
        # A configuration that is wrong for a moment is waited through.
        lambda: config.write_text("[tool.penstock", encoding="utf-8"),
        lambda: config.write_text(CONFIG, encoding="utf-8"),
    ]
    said: list[str] = []
    runs: list[int] = []

    def wait(seconds: float) -> None:
        if seconds < 0.2:
            return
        if not steps:
            raise KeyboardInterrupt
        steps.pop(0)()

    def run() -> int:
        runs.append(len(runs))
        return len(runs)

    assert watch(config, run, wait=wait, say=said.append) == len(runs) == 6
    assert said == [
        "Watching the sources; Ctrl-C ends it.",
        "list.graphql changed.",
        "delete.graphql changed.",
        "schema.graphql changed.",
        f"pyproject.toml and {len(sources(config)) - 1} more changed.",
        f"pyproject.toml and {len(sources(config)) - 1} more changed.",
    ]


def test_a_process_watches_until_it_is_interrupted(tmp_path: Path) -> None:
    root = write_project(tmp_path, base_project())
    process = subprocess.Popen(
        [sys.executable, "-m", "penstock_codegen", "--config", str(root / "pyproject.toml"), "--watch"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={"PENSTOCK_HOME": str(tmp_path / "home"), "PATH": ""},
    )
    try:
        client = root / "shop_api/client.py"
        _until(client.exists)
        (root / "queries/shelf_count.graphql").write_text("query { books { title } }\n", encoding="utf-8")
        _until(lambda: "shelf_count" in client.read_text(encoding="utf-8"))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert b"Traceback" not in errors


def test_watching_and_checking_exclude_each_other(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "penstock_codegen", "--watch", "--check"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "--watch writes and --check does not; choose one.\n"


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.1)
