"""limits, money, and sign-ins that end

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_json = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
_moment = sa.DateTime(timezone=True)
_accepted = sa.text("accepted_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "rate_window",
        sa.Column("owner", sa.String(300), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("quota", _whole, nullable=False),
        sa.Column("remaining", _whole, nullable=False),
        sa.Column("seconds", _whole, nullable=False),
        sa.Column("costs", _json, nullable=False),
        sa.Column("reset_at", _moment, nullable=False),
        sa.Column("seen_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", name=op.f("pk_rate_window")),
    )
    op.create_table(
        "spend",
        sa.Column("account_id", _whole, nullable=False),
        sa.Column("month", sa.String(300), nullable=False),
        sa.Column("item", sa.String(300), nullable=False),
        sa.Column("currency", sa.String(300), nullable=False),
        sa.Column("quantity", _whole, nullable=False),
        sa.Column("micros", _whole, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_spend_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "month", "item", "currency", name=op.f("pk_spend")),
    )
    op.add_column("account", sa.Column("monthly_limit", _whole, nullable=True))
    op.add_column("account", sa.Column("spent_until", _moment, nullable=True))
    op.add_column("credential", sa.Column("renews", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("credential", sa.Column("refresh_ends_at", _moment, nullable=True))
    op.add_column("credential", sa.Column("refused_at", _moment, nullable=True))
    op.create_index(
        "ix_delivery_accepted", "delivery", ["account_id", "accepted_at"], postgresql_where=_accepted,
        sqlite_where=_accepted,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_delivery_accepted", "delivery")
    for name in ("renews", "refresh_ends_at", "refused_at"):
        op.drop_column("credential", name)
    for name in ("monthly_limit", "spent_until"):
        op.drop_column("account", name)
    op.drop_table("spend")
    op.drop_table("rate_window")
