"""pools of experts

Revision ID: 0037
Revises: 0041
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Id, UTCDateTime

revision = "0037"
down_revision = "0041"
_POOLED = sa.text("topic_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "topic",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("brand_id", Id, nullable=True),
        sa.Column("reviewed", sa.Boolean(), nullable=False),
        sa.Column("return_minutes", Id, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_topic_brand_id_brand")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
        sa.UniqueConstraint("name", name=op.f("uq_topic_name")),
    )
    op.create_table(
        "topic_expert",
        sa.Column("topic_id", Id, nullable=False),
        sa.Column("staff_id", Id, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_topic_expert_staff_id_staff")),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_topic_expert_topic_id_topic")),
        sa.PrimaryKeyConstraint("topic_id", "staff_id", name=op.f("pk_topic_expert")),
    )
    op.create_index("ix_topic_expert_staff_id", "topic_expert", ["staff_id"])
    op.add_column(
        "brand", sa.Column("expert_credit", sa.String(length=300), nullable=False, server_default="via {name}")
    )
    op.add_column("conversation", sa.Column("topic_id", Id, nullable=True))
    op.add_column("conversation", sa.Column("pooled_at", UTCDateTime(), nullable=True))
    op.add_column("conversation", sa.Column("pooled_by", Id, nullable=True))
    op.add_column("conversation", sa.Column("expert_id", Id, nullable=True))
    op.create_index(
        "ix_conversation_topic", "conversation", ["topic_id", "state"], postgresql_where=_POOLED, sqlite_where=_POOLED
    )


def downgrade() -> None:
    op.drop_index("ix_conversation_topic", "conversation")
    op.drop_column("conversation", "expert_id")
    op.drop_column("conversation", "pooled_by")
    op.drop_column("conversation", "pooled_at")
    op.drop_column("conversation", "topic_id")
    op.drop_column("brand", "expert_credit")
    op.drop_table("topic_expert")
    op.drop_table("topic")
