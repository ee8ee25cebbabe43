"""Bringing a database to the tables of this release, by Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.config import Config

# The newest revision under `versions/`; a test holds it to that.
HEAD = "0003"


class NewerDatabaseError(RuntimeError):
    """The database was migrated by a newer release than this one."""


def alembic_config() -> Config:
    """Alembic's configuration, without a file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def current_revision(connection: sa.Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return revision


def upgrade(connection: sa.Connection) -> tuple[str | None, str]:
    """Migrate the database within the connection's transaction: (revision before, revision after).

    Raises NewerDatabaseError where the database is ahead of this release.
    """
    if connection.dialect.name == "postgresql":
        # Servers that start together take turns.
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('penstock.migrations'))"))
    before = current_revision(connection)
    if before == HEAD:
        return before, HEAD
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if before is not None and before not in known:
        raise NewerDatabaseError(
            f"The database is at revision {before}, which this release of penstock does not know (it ends at {HEAD}). "
            "Use the release that made it, or a newer one."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before, HEAD
