"""Cloud hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa


def send_test(
    connection: sa.Connection, hook: dict[str, Any], flow_run_id: str | None, state: str
) -> str | None:
    raise NotImplementedError
