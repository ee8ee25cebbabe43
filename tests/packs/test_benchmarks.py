"""The benchmarks run, on little work; ``PENSTOCK_STRESS=1`` runs the one of memory in full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STRESS = os.environ.get("PENSTOCK_STRESS") == "1"


@pytest.mark.timeout(3_600 if STRESS else 120)
def test_memory_stays_flat() -> None:
    actions = "100000" if STRESS else "1500"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.packs_memory", "--actions", actions],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_throughput_is_measured() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.packs_throughput", "--actions", "100", "--rounds", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "times one at a time" in done.stdout
