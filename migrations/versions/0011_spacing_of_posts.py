"""how posts of an account are spaced, and how late a brand's may go out

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("brand", sa.Column("late_limit_minutes", whole, nullable=False, server_default="60"))
    op.add_column("account", sa.Column("min_gap_minutes", whole, nullable=False, server_default="0"))
    op.add_column("account", sa.Column("duplicate_days", whole, nullable=False, server_default="30"))
    op.add_column("account", sa.Column("clash_policy", sa.String(length=300), nullable=False, server_default="warn"))


def downgrade() -> None:
    op.drop_column("account", "clash_policy")
    op.drop_column("account", "duplicate_days")
    op.drop_column("account", "min_gap_minutes")
    op.drop_column("brand", "late_limit_minutes")
