"""brands keep what was said for so many days

Revision ID: 0075
Revises: 0074
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0074"

_OVER = "state IN ('resolved', 'closed', 'spam') AND merged_into_id IS NULL AND forgotten_at IS NULL"


def upgrade() -> None:
    op.add_column("brand", sa.Column("keep_days", sa.BigInteger().with_variant(sa.Integer(), "sqlite")))
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("brand", sa.Column("forgotten_raw_id", whole, nullable=False, server_default="0"))
    op.add_column("conversation", sa.Column("forgotten_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE conversation SET forgotten_at = closed_at WHERE thread_root LIKE 'erased-%'")
    where = sa.text(_OVER)
    op.create_index(
        "ix_conversation_over", "conversation", ["account_id", "last_message_at", "id"],
        postgresql_where=where, sqlite_where=where,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_conversation_over", "conversation")
    op.drop_column("conversation", "forgotten_at")
    op.drop_column("brand", "forgotten_raw_id")
    op.drop_column("brand", "keep_days")
