"""what says the same: a key of each text that a customer wrote, for rules that ask what is repeated

Messages from before it have none: they are not counted.

Revision ID: 0059
Revises: 0046
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0046"

_WHERE = sa.text("same_key IS NOT NULL")


def upgrade() -> None:
    op.add_column("message", sa.Column("same_key", sa.String(300)))
    op.create_index(
        "ix_message_same", "message", ["account_id", "same_key", "id"], postgresql_where=_WHERE, sqlite_where=_WHERE
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_message_same", table_name="message")
    op.drop_column("message", "same_key")
