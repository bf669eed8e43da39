"""Alembic's environment. `guichet migrate` runs it with an open connection in
`config.attributes["connection"]`; so do the tests."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context

from guichet.db.types import UTCDateTime
from guichet.db.word_index import is_search_table
from guichet.models import Base

connection = context.config.attributes["connection"]


def render_item(kind: str, item: Any, autogen_context: Any) -> str | bool:
    """Write our own column types as the plain ones that they stand on, so that an old
    migration never depends on today's code."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, sa.JSON):
        autogen_context.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """The search index is no table of the models: each database has its own form of it."""
    return not (kind == "table" and name is not None and is_search_table(name))


context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=render_item,
    include_name=include_name,
)
with context.begin_transaction():
    context.run_migrations()
