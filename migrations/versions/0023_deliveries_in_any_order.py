"""deletions heard too early, items that end their reader, webhooks that were refused

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.add_column("raw_item", sa.Column("begun_at", moment, nullable=True))
    op.create_table(
        "withdrawal",
        sa.Column("account_id", whole, nullable=False),
        sa.Column("remote_id", sa.String(600), nullable=False),
        sa.Column("heard_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_withdrawal_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "remote_id", name=op.f("pk_withdrawal")),
    )
    op.create_index(op.f("ix_withdrawal_heard_at"), "withdrawal", ["heard_at"])
    op.create_table(
        "refused_delivery",
        sa.Column("account_id", whole, autoincrement=False, nullable=False),
        sa.Column("day", sa.String(300), nullable=False),
        sa.Column("kind", sa.String(300), nullable=False),
        sa.Column("n", whole, nullable=False),
        sa.Column("last_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "day", "kind", name=op.f("pk_refused_delivery")),
    )


def downgrade() -> None:
    op.drop_table("refused_delivery")
    op.drop_table("withdrawal")
    op.drop_column("raw_item", "begun_at")
