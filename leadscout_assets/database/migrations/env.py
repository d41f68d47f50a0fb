"""What Alembic runs for each command, on the connection that `migrations.upgrade` hands over.

Alembic executes this file rather than importing it, hence statements at module level. No logging is set up here.
"""

from alembic import context

from leadscout_assets.database.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,  # SQLite alters a table only by copying it
)
with context.begin_transaction():
    context.run_migrations()
