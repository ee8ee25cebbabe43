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
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAMS = sorted((HERE / "programs").glob("*.py"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
# The rules under which mypy and pyright report what is deprecated.
DEPRECATED = {"deprecated", "reportDeprecated"}

# Runs a checker in a folder and gives file, line, rule and message of each error.
Check = Callable[[Path], list[tuple[str, int, str, str]]]


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


def marked(program: Path, mark: str) -> set[int]:
    """The numbers of the lines that end in a mark."""
    lines = program.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if re.search(rf"# {mark}$", line)}


def difference(found: Mapping[int, list[str]], expected: set[int]) -> list[str]:
    """What is said of lines without a mark, and the marked lines of which nothing is said."""
    missed = [f"line {number}: accepted" for number in sorted(expected - set(found))]
    more = [f"line {number}: {found[number]}" for number in sorted(set(found) - expected)]
    return missed + more


# One test for each checker, not for each program: every worker would run the checkers again.
@pytest.mark.parametrize("check", [mypy, pyright], ids=lambda check: str(check.__name__))
def test_exactly_the_marked_lines_are_refused(folder: Path, check: Check) -> None:
    errors: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    deprecated: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file, line, rule, message in check(folder):
        (deprecated if rule in DEPRECATED else errors)[file][line].append(f"{message} [{rule}]")
    programs = [*PROGRAMS, *EXAMPLES]
    assert set(errors) | set(deprecated) <= {program.name for program in programs}
    wrong = {program.name: difference(errors[program.name], marked(program, "E")) for program in programs}
    assert {name: lines for name, lines in wrong.items() if lines} == {}
    old = {program.name: difference(deprecated[program.name], marked(program, "D")) for program in programs}
    assert {name: lines for name, lines in old.items() if lines} == {}
    for lines in deprecated.values():
        assert all("instead" in message for messages in lines.values() for message in messages)


def test_the_marks_are_there() -> None:
    wrong = [program for program in PROGRAMS if program.stem.startswith("wrong_")]
    assert len(wrong) == 4
    assert sum(len(marked(program, "E")) for program in wrong) > 100
    assert not any(marked(program, "E") for program in PROGRAMS if program not in wrong)
