"""notices by mail: what each person wants, and the mails that told them

Revision ID: 0062
Revises: 0060
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Id, Json, ToldText, UTCDateTime

revision = "0062"
down_revision = "0060"


def upgrade() -> None:
    op.create_table(
        "letter_wish",
        sa.Column("staff_id", Id, nullable=False),
        sa.Column("choices", Json, nullable=False),
        sa.Column("daily_at", sa.String(length=300), nullable=False),
        sa.Column("soon_through", UTCDateTime(), nullable=False),
        sa.Column("hourly_through", UTCDateTime(), nullable=False),
        sa.Column("daily_through", UTCDateTime(), nullable=False),
        sa.Column("nonce", sa.String(length=300), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_letter_wish_staff_id_staff")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_letter_wish")),
    )
    op.create_table(
        "letter",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("staff_id", Id, nullable=False),
        sa.Column("rhythm", sa.String(length=300), nullable=False),
        sa.Column("subjects", Json, nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("through", UTCDateTime(), nullable=False),
        sa.Column("state", sa.String(length=300), nullable=False),
        sa.Column("tries", Id, nullable=False),
        sa.Column("next_at", UTCDateTime(), nullable=True),
        sa.Column("said", ToldText(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("done_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_letter_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
    )
    holds = sa.text("next_at IS NOT NULL")
    op.create_index("ix_letter_next", "letter", ["next_at", "id"], postgresql_where=holds, sqlite_where=holds)
    op.create_index("ix_letter_staff", "letter", ["staff_id", "id"])
    op.create_index("ix_letter_at", "letter", ["at"])


def downgrade() -> None:
    op.drop_table("letter")
    op.drop_table("letter_wish")
