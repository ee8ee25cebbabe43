"""Packs under test keep what they keep in the test's own folder, and see no environment but the test's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.packs.fake_api import FakeApi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("FLYTE_API", "FLYTE_JWT", "FLYTE_LABELS", "FLYTE_API_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "home"))


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """An API that does as it is told."""
    with FakeApi() as api:
        yield api
