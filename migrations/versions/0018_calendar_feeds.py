"""feeds of a brand's calendar

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "calendar_feed",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("brand_id", whole, nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("secret_hash", sa.String(300), nullable=False),
        sa.Column("made_by", whole, nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("revoked_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_calendar_feed_brand_id_brand")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_calendar_feed_made_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_calendar_feed_secret_hash")),
    )
    op.create_index(op.f("ix_calendar_feed_made_by"), "calendar_feed", ["made_by"])


def downgrade() -> None:
    op.drop_table("calendar_feed")
