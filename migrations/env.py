"""Alembic's environment. `guichet migrate` runs it with an open connection in
`config.attributes["connection"]`; so do the tests."""

from __future__ import annotations

from alembic import context

from guichet.models import Base

connection = context.config.attributes["connection"]

context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
