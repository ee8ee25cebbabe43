"""The golden packages: byte for byte as reviewed, importable, right before the oracle, and clean under both checkers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.codegen.golden import CASES, Golden, differences, make
from tests.codegen.oracle import Oracle
from tests.codegen.projects import imported, write_package

ROOT = Path(__file__).parents[2]
VALUES = {"job.labels": ["a", "b"], "job.settings!": {"k": [1, None]}}


@pytest.fixture(scope="module")
def goldens() -> dict[str, Golden]:
    return {case: make(case) for case in CASES}


@pytest.fixture(scope="module")
def packages(goldens: dict[str, Golden], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all golden packages, complete."""
    folder = tmp_path_factory.mktemp("goldens")
    for golden in goldens.values():
        write_package(folder / golden.config.package, golden.files)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_what_is_generated_is_what_was_reviewed(case: str, goldens: dict[str, Golden]) -> None:
    lines = list(differences(goldens[case]))
    assert not lines, "".join(
        [*lines[:80], "\nIf this is what you want: python -m tests.codegen.golden --update\n"]
    )


@pytest.mark.parametrize("case", CASES)
def test_every_method_gives_what_the_server_answered(
    case: str, goldens: dict[str, Golden], packages: Path
) -> None:
    golden = goldens[case]
    with imported(packages, golden.config.package) as module:
        oracle = Oracle(module, golden.schema, VALUES, golden.config.errors)
        assert len(list(oracle.package.modules())) > 10
        report = oracle.run()
    assert report.failures == []
    assert report.calls > 100


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "MYPYPATH": ""},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_mypy_finds_nothing(packages: Path) -> None:
    names = [argument for case in CASES for argument in ("-p", f"{case}_api")]
    done = run(sys.executable, "-m", "mypy", "--strict", "--config-file=", *names, folder=packages)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_finds_nothing(packages: Path) -> None:
    done = run(
        sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(packages), folder=packages
    )
    assert done.returncode == 0, done.stdout + done.stderr
