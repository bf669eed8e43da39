"""mentions

Revision ID: 0067
Revises: 0068
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Id, Json, UTCDateTime

revision = "0067"
down_revision = "0068"


def upgrade() -> None:
    op.create_table(
        "contact",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("brand_id", Id, nullable=True),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("folded", sa.String(300), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_contact_brand_id_brand")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("brand_id", "folded", name=op.f("uq_contact_brand_id_folded")),
    )
    of_all = sa.text("brand_id IS NULL")
    op.create_index(
        "uq_contact_of_all", "contact", ["folded"], unique=True, postgresql_where=of_all, sqlite_where=of_all
    )
    op.create_table(
        "contact_handle",
        sa.Column("contact_id", Id, nullable=False),
        sa.Column("network", sa.String(300), nullable=False),
        sa.Column("handle", sa.String(300), nullable=False),
        sa.Column("remote_id", sa.String(300), nullable=False),
        sa.Column("state", sa.String(300), nullable=False),
        sa.Column("checked_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_contact_handle_contact_id_contact")),
        sa.PrimaryKeyConstraint("contact_id", "network", name=op.f("pk_contact_handle")),
    )
    op.add_column("post_target", sa.Column("mentions", Json, nullable=True))


def downgrade() -> None:
    op.drop_column("post_target", "mentions")
    op.drop_table("contact_handle")
    op.drop_table("contact")
