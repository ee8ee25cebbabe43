"""A value that was not given, as opposed to a value that is null.

GraphQL tells an absent variable from a null one: absent leaves a thing as it is (or takes the server's default), null clears it.
"""

from __future__ import annotations

import enum
from typing import Final


class Unset(enum.Enum):
    """The type of `UNSET`. It has one member, so that `is UNSET` narrows a type."""

    UNSET = "UNSET"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""Stands for an argument that was not passed: it is not sent at all. Pass `None` to send null."""
