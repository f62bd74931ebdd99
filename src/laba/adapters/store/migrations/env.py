"""Alembic runs this file: migrate on the connection that the store opened, in the transaction that it began."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
