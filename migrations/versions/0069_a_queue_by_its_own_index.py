"""a queue is found by the index of what lies in it, in whatever order the indexes were made

Of two that narrow as well by the databases' guess SQLite takes the younger one.

Revision ID: 0069
Revises: 0065
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0065"

_LIES = sa.text("assignee_id IS NULL AND state IN ('new', 'open')")


def upgrade() -> None:
    _made_of("team_id", "topic_id", "merged_into_id")


def downgrade() -> None:
    _made_of("team_id", "state")


def _made_of(*columns: str) -> None:
    op.drop_index("ix_conversation_lies", table_name="conversation")
    op.create_index("ix_conversation_lies", "conversation", columns, postgresql_where=_LIES, sqlite_where=_LIES)
