"""who writes how often, for loops and floods

Revision ID: 0043
Revises: 0045
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0045"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sender_pace",
        sa.Column("account_id", _whole, nullable=False),
        sa.Column("identity_id", _whole, nullable=False),
        sa.Column("surface", sa.String(300), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("rushing_since", _moment, nullable=True),
        sa.Column("count", _whole, nullable=False),
        sa.Column("gathered_in_id", _whole, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_sender_pace_account_id_account")),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name=op.f("fk_sender_pace_identity_id_identity")),
        sa.PrimaryKeyConstraint("account_id", "identity_id", "surface", name=op.f("pk_sender_pace")),
    )
    op.create_index(op.f("ix_sender_pace_at"), "sender_pace", ["at"])


def downgrade() -> None:
    op.drop_table("sender_pace")
