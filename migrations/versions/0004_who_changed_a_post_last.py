"""who changed a post last

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    staff = sa.ForeignKey("staff.id", name=op.f("fk_post_edited_by_staff"))
    # Inline: SQLite would copy the table for a constraint of its own, and posts are referred to.
    op.add_column("post", sa.Column("edited_by", whole, staff, nullable=True), inline_references=True)


def downgrade() -> None:
    op.drop_column("post", "edited_by")
