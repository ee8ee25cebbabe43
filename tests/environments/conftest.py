"""A home with a signing key of each test's own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from penstock.storage import LocalStorage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PENSTOCK_HOME of this test's own."""
    for name in list(os.environ):
        if name.startswith("PENSTOCK_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("PENSTOCK_HOME", str(folder))
    return folder


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    """An empty storage."""
    return LocalStorage(tmp_path / "flows")
