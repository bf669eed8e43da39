"""what is made at a network before a send: containers and drafts

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "staged",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("delivery_id", whole, nullable=False),
        sa.Column("generation", whole, nullable=False),
        sa.Column("payload_hash", sa.String(300), nullable=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("made", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(300), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_staged_delivery_id_delivery")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staged")),
    )
    op.create_index("ix_staged_delivery", "staged", ["delivery_id"])
    is_open, is_left = sa.text("state IN ('begun', 'made')"), sa.text("state = 'left'")
    op.create_index(
        "uq_staged_open", "staged", ["delivery_id"], unique=True, postgresql_where=is_open, sqlite_where=is_open
    )
    op.create_index("ix_staged_left", "staged", ["id"], postgresql_where=is_left, sqlite_where=is_left)


def downgrade() -> None:
    op.drop_table("staged")
