"""answers that a colleague approves

Revision ID: 0036
Revises: 0040
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Id, UTCDateTime

revision = "0036"
down_revision = "0040"


def upgrade() -> None:
    op.create_table(
        "answer_review",
        sa.Column("delivery_id", Id, nullable=False),
        sa.Column("state", sa.String(length=300), nullable=False),
        sa.Column("content_hash", sa.String(length=300), nullable=False),
        sa.Column("asked_by", Id, nullable=True),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("settled_by", Id, nullable=True),
        sa.Column("settled_at", UTCDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_answer_review_asked_by_staff")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_answer_review_delivery_id_delivery")),
        sa.ForeignKeyConstraint(["settled_by"], ["staff.id"], name=op.f("fk_answer_review_settled_by_staff")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_answer_review")),
    )
    op.add_column("staff", sa.Column("answers_reviewed", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("staff", "answers_reviewed")
    op.drop_table("answer_review")
