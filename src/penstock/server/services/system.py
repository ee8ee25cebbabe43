"""How a service acts: like a mutation, as nobody in particular, on every tenant."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from penstock.server.access import LOCAL_USER_ID, Principal
from penstock.server.mutations.call import Call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from penstock.server.database import Database

SYSTEM = Principal(user_id=LOCAL_USER_ID, tenant_id=None, scope="USER")


@contextmanager
def system_call(database: Database, now: datetime) -> Iterator[Call]:
    """A transaction of a service."""
    with database.write() as connection:
        yield Call(connection, SYSTEM, now, {}, database.is_postgresql)
