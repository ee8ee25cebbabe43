"""Enums are made when they are first used, and are ordinary enums all the same."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys

import pytest

from penstock_api import enums
from penstock_api.enums import LogLevel, OrderBy

_PROGRAM = """
import sys
import penstock_api
penstock_api.Client(url="http://localhost").flow
made = [name for name in sys.modules if name.startswith("penstock_api.enums.")]
assert made == [], made
import penstock_api._schema
made = [name for name in sys.modules if name.startswith("penstock_api.enums.")]
assert made == [], made
from penstock_api.enums import LogLevel
made = [name for name in sys.modules if name.startswith("penstock_api.enums.")]
assert made == ["penstock_api.enums.log_level"], made
"""


def test_an_enum_is_made_when_it_is_used() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_enum_is_one_class_however_it_is_reached() -> None:
    assert importlib.import_module("penstock_api.enums.log_level").LogLevel is LogLevel is enums.LogLevel
    assert isinstance(LogLevel.INFO, enums.LogLevel)
    assert pickle.loads(pickle.dumps(LogLevel.INFO)) is LogLevel.INFO
    assert pickle.loads(pickle.dumps(OrderBy)) is OrderBy


def test_the_module_says_what_it_has() -> None:
    assert {"LogLevel", "LogLevelValue"} <= set(dir(enums))
    with pytest.raises(AttributeError, match="Missing"):
        _ = enums.Missing
    assert all(getattr(enums, name) is not None for name in dir(enums))
