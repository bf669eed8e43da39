"""everybody who changed a post

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "post_editor",
        sa.Column("post_id", whole, nullable=False),
        sa.Column("staff_id", whole, nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_post_editor_post_id_post")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_post_editor_staff_id_staff")),
        sa.PrimaryKeyConstraint("post_id", "staff_id", name=op.f("pk_post_editor")),
    )
    op.execute("INSERT INTO post_editor SELECT id, edited_by FROM post WHERE edited_by IS NOT NULL")
    op.drop_column("post", "edited_by")


def downgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    staff = sa.ForeignKey("staff.id", name=op.f("fk_post_edited_by_staff"))
    op.add_column("post", sa.Column("edited_by", whole, staff, nullable=True), inline_references=True)
    op.execute("UPDATE post SET edited_by = (SELECT max(staff_id) FROM post_editor WHERE post_id = post.id)")
    op.drop_table("post_editor")
