"""Alembic environment: runs on the connection the caller passes."""

from __future__ import annotations

from alembic import context

from inventory.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=False)
context.run_migrations()
