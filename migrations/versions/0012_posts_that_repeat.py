"""posts that repeat

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import UTCDateTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "series",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("brand_id", whole, nullable=False),
        sa.Column("author_id", whole, nullable=False),
        sa.Column("rule", sa.String(length=300), nullable=False),
        sa.Column("wall_time", sa.String(length=300), nullable=False),
        sa.Column("time_zone", sa.String(length=300), nullable=False),
        sa.Column("fold_rule", sa.String(length=300), nullable=False),
        sa.Column("gap_rule", sa.String(length=300), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_series_brand_id_brand")),
        sa.ForeignKeyConstraint(["author_id"], ["staff.id"], name=op.f("fk_series_author_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
    )
    series = sa.ForeignKey("series.id", name=op.f("fk_post_series_id_series"))
    # Inline: SQLite would copy the table for a constraint of its own, and posts are referred to.
    op.add_column("post", sa.Column("series_id", whole, series, nullable=True), inline_references=True)
    op.add_column("post", sa.Column("is_exception", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_post_series_id"), "post", ["series_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_post_series_id"), table_name="post")
    op.drop_column("post", "is_exception")
    op.drop_column("post", "series_id")
    op.drop_table("series")
