"""post templates

Revision ID: 0060
Revises: 0064
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0060"
down_revision = "0064"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "post_template",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("brand_id", _whole, nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("folded", sa.String(300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("variants", Json, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_post_template_brand_id_brand")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_template")),
        sa.UniqueConstraint("brand_id", "folded", name=op.f("uq_post_template_brand_id_folded")),
    )


def downgrade() -> None:
    op.drop_table("post_template")
