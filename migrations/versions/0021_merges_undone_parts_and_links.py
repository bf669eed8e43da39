"""merges that can be undone, conversations in parts, and links between them

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_THREAD = "uq_conversation_thread"
_OPEN = sa.text("state <> 'closed' AND merged_into_id IS NULL")


def _one_for_each(*columns: str) -> None:
    op.drop_index(_THREAD, table_name="conversation")
    op.create_index(
        _THREAD, "conversation", list(columns), unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN
    )  # fmt: skip


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("conversation", sa.Column("part", whole, nullable=False, server_default="0"))
    _one_for_each("account_id", "identity_id", "thread_root", "part")
    # Which conversation it is is no matter of the database's: a merge is undone by our own hand.
    op.add_column("message", sa.Column("came_to_id", whole, nullable=True))
    merged = sa.text("came_to_id IS NOT NULL")
    op.create_index(
        "ix_message_came_to", "message", ["conversation_id", "came_to_id"],
        postgresql_where=merged, sqlite_where=merged,
    )  # fmt: skip
    op.create_table(
        "conversation_link",
        sa.Column("conversation_id", whole, nullable=False),
        sa.Column("other_id", whole, nullable=False),
        sa.Column("kind", sa.String(300), nullable=False),
        sa.Column("staff_id", whole, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_conversation_link_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["conversation.id"], name=op.f("fk_conversation_link_other_id_conversation")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_conversation_link_staff_id_staff")),
        sa.PrimaryKeyConstraint("conversation_id", "other_id", name=op.f("pk_conversation_link")),
    )
    op.create_index("ix_conversation_link_other_id", "conversation_link", ["other_id"])


def downgrade() -> None:
    op.drop_table("conversation_link")
    op.drop_index("ix_message_came_to", table_name="message")
    op.drop_column("message", "came_to_id")
    _one_for_each("account_id", "identity_id", "thread_root")
    op.drop_column("conversation", "part")
