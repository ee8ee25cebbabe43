"""What is known of inputs beyond their types: that exactly one key is to be given (`@oneOf`), and what is deprecated.

The first is checked by mypy and pyright where a dict is written out; here it is where one was put together.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from .unset import UNSET

_PACKAGE = __file__.rpartition("_runtime")[0]


class Rule(NamedTuple):
    """An input object: its keys where exactly one is to be given, those that hold inputs with rules, and why some are deprecated."""

    one_of: tuple[str, ...] = ()
    nested: Mapping[str, str] = {}
    deprecated: Mapping[str, str] = {}


class Takes(NamedTuple):
    """What an operation takes: the variables that hold inputs with rules, the rules by input, and which variables are deprecated."""

    inputs: tuple[tuple[str, str], ...] = ()
    rules: Mapping[str, Rule] = {}
    deprecated: tuple[tuple[str, str], ...] = ()

    def check(self, variables: Mapping[str, Any]) -> None:
        """Raises `ValueError` for a `@oneOf` input with no key, with several or with null; warns of what is deprecated."""
        for name, reason in self.deprecated:
            if variables.get(name, UNSET) is not UNSET:
                _warn(name, reason)
        for name, input_ in self.inputs:
            self._check(variables.get(name), input_, name)

    def _check(self, value: Any, input_: str, where: str) -> None:
        if isinstance(value, list | tuple):
            for index, item in enumerate(value):
                self._check(item, input_, f"{where}[{index}]")
            return
        # Anything else is for the server to read: a model of the caller's own, say.
        if not isinstance(value, Mapping):
            return
        rule = self.rules[input_]
        if rule.one_of:
            _check_one(value, rule.one_of, where)
        for key, reason in rule.deprecated.items():
            if key in value:
                _warn(f"{where}.{key}", reason)
        for key, below in rule.nested.items():
            if key in value:
                self._check(value[key], below, f"{where}.{key}")


def _check_one(value: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    choice = f"{where} takes exactly one of {', '.join(keys)}"
    if not value:
        raise ValueError(f"{choice}, and it is empty.")
    if len(value) > 1:
        raise ValueError(f"{choice}, and it has {' and '.join(map(str, value))}.")
    (key,) = value
    if key not in keys:
        raise ValueError(f"{choice}, and it has {key}.")
    if value[key] is None:
        raise ValueError(f"{choice}, and its {key} is None.")


def _warn(what: str, reason: str) -> None:
    # The line that is told is the caller's own: the first outside of this package.
    level = 1
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    warnings.warn(f"{what} is deprecated: {reason}", DeprecationWarning, stacklevel=level)
