"""What mypy and pyright say of programs that use the SDK.

Both run once over the folder `programs` and the examples, beside a package that is generated here from the folder `shop`.
A program is judged line by line: lines marked `# E` are errors for both checkers, lines marked `# D` are uses of what is
deprecated, and no other line is either.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAMS = sorted((HERE / "programs").glob("*.py"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
CHECKERS = ("mypy", "pyright")

# Line numbers and what was said of them, by file name.
Findings = Mapping[str, Mapping[int, list[str]]]


@dataclass(frozen=True, slots=True)
class Reports:
    """What each checker found: errors, and uses of what is deprecated."""

    errors: Mapping[str, Findings]
    deprecated: Mapping[str, Findings]


def generate(config: Path) -> None:
    """Generates the package of a configuration."""
    done = subprocess.run(
        [sys.executable, "-m", "penstock_codegen", "--config", str(config), "--no-cache"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs and the examples, beside the generated package of the shop."""
    made = tmp_path_factory.mktemp("types")
    shutil.copytree(HERE / "shop", made, dirs_exist_ok=True)
    generate(made / "penstock.toml")
    for program in (*PROGRAMS, *EXAMPLES):
        shutil.copy(program, made / program.name)
    return made


def mypy(folder: Path) -> list[tuple[str, int, str, str]]:
    """Runs mypy and gives file, line, rule and message of each error."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--enable-error-code=deprecated",
            f"--cache-dir={ROOT / '.mypy_cache' / 'programs'}",
            "--output=json",
            *(program.name for program in (*PROGRAMS, *EXAMPLES)),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [
        (line["file"], line["line"], line["code"] or "", line["message"])
        for line in lines
        if line["severity"] == "error"
    ]


def pyright(folder: Path) -> list[tuple[str, int, str, str]]:
    """The same for pyright."""
    (folder / "pyrightconfig.json").write_text(
        json.dumps({"include": ["*.py"], "reportDeprecated": "error", "typeCheckingMode": "standard"})
    )
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    report = json.loads(done.stdout[done.stdout.index("{") :])
    return [
        (
            Path(found["file"]).name,
            found["range"]["start"]["line"] + 1,
            found.get("rule", ""),
            found["message"],
        )
        for found in report["generalDiagnostics"]
        if found["severity"] == "error"
    ]


@pytest.fixture(scope="module")
def reports(folder: Path) -> Reports:
    """Both checkers' reports, from one run of each."""
    errors: dict[str, Findings] = {}
    deprecated: dict[str, Findings] = {}
    for checker, found in (("mypy", mypy(folder)), ("pyright", pyright(folder))):
        wrong: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        old: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for file, line, rule, message in found:
            (old if rule in ("deprecated", "reportDeprecated") else wrong)[file][line].append(
                f"{message} [{rule}]"
            )
        errors[checker], deprecated[checker] = wrong, old
    return Reports(errors, deprecated)


def marked(program: Path, mark: str) -> set[int]:
    """The numbers of the lines that end in a mark."""
    lines = program.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if re.search(rf"# {mark}$", line)}


def difference(found: Mapping[int, list[str]], expected: set[int]) -> list[str]:
    """What is said of lines without a mark, and the marked lines of which nothing is said."""
    missed = [f"line {number}: accepted" for number in sorted(expected - set(found))]
    more = [f"line {number}: {found[number]}" for number in sorted(set(found) - expected)]
    return missed + more


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("program", [*PROGRAMS, *EXAMPLES], ids=lambda program: program.stem)
def test_exactly_the_marked_lines_are_refused(reports: Reports, program: Path, checker: str) -> None:
    assert difference(reports.errors[checker].get(program.name, {}), marked(program, "E")) == []


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_exactly_the_marked_lines_are_deprecated(reports: Reports, program: Path, checker: str) -> None:
    found = reports.deprecated[checker].get(program.name, {})
    assert difference(found, marked(program, "D")) == []
    for messages in found.values():
        assert any("instead" in message for message in messages)


def test_the_marks_are_there() -> None:
    wrong = [program for program in PROGRAMS if program.stem.startswith("wrong_")]
    assert len(wrong) == 4
    assert sum(len(marked(program, "E")) for program in wrong) > 100
    assert not any(marked(program, "E") for program in PROGRAMS if program not in wrong)
