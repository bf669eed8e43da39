"""libraries of files: whose a file is, and what holds it

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    brand = sa.ForeignKey("brand.id", name=op.f("fk_media_brand_id_brand"))
    # Inline: SQLite would copy the table for a constraint of its own, and files are referred to.
    op.add_column("media", sa.Column("brand_id", whole, brand, nullable=True), inline_references=True)
    op.create_index(op.f("ix_media_brand_id"), "media", ["brand_id"])
    op.create_index(op.f("ix_media_uploaded_by"), "media", ["uploaded_by"])
    op.create_index(op.f("ix_attachment_storage_key"), "attachment", ["storage_key"])


def downgrade() -> None:
    op.drop_index(op.f("ix_attachment_storage_key"), "attachment")
    op.drop_index(op.f("ix_media_uploaded_by"), "media")
    op.drop_index(op.f("ix_media_brand_id"), "media")
    op.drop_column("media", "brand_id")
