"""links tagged as a brand says

Revision ID: 0028
Revises: 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0028"
down_revision = "0027"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "link_rule",
        sa.Column("brand_id", _whole, nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("domains", Json, nullable=False),
        sa.Column("patterns", Json, nullable=False),
        sa.Column("exceptions", Json, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_link_rule_brand_id_brand")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_link_rule")),
    )
    op.add_column("post", sa.Column("tags_links", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("post_target", sa.Column("link_tags", Json, nullable=True))


def downgrade() -> None:
    op.drop_column("post_target", "link_tags")
    op.drop_column("post", "tags_links")
    op.drop_table("link_rule")
