"""fair shares of a team's queue: a cap by the hour, the order of handing out, what was handed out

Revision ID: 0066
Revises: 0067
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Id, UTCDateTime

revision = "0066"
down_revision = "0067"

_LIES = sa.text("assignee_id IS NULL AND state IN ('new', 'open')")


def upgrade() -> None:
    op.add_column("team", sa.Column("queue_order", sa.String(300), nullable=False, server_default="oldest"))
    op.add_column("team", sa.Column("hourly_cap", Id, nullable=False, server_default="0"))
    op.create_table(
        "handout",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        _to("team"),
        _to("staff"),
        sa.Column("given_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handout")),
    )
    op.create_index("ix_handout_team", "handout", ["team_id", "given_at"])
    op.create_index(
        "ix_conversation_lies", "conversation", ["team_id", "state"], postgresql_where=_LIES, sqlite_where=_LIES
    )


def _to(target: str) -> sa.Column[int]:
    return sa.Column(
        f"{target}_id", Id, sa.ForeignKey(f"{target}.id", name=op.f(f"fk_handout_{target}_id_{target}")), nullable=False
    )


def downgrade() -> None:
    op.drop_index("ix_conversation_lies", table_name="conversation")
    op.drop_table("handout")
    for name in ("queue_order", "hourly_cap"):
        op.drop_column("team", name)
