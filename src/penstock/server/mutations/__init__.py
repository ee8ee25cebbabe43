"""Mutations: one module per object, one function per mutation, each run in one transaction."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import exc

from penstock.server.mutations.call import Call, Mutation, own_transactions, registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.server.access import Principal
    from penstock.server.database import Database

__all__ = ["Mutation", "registered", "run"]

# Two callers who make the same thing at once: one of them is told to try again, and then finds it made.
ATTEMPTS = 6


@cache
def registered() -> dict[str, Mutation]:
    """Every mutation by name."""
    from penstock.server.mutations import (  # noqa: F401
        agents,
        artifacts,
        cloud_hooks,
        flow_groups,
        flow_runs,
        flows,
        logs,
        messages,
        projects,
        task_runs,
        tenants,
        tokens,
        various,
    )

    return registry


def run(
    function: Mutation,
    database: Database,
    principal: Principal,
    headers: Mapping[str, str],
    arguments: dict[str, Any],
    *,
    name: str,
) -> object:
    """Run a mutation in a transaction of its own; raises ApiError where a rule is broken."""
    if name in own_transactions:
        return function(database, principal, **arguments)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with database.write() as connection:
                call = Call(connection, principal, datetime.now(UTC), headers, database.is_postgresql)
                return function(call, **arguments)
        except (exc.IntegrityError, exc.OperationalError) as error:
            if attempt == ATTEMPTS or not _worth_another_try(error):
                raise
            time.sleep(0.005 * 2**attempt)
    raise AssertionError(f"{name} neither ended nor raised")


def _worth_another_try(error: exc.DBAPIError) -> bool:
    if isinstance(error, exc.IntegrityError):
        return "unique" in str(error.orig).lower()
    return getattr(error.orig, "sqlstate", None) in ("40001", "40P01")  # serialization failure, deadlock
