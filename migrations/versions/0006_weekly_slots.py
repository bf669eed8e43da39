"""weekly slots of accounts, and which post took which

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import UTCDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "slot",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("account_id", whole, nullable=False),
        sa.Column("weekday", whole, nullable=False),
        sa.Column("at", sa.String(length=300), nullable=False),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_slot_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot")),
        sa.UniqueConstraint("account_id", "weekday", "at", name=op.f("uq_slot_account_id_weekday_at")),
    )
    op.create_table(
        "slot_use",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("account_id", whole, nullable=False),
        sa.Column("starts_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("post_id", whole, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_slot_use_account_id_account")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_slot_use_post_id_post")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_use")),
        sa.UniqueConstraint("account_id", "starts_at", name=op.f("uq_slot_use_account_id_starts_at")),
    )
    op.create_index(op.f("ix_slot_use_post_id"), "slot_use", ["post_id"])


def downgrade() -> None:
    op.drop_table("slot_use")
    op.drop_table("slot")
