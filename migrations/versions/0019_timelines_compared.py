"""timelines that are compared with our rows

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.add_column("account", sa.Column("compares", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_table(
        "comparison",
        sa.Column("account_id", whole, nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("through", moment, nullable=True),
        sa.Column("compared_at", moment, nullable=True),
        sa.Column("read", whole, nullable=False),
        sa.Column("result", sa.String(300), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_comparison_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_comparison")),
    )
    op.create_table(
        "discrepancy",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("account_id", whole, nullable=False),
        sa.Column("kind", sa.String(300), nullable=False),
        sa.Column("code", sa.String(300), nullable=False),
        sa.Column("remote_id", sa.String(600), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("via", sa.String(300), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("delivery_id", whole, nullable=True),
        sa.Column("found_at", moment, nullable=False),
        sa.Column("settled_at", moment, nullable=True),
        sa.Column("settled_by", whole, nullable=True),
        sa.Column("settled_as", sa.String(300), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_discrepancy_account_id_account")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_discrepancy_delivery_id_delivery")),
        sa.ForeignKeyConstraint(["settled_by"], ["staff.id"], name=op.f("fk_discrepancy_settled_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancy")),
        sa.UniqueConstraint(
            "account_id", "kind", "remote_id", name=op.f("uq_discrepancy_account_id_kind_remote_id")
        ),
    )  # fmt: skip
    is_open = sa.text("settled_at IS NULL")
    op.create_index(
        "ix_discrepancy_open", "discrepancy", ["account_id"], postgresql_where=is_open, sqlite_where=is_open
    )


def downgrade() -> None:
    op.drop_table("discrepancy")
    op.drop_table("comparison")
    op.drop_column("account", "compares")
