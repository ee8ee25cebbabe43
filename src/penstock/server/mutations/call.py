"""What a mutation works with: its connection, its caller, and the rows that are the caller's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import sqlalchemy as sa

from penstock.server import tables
from penstock.server.errors import NotFoundError
from penstock.server.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from penstock.server.access import Principal

    Mutation = Callable[..., dict[str, object]]
    Row = Mapping[str, Any]
    F = TypeVar("F", bound="Callable[..., dict[str, object]]")
else:
    Mutation = object

registry: dict[str, Mutation] = {}
own_transactions: set[str] = set()

SUCCESS: dict[str, object] = {"success": True, "error": None}


def mutation(function: F) -> F:
    """Make a function the mutation of its name. Its keyword arguments are the fields of the input."""
    registry[function.__name__] = function
    return function


def mutation_with_own_transactions(function: F) -> F:
    """The same for a mutation that talks to others and must not keep the database waiting meanwhile.

    It is given the `Database`, the `Principal` and the input.
    """
    registry[function.__name__] = function
    own_transactions.add(function.__name__)
    return function


@dataclass(frozen=True, slots=True)
class Call:
    """One run of one mutation."""

    connection: sa.Connection
    principal: Principal
    now: datetime
    headers: Mapping[str, str]
    is_postgresql: bool

    def row(self, table: sa.Table, key: str, *columns: sa.ColumnElement[Any], lock: bool = False) -> Row:
        """The row of that id, if it is the caller's; raises NotFoundError otherwise.

        `lock` keeps others from changing the row until the transaction ends (SQLite has one writer anyway).
        """
        query = sa.select(*(columns or table.c)).where(table.c.id == key, *self.confinement(table))
        if lock and self.is_postgresql:
            query = query.with_for_update(of=table)
        found = self.first(query)
        if found is None:
            raise NotFoundError(table.name, key)
        return found

    def first(self, query: sa.Select[*tuple[Any, ...]]) -> Row | None:
        """The only row of a query by column name, or None."""
        return cast("Row | None", self.connection.execute(query).mappings().one_or_none())

    def all(self, query: sa.Select[*tuple[Any, ...]]) -> list[Row]:
        """Every row of a query by column name."""
        return cast("list[Row]", self.connection.execute(query).mappings().all())

    def confinement(self, table: sa.Table) -> list[sa.ColumnElement[bool]]:
        """The condition that confines a table to the caller's tenant; empty where nothing is confined."""
        if self.principal.tenant_id is None:
            return []
        column = table.c.id if table.name == "tenant" else table.c.tenant_id
        return [column == self.principal.tenant_id]

    def tenant(self, tenant_id: str) -> str:
        """A tenant id from an input, if the caller may use it; raises NotFoundError otherwise."""
        self.row(tables.tenant, tenant_id, tables.tenant.c.id)
        return tenant_id

    def insert(self, table: sa.Table, **values: object) -> str:
        """Insert a row, with a new id unless one is given; the id."""
        key = str(values.pop("id", None) or new_id())
        stamps = {name: self.now for name in ("created", "updated") if name in table.c}
        self.connection.execute(table.insert().values(id=key, **(stamps | values)))
        return key

    def update(self, table: sa.Table, key: str, **values: object) -> None:
        """Change a row that is the caller's; raises NotFoundError where there is none."""
        changed = self.connection.execute(
            table.update()
            .where(table.c.id == key, *self.confinement(table))
            .values(updated=self.now, **values)
        )
        if changed.rowcount != 1:
            raise NotFoundError(table.name, key)

    def delete(self, table: sa.Table, key: str) -> dict[str, object]:
        """Delete a row that is the caller's, and what hangs on it; raises NotFoundError where there is none."""
        gone = self.connection.execute(table.delete().where(table.c.id == key, *self.confinement(table)))
        if gone.rowcount != 1:
            raise NotFoundError(table.name, key)
        return SUCCESS
