"""one answer to many

Revision ID: 0045
Revises: 0048
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json, ToldText

revision = "0045"
down_revision = "0048"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "bulk_reply",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("staff_id", _whole, nullable=False),
        sa.Column("state", sa.String(300), nullable=False),
        sa.Column("variants", Json, nullable=False),
        sa.Column("pace", _whole, nullable=False),
        sa.Column("then_close", sa.Boolean(), nullable=False),
        sa.Column("undo_seconds", _whole, nullable=False),
        sa.Column("version", _whole, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("updated_at", _moment, nullable=False),
        sa.Column("sent_at", _moment, nullable=True),
        sa.Column("stopped_at", _moment, nullable=True),
        sa.Column("stopped_by", _whole, nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_bulk_reply_staff_id_staff")),
        sa.ForeignKeyConstraint(["stopped_by"], ["staff.id"], name=op.f("fk_bulk_reply_stopped_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_reply")),
    )
    op.create_index(op.f("ix_bulk_reply_staff_id"), "bulk_reply", ["staff_id"])
    op.create_table(
        "bulk_reply_row",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("bulk_id", _whole, nullable=False),
        sa.Column("position", _whole, nullable=False),
        sa.Column("conversation_id", _whole, nullable=False),
        sa.Column("account_id", _whole, nullable=False),
        sa.Column("state", sa.String(300), nullable=False),
        sa.Column("variant", _whole, nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("is_out", sa.Boolean(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("used", _whole, nullable=False),
        sa.Column("room", _whole, nullable=False),
        sa.Column("seen_through", _whole, nullable=True),
        sa.Column("excluded", sa.String(300), nullable=False),
        sa.Column("reason", ToldText(), nullable=False),
        sa.Column("problems", Json, nullable=False),
        sa.Column("notes", Json, nullable=False),
        sa.Column("planned_at", _moment, nullable=True),
        sa.Column("message_id", _whole, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_bulk_reply_row_account_id_account")),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk_reply.id"], name=op.f("fk_bulk_reply_row_bulk_id_bulk_reply")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_bulk_reply_row_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_bulk_reply_row_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_reply_row")),
        sa.UniqueConstraint("bulk_id", "conversation_id", name=op.f("uq_bulk_reply_row_bulk_id_conversation_id")),
    )
    op.create_index(op.f("ix_bulk_reply_row_conversation_id"), "bulk_reply_row", ["conversation_id"])
    queued, planned = sa.text("state = 'queued'"), sa.text("state = 'planned'")
    op.create_index(
        "ix_bulk_reply_row_queued", "bulk_reply_row", ["bulk_id", "position"],
        postgresql_where=queued, sqlite_where=queued,
    )  # fmt: skip
    op.create_index(
        "ix_bulk_reply_row_planned", "bulk_reply_row", ["account_id", "planned_at"],
        postgresql_where=planned, sqlite_where=planned,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("bulk_reply_row")
    op.drop_table("bulk_reply")
