"""tables of posts that were brought in

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "post_import",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("staff_id", whole, nullable=False),
        sa.Column("filename", sa.String(300), nullable=False),
        sa.Column("digest", sa.String(300), nullable=False),
        sa.Column("post_count", whole, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("undone_at", moment, nullable=True),
        sa.Column("undone_by", whole, nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_post_import_staff_id_staff")),
        sa.ForeignKeyConstraint(["undone_by"], ["staff.id"], name=op.f("fk_post_import_undone_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_import")),
    )
    op.create_index(op.f("ix_post_import_staff_id"), "post_import", ["staff_id"])
    stands = sa.text("undone_at IS NULL")
    op.create_index(
        "uq_post_import_digest", "post_import", ["digest"], unique=True, postgresql_where=stands, sqlite_where=stands
    )
    imports = sa.ForeignKey("post_import.id", name=op.f("fk_post_import_id_post_import"))
    # Inline: SQLite would copy the table for a constraint of its own, and posts are referred to.
    op.add_column("post", sa.Column("import_id", whole, imports, nullable=True), inline_references=True)
    op.create_index(op.f("ix_post_import_id"), "post", ["import_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_post_import_id"), "post")
    op.drop_column("post", "import_id")
    op.drop_table("post_import")
