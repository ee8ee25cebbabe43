"""Alembic's entry: runs migrations on the connection that `penstock.server.migrations.upgrade` hands over."""

from alembic import context

from penstock.server.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
