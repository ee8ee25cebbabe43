"""Making a database ready to serve: tables, the signing key, the first tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from penstock.server import migrations, sessions
from penstock.server.access import new_token, token_digest
from penstock.server.errors import ApiError
from penstock.server.ids import new_id
from penstock.server.tables import api_token, member, metadata, tenant

if TYPE_CHECKING:
    from penstock.server.database import Database

DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was found and done: the revision before, the revision now."""

    before: str | None
    after: str


def prepare(database: Database) -> Prepared:
    """Migrate the database, and make what every server needs: a signing key, and a tenant where there is none."""
    with database.write() as connection:
        before, after = migrations.upgrade(connection)
        sessions.make_signing_key(connection)
        if connection.scalar(sa.select(tenant.c.id).limit(1)) is None:
            now = datetime.now(UTC)
            connection.execute(
                tenant.insert().values(
                    id=new_id(),
                    name=DEFAULT_TENANT,
                    slug=DEFAULT_TENANT,
                    settings={},
                    created=now,
                    updated=now,
                )
            )
    _take_statistics(database)
    return Prepared(before, after)


def _take_statistics(database: Database) -> None:
    """Let SQLite look at what its tables hold, for its plans. PostgreSQL does it by itself."""
    if not database.is_postgresql and not database.in_memory:
        with database.write() as connection:
            connection.exec_driver_sql("PRAGMA analysis_limit=400")
            connection.exec_driver_sql("ANALYZE")


def default_tenant_id(database: Database) -> str:
    """The id of the tenant that `prepare` made, or of the oldest where that is gone. Raises ApiError if none is left."""
    first = sa.case((tenant.c.slug == DEFAULT_TENANT, 0), else_=1)
    with database.read() as connection:
        found: str | None = connection.scalar(
            sa.select(tenant.c.id).order_by(first, tenant.c.created).limit(1)
        )
    if found is None:
        raise ApiError("The server has no tenant. Create one with `create_tenant`.")
    return found


def reset(database: Database) -> None:
    """Delete every table and everything in them, and make them anew."""
    with database.write() as connection:
        metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
    prepare(database)


def make_token(database: Database, *, tenant_slug: str, name: str, scope: str) -> str:
    """Make an API token for a new user of a tenant; the token, which nobody can look up again.

    Raises ApiError where no tenant has the slug.
    """
    token, now = new_token(), datetime.now(UTC)
    with database.write() as connection:
        tenant_id = connection.scalar(sa.select(tenant.c.id).where(tenant.c.slug == tenant_slug))
        if tenant_id is None:
            slugs = ", ".join(sorted(connection.scalars(sa.select(tenant.c.slug))))
            raise ApiError(f"No tenant has the slug {tenant_slug!r}; there are {slugs or 'none'}.")
        user_id = new_id()
        owner = {"user_id": user_id, "tenant_id": tenant_id, "created": now}
        if scope == "USER":
            connection.execute(member.insert().values(id=new_id(), **owner))
        connection.execute(
            api_token.insert().values(
                id=new_id(), name=name, scope=scope, digest=token_digest(token), **owner
            )
        )
    return token
