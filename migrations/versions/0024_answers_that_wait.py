"""answers that do not go out at once: some seconds to undo, or a wall time

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("staff", sa.Column("undo_seconds", whole, nullable=False, server_default="5"))
    op.create_table(
        "pending_answer",
        sa.Column("message_id", whole, nullable=False),
        sa.Column("conversation_id", whole, nullable=False),
        sa.Column("kind", sa.String(300), nullable=False),
        sa.Column("wall_time", sa.String(300), nullable=False),
        sa.Column("time_zone", sa.String(300), nullable=False),
        sa.Column("then_close", sa.Boolean(), nullable=False),
        sa.Column("state_before", sa.String(300), nullable=False),
        sa.Column("hold_before", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_pending_answer_message_id_message")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_pending_answer_conversation_id_conversation")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_pending_answer")),
    )
    op.create_index(op.f("ix_pending_answer_conversation_id"), "pending_answer", ["conversation_id"])


def downgrade() -> None:
    op.drop_table("pending_answer")
    op.drop_column("staff", "undo_seconds")
