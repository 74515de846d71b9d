"""Runs the steps on the connection that `idpsync.store.upgrade` hands over."""

from alembic import context

from idpsync.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite can, once BEGIN is ours: an upgrade happens whole or not at all
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
