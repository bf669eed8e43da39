"""what posts brought

Revision ID: 0035
Revises: 0034
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reception",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("delivery_id", _whole, nullable=False),
        sa.Column("account_id", _whole, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("likes", _whole, nullable=False),
        sa.Column("shares", _whole, nullable=False),
        sa.Column("answers", _whole, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_reception_account_id_account")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_reception_delivery_id_delivery")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reception")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_reception_delivery_id")),
    )
    op.create_index("ix_reception_account", "reception", ["account_id", "published_at"])


def downgrade() -> None:
    op.drop_table("reception")
