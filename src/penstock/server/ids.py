"""Ids of new rows: UUIDs of version 7 (RFC 9562), which sort by the time they were made.

So a list in the order of its primary key is in the order of creation, and inserts go to the end of an index.
"""

from __future__ import annotations

import secrets
import time
from uuid import UUID


def new_id() -> str:
    """A new id as canonical text: 48 bits of milliseconds, 12 bits of their fraction, 62 random bits."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * 4096 // 1_000_000
    value = (milliseconds << 80) | (7 << 76) | (fraction << 64) | (0b10 << 62) | secrets.randbits(62)
    return str(UUID(int=value))
