"""who follows a conversation, and what they are told

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "conversation_follower",
        sa.Column("conversation_id", whole, nullable=False),
        sa.Column("staff_id", whole, nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("mentioned_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_conversation_follower_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_conversation_follower_staff_id_staff")),
        sa.PrimaryKeyConstraint("conversation_id", "staff_id", name=op.f("pk_conversation_follower")),
    )
    op.create_index("ix_conversation_follower_staff", "conversation_follower", ["staff_id", "conversation_id"])
    op.create_table(
        "notice",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("staff_id", whole, nullable=False),
        sa.Column("account_id", whole, nullable=False),
        sa.Column("conversation_id", whole, nullable=False),
        sa.Column("message_id", whole, nullable=True),
        sa.Column("kind", sa.String(300), nullable=False),
        sa.Column("by_staff_id", whole, nullable=True),
        sa.Column("count", whole, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_notice_staff_id_staff")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_notice_account_id_account")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_notice_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_notice_message_id_message")),
        sa.ForeignKeyConstraint(["by_staff_id"], ["staff.id"], name=op.f("fk_notice_by_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_list", "notice", ["staff_id", "at", "id"])
    op.create_index("ix_notice_conversation", "notice", ["conversation_id"])
    op.create_index("ix_notice_at", "notice", ["at"])
    unseen = sa.text("seen_at IS NULL")
    op.create_index(
        "ix_notice_unseen", "notice", ["staff_id", "conversation_id"], postgresql_where=unseen, sqlite_where=unseen
    )


def downgrade() -> None:
    op.drop_table("notice")
    op.drop_table("conversation_follower")
