"""The fuzz: random APIs with random operations give packages that import and pass the oracle, or a clash of names that is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import build_schema
from hypothesis import HealthCheck, Phase, given, seed, settings
from tests.codegen.corpus.run import Packages
from tests.codegen.fuzz import projects
from tests.codegen.oracle import Oracle
from tests.codegen.projects import imported, write_package, write_project

from penstock_codegen.config import load_config
from penstock_codegen.diagnostics import GenerationError
from penstock_codegen.generate import generate

STRESS = os.environ.get("PENSTOCK_STRESS") == "1"
# Shared out, so that several processes have some each.
SHARES = 4
EXAMPLES = 1000 if STRESS else 40
CHECKED = 12

# Names that meet are refused, with both named.
CLASHES = {"N001", "Q004", "R006"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packages]:
    with Packages(tmp_path_factory.mktemp("fuzz")) as made:
        yield made


@pytest.mark.parametrize("share", range(SHARES))
def test_a_random_api_gives_a_package_that_works(share: int, packages: Packages) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        # A package takes a tenth of a second: shrinking one would take minutes, and what fails is small as it is.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(files=projects())
    def check(files: dict[str, str]) -> None:
        name = f"fuzz_{share}_{packages.number()}"
        config = f'[tool.penstock]\noutput = "{name}"\n[tool.penstock.scalars]\nText = "str"\n'
        root = write_project(packages.folder / "projects" / name, {**files, "pyproject.toml": config})
        try:
            generated = generate(load_config(root / "pyproject.toml"), packages.templates)
        except GenerationError as error:
            assert {item.code for item in error.diagnostics} <= CLASHES, str(error)
            return
        packages.write(packages.folder / name / name, generated.files)
        with imported(packages.folder / name, name) as module:
            oracle = Oracle(module, build_schema(files["schema.graphql"]))
            assert list(oracle.package.modules())
            assert oracle.run().failures == []

    # In the short run the same examples each time, and others for each share.
    (check if STRESS else seed(share)(check))()


@pytest.mark.skipif(not STRESS, reason="PENSTOCK_STRESS=1 runs it: the checkers read a dozen random packages")
def test_the_checkers_find_nothing(tmp_path: Path) -> None:
    written: list[str] = []

    @settings(
        max_examples=CHECKED * 2,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(files=projects())
    def write(files: dict[str, str]) -> None:
        name = f"checked_{len(written)}"
        config = f'[tool.penstock]\noutput = "{name}"\n[tool.penstock.scalars]\nText = "str"\n'
        root = write_project(
            tmp_path / "projects" / f"{name}_{id(files)}", {**files, "pyproject.toml": config}
        )
        try:
            generated = generate(load_config(root / "pyproject.toml"))
        except GenerationError:
            return
        write_package(tmp_path / "out" / name, generated.files)
        written.append(name)

    write()
    assert len(written) >= CHECKED
    arguments = [each for name in written[:CHECKED] for each in ("-p", name)]
    for command in (
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", *arguments],
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, *written[:CHECKED]],
    ):
        done = subprocess.run(
            command,
            cwd=tmp_path / "out",
            env={**os.environ, "MYPYPATH": ""},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
