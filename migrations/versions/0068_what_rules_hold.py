"""what a rule holds until somebody has looked at it

Revision ID: 0068
Revises: 0062
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Id, UTCDateTime

revision = "0068"
down_revision = "0062"

_HELD = sa.text("held_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("conversation", sa.Column("held_at", UTCDateTime()))
    op.add_column("conversation", sa.Column("held_by", Id))
    op.create_index(
        "ix_conversation_held", "conversation", ["account_id", "held_at"], postgresql_where=_HELD, sqlite_where=_HELD
    )


def downgrade() -> None:
    op.drop_index("ix_conversation_held", table_name="conversation")
    for name in ("held_by", "held_at"):
        op.drop_column("conversation", name)
