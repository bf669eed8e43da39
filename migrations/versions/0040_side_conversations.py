"""side conversations, and whom one waits for

Revision ID: 0040
Revises: 0035
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0040"
down_revision = "0035"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)
_PARTIAL = (
    ("ix_conversation_awaits", "conversation", ["account_id", "awaits"], "awaits <> ''"),
    ("ix_conversation_remind", "conversation", ["remind_at"], "remind_at IS NOT NULL"),
    ("ix_message_side", "message", ["side_id", "sort_at", "id"], "side_id IS NOT NULL"),
    ("ix_message_side_remote", "message", ["remote_id"], "side_id IS NOT NULL"),
)


def upgrade() -> None:
    op.create_table(
        "side_conversation",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("conversation_id", _whole, nullable=False),
        sa.Column("came_to_id", _whole, nullable=True),
        sa.Column("account_id", _whole, nullable=False),
        sa.Column("staff_id", _whole, nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("token", sa.String(300), nullable=False),
        sa.Column("recipients", Json, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("last_at", _moment, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_side_conversation_account_id_account")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_side_conversation_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_side_conversation_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_side_conversation")),
        sa.UniqueConstraint("token", name=op.f("uq_side_conversation_token")),
    )
    op.create_index(op.f("ix_side_conversation_conversation_id"), "side_conversation", ["conversation_id"])
    op.add_column("message", sa.Column("side_id", _whole, nullable=True))
    op.add_column("conversation", sa.Column("awaits", sa.String(300), nullable=False, server_default=""))
    op.add_column("conversation", sa.Column("awaits_staff_id", _whole, nullable=True))
    op.add_column("conversation", sa.Column("awaits_since", _moment, nullable=True))
    op.add_column("conversation", sa.Column("remind_at", _moment, nullable=True))
    for name, table, columns, where in _PARTIAL:
        op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def downgrade() -> None:
    """What was said beside conversations is gone with its threads."""
    for name, table, _, _ in _PARTIAL:
        op.drop_index(name, table)
    op.execute("DELETE FROM attachment WHERE message_id IN (SELECT id FROM message WHERE side_id IS NOT NULL)")
    op.execute("DELETE FROM message WHERE side_id IS NOT NULL")
    for column in ("remind_at", "awaits_since", "awaits_staff_id", "awaits"):
        op.drop_column("conversation", column)
    op.drop_column("message", "side_id")
    op.drop_table("side_conversation")
