"""an answer in a side conversation makes a conversation unread

Revision ID: 0071
Revises: 0070
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"


def upgrade() -> None:
    """What came before counts as read: who was told of it then is not told again."""
    op.add_column("conversation", sa.Column("last_beside_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")))


def downgrade() -> None:
    op.drop_column("conversation", "last_beside_id")
