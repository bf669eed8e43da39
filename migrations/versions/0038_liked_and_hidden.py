"""liked and hidden

Revision ID: 0038
Revises: 0036
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0036"


def upgrade() -> None:
    with op.batch_alter_table("message") as table:
        table.add_column(sa.Column("liked_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("message") as table:
        table.drop_column("hidden_at")
        table.drop_column("liked_at")
