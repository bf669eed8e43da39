"""an index of the newest conversations of every state

Revision ID: 0054
Revises: 0043
"""

from __future__ import annotations

from alembic import op

revision = "0054"
down_revision = "0043"


def upgrade() -> None:
    op.create_index("ix_conversation_newest", "conversation", ["account_id", "last_message_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_conversation_newest", table_name="conversation")
