"""how far each person has read, and how soon a brand answers

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "conversation_seen",
        sa.Column("conversation_id", whole, nullable=False),
        sa.Column("staff_id", whole, nullable=False),
        sa.Column("through_message_id", whole, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_conversation_seen_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_conversation_seen_staff_id_staff")),
        sa.PrimaryKeyConstraint("conversation_id", "staff_id", name=op.f("pk_conversation_seen")),
    )
    op.add_column("brand", sa.Column("answer_within_minutes", whole, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("brand") as table:
        table.drop_column("answer_within_minutes")
    op.drop_table("conversation_seen")
