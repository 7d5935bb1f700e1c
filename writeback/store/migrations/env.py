"""Runs the migrations on the connection that `writeback.store.sql.migrate` hands over, in its transaction."""

from alembic import context
from sqlmodel import SQLModel

from writeback.store import tables as tables  # fills SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
