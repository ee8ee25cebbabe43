"""Enums that outlive their schema."""

from __future__ import annotations

import enum
from typing import Self


class OpenEnum(enum.StrEnum):
    """A string enum in which a value the client does not know yet is a member of its own, not an error.

    A server may add a member at any time; a client that was generated before must still read its answers.
    `LogLevel("TRACE")` gives a member named and valued `TRACE` for which `is_known` is false.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        unknown = str.__new__(cls, value)
        unknown._name_ = value
        unknown._value_ = value
        return unknown

    @property
    def is_known(self) -> bool:
        """Whether the schema that this client was generated from has this member."""
        return self._value_ in type(self)._value2member_map_
