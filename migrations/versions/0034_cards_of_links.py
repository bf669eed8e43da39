"""the cards of links: what was decided about them, and what the pages said

Revision ID: 0034
Revises: 0033
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0034"
down_revision = "0033"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "link_preview",
        sa.Column("id", _whole, nullable=False),
        sa.Column("staff_id", _whole, nullable=False),
        sa.Column("digest", sa.String(300), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("final_url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("media_id", _whole, nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_link_preview_media_id_media")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_link_preview_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_preview")),
        sa.UniqueConstraint("staff_id", "digest", name=op.f("uq_link_preview_staff_id_digest")),
    )
    op.create_index(op.f("ix_link_preview_media_id"), "link_preview", ["media_id"])
    op.create_index(op.f("ix_link_preview_fetched_at"), "link_preview", ["fetched_at"])
    op.add_column("variant", sa.Column("cards", Json, nullable=False, server_default="{}"))
    op.add_column("variant_media", sa.Column("is_of_card", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("post_target", sa.Column("gives_cards", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("media", sa.Column("is_of_link", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("media", "is_of_link")
    op.drop_column("post_target", "gives_cards")
    op.drop_column("variant_media", "is_of_card")
    op.drop_column("variant", "cards")
    op.drop_table("link_preview")
