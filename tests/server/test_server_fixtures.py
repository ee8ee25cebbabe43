"""The fixtures that users get, as users get them: in a test run of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

USERS_TEST = """
import asyncio


def test_one(penstock_client):
    assert [project.name for project in penstock_client.project.list()] == []
    made = penstock_client.project.create(name="etl")
    assert penstock_client.project(id=made.id).name == "etl"


def test_another_starts_empty(penstock_client):
    assert [project.name for project in penstock_client.project.list()] == []


def test_asynchronous(penstock_async_client):
    async def main():
        made = await penstock_async_client.project.create(name="etl")
        return [project.name async for project in penstock_async_client.project.list()]

    assert asyncio.run(main()) == ["etl"]
"""


def test_the_fixtures_work_in_a_users_project(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["penstock.testing.fixtures"]\n')
    (tmp_path / "test_mine.py").write_text(USERS_TEST)
    misleading = {
        "PENSTOCK_URL": "http://127.0.0.1:9",
        "PENSTOCK_API_KEY": "k",
        "PENSTOCK_HOME": str(tmp_path),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment | misleading,
        timeout=120,
        check=False,
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr
