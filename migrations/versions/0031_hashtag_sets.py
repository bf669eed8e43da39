"""hashtag sets

Revision ID: 0031
Revises: 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0031"
down_revision = "0030"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hashtag_set",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("brand_id", _whole, nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("folded", sa.String(300), nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_hashtag_set_brand_id_brand")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hashtag_set")),
        sa.UniqueConstraint("brand_id", "folded", name=op.f("uq_hashtag_set_brand_id_folded")),
    )


def downgrade() -> None:
    op.drop_table("hashtag_set")
