"""The corpus of odd and hostile inputs: each gives what it says, in a process of its own, where nothing that it carries runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.codegen.corpus import CANARY, all_cases
from tests.codegen.test_bad_input import CASES as MISTAKES

ROOT = Path(__file__).parents[2]
SHARES = 4


@pytest.mark.parametrize("share", range(SHARES))
def test_each_case_gives_what_it_says(share: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.codegen.corpus", "--json", "--share", f"{share}/{SHARES}"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.stdout, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    assert list(found) == [case.name for case in all_cases()[share::SHARES]]
    assert {name: lines for name, lines in found.items() if lines} == {}
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob(f"*{CANARY}*"))


def test_the_corpus_is_large_and_each_case_says_what_it_gives() -> None:
    cases = all_cases()
    assert len(cases) >= 150
    assert len(cases) + len(MISTAKES) >= 250
    for case in cases:
        assert bool(case.gives) != bool(case.refusals), f"{case.name} says not what it gives, or both"
        assert all(item.gist and item.place and item.code for item in case.refusals), case.name


@pytest.mark.parametrize(
    "program", ["os.system('true')", "subprocess.run(['true'])", "os.spawnlp(os.P_WAIT, 'true', 'true')"]
)
def test_the_watch_notices_a_program_that_is_started(program: str) -> None:
    text = f"import os, subprocess\nfrom tests.codegen.corpus.run import watch\nfound = watch()\n{program}\nassert found, found"
    subprocess.run([sys.executable, "-c", text], cwd=ROOT, check=True)
