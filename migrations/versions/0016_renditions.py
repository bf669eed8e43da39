"""renditions: what is made of pictures that a network would refuse

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "rendition",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("media_id", whole, nullable=False),
        sa.Column("recipe", sa.String(300), nullable=False),
        sa.Column("sha256", sa.String(300), nullable=False),
        sa.Column("mime", sa.String(300), nullable=False),
        sa.Column("size", whole, nullable=False),
        sa.Column("width", whole, nullable=False),
        sa.Column("height", whole, nullable=False),
        sa.Column("storage_key", sa.String(300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_rendition_media_id_media")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rendition")),
        sa.UniqueConstraint("media_id", "recipe", name=op.f("uq_rendition_media_id_recipe")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_rendition_storage_key")),
    )
    op.create_table(
        "target_rendition",
        sa.Column("target_id", whole, nullable=False),
        sa.Column("media_id", whole, nullable=False),
        sa.Column("rendition_id", whole, nullable=False),
        sa.ForeignKeyConstraint(
            ["target_id"], ["post_target.id"], name=op.f("fk_target_rendition_target_id_post_target")
        ),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_target_rendition_media_id_media")),
        sa.ForeignKeyConstraint(
            ["rendition_id"], ["rendition.id"], name=op.f("fk_target_rendition_rendition_id_rendition")
        ),
        sa.PrimaryKeyConstraint("target_id", "media_id", name=op.f("pk_target_rendition")),
    )
    op.create_index(op.f("ix_target_rendition_rendition_id"), "target_rendition", ["rendition_id"])


def downgrade() -> None:
    op.drop_table("target_rendition")
    op.drop_table("rendition")
