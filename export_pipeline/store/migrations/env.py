"""Run by alembic inside `store.database.upgrade`, on the connection it is given."""

from alembic import context

from export_pipeline.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite changes tables by copying them
)
context.run_migrations()
