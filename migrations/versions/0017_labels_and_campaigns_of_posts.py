"""labels and campaigns of posts

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "post_tag",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("brand_id", whole, nullable=False),
        sa.Column("kind", sa.String(300), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("folded", sa.String(300), nullable=False),
        sa.Column("colour", sa.String(300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_post_tag_brand_id_brand")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_tag")),
        sa.UniqueConstraint("brand_id", "kind", "folded", name=op.f("uq_post_tag_brand_id_kind_folded")),
    )
    op.create_table(
        "post_tagging",
        sa.Column("post_id", whole, nullable=False),
        sa.Column("tag_id", whole, nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_post_tagging_post_id_post")),
        sa.ForeignKeyConstraint(["tag_id"], ["post_tag.id"], name=op.f("fk_post_tagging_tag_id_post_tag")),
        sa.PrimaryKeyConstraint("post_id", "tag_id", name=op.f("pk_post_tagging")),
    )
    op.create_index(op.f("ix_post_tagging_tag_id"), "post_tagging", ["tag_id"])


def downgrade() -> None:
    op.drop_table("post_tagging")
    op.drop_table("post_tag")
