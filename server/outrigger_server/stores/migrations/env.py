"""Alembic's entry: runs the migrations on the connection it is given."""

from alembic import context

from outrigger_server.stores.saver_tables import tables_of

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=tables_of(connection.dialect.name),
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
