"""Where the files are while they are formatted: in memory where there is room, and nowhere afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from penstock_codegen import render

_FILES = {"a.py": "import sys, os\nx = {  'a':1 }\nprint(os, sys)\n", "b/c.py": "y=  1\n"}
_FORMATTED = {"a.py": 'import os\nimport sys\n\nx = {"a": 1}\nprint(os, sys)\n', "b/c.py": "y = 1\n"}


@pytest.fixture(autouse=True)
def _nobody_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)


def _folders(monkeypatch: pytest.MonkeyPatch) -> list[Path | None]:
    """The folders that are chosen, as they are."""
    found: list[Path | None] = []
    choose = render._memory

    def watched(size: int) -> Path | None:
        found.append(choose(size))
        return found[-1]

    monkeypatch.setattr(render, "_memory", watched)
    return found


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="the system does not tell how much room there is")
def test_files_are_formatted_in_memory_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "_IN_MEMORY", tmp_path)
    chosen = _folders(monkeypatch)
    assert render.format_all(_FILES) == _FORMATTED
    assert chosen == [tmp_path]
    assert list(tmp_path.iterdir()) == []


def test_a_system_without_such_a_folder_does_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "_IN_MEMORY", tmp_path / "none")
    chosen = _folders(monkeypatch)
    assert render.format_all(_FILES) == _FORMATTED
    assert chosen == [None]


def test_where_there_is_no_room_it_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "_IN_MEMORY", tmp_path)
    monkeypatch.setattr(render, "_ROOM", 1 << 62)
    assert render._memory(1) is None


def test_the_users_own_choice_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "_IN_MEMORY", tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "mine"))
    assert render._memory(1) is None
